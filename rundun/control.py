"""`<database>.sock`: how the command line hands an action to the service that holds the database.

One JSON line in, one JSON line out. The socket's mode 0600 is who may: the owner of the database file.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from rundun.actions.commands import WRITING
from rundun.errors import Place, Problem
from rundun.logs import log
from rundun.store.database import Database

LONGEST_LINE = 2 * 1024 * 1024
PATIENCE_SECONDS = 30


def socket_path(database: Path) -> Path:
    """Where the socket of that database lies."""
    return database.with_name(database.name + ".sock")


def clear_away(path: Path) -> None:
    """Take a socket out of the folder."""
    path.unlink(missing_ok=True)


@asynccontextmanager
async def listening(database: Database, path: Path) -> AsyncIterator[None]:
    """Serve commands while the context lasts."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(to_json(await _answer(database, await reader.readline())) + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError) as error:
            log("warning", "control.failed", error=str(error))
        finally:
            writer.close()

    clear_away(path)  # we hold the lock, so whoever left it there is gone
    old = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve, path, limit=LONGEST_LINE)
    finally:
        os.umask(old)
    try:
        yield
    finally:
        server.close()
        clear_away(path)


async def _answer(database: Database, line: bytes) -> dict[str, Any]:
    asked = from_json(line)
    try:
        result = await database.write(WRITING[asked["command"]], **asked["arguments"])
    except Problem as problem:
        places = [[place.pointer, place.code, place.detail] for place in problem.places]
        return {"problem": {"code": problem.code, "detail": problem.detail, "places": places}}
    log("info", "command", command=asked["command"])
    return {"result": result}


def ask(path: Path, command: str, arguments: dict[str, Any]) -> Any:
    """The running service's answer; raises the `Problem` it had."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            detail = f"Another process holds the database, but does not listen on {path}."
            raise Problem("unavailable", detail) from None
        connection.sendall(to_json({"command": command, "arguments": arguments}) + b"\n")
        with connection.makefile("rb") as stream:
            answer = from_json(stream.readline())
    if "problem" in answer:
        told = answer["problem"]
        raise Problem(told["code"], told["detail"], [Place(*place) for place in told["places"]])
    return answer["result"]
