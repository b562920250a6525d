"""A network that fails while a page loads: from one of its requests on, until it is said that the network is back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.helpers.network.faulty_network import Line

FAULTS = ("refused", "cut", "hung", "502", "portal")
_PAGE = b"<!doctype html><title>Wi-Fi</title><p>Please log in.</p>"
_SCRIPT = b"import { h } from './dom.js';\nexport const a = [1, 2"


@dataclass
class FailingLoad:
    """Lets each request of a page meet a `fault`, from the first one on whose path ends in `target`, until
    `network_returns`. The page itself, a GET below `/r/`, passes.
    """

    line: Line
    fault: str
    target: str
    is_failing: bool = False
    is_over: bool = False
    failed: list[str] = field(default_factory=list)
    has_failed: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    back_at: float = 0  # in seconds of the monotonic clock
    _never: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Stand between the page and the server from now on."""
        self.line.lie, self.line.late = self._answer, self._hang

    def network_returns(self) -> None:
        """Let everything pass from now on; what hangs goes on hanging."""
        self.is_over = True
        self.back_at = time.monotonic()

    def _fails(self, target: str) -> bool:
        path = target.partition("?")[0]
        self.is_failing = self.is_failing or path.endswith(self.target)
        return self.is_failing and not self.is_over

    def _answer(self, target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
        self.asked.append(target)
        if not self._fails(target):
            return head, body
        self.failed.append(target)
        self.has_failed.set()
        match self.fault:
            case "refused":
                raise ConnectionResetError
            case "502":
                return _response(b"502 Bad Gateway", b"text/html", _PAGE)
            case "portal":
                return _response(b"200 OK", b"text/html", _PAGE)
            case "cut":
                kind = b"text/css" if ".css" in target else b"text/javascript"
                return _response(b"200 OK", kind, _SCRIPT, missing=4000)
        return head, body

    async def _hang(self, target: str, head: bytes) -> None:
        if self.fault == "hung" and self._fails(target):
            await self._never.wait()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A line of its own to the service on a port of this machine, which is an origin of its own, too."""
    line = Line(port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        line.down()
        server.close()


def _response(status: bytes, kind: bytes, body: bytes, missing: int = 0) -> bytes:
    length = str(len(body) + missing).encode()
    return b"\r\n".join(
        [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: " + length, b"Connection: close", b"", body]
    )
