"""Reading of spreadsheets, each in a process bounded in memory and time: a hostile file ends only its process."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass, field

from pydantic_core import from_json

from rundun.core import csv_text
from rundun.errors import Problem, WrongTable
from rundun.logs import log
from rundun.pool import BoundedPool, RefusalReason
from rundun.subprocess_environment import subprocess_environment

TIMEOUT_SECONDS = 20
AT_ONCE_OF_OWNER, AT_ONCE = 2, 4  # processes
_BEGINNINGS = (b"PK", b"\xd0\xcf\x11\xe0")  # of a ZIP archive, which XLSX is, and of older Office files
_REFUSALS = {
    "rows": "The table has more than 1,000 rows. Send it in parts.",
    "large": "The table has more than 2 MiB of text. Send it in parts.",
    "password": "The file is protected by a password. Save it without one.",
}
_NO_VALUE = "These cells show an error, or a formula that was not calculated: {cells}."
_UNREADABLE = "The file can't be read: it is no spreadsheet, or a damaged or huge one. Save it as CSV, and try that."


@dataclass(frozen=True, slots=True)
class SpreadsheetReader:
    """The service's reader: at most `AT_ONCE` processes, two for each owner, which is an organization."""

    places: BoundedPool = field(default_factory=lambda: BoundedPool(_refuse_file))

    async def read(self, data: bytes, owner: str) -> str:
        """Return the text of a CSV file or of a spreadsheet's first sheet; raise `unavailable` if too many files are
        being read, and the errors of `read`.
        """
        with self.places.place({owner: AT_ONCE_OF_OWNER, "": AT_ONCE}):
            return await read(data)


def _refuse_file(why: RefusalReason) -> Problem:
    return Problem("unavailable", "Other tables are being read right now; try again shortly.", retry_after=5)


async def read(data: bytes) -> str:
    """Return the text of a CSV file, or the rows of a spreadsheet's first sheet as lines with tabs between cells; raise
    `invalid` or `too_large`.
    """
    if len(data) > csv_text.MAX_BYTES:
        raise Problem("too_large", "The file has more than 2 MiB.")
    if not data.startswith(_BEGINNINGS):
        return csv_text.decode(data)
    answer = await _ask_child(data)
    if "text" in answer:
        return answer["text"]
    word, _, cells = answer["refusal"].partition(" ")
    if word == "no_value":
        raise WrongTable(_NO_VALUE, cells=", ".join(cells.split()))
    raise Problem("invalid", _REFUSALS[word])


async def _ask_child(data: bytes) -> dict[str, str]:
    """Return the answer of a process that reads the spreadsheet: the rows as `text`, or a word as `refusal`; raise
    `invalid` if it ends without one.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rundun.spreadsheets.child"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # a crashing reader writes a hundred lines
        env=subprocess_environment(),
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            told, _ = await child.communicate(data)
    except TimeoutError:
        told = b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == 0:
        answer: dict[str, str] = from_json(told)
        return answer
    log("warning", "spreadsheet.unreadable", bytes=len(data), status=child.returncode)
    raise Problem("invalid", _UNREADABLE)
