"""The HTTP server as a process of its own, spoken to over real sockets: patience and limits."""

import asyncio
import json
import socket
import struct
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from rundun.server import ConnectionLimits, _HeadWithBody
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.server import QUICK, SLOW, Context, everything, request, seconds_until_closed, until

NARROW = ConnectionLimits(header=60, body=60, reading=60, idle=60, stopping=1, header_bytes=8192)


@pytest.fixture(scope="module")
def quick():
    """Start a server with little patience for tests that only send requests and say nothing about its log."""
    yield from serving(QUICK)


@pytest.fixture(scope="module")
def narrow():
    """Start a patient server with little room for headers, for tests that only send requests."""
    yield from serving(NARROW)


def serving(patience):
    one = Context(patience)
    yield one
    one.process.kill()
    one.process.communicate()


def spend_a_patience(one):
    """Return once the server gave up on a connection made just now: that much time has passed for the others too."""
    with one.connect() as slow:
        slow.sendall(b"GET")
        seconds_until_closed(slow)


def test_requests_are_answered_without_telling_what_answers(service):
    one = service(SLOW)
    head, body = one.ask(request("/echo", "Content-Length: 5", body=b"hello", method="POST")).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == b"hello"
    assert b"server:" not in head.lower() and b"date:" in head.lower()
    code, said, err = one.stop()
    assert (code, said, err) == (0, [{"event": "told"}, {"event": "closed"}, {"event": "ended", "ok": True}], "")


def test_the_application_knows_that_the_whole_body_came_with_the_header(service):
    one = service(SLOW)
    whole = request("/here", "Content-Length: 5", body=b"hello", method="POST")
    assert one.ask(whole).endswith(b"\r\n\r\nTrue")
    assert one.next()["event"] == "asked"
    for missing in (5, 1):
        with one.connect() as wire:
            wire.sendall(whole[:-missing])
            assert one.next()["event"] == "asked"
            wire.sendall(whole[-missing:])
            assert everything(wire).endswith(b"\r\n\r\nNone")


def test_a_connection_serves_many_requests_and_several_sent_at_once(quick):
    with quick.connect() as wire:
        wire.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        wire.sendall(request("/who"))
        assert everything(wire).count(b'["127.0.0.1", "http"]') == 4


def test_what_is_left_of_requests_sent_at_once_by_a_client_that_is_gone_is_no_error(service):
    one = service(SLOW)
    for _ in range(5):
        with one.connect() as wire:
            wire.sendall(b"GET /head HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # gone at once: a reset
    one.ask(request("/go"))
    one.ask(request("/who"))
    code, _, err = one.stop()
    assert (code, err) == (0, "")


@pytest.mark.parametrize("known", [("/big/globex", "127.0.0.1", "/big/acme"), ("/big", "127.0.0.2", "/big")])
def test_what_waits_to_be_sent_is_bounded_for_each_owner(service, known):
    """Beyond it the connection is closed that has taken nothing for longest; others' are not. The owner is the
    organization, else the address.
    """
    one, (path, host, crowd) = service(replace(SLOW, unsent_bytes=70_000_000)), known
    with ExitStack() as stack:
        readers = {}
        for name, asked in (("other", path), *((f"{number}", crowd) for number in range(1, 5))):
            wire = readers[name] = stack.enter_context(one.connect(host if name == "other" else "127.0.0.1"))
            wire.sendall(request(asked))
            assert wire.recv(1) == b"H"
        whole = [name for name, wire in readers.items() if len(seconds_until_closed(wire)[1]) > 30_000_000]
    assert whole == ["other", "3", "4"]
    closed = [json.loads(line) for line in one.stop()[2].splitlines()]
    assert [line["waited_for"] for line in closed] == ["answer", "answer"]


def test_an_offer_to_upgrade_is_ignored(service):
    one = service(SLOW)
    for offer in ("websocket", "h2c"):
        got = one.ask(
            f"GET /who HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: {offer}\r\n\r\n".encode()
        )
        assert got.startswith(b"HTTP/1.1 200 ")
    assert one.stop()[2] == ""


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
        b"GET\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_order(quick, garbage):
    got = quick.ask(garbage)
    assert got.split(b" ")[1] in (b"400", b"200")  # never 500, never silence, never a hang
    if b" 400 " in got:
        head, body = got.split(b"\r\n\r\n")
        assert b"application/problem+json" in head and json.loads(body)["status"] == 400
    assert b'["127.0.0.1", "http"]' in quick.ask(request("/who"))


def test_a_broken_body_ends_the_request_it_belongs_to(service):
    one = service(SLOW)
    got = one.ask(request("/echo", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\nzz\r\n", method="POST"))
    assert got.startswith(b"HTTP/1.1 400 ")
    assert one.next() == {"event": "disconnected"}


@pytest.mark.parametrize(
    "head",
    [
        b"GET /who HTTP/1.1\r\n\r\n",
        b"GET /who HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET /who HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n",
        b"GET /who HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /who HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /who\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ids=["no host", "two hosts", "other hosts", "two of 1.0", "2.0", "0.9", "xchunked", "chunked gzip"],
)
def test_a_head_that_http_forbids_is_refused(quick, head):
    got = quick.ask(head)
    assert got.startswith(b"HTTP/1.1 400 ") and got.count(b"HTTP/1.1") == 1
    assert json.loads(got.split(b"\r\n\r\n")[1])["status"] == 400
    assert b" 200 OK" in quick.ask(b"GET /who HTTP/1.0\r\n\r\n"), "which needs no Host"
    assert b" 200 OK" in quick.ask(request("/who").replace(b"Host: x", b"Host:")), "nor a name in it"


@pytest.mark.parametrize(
    "chunk",
    [b"0x2\r\n{}\r\n", b"F" * 17 + b"\r\n{}\r\n", b"2\n{}\n0\n\n", b"-2\r\n{}\r\n", b"2\r\n{}x\r\n", b"\r\n"],
    ids=["0x2", "overflow", "bare lf", "negative", "longer than it says", "no size"],
)
@pytest.mark.parametrize("before", [b"", b"2\r\nab\r\n"], ids=["first", "second"])
def test_a_chunk_that_http_forbids_is_refused(quick, chunk, before):
    with quick.connect() as wire:
        wire.sendall(request("/echo", "Transfer-Encoding: chunked", body=before, method="POST"))
        wire.sendall(chunk)
        got = everything(wire)
    assert got.startswith(b"HTTP/1.1 400 ") and got.count(b"HTTP/1.1") == 1
    assert json.loads(got.split(b"\r\n\r\n")[1])["detail"] == "This is not a valid HTTP request."


@pytest.mark.parametrize(
    "broken",
    [
        request("/echo", "Transfer-Encoding: chunked", body=b"zz\r\n", method="POST"),
        b"GET /who HTTP/1.1\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["body", "head", "url"],
)
def test_what_is_broken_is_no_answer_to_the_request_before_it(service, broken):
    one = service(SLOW)
    with one.connect() as wire:
        wire.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.next() == {"event": "waiting"}
        wire.sendall(broken)
        assert everything(wire) == b"", "closed: an answer now would be taken for that of the first"


def test_a_header_may_be_large_but_not_larger(quick):
    assert b" 200 OK" in quick.ask(request("/", "X: " + "a" * 7000))
    whole = quick.ask(request("/", "X: " + "a" * 9000))
    assert whole.startswith(b"HTTP/1.1 431 ") and json.loads(whole.split(b"\r\n\r\n")[1])["status"] == 431
    with quick.connect() as wire:  # and one without an end
        wire.sendall(b"GET / HTTP/1.1\r\n")
        got = b""
        try:
            for _ in range(1000):
                wire.sendall(b"X: " + b"a" * 1000 + b"\r\n")
        except OSError:
            pass
        try:
            got = everything(wire)
        except ConnectionResetError:
            pass
        assert got == b"" or got.startswith(b"HTTP/1.1 431 ")
    assert b" 200 OK" in quick.ask(request("/"))


CHUNKED = (b"POST /heard HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", b"", b"2", b"{}")


def test_trailers_change_nothing_of_a_header(narrow):
    with narrow.connect() as wire:
        for _ in range(3):
            wire.sendall(b"\r\n".join([*CHUNKED, b"0", b"Authorization: Bearer x", b"X: y", b"", b""]))
            assert until(wire, b"encoding").endswith(b"\r\n\r\nhost transfer-encoding")
        wire.sendall(b"\r\n".join([*CHUNKED, *[b"1;" + b"e" * 4000, b"x"] * 8, b"0", b"", b""]))
        until(wire, b"encoding")


@pytest.mark.parametrize(
    "endless", [b"0\r\n" + b"a:b\r\n" * 200_000, b"0\r\na:" + b"b" * 1_000_000, b"1;" + b"e" * 1_000_000]
)
def test_what_stands_around_a_body_has_an_end(narrow, endless):
    with narrow.connect() as wire:
        try:
            wire.sendall(b"\r\n".join([*CHUNKED, endless]))
        except OSError:
            pass
        waited, got = seconds_until_closed(wire)
        assert (got == b"" or got.startswith(b"HTTP/1.1 400 ")) and waited < 5
    assert narrow.next() == {"event": "disconnected"}


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Ha", b"\r\n"])
def test_half_a_header_is_not_waited_for(quick, sent):
    with quick.connect() as wire:
        wire.sendall(sent)
        waited, got = seconds_until_closed(wire)
        assert got == b"" and 0.3 < waited < 3


def test_half_a_header_after_a_whole_request_is_not_waited_for_either(quick):
    with quick.connect() as wire:
        wire.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        until(wire, b'"http"]')
        wire.sendall(b"GET /wh")
        assert 0.3 < seconds_until_closed(wire)[0] < 3


def test_an_idle_connection_stays_open_longer_than_a_header_may_take(quick):
    with quick.connect() as idle:
        idle.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        until(idle, b'"http"]')
        spend_a_patience(quick)
        idle.sendall(request("/who"))
        assert b"127.0.0.1" in everything(idle)


def test_a_body_without_progress_is_not_waited_for(service):
    one = service(QUICK)
    with one.connect() as wire:
        wire.sendall(request("/echo", "Content-Length: 100", body=b"a", method="POST"))
        waited, got = seconds_until_closed(wire)
        assert got == b"" and 0.3 < waited < 3
    assert one.next() == {"event": "disconnected"}
    assert '"waited_for": "body"' in one.stop()[2]


def test_a_slow_body_that_does_get_on_is_taken(quick):
    with quick.connect() as wire:
        wire.sendall(request("/echo", "Content-Length: 8", method="POST"))
        wire.settimeout(0.1)  # the pause between two pieces, as long as nothing comes back
        for _ in range(8):
            with pytest.raises(TimeoutError):
                wire.recv(1)
            wire.sendall(b"x")
        wire.settimeout(PATIENCE)
        assert everything(wire).endswith(b"xxxxxxxx")


def test_a_body_the_application_does_not_read_yet_is_no_fault_of_the_peer(service):
    body = b"x" * 200_000
    for one, headers in ((service(QUICK), []), (service(QUICK), ["Expect: 100-continue"])):
        with one.connect() as wire:
            wire.sendall(request("/late", f"Content-Length: {len(body)}", *headers, method="POST"))
            if not headers:
                wire.sendall(body)
            spend_a_patience(one)
            assert b" 200 OK" in one.ask(request("/go"))
            if headers:
                assert until(wire, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                wire.sendall(body)
            assert everything(wire).endswith(body)


def test_the_rest_of_a_refused_body_is_taken_for_a_while_only(quick):
    with quick.connect() as wire:
        wire.sendall(b"POST /who HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
        until(wire, b'"http"]')
        wire.settimeout(0.1)
        start = time.monotonic()
        try:
            while time.monotonic() - start < 5:  # a trickle does not keep it open
                wire.sendall(b"x")
                try:
                    if not wire.recv(1):
                        break
                except TimeoutError:
                    pass
        except OSError:
            pass
        assert time.monotonic() - start < 3


def test_an_answer_nobody_reads_is_not_kept(service):
    one = service(QUICK)
    with one.connect() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sendall(request("/big"))
        line = one.process.stderr.readline()
        assert json.loads(line)["waited_for"] == "answer"


def test_a_head_does_not_wait_for_a_body_that_is_long_in_coming(service):
    one = service(SLOW)
    with one.connect() as wire:
        wire.sendall(request("/head"))
        assert until(wire, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
        one.ask(request("/go"))
        assert until(wire, b"while") == b"after a while"


class Recording:
    """A transport that notes what is written to it."""

    def __init__(self):
        self.written, self.is_closed = [], False

    def write(self, data):
        assert not self.is_closed
        self.written.append(data)

    def is_closing(self):
        return self.is_closed

    def close(self):
        self.is_closed = True


async def test_head_and_body_are_one_write():
    loop = asyncio.get_running_loop()
    whole, late, closed, lost = (Recording() for _ in range(4))
    for transport, parts in ((whole, [b"head", b"body", b"more"]), (late, [b"head"]), (lost, [b"head"])):
        answer = _HeadWithBody(transport, loop, lambda: None)
        for part in parts:
            answer.write(part)
    answer = _HeadWithBody(closed, loop, lambda: None)
    answer.write(b"head of an answer without a body")
    answer.close()
    lost.close()
    await asyncio.sleep(0)  # the loop's next turn
    assert whole.written == [b"headbody", b"more"] and late.written == [b"head"] and lost.written == []
    assert closed.written == [b"head of an answer without a body"] and closed.is_closing()
