"""A small HTTP/1.1 client that costs next to nothing, so that what is measured is the server: kept connections, one
request at a time on each, and the moment at which an answer began.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `body` None sends none, bytes go as they are, anything else as JSON."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        """As it is sent."""
        is_json = self.body is not None and not isinstance(self.body, bytes)
        body = json.dumps(self.body).encode() if is_json else self.body or b""
        lines = [f"{self.method} {self.path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
        if is_json:
            lines.append("content-type: application/json")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Reply:
    """What came: `at` is when its first byte did, on the monotonic clock."""

    status: int
    head: bytes
    body: bytes
    at: float

    @property
    def ok(self) -> Self:
        """Itself, which must be a success."""
        assert 200 <= self.status < 300, (self.status, self.body)
        return self

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Line(asyncio.Protocol):
    """One connection."""

    async def call(self, call: Call) -> Reply:
        """Send and wait for the whole answer."""
        self._buffer, self._at = b"", 0.0
        self._reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._transport.write(call.wire())
        return await self._reply

    def connection_made(self, transport: Any) -> None:
        """Ready."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up, which it must not while somebody waits."""
        if hasattr(self, "_reply") and not self._reply.done():
            self._reply.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        if not self._buffer:
            self._at = time.monotonic()
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0"):
            self._reply.set_result(Reply(int(head[9:12]), head, body, self._at))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


async def connect(port: int) -> Line:
    """A connection to a server on this machine."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def all_of(port: int, calls: Sequence[Call], at_once: int = 32) -> list[Reply]:
    """Make all calls over `at_once` connections; the replies come in the order of the calls."""
    replies: list[Reply | None] = [None] * len(calls)
    waiting = iter(enumerate(calls))

    async def work() -> None:
        line = await connect(port)
        for index, call in waiting:
            replies[index] = await line.call(call)
        line.close()

    await asyncio.gather(*(work() for _ in range(at_once)))
    return [reply for reply in replies if reply is not None]


async def at_rate(port: int, calls: Sequence[Call], per_second: float) -> list[Reply]:
    """Make the calls at a steady rate, whatever the answers take."""
    loop, idle = asyncio.get_running_loop(), [await connect(port) for _ in range(16)]

    async def one(call: Call) -> Reply:
        line = idle.pop() if idle else await connect(port)
        reply = await line.call(call)
        idle.append(line)
        return reply

    began = loop.time()
    tasks = []
    for index, call in enumerate(calls):
        await asyncio.sleep(max(0.0, began + index / per_second - loop.time()))
        tasks.append(asyncio.create_task(one(call)))
    replies = await asyncio.gather(*tasks)
    for line in idle:
        line.close()
    return replies
