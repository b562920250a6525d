"""The client, against real receivers on this machine whose answers each story writes byte by byte."""

import asyncio
import gzip
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import uvloop
from standardwebhooks.webhooks import Webhook

import rundun
from rundun.core.deliveries.attempt import AttemptResult
from tests.helpers.network.webhook_line import (
    BODY,
    OK,
    SECRET,
    Clock,
    letter,
    outcome,
    receiver,
    verify,
    webhook_client,
)


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
        assert it._pool and len(it._pool.connections) == ed.connections, "one pool has them all, and closes them"


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
