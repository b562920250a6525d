"""The client, against real receivers on this machine whose answers each story writes byte by byte."""

import asyncio
import gzip
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import uvloop
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from standardwebhooks.webhooks import Webhook

import rundun
from rundun.core.attempt import AttemptResult, WebhookRequest
from rundun.core.webhook_url import normalise
from rundun.webhooks.client import WebhookClient
from rundun.webhooks.dialer import LOOK_UP_THREADS, UnresolvedHost
from tests.helpers.certificate_authority import Authority, made_in
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
    try:
        yield it
    finally:
        await it.close()


def letter(url: str, secret: str | None = SECRET) -> WebhookRequest:
    return WebhookRequest(normalise(url).url, secret, BODY, "evt-1", "run.completed")


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


# What arrives.


async def test_a_letter_arrives_and_two_independent_libraries_verify_it() -> None:
    async with receiver() as ed, webhook_client(clock=lambda: int(time.time() * 1000)) as it:
        result = await it.post(letter(ed.url))
        (request,) = ed.requests
    assert request.line == "POST /hook?team=a%20b HTTP/1.1"
    assert request.body == BODY
    assert request.url == ed.url
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"Rundun/{rundun.__version__}"
    assert request.headers["webhook-id"] == "evt-1"
    verify(request)
    Webhook(SECRET).verify(request.body, request.headers)
    assert result == AttemptResult(True, 200, None, None, False, False, result.duration_ms, "OK", result.headers)
    assert {**result.headers, "Content-Length": str(len(BODY))} == request.headers


@pytest.mark.parametrize(
    "target", ["", "/", "/?", "/a//b/../c%2F?x=[1]&y={é}|'", "/%e2%82%ac/;p=1?q=a+b&r=%2B", "/ü?ü"]
)
async def test_the_signature_covers_the_url_that_was_sent(target: str) -> None:
    async with receiver() as ed, webhook_client() as it:
        result = await it.post(letter(f"HTTP://127.1:{ed.port}{target}"))
        assert result.ok
        verify(ed.requests[0])


async def test_each_attempt_is_signed_afresh_on_the_same_connection() -> None:
    clock = Clock()
    async with receiver() as ed, webhook_client(clock=clock) as it:
        await it.post(letter(ed.url))
        clock.now += 30_999
        await it.post(letter(ed.url))
        first, second = ed.requests
        assert ed.connections == 1
    assert (verify(first), verify(second)) == (1_767_225_600, 1_767_225_630)
    assert first.headers["Signature"] != second.headers["Signature"]
    assert second.headers["webhook-timestamp"] == "1767225630"


async def test_a_secret_of_another_form_is_not_promised_to_standard_webhooks() -> None:
    async with receiver() as ed, webhook_client() as it:
        await it.post(letter(ed.url, "sécret with spaces"))
        await it.post(letter(ed.url, None))
        signed, plain = ed.requests
    verify(signed, "sécret with spaces")
    assert "webhook-signature" not in signed.headers
    assert "Signature" not in plain.headers
    assert plain.headers["Content-Digest"] == signed.headers["Content-Digest"]


async def test_nothing_of_an_answer_comes_back_with_the_next_letter() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    async with receiver(cookie, OK) as ed, webhook_client() as it:
        await it.post(letter(ed.url))
        await it.post(letter(ed.url))
        assert ed.requests[0].headers.keys() == ed.requests[1].headers.keys()
        assert "Cookie" not in ed.requests[1].headers


async def test_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as proxy, receiver() as ed:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with webhook_client() as it:
            assert (await it.post(letter(ed.url))).ok
        assert (len(proxy.requests), len(ed.requests)) == (0, 1)


async def test_many_at_once() -> None:
    async with receiver() as ed, webhook_client() as it:
        results = await asyncio.gather(*(it.post(letter(ed.url)) for _ in range(64)))
        assert all(result.ok for result in results)
        assert len(ed.requests) == 64


def test_the_same_under_uvloop() -> None:
    async def story() -> None:
        async with receiver() as ed, webhook_client(resolver=lambda host: ["127.0.0.9", "127.0.0.1"]) as it:
            result = await it.post(letter(f"http://ed.example:{ed.port}/"))
            assert (result.ok, result.excerpt) == (True, "OK")
            verify(ed.requests[0])
        slow = receiver(lambda line: line.drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"))
        async with slow as ed, webhook_client(timeout_seconds=0.2) as it:
            assert (await it.post(letter(ed.url))).unreachable
            await ed.hung_up.wait()

    uvloop.run(story())


# What is answered.


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_success(status: int) -> None:
    result = await outcome(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())
    assert (result.ok, result.status, result.error) == (True, status, None)


async def test_early_hints_are_not_the_answer() -> None:
    assert (await outcome(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + OK)).status == 200


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 429, 500, 503])
async def test_all_else_fails(status: int) -> None:
    result = await outcome(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())
    assert (result.ok, result.status, result.gone, result.unreachable) == (False, status, False, False)
    assert result.error == f"The answer was {status}."


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_fail_and_are_not_followed(status: int) -> None:
    async with receiver() as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
        result = await outcome(head.encode())
        assert (result.ok, result.status, elsewhere.requests) == (False, status, [])
        assert result.error == f"The answer was {status}. Redirects are not followed."


async def test_410_is_gone() -> None:
    result = await outcome(b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\nbye.")
    assert (result.ok, result.status, result.gone, result.excerpt) == (False, 410, True, "bye.")


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Thu, 01 Jan 2026 00:00:07 -0000", 7.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Fri, 99 Jan 2026 00:00:00 GMT", None),
        ("Fri, 01 Jan 99999999999 00:00:00 GMT", None),
        ("٣", None),
        ("", None),
    ],
)
async def test_retry_after(value: str, seconds: float | None) -> None:
    head = f"HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode()
    assert (await outcome(head)).retry_after == seconds


async def test_retry_after_of_a_success_means_nothing() -> None:
    assert (await outcome(OK.replace(b"\r\n", b"\r\nRetry-After: 5\r\n", 1))).retry_after is None


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"caf\xc3\xa9 \x00\x1b[31m\xff\r\n\t.", "café ��[31m�\r\n\t."),
        (b"a" * 4095 + b"\xc3\xa9", "a" * 4095),
        (gzip.compress(b"b" * 10_000_000), None),
    ],
)
async def test_the_excerpt_is_text_of_at_most_4_kib(body: bytes, excerpt: str | None) -> None:
    head = b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    result = await outcome(head + body)
    assert result.excerpt is not None
    assert len(result.excerpt) <= 4096
    if excerpt is not None:
        assert result.excerpt == excerpt


# What goes wrong.


@pytest.mark.parametrize(
    ("start", "drop", "status"),
    [
        (b"", b"", None),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", None),
        (b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"a", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", 200),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n", b"a", 503),
    ],
)
async def test_the_deadline_is_for_the_whole_attempt(start: bytes, drop: bytes, status: int | None) -> None:
    async with receiver(lambda line: line.drip(start, drop)) as ed, webhook_client(timeout_seconds=0.2) as it:
        result = await it.post(letter(ed.url))
        await ed.hung_up.wait()  # and nothing is left open
    assert (result.ok, result.status, result.unreachable) == (False, status, True)
    assert result.error == "There was no complete answer within 0.2 s."
    assert result.retry_after == (9.0 if status == 503 else None)
    assert 200 <= result.duration_ms < 2000


async def test_a_silent_tls_handshake_ends_in_time_and_leaves_nothing_open() -> None:
    async def wait(line: Line) -> None:
        await line.reader.read(-1)

    async with receiver(speak=wait) as ed, webhook_client(timeout_seconds=0.2) as it:
        result = await it.post(letter(f"https://127.0.0.1:{ed.port}/"))
        await ed.hung_up.wait()
    assert (result.status, result.unreachable) == (None, True)


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]
)
async def test_an_endless_body_is_left_after_16_kib(start: bytes) -> None:
    async with receiver(lambda line: line.flood(start, b"a" * 65536)) as ed, webhook_client() as it:
        result = await it.post(letter(ed.url))
        await ed.hung_up.wait()
    assert (result.ok, result.excerpt) == (True, "a" * 4096)


async def test_endless_headers_are_left_too() -> None:
    flood = receiver(lambda line: line.flood(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 999))
    async with flood as ed, webhook_client() as it:
        result = await it.post(letter(ed.url))
        await ed.hung_up.wait()
    assert (result.ok, result.status) == (False, None)
    assert result.error is not None
    assert result.error.startswith("The answer was not valid HTTP")


async def test_a_body_that_breaks_off_changes_nothing() -> None:
    async def cut(line: Line) -> None:
        line.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart")

    result = await outcome(cut)
    assert (result.ok, result.status, result.excerpt) == (True, 200, "part")


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n", b"HTTP/1.1 999999 OK\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
)  # fmt: skip
async def test_a_garbage_answer(answer: bytes) -> None:
    result = await outcome(answer)
    assert (result.ok, result.status, result.unreachable) == (False, None, False)
    assert result.error is not None
    assert result.error.startswith("The answer was not valid HTTP")


async def test_a_refused_port() -> None:
    async with receiver() as ed:
        pass
    async with webhook_client() as it:
        result = await it.post(letter(ed.url))
    assert (result.ok, result.status, result.unreachable) == (False, None, True)
    assert result.error == "The connection failed: Connection refused."


async def test_hanging_up_without_an_answer_fails_once() -> None:
    async with receiver(None) as ed, webhook_client() as it:
        result = await it.post(letter(ed.url))
        assert len(ed.requests) == 1
    assert (result.ok, result.status, result.unreachable) == (False, None, False)


async def test_a_kept_connection_that_died_is_not_held_against_the_receiver() -> None:
    async with receiver(OK, None, OK) as ed, webhook_client() as it:
        assert (await it.post(letter(ed.url))).ok
        assert (await it.post(letter(ed.url))).ok
        assert (len(ed.requests), ed.connections) == (3, 2)


async def test_a_url_that_is_no_destination_goes_nowhere() -> None:
    async with webhook_client() as it:
        result = await it.post(replace(letter("http://a/"), url="gopher://127.0.0.1/"))
    assert (result.ok, result.error) == (False, "The URL must start with http:// or https://.")


async def test_a_cancelled_attempt_hangs_up_and_leaves_the_client_well() -> None:
    async with receiver(lambda line: line.drip(b"", b"")) as ed, receiver() as olga, webhook_client() as it:
        attempt = asyncio.create_task(it.post(letter(ed.url)))
        while not ed.requests:
            await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await ed.hung_up.wait()
        assert (await it.post(letter(olga.url))).ok


# Where it goes.


async def test_an_address_that_is_forbidden() -> None:
    async with receiver() as ed, webhook_client(allow=()) as it:
        result = await it.post(letter(ed.url))
        assert ed.connections == 0
    assert (result.ok, result.unreachable) == (False, False)
    assert result.error == ('127.0.0.1 is a loopback address. To allow it, set webhooks.allow = ["127.0.0.1/32"].')


async def test_a_name_that_leads_to_a_forbidden_address() -> None:
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: ["127.0.0.1", "::1"]) as it:
        result = await it.post(letter(f"http://innocent.example:{ed.port}/"))
        assert ed.connections == 0
    assert result.error is not None
    assert result.error.startswith("innocent.example leads to a forbidden address: 127.0.0.1 is a loopback")


async def test_a_name_rebound_after_the_dispatch() -> None:
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: answers.pop(0)) as it:
        destination = normalise(f"http://rebound.example:{ed.port}/")
        assert await it.check(destination) is None
        result = await it.post(letter(destination.url))
        assert (answers, ed.connections) == ([], 0)
    assert result.error is not None
    assert "loopback" in result.error


async def test_of_several_addresses_only_permitted_ones_are_tried_in_turn() -> None:
    addresses = ["169.254.169.254", "127.0.0.2", "::1", "127.0.0.1"]  # nobody listens on the second
    allow = (ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32"))
    async with receiver() as ed, webhook_client(allow=allow, resolver=lambda host: addresses) as it:
        result = await it.post(letter(f"http://ed.example:{ed.port}/a"))
        assert result.ok
        assert ed.requests[0].headers["Host"] == f"ed.example:{ed.port}"
        verify(ed.requests[0])


async def test_the_check_at_dispatch() -> None:
    def resolve(host: str) -> list[str]:
        return {"mixed.example": ["127.0.0.1", "10.0.0.1"], "local.example": ["127.0.0.1"]}[host]

    async def check(it: WebhookClient, url: str) -> str | None:
        found = await it.check(normalise(url))
        return found[0] if found else None

    async with webhook_client(allow=(), resolver=resolve) as it:
        assert await check(it, "http://127.1/") == "forbidden"
        assert await check(it, "http://[::ffff:7f00:1]/") == "forbidden"
        assert await check(it, "http://10.0.0.1/") is None
        assert await check(it, "http://local.example/") == "forbidden"
        assert await check(it, "http://mixed.example/") is None
        assert await check(it, "http://nowhere.example/") == "unresolved"
    async with webhook_client(allow=(), allow_private=False, resolver=resolve) as it:
        assert await check(it, "http://10.0.0.1/") == "forbidden"
        assert await check(it, "http://mixed.example/") == "forbidden"
    async with webhook_client(resolver=resolve) as it:
        assert await check(it, "http://127.1/") is None


# Look-ups.


async def test_a_name_that_was_not_found_is_not_asked_for_again_for_30_seconds() -> None:
    clock = Clock()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        raise OSError(-2, "Name or service not known")

    async with webhook_client(clock=clock, resolver=resolve) as it:
        for _ in range(3):
            result = await it.post(letter("http://gone.example/"))
            assert (result.unreachable, result.status) == (True, None)
            assert result.error == "The name gone.example was not found (Name or service not known)."
            clock.now += 10_000
        assert asked == ["gone.example"]
        await it.post(letter("http://gone.example/"))
        assert asked == ["gone.example"] * 2


async def test_names_that_hang_hold_up_nobody_else() -> None:
    let_go = threading.Event()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("dead"):
            let_go.wait()
        return ["127.0.0.1"]

    async with receiver() as ed, webhook_client(resolver=resolve, check_seconds=0.05) as it:
        dead = [f"dead{number}.example" for number in range(LOOK_UP_THREADS - 1)]
        waiting = [asyncio.create_task(it.post(letter(f"http://{host}:{ed.port}/"))) for host in dead * 2]
        result = await it.post(letter(f"http://alive.example:{ed.port}/"))
        assert result.ok
        with pytest.raises(UnresolvedHost, match=r"not resolved within 0\.05 s"):
            await it._look_ups.addresses("dead0.example", 0.05)
        assert await it.check(normalise("http://dead0.example/")) == (
            "unresolved",
            "The name dead0.example was not resolved within 0.05 s.",
        )
        let_go.set()
        assert all([(await attempt).ok for attempt in waiting])
        assert sorted(asked) == sorted([*dead, "alive.example"])  # one look-up for all who wait


async def test_the_system_resolves_localhost() -> None:
    async with webhook_client() as it:
        assert "127.0.0.1" in await it._look_ups.addresses("localhost", 5)
        assert await it._look_ups.addresses("::1", 0) == ["::1"]


# TLS.


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return made_in(tmp_path)


async def test_tls_with_an_authority_of_ones_own(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file), "resolver": lambda host: ["127.0.0.1"]}
    async with receiver(tls=authority.context("ed.example")) as ed, webhook_client(**settings) as it:
        result = await it.post(letter(f"https://ed.example:{ed.port}/a"))
        assert (result.ok, result.error, result.excerpt) == (True, None, "OK")
        assert authority.seen == ["ed.example"]
        verify(ed.requests[0])


async def test_tls_to_an_address(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file)}
    async with receiver(tls=authority.context("127.0.0.1")) as ed, webhook_client(**settings) as it:
        assert (await it.post(letter(ed.url))).ok


async def test_tls_with_a_certificate_for_another_name(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file), "resolver": lambda host: ["127.0.0.1"]}
    async with receiver(tls=authority.context("globex.example")) as ed, webhook_client(**settings) as it:
        result = await it.post(letter(f"https://ed.example:{ed.port}/a"))
        assert ed.requests == []
    assert (result.ok, result.unreachable) == (False, True)
    assert result.error is not None
    assert result.error.startswith("The certificate was not accepted: Hostname mismatch")


async def test_tls_with_an_authority_nobody_knows(authority: Authority) -> None:
    async with receiver(tls=authority.context("127.0.0.1")) as ed, webhook_client() as it:
        result = await it.post(letter(ed.url))
        assert ed.requests == []
    assert result.error is not None
    assert result.error.startswith("The certificate was not accepted: ")


async def test_https_to_a_plain_http_server() -> None:
    async def refuse(line: Line) -> None:
        await line.reader.read(1)
        line.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with receiver(speak=refuse) as ed, webhook_client() as it:
        result = await it.post(letter(f"https://127.0.0.1:{ed.port}/"))
    assert (result.ok, result.status, result.unreachable) == (False, None, True)
    assert result.error == "TLS failed: WRONG_VERSION_NUMBER."


def test_a_ca_file_of_no_use(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ValueError, match=r"webhooks\.ca_file"):
            WebhookClient(clock=Clock(), ca_file=str(file))
