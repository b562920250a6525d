"""`<database>.sock`: the socket by which the command line runs an action in the service that has the database open.

One JSON line in, one JSON line out. The socket has mode 0600: only the owner of the database file may use it.
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from rundun.errors import FieldError, Problem
from rundun.logs import log

if TYPE_CHECKING:
    from rundun.store.database import Database

MAX_LINE = 16 * 1024 * 1024  # bytes: a table of jobs has up to 2 MiB, its JSON several times that
TIMEOUT_SECONDS = 30
SETTINGS_COMMAND = "settings"  # sent first by every command, so it is answered from memory and not logged
ALERT_TEST_COMMAND = "alerts test"
SETTINGS_SECONDS = 5  # that a command waits for them; else it uses its own settings
MAX_ADDRESS = 100  # bytes of a socket's address, a little less than 108 on Linux and 104 elsewhere


class NotListening(Problem):
    """Raised when no service listens on the socket, so no command was sent."""


def socket_path(database: Path) -> Path:
    """Return the path `<file>.sock` beside the database file, the real one where `database` is a symbolic link."""
    real = database.resolve()
    return real.with_name(real.name + ".sock")


def remove_socket(path: Path) -> None:
    """Delete a socket if it is there."""
    path.unlink(missing_ok=True)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield a path of the socket short enough for an address, in a deep folder (Linux) through its open descriptor."""
    if len(os.fsencode(path)) <= MAX_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@asynccontextmanager
async def listening(
    database: "Database",
    path: Path,
    settings: Mapping[str, Any],
    errands: Mapping[str, Callable[[], Awaitable[object]]] | None = None,
) -> AsyncIterator[None]:
    """Serve commands while the context lasts. `settings` are the effective ones, returned on request; `errands` are
    commands, by name, that work outside of the database.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                if line := await reader.readline():  # an empty line: a client only checked that the service listens
                    writer.write(to_json(await _answer(database, settings, errands or {}, line)) + b"\n")
                    await writer.drain()
        except asyncio.CancelledError:  # the service stops; asyncio would log this as a failure
            pass
        except Exception as error:  # no error of a command may stop the service
            log("warning", "control.failed", error=f"{type(error).__name__}: {error}")
        finally:
            writer.close()

    old = os.umask(0o177)
    try:
        remove_socket(path)  # this process has the lock, so a socket left there is dead
        with _address(path) as address:
            server = await asyncio.start_unix_server(serve, address, limit=MAX_LINE)
    except OSError as error:
        raise Problem("unavailable", f"The socket {path} can't be made: {error.strerror or error}.") from None
    finally:
        os.umask(old)
    try:
        yield
    finally:
        server.close()
        remove_socket(path)


async def _answer(
    database: "Database",
    settings: Mapping[str, Any],
    errands: Mapping[str, Callable[[], Awaitable[object]]],
    line: bytes,
) -> dict[str, Any]:
    request = from_json(line)
    command = request["command"]
    if command == SETTINGS_COMMAND:
        return {"result": settings}
    from rundun.actions.commands import COMMANDS  # imports all actions, which a request for settings does not need

    try:
        if command in errands:
            result = await errands[command]()
        elif command in COMMANDS:
            result = await database.write_last(COMMANDS[command], **request["arguments"])
        else:
            raise Problem("invalid", f"The running service knows no command “{command}”.")
    except Problem as problem:
        errors = [[error.pointer, error.code, error.detail] for error in problem.errors]
        return {"problem": {"code": problem.code, "detail": problem.detail, "places": errors}}
    log("info", "command", command=command)
    return {"result": result}


@contextmanager
def _connected(path: Path, seconds: float = TIMEOUT_SECONDS) -> Iterator[socket.socket]:
    """Yield a connection to the running service; raise `NotListening`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            with _address(path) as address:
                connection.connect(address)
        except OSError:
            detail = f"Another process holds the database, but does not listen on {path}."
            raise NotListening("unavailable", detail) from None
        yield connection


def is_listening(path: Path) -> bool:
    """Tell whether a service listens on the socket."""
    return find_listener(path) is not None


def find_listener(path: Path) -> int | None:
    """Return the id of the process that listens on the socket, 0 if the system does not tell; None without one."""
    try:
        with _connected(path) as connection:
            if not hasattr(socket, "SO_PEERCRED"):  # Linux has it
                return 0
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[0])
    except NotListening:
        return None


def ask_settings(path: Path) -> Any:
    """Return the running service's effective settings, as JSON values by key such as `server.port`; raise
    `NotListening`, or another `Problem`.
    """
    return send_command(path, SETTINGS_COMMAND, {}, SETTINGS_SECONDS)


def send_command(path: Path, command: str, arguments: dict[str, Any], seconds: float = TIMEOUT_SECONDS) -> Any:
    """Send a command to the running service and return its result as a JSON value; raise its `Problem`, `NotListening`,
    `too_large`, or `unavailable` without an answer in `seconds`: then the command may have been executed.
    """
    line = to_json({"command": command, "arguments": arguments}) + b"\n"
    if len(line) > MAX_LINE:
        raise Problem("too_large", f"That is more than the {MAX_LINE} bytes a running service takes.")
    with _connected(path, seconds) as connection:
        try:
            connection.sendall(line)
            with connection.makefile("rb") as stream:
                answer = from_json(stream.readline())
        except (OSError, ValueError):
            detail = "The service did not answer; its log may say why. Look whether it was done before you repeat it."
            raise Problem("unavailable", detail) from None
    if "problem" in answer:
        problem = answer["problem"]
        raise Problem(problem["code"], problem["detail"], [FieldError(*error) for error in problem["places"]])
    return answer["result"]
