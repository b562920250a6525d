"""Writing of spreadsheets, each in a process of its own, which needs little memory however long the table is."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress

from rundun.errors import Problem
from rundun.logs import log
from rundun.subprocess_environment import subprocess_environment

PIECE = 64 * 1024


async def write(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield an XLSX file in pieces. `lines` are the rows, the headings first, each a line of JSON: an array of texts,
    numbers, null, `["date", "2026-01-01"]`, `["time", "2026-01-01T09:00:00"]` and `["link", number, url]`; several
    lines may come together. Raises `unavailable` where the process fails, and what `lines` raises.
    """
    with tempfile.TemporaryDirectory(prefix="rundun-") as folder:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "rundun.spreadsheets.write_child", folder),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=subprocess_environment(),
        )
        try:
            await _feed(child, lines)
            assert child.stdout is not None
            while piece := await child.stdout.read(PIECE):
                yield piece
            if await child.wait() != 0:
                log("error", "spreadsheet.unwritten", status=child.returncode)
                raise Problem("unavailable", "The table could not be written; try again.", retry_after=5)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _feed(child: Process, lines: AsyncIterator[bytes]) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # its status says why
        async for line in lines:
            child.stdin.write(line)
            await child.stdin.drain()
        child.stdin.close()
        await child.stdin.wait_closed()
