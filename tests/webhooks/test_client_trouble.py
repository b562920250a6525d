"""Receivers that hang, break off, lie or never answer."""

import asyncio
from dataclasses import replace

import pytest

from tests.helpers.network.webhook_line import OK, Line, letter, outcome, receiver, webhook_client


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
