"""A receiver that answers as it is told, line by line, and the client that posts to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms

from rundun.core.deliveries.attempt import AttemptResult, WebhookRequest
from rundun.core.deliveries.webhook_url import normalise
from rundun.webhooks.client import WebhookClient
from tests.helpers.patience import PATIENCE

LOOPBACK = (ip_network("127.0.0.0/8"),)


SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


BODY = '{"event_id":"evt-1","delivery_attempt":1,"event":"run.completed","données":"é"}'.encode()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Clock:
    """Milliseconds since the epoch, moved by hand."""

    def __init__(self, now: int = 1_767_225_600_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Request:
    """A request as it arrived, in the shape that `http_message_signatures` reads."""

    line: str
    headers: dict[str, str]
    body: bytes
    url: str
    method: str = "POST"


@dataclass
class Line:
    """The receiver's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def drip(self, start: bytes, drop: bytes) -> None:
        """`start`, and then `drop` every 20 ms until the other side hangs up."""
        self.writer.write(start)
        while True:
            self.writer.write(drop)
            try:
                async with asyncio.timeout(0.02):
                    assert await self.reader.read(1) == b""
                return
            except TimeoutError:
                continue

    async def flood(self, start: bytes, drop: bytes) -> None:
        """`start`, and then `drop` as fast as it goes until the other side hangs up."""
        self.writer.write(start)
        while True:
            self.writer.write(drop)
            await self.writer.drain()


Answer = bytes | Callable[[Line], Awaitable[None]] | None


@dataclass
class Receiver:
    """An integrator's server: gives its answers in turn, the last one for ever; None hangs up.

    With `speak` it is no HTTP server at all, but whatever that does with a connection.
    """

    answers: list[Answer]
    speak: Callable[[Line], Awaitable[None]] | None = None
    url: str = ""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self.serve(Line(reader, writer)))
        self.tasks.add(task)

    async def serve(self, line: Line) -> None:
        try:
            if self.speak:
                await self.speak(line)
            else:
                while await self.exchange(line):
                    pass
            line.writer.close()
            await line.writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError):
            line.writer.transport.abort()
        finally:
            self.hung_up.set()

    async def exchange(self, line: Line) -> bool:
        head = (await line.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(field.split(": ", 1) for field in head[1:-2])
        body = await line.reader.readexactly(int(headers["Content-Length"]))
        scheme = self.url.partition(":")[0]
        target = head[0].split(" ")[1]
        self.requests.append(Request(head[0], headers, body, f"{scheme}://{headers['Host']}{target}"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            return False
        if isinstance(answer, bytes):
            line.writer.write(answer)
            return True
        await answer(line)
        return False


@asynccontextmanager
async def receiver(
    *answers: Answer, tls: ssl.SSLContext | None = None, speak: Callable[[Line], Awaitable[None]] | None = None
) -> AsyncIterator[Receiver]:
    it = Receiver(list(answers) or [OK], speak)
    server = await asyncio.start_server(it.accept, "127.0.0.1", 0, ssl=tls)
    it.port = server.sockets[0].getsockname()[1]
    it.url = f"http{'s' if tls else ''}://127.0.0.1:{it.port}/hook?team=a%20b"
    try:
        yield it
    finally:
        server.close()
        await asyncio.gather(*it.tasks)  # ends only when every connection has been closed by the client


@asynccontextmanager
async def webhook_client(**settings: Any) -> AsyncIterator[WebhookClient]:
    it = WebhookClient(**{"timeout_seconds": PATIENCE, "allow": LOOPBACK, "clock": Clock(), **settings})
    if "timeout_seconds" in settings:
        it._open_pool()  # reading certificates may take a busy machine all of that time
    try:
        yield it
    finally:
        await it.close()


def letter(url: str, secret: str | None = SECRET, org_id: str = "org-acme") -> WebhookRequest:
    return WebhookRequest(normalise(url).url, secret, BODY, "evt-1", "run.completed", org_id)


async def outcome(*answers: Answer, **settings: Any) -> AttemptResult:
    async with receiver(*answers) as ed, webhook_client(**settings) as it:
        return await it.post(letter(ed.url))


def verify(request: Request, secret: str = SECRET) -> int:
    """Verifies as a receiver would, from what arrived alone; the time it was signed."""
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.HMAC_SHA256,
        key_resolver=MappingKeyResolver(public_keys={"rundun-key": secret.encode()}, private_keys={}),
    )
    (result,) = verifier.verify(request, body=request.body, max_age=None)
    assert set(result.covered_components) == {
        '"content-digest"', '"@method"', '"@target-uri"', '"@signature-params"'
    }  # fmt: skip
    return int(result.parameters["created"])
