"""Two bars of signal: a real server process, and a line to it that tests cut, stall, spoil and lie on."""

import asyncio
import hashlib
import json
import re
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import httpx2

from rundun.store.backups import backup, restore
from rundun.store.sqlite.database_file import OWNER_ONLY
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import Serving

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Lie = Callable[[str, bytes, bytes], bytes | tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Cut:
    """After how many bytes a connection ends, upwards or downwards; with `stalls` it goes silent instead."""

    up: int | None = None
    down: int | None = None
    stalls: bool = False


@dataclass
class Line:
    """A TCP proxy. While `is_up` is false nobody gets through; each new connection takes the next of `cuts`.

    `lie(target, head, body)`, where one is set, may answer a request itself, or change what is passed on. What it
    passes on waits for `late(target, head)`, where that is set; `passed` names it once the server has answered.
    """

    upstream: int
    port: int = 0
    is_up: bool = True
    cuts: Iterator[Cut] = field(default_factory=lambda: iter(()))
    lie: Lie | None = None
    late: Callable[[str, bytes], Awaitable[None]] | None = None
    passed: list[str] = field(default_factory=list)
    made: int = 0
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def down(self) -> None:
        """The basement door falls shut."""
        self.is_up = False
        for writer in list(self._open):
            writer.transport.abort()

    def up(self) -> None:
        """And opens again."""
        self.is_up = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the phone."""
        self._open.add(writer)
        try:
            if self.is_up:
                await (self._tell_lies(reader, writer) if self.lie else self._pass(reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        self.made += 1
        cut = next(self.cuts, Cut())
        pumps = [
            asyncio.create_task(self._pump(reader, back, cut.up, cut.stalls)),
            asyncio.create_task(self._pump(there, writer, cut.down, False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            back.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: int | None, stalls: bool
    ) -> None:
        while data := await source.read(16_384):
            if left is not None:
                data, left = data[:left], left - len(data)
            sink.write(data)
            await sink.drain()
            if left is not None and left <= 0:
                if stalls:
                    self.stalled.set()
                    await asyncio.Event().wait()
                return

    async def _tell_lies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.lie is not None
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(size[1]) if size else 0)
        told = self.lie(head.split(b" ", 2)[1].decode(), head, body)
        if isinstance(told, bytes):
            writer.write(told)
            await writer.drain()
            return
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", told[0]).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        method, target, _ = head.decode().split(" ", 2)
        if self.late:
            await self.late(target, head)
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            back.write(head + told[1])
            answer = await there.read()
            self.passed.append(f"{method} {urlsplit(target).path}")
            writer.write(answer)
            await writer.drain()
        finally:
            back.transport.abort()


@dataclass
class Depot:
    """Acme with a server process of its own, and Ed's line to it."""

    folder: Path
    service: Serving
    line: Line
    client: httpx2.AsyncClient
    _putting_back: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        """Where the phone finds it."""
        return f"http://127.0.0.1:{self.line.port}"

    async def dispatched(self, *steps: dict[str, Any], job: dict[str, Any] | None = None, **more: Any) -> str:
        """A run of a checklist with these steps; returns its id."""
        template = await self.client.post("/v1/templates", json={"name": "Check", "steps": list(steps), **more})
        assert template.status_code == 201, template.text
        run = await self.client.post("/v1/runs", json={"template_id": template.json()["id"], **(job or {})})
        assert run.status_code == 201, run.text
        return str(run.json()["run_id"])

    async def record(self, run_id: str) -> Any:
        """The run as Acme reads it."""
        return (await self.client.get(f"/v1/runs/{run_id}")).json()

    async def killed_and_restarted(self) -> None:
        """`kill -9`, and the same address again."""
        await asyncio.to_thread(self.service.kill)
        await self._starts()

    async def _starts(self) -> None:
        self.service = Serving(self.folder, "--port", str(self.line.upstream))
        await asyncio.to_thread(lambda: self.service.url)

    async def backs_up(self) -> Path:
        """Make a backup beside the running service; returns its path."""
        path = self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}.db"
        await asyncio.to_thread(backup.make, self.folder / "rundun.db", path)
        return path

    async def restored(self, copy: Path) -> None:
        """Kill the service, put a backup in the place of its database, and start it at the same address."""
        await asyncio.to_thread(self.service.kill)
        await asyncio.to_thread(self._puts_back, copy)
        await self._starts()

    def _puts_back(self, copy: Path) -> None:
        with self._putting_back:  # in between, the old log lies beside the new file
            restore.restore(self.folder / "rundun.db", copy, int(time.time() * 1000), is_live=True)

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What the database file says."""
        with self._putting_back, closing(sqlite3.connect(f"file:{self.folder}/rundun.db?mode=ro", uri=True)) as file:
            return file.execute(query, values).fetchall()

    def generation(self) -> int:
        """The generation of the database."""
        return next((int(row[0]) for row in self.rows("SELECT value FROM service_state WHERE name = 'generation'")), 0)

    def photos(self, run_id: str) -> list[tuple[str, str]]:
        """(photo id, SHA-256 of its bytes as they lie there), in the order of the steps' answers."""
        found = {}
        for photo_id, original, size in self.rows(
            "SELECT photo_id, original, bytes FROM photos JOIN files ON files.number = original WHERE run_id = ?",
            run_id,
        ):
            chunks = self.rows("SELECT bytes FROM chunks WHERE file = ? ORDER BY part", original)
            data = b"".join(row[0] for row in chunks)
            assert len(data) == size
            assert photo_id not in found, "twice"
            found[photo_id] = hashlib.sha256(data).hexdigest()
        return list(found.items())

    def answers(self, run_id: str) -> dict[str, Any]:
        """Step → value of the answers in force, as the file has them; one that closes a step says how."""
        found = self.rows(
            "SELECT step_id, value, skipped, unable FROM answers WHERE run_id = ? AND is_current ORDER BY step_id",
            run_id,
        )
        return {
            step_id: "skipped" if skipped else unable if unable is not None else json.loads(value)
            for step_id, value, skipped, unable in found
        }

    def replaced(self, run_id: str) -> int:
        """Answers in the file that are not in force any more: none when nothing was sent twice or overwritten."""
        ((count,),) = self.rows("SELECT count(*) FROM answers WHERE run_id = ? AND NOT is_current", run_id)
        return int(count)

    def listed(self, run_id: str, step_id: str) -> list[str]:
        """The photos that the answer in force names."""
        ((text,),) = self.rows(
            "SELECT photos FROM answers WHERE run_id = ? AND step_id = ? AND is_current", run_id, step_id
        )
        return list(json.loads(text))

    def events(self, run_id: str) -> list[str]:
        """The events of a run, in their order."""
        return [row[0] for row in self.rows("SELECT event FROM events WHERE run_id = ? ORDER BY seq", run_id)]


@cache
def _first_start() -> tuple[bytes, str]:
    """The database that a first start leaves, and the key that it prints: a copy takes less time than a first start."""
    with TemporaryDirectory() as folder, closing(Serving(Path(folder), "--port", "0")) as one:
        key = one.wait_for(r"rdk_live_\w+")[0]
        assert one.url
        one.terminate()
        assert one.ended() == 0
        return (Path(folder) / "rundun.db").read_bytes(), key


@asynccontextmanager
async def depot(folder: Path, cuts: Iterable[Cut] = ()) -> AsyncIterator[Depot]:
    """A fresh server process and a line to it, while the context lasts."""
    content, key = await asyncio.to_thread(_first_start)
    path = folder / "rundun.db"
    path.touch(OWNER_ONLY)
    path.write_bytes(content)
    service = Serving(folder, "--port", "0")
    one: Depot | None = None
    server: asyncio.Server | None = None
    try:
        url = await asyncio.to_thread(lambda: service.url)
        line = Line(int(url.rsplit(":", 1)[1]), cuts=iter(cuts))
        server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        line.port = server.sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE
        ) as client:
            one = Depot(folder, service, line, client)
            yield one
    finally:
        if server is not None:
            server.close()
        if one is not None:
            one.line.down()
        last = one.service if one else service
        if last.process.poll() is None:
            last.process.kill()
        last.ended()
