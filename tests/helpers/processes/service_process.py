"""The service as a process of its own, the command line beside it, and who talks to it."""

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import httpx2
from click.testing import CliRunner, Result

from rundun.cli import serve
from rundun.cli.main import main
from rundun.pdf import writer as pdf_writer
from tests.helpers.files.database import make_empty
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.forking import fork

# Whether PDFs can be made is looked up once a process: it takes half a second, each time that somebody types `check`.
serve.pdf_writer = SimpleNamespace(  # type: ignore[assignment]
    is_installed=pdf_writer.is_installed, find_missing=cache(pdf_writer.find_missing)
)
ROOT = Path(__file__).resolve().parents[3]
BALANCE = 100_000


def environment(root: Path = ROOT, **settings: str) -> dict[str, str]:
    """This process's environment without settings of somebody else's, and with these (`webhooks_allow=…`); `root` is
    where the code is.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNDUN_")}
    given = {f"RUNDUN_{name.upper()}": value for name, value in settings.items()}
    return {**kept, **given, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}


class Serving:
    """`rundun serve` in `folder`, its output read as it comes; it ends with the context at the latest. The process is
    forked, or, with a `root`, has read the code that lies there itself.
    """

    def __init__(self, folder: Path, *arguments: str, root: Path | None = None, **settings: str) -> None:
        if root is None:
            self._watch(*fork(["serve", *arguments], folder, environment(**settings)))
        else:
            command = [sys.executable, "-m", "rundun", "serve", *arguments]
            self._start(command, cwd=folder, env=environment(root, **settings))

    def _start(self, command: Sequence[str | Path], **more: Any) -> None:
        """Start a process that nobody types to, and read what it says."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, **streams, encoding="utf-8", **more)
        assert process.stdout and process.stderr
        self._watch(process, process.stdout, process.stderr)

    def _watch(self, process: Any, out: IO[str], err: IO[str] | None = None) -> None:
        """Read what a process says, on one stream or two, as it comes."""
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._more_due = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines))
            for stream, lines in ((out, self.out), (err, self.err))
            if stream
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._more_due:
                    lines.append(line)
                    self._more_due.notify_all()
        with self._more_due:
            self._more_due.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of its output that matches, as soon as it is there; fails with all it said if none comes."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found.extend(match for line in [*self.out, *self.err] if (match := re.search(pattern, line)))
            return bool(found) or not any(reader.is_alive() for reader in self._readers)

        with self._more_due:
            self._more_due.wait_for(look, PATIENCE)
        assert found, f"no {pattern!r} in:\n{self.text}"
        return found[0]

    @property
    def text(self) -> str:
        """All it has said."""
        return "".join([*self.out, *self.err])

    @property
    def url(self) -> str:
        """Where it listens, once it does."""
        return self.wait_for(r"service\.started .*public_url=(\S+)")[1]

    def kill(self) -> None:
        """As a power cut does, as far as the process is concerned."""
        self.process.send_signal(signal.SIGKILL)
        assert self.ended() == -signal.SIGKILL

    def terminate(self) -> None:
        """Ask it to stop."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Its exit code, once it has one and all its output is read."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def close(self) -> None:
        """End it at the latest now."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


@contextmanager
def serving(folder: Path, *arguments: str, root: Path | None = None, **settings: str) -> Iterator[Serving]:
    """A service on a free port with `rundun.db` in `folder`; more `arguments`, and settings by name."""
    with closing(Serving(folder, "--port", "0", *arguments, root=root, **settings)) as one:
        yield one


def rundun(folder: Path, *arguments: str, database: str = "rundun.db", typed: str = "", **settings: str) -> Result:
    """A command on a database in `folder`, in this process, with `typed` on its standard input. Whatever it does, it
    must not end in a traceback.
    """
    path = str(folder / database)
    result = CliRunner().invoke(main, [*arguments, "--database", path], env=_only(settings), input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def _only(settings: dict[str, str]) -> dict[str, str | None]:
    others = {name: None for name in os.environ if name.startswith("RUNDUN_")}
    return {**others, **{f"RUNDUN_{name.upper()}": value for name, value in settings.items()}}


def done(result: Result) -> str:
    """What a command printed that went well."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout.rstrip("\n")


def dispatched(result: Result) -> str:
    """The link that `runs dispatch` printed, which comes with warnings at an address that no phone opens."""
    assert all(line.startswith("warning: ") for line in result.stderr.splitlines()), result.stderr
    assert result.exit_code == 0
    return result.stdout.rstrip("\n")


async def beside(folder: Path, *arguments: str, **given: Any) -> Result:
    """A command beside a service in this process, which answers it meanwhile."""
    return await asyncio.to_thread(rundun, folder, *arguments, **given)


def is_listening(url: str) -> bool:
    """Whether somebody takes connections there."""
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except ConnectionError:
        return False
    return True


@dataclass
class Acme:
    """An organization with a finite balance, its key and a template, made before the service starts."""

    key: str
    template_id: str

    def client(self, service: Serving) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx2.AsyncClient(base_url=service.url, headers=headers, limits=limits, timeout=PATIENCE)


def settle_in(folder: Path, *steps: dict[str, Any]) -> Acme:
    make_empty(folder / "rundun.db")
    template = folder / "check.json"
    template.write_text(json.dumps({"name": "Check", "steps": steps}))
    done(rundun(folder, "orgs", "create", "Acme"))
    done(rundun(folder, "orgs", "credits", "Acme", "--add", str(BALANCE)))
    key = done(rundun(folder, "keys", "create", "--org", "Acme", "--name", "crash"))
    return Acme(key, done(rundun(folder, "templates", "import", str(template), "--org", "Acme")))


@contextmanager
def looking(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file as it is, whoever else has it open, and of any version."""
    uri = f"{folder.absolute().as_uri()}/rundun.db?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)) as db:
        db.row_factory = sqlite3.Row
        yield db


def rows(db: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(sql).fetchall()]


async def call(client: httpx2.AsyncClient, method: str, path: str, status: int, body: Any) -> Any:
    response = await client.request(method, path, json=body)
    assert response.status_code == status, response.text
    return response.json()
