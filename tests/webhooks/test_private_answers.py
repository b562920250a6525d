"""What a private network answers, however it does: nothing of it is told to who named the address."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from rundun.core.deliveries.attempt import AttemptResult
from tests.helpers.console.console import operator
from tests.helpers.network.certificate_authority import made_in
from tests.helpers.network.private_network import PRIVATE, route_private_network
from tests.helpers.network.webhook_line import OK, Answer, Line, letter, receiver, webhook_client
from tests.helpers.service import World
from tests.helpers.webhooks import hooked

TOKEN = b"s3cr3t-build-4711"
INVALID = "The answer was not valid HTTP."
CLOSED = "The connection was closed before there was a whole answer."


@pytest.fixture(autouse=True)
def private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    route_private_network(monkeypatch)


def saying(answer: bytes) -> Callable[[Line], Awaitable[None]]:
    """Whatever is asked, `answer` is said, and the connection closed."""

    async def speak(line: Line) -> None:
        line.writer.write(answer)

    return speak


async def posted(host: str, *answers: Answer, scheme: str = "http", count: int = 1, **more: object) -> AttemptResult:
    """What the last of `count` attempts at a receiver in the private network came to."""
    async with receiver(*answers) as ed, webhook_client(**more) as it:
        for _ in range(count):
            result = await it.post(letter(f"{scheme}://{host}:{ed.port}/"))
        assert ed.connections > 0
    return result


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"220 mail.internal.corp ESMTP token=%s\r\n\r\n", INVALID),
        (b"HTTP/1.1 200 OK\r\nBad Header Line token=%s\r\n\r\n", INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", INVALID),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n", INVALID),
        (b"HTTP/1.1 %s OK\r\n\r\n", INVALID),
        (b"HTTP/%s 200 OK\r\n\r\n", INVALID),
        (b"HTTP/1.1 101 %s\r\nUpgrade: %s\r\n\r\n", INVALID),
        (b"HTTP/1.1 200 OK\r\nX-A: %s\x00\r\n\r\n", INVALID),
        (b"HTTP/1.1 200 OK\r\n : %s\r\n\r\n", INVALID),
        (b"%s" * 10_000, INVALID),
        (b"220 %s\r\n", CLOSED),
        (b"HTTP/1.1 200 OK\r\nX-A: %s\r\n", CLOSED),
        (b"HTTP/1.1 103 %s\r\nLink: %s\r\n\r\n", CLOSED),
        (b"HTTP/1.1 500 %s\r\nX-Token: %s\r\nContent-Length: 17\r\n\r\n%s", "The answer was 500."),
        (
            b"HTTP/1.1 302 %s\r\nLocation: /%s\r\nContent-Length: 0\r\n\r\n",
            "The answer was 302. Redirects are not followed.",
        ),
        (b"HTTP/1.1 503 %s\r\nRetry-After: %s\r\n\r\n", "The answer was 503."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n%s", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n", None),
    ],
)
async def test_nothing_is_quoted(answer: bytes, error: str | None) -> None:
    said = answer.replace(b"%s", TOKEN)
    for answers, count in ([saying(said)], 1), ([OK, saying(said)], 2):  # on a new connection, and on a kept one
        result = await posted(PRIVATE, *answers, count=count)
        assert (result.error, result.excerpt) == (error, None)
        assert TOKEN.decode() not in repr(result)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n"]), st.binary(max_size=9))
def test_nothing_is_quoted_of_whatever_it_is(before: bytes, start: bytes, after: bytes) -> None:
    said = start + before + TOKEN + after + b"\r\n\r\n"
    result = asyncio.run(posted(PRIVATE, saying(said)))
    assert TOKEN.decode() not in repr(result)


async def test_what_may_be_read_is_quoted() -> None:
    """The same to an address that the administrator has named: who looks for a mistake sees it."""
    banner = saying(b"220 mail token=%s\r\n\r\n" % TOKEN)
    for answers, count in ([banner], 1), ([OK, banner], 2):
        result = await posted("127.0.0.1", *answers, count=count)
        assert result.error is not None
        assert "illegal status line" in result.error
        assert TOKEN.decode() in result.error


async def test_who_has_a_name_for_it_reads_nothing_either() -> None:
    """The first address of the name is public and dead, so the second one is dialled."""
    banner = saying(b"220 mail token=%s\r\n\r\n" % TOKEN)
    result = await posted("mail.example", banner, resolver=lambda host: ["127.0.0.9", PRIVATE])
    assert result.error == INVALID


async def test_each_attempt_knows_its_own_address() -> None:
    """Many at once, to a private address and to one that may be read, as a dispatcher makes them."""
    go_on = asyncio.Event()
    waiting = 0

    async def banner(line: Line) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 20:
            go_on.set()
        await go_on.wait()
        line.writer.write(b"220 mail token=%s\r\n\r\n" % TOKEN)

    async with receiver(banner) as ed, webhook_client() as it:
        hosts = [PRIVATE, "127.0.0.1"] * 10
        results = await asyncio.gather(*(it.post(letter(f"http://{host}:{ed.port}/")) for host in hosts))
    for host, result in zip(hosts, results, strict=True):
        assert (TOKEN.decode() in repr(result)) == (host != PRIVATE)


async def test_a_certificate_says_nothing_of_itself(tmp_path: Path) -> None:
    """Its names stay untold; that it is not accepted, and why in OpenSSL's own words, is told."""
    own = made_in(tmp_path)
    inside = "token.internal.example"
    for ca_file, error in (
        (str(own.ca_file), f"IP address mismatch, certificate is not valid for '{PRIVATE}'."),
        (None, "unable to get local issuer certificate."),
    ):
        async with receiver(tls=own.context(inside)) as ed, webhook_client(ca_file=ca_file) as it:
            result = await it.post(letter(f"https://{PRIVATE}:{ed.port}/"))
        assert result.error == f"The certificate was not accepted: {error}"
        assert inside not in repr(result)


async def test_plain_text_instead_of_tls_is_not_told() -> None:
    async def speak(line: Line) -> None:
        line.writer.write(b"220 mail token=%s\r\n\r\n" % TOKEN)
        await line.reader.read(-1)

    async with receiver(speak=speak) as ed, webhook_client() as it:
        result = await it.post(letter(f"https://{PRIVATE}:{ed.port}/"))
    assert result.error is not None
    assert result.error.startswith("TLS failed: ")
    assert TOKEN.decode() not in repr(result)


async def test_what_nobody_has_thought_of_is_told_to_the_log_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A library that trips over what it reads, and quotes it."""

    async def trip(*args: object, **kwargs: object) -> None:
        raise ValueError(f"invalid literal: {TOKEN.decode()}")

    monkeypatch.setattr("httpcore2._async.http11.AsyncHTTP11Connection._receive_response_headers", trip)
    result = await posted(PRIVATE, OK)
    assert result.error == "The attempt failed unexpectedly; the service's log says why."
    assert any(TOKEN.decode() in str(getattr(record, "exc", "")) for record in caplog.records)


async def test_no_tenant_reads_it_anywhere(w: World, caplog: pytest.LogCaptureFixture) -> None:
    """A delivery, a test, the page of deliveries in the console, and the log."""
    async with receiver(saying(b"220 mail token=%s\r\n\r\n" % TOKEN)) as inside:
        url = f"http://{PRIVATE}:{inside.port}/"
        ed = await hooked(w, url, events=["run.started"])
        await w.deliver()
        trial = (await w.acme.post("/v1/webhooks/test", json={"url": url})).json()
        (delivery,) = await w.deliveries(ed)
        page = (await (await operator(w)).get(f"/runs/{ed.run_id}")).text
    assert trial["error"] == delivery["attempts"][0]["error"] == INVALID
    assert INVALID in page
    assert TOKEN.decode() not in f"{trial} {delivery} {page} {[vars(one) for one in caplog.records]}"
