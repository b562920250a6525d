"""The HTTP server: uvicorn with time limits, size limits and an orderly stop.

uvicorn has no time limit for a header or a body that never ends, and no limit for a header's size; the protocol here
adds them. uvicorn also takes trailers for headers; the protocol here drops them. One sweep over all connections, driven
by the server's own tick, replaces a timer for each request.
"""

import asyncio
import errno
import gc
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rundun.config.connection_limits import ConnectionLimits
from rundun.config.loader import ServiceSettings
from rundun.core.client_address import customer_of
from rundun.errors import Problem
from rundun.logs import log

_SEND_BUFFER = 256 * 1024  # bytes that the system keeps of a connection
_LITTLE = 64 * 1024  # bytes that wait to be sent, and are not worth a look


class _HeadWithBody:
    """The transport of one answer, which writes the head together with a body that follows at once: one system call.
    `wrote` is called after each write.
    """

    __slots__ = ("_head", "_loop", "_transport", "_wrote", "is_closing")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, wrote: Callable[[], None]
    ) -> None:
        self._transport, self._loop, self._wrote = transport, loop, wrote
        self._head: bytes | None = b""  # None once it was written
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self.is_closing():  # the client is gone, and has sent several requests at once
            return
        if self._head and len(data) > _LITTLE:  # joining them would copy it
            self._flush()
        if self._head is None:
            self._transport.write(data)
            self._wrote()
        elif self._head:
            data, self._head = self._head + data, None
            self._transport.write(data)
            self._wrote()
        else:
            self._head = data
            self._loop.call_soon(self._flush)  # the body may come much later

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def close(self) -> None:
        self._flush()
        self._transport.close()


class Unsent:
    """The bytes of answers that wait to be sent, by owner: an organization, or the address of a client of none. Where
    an owner's are more than `max_bytes`, the connection is closed that has taken nothing for longest, until they are
    not, or one is left.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._sizes: dict[str, dict[Protocol, int]] = {}  # by owner, as of the last look

    def look(self, owner: str, connection: "Protocol", now: float) -> None:
        """Look at a connection to which was written for `owner`. `now` is the loop's time."""
        sizes = self._sizes.setdefault(owner, {})
        sizes[connection] = connection.unsent(now)
        if sum(sizes.values()) <= self._max_bytes:
            return
        sizes = self._sizes[owner] = {one: size for one in sizes if (size := one.unsent(now))}
        while sum(sizes.values()) > self._max_bytes and len(sizes) > 1:
            slowest = min(sizes, key=lambda one: one.unsent_since)
            del sizes[slowest]
            slowest.abort("answer")

    def forget(self, connection: "Protocol") -> None:
        """Forget a closed connection."""
        for owner in [owner for owner, sizes in self._sizes.items() if sizes.pop(connection, None) is not None]:
            if not self._sizes[owner]:
                del self._sizes[owner]


class Protocol(HttpToolsProtocol):
    """One connection that records the time of its last progress; `Server.sweep` closes it when that is too long ago."""

    patience = ConnectionLimits()
    unsent_of_all = Unsent(patience.unsent_bytes)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # libuv fills the system's buffer 32 times in a row: with its 4 MB, a fast reader of 50 MB holds the loop.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._header_since: float | None = self.loop.time()
        self._header_bytes = 0
        self._header_too_large = False
        self._body_since: float | None = None
        self._around_body = 0  # bytes of a chunked body since its last piece, the piece excluded
        self._unsent = 0
        self.unsent_since = 0.0  # when the peer took something of it last, as far as was looked

    def connection_lost(self, exc: Exception | None) -> None:
        self.unsent_of_all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._header_since is None and self._body_since is None:
            self._header_since = self.loop.time()
        unfinished = self._header_since is not None
        self._around_body += len(data)  # on_body resets it for a piece
        super().data_received(data)
        if self._body_since is not None and self._around_body > self.patience.header_bytes:
            self.send_400_response("")
        if unfinished and self._header_since is not None:
            # The header has not ended: all these bytes belong to it, even those that the parser has not reported.
            self._header_bytes += len(data)
            if self._header_bytes > self.patience.header_bytes and not self.transport.is_closing():
                self._header_too_large = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._header_since is None:  # the next of several requests sent at once
            self._header_since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        # After the header it is a trailer (RFC 9112, section 7.1.2). No handler reads trailers, and the header that the
        # application has received must not change any more, nor grow without end.
        if self._header_since is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers])
        if size > self.patience.header_bytes:
            self._header_too_large = True
            raise httptools.HttpParserError  # ends in send_400_response
        # RFC 9112, section 3.2: one Host, which HTTP/1.0 may leave out. In HTTP/0.9 a refusal could not be told from a
        # page, and HTTP/2 is not spoken here.
        version, hosts = self.parser.get_http_version(), [name for name, _ in self.headers if name == b"host"]
        if version not in ("1.1", "1.0") or len(hosts) > 1 or (not hosts and version == "1.1"):
            raise httptools.HttpParserError
        super().on_headers_complete()  # for an invalid URL, raises as above
        self.cycle.transport = cast("asyncio.Transport", _HeadWithBody(self.transport, self.loop, self._wrote))
        self._header_since, self._header_bytes = None, 0
        self._body_since, self._around_body = self.loop.time(), 0

    def on_body(self, body: bytes) -> None:
        self._around_body = 0
        if not self.cycle.response_complete:
            self._body_since = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._body_since = None
        cast("dict[str, Any]", self.scope)["rundun.body_is_here"] = True  # see web/http/body.py
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer an invalid request with 400 or 431, and close. Nothing is written in the middle of another answer. If
        the body was invalid, the application is told that the client has gone, as the rest will never come.
        """
        cycle, is_body = self.cycle, self._body_since is not None
        if is_body and not cycle.response_started and not self.pipeline:
            cycle.disconnected = True
            cycle.message_event.set()
        status, title, detail = 400, "Bad Request", "This is not a valid HTTP request."
        if self._header_too_large:
            status, title = 431, "Request Header Fields Too Large"
            detail = "The header of this request is too large."
        if not self.transport.is_closing() and (cycle is None or cycle.response_complete or cycle.disconnected):
            body = f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}'
            self.transport.write(
                f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode("ascii")
            )
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore an offer to upgrade (RFC 9110, section 7.8) without a log line."""

    def _wrote(self) -> None:
        if self.transport.get_write_buffer_size() >= _LITTLE:
            client = self.scope["client"]
            owner = cast("dict[str, Any]", self.scope).get("rundun.owner") or customer_of(client[0] if client else "")
            self.unsent_of_all.look(owner, self, self.loop.time())

    def unsent(self, now: float) -> int:
        """Return how many bytes wait to be sent, and note when some were taken. `now` is the loop's time."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self.unsent_since = unsent, now
        return unsent

    def abort(self, late: str) -> None:
        """Close the connection, and log which part of the exchange is `late`: `header`, `body` or `answer`."""
        # Browsers open spare connections and leave them unused: not worth a log line.
        level = "debug" if late == "header" and not self._header_bytes else "info"
        log(level, "connection.closed", waited_for=late, client=self.client and self.client[0])
        self.transport.abort()

    def overdue_part(self, now: float) -> str | None:
        """Return the overdue part of the exchange, `answer` (not being read), `header` or `body` (not arriving);
        None if the peer is in time. `now` is the loop's time.
        """
        if self.unsent(now) and now - self.unsent_since > self.patience.reading:
            return "answer"
        if self._header_since is not None:
            return "header" if now - self._header_since > self.patience.header else None
        if self._body_since is not None:
            if self.flow.read_paused or (self.cycle is not None and self.cycle.waiting_for_100_continue):
                self._body_since = now  # the delay is ours: reading is paused
            elif now - self._body_since > self.patience.body:
                return "body"
        return None


class Server(uvicorn.Server):
    """uvicorn's server with the sweep, and with a stop by signal that returns normally."""

    def __init__(self, config: uvicorn.Config, patience: ConnectionLimits, on_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown
        self._is_stopping = False
        # Ten sweeps within the shortest time limit, at uvicorn's ten ticks a second.
        self._ticks = max(1, int(min(patience.header, patience.body, patience.reading)))
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        # Objects that exist by now stay: each garbage collection would examine them, a fifth of the time.
        gc.collect()
        gc.freeze()
        # All threads stand still in a collection: a few milliseconds for 10,000 and for 30,000 new objects, 20 to 100
        # for all. These come a tenth as often, since almost nothing is in cycles that live long.
        gc.set_threshold(10_000, 3, 300)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop like uvicorn, but close late connections: handlers cope better with that than with a cancelled task."""
        self._begin_stop()
        cut = asyncio.get_running_loop().call_later(self._patience.stopping, self._cut_connections)
        await super().shutdown(sockets)
        cut.cancel()

    async def on_tick(self, counter: int) -> bool:
        if counter % self._ticks == 0:
            self.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def sweep(self, now: float) -> None:
        """Close every connection whose peer is overdue. `now` is the loop's time."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol) and (late := connection.overdue_part(now)) is not None:
                connection.abort(late)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it, to outlive its terminal
            signals.append(signal.SIGHUP)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        again, self.should_exit = self.should_exit, True
        if self._loop is not None:
            # A second signal cuts the requests under way; the lifespan is closed in any case.
            self._loop.call_soon_threadsafe(self._cut_connections if again else self._begin_stop)

    def _begin_stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._on_shutdown()

    def _cut_connections(self) -> None:
        connections = list(self.server_state.connections)
        if connections:
            log("warning", "shutdown.cut", connections=len(connections))
        for connection in connections:
            connection.transport.abort()


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for all addresses of `host`; raise Problem with a remedy. `::` accepts IPv4 as well.

    Call it before anything else is opened, so that a taken port is reported at once.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise Problem("unavailable", f"server.host is {host!r}, which is no address of this machine.") from None
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(addresses):
        listener = socket.socket(family, kind, protocol)
        sockets.append(listener)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
            if port == 0 and len(sockets) > 1:
                address = (address[0], sockets[0].getsockname()[1], *address[2:])
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            for opened in sockets:
                opened.close()
            raise Problem("unavailable", _listen_error(error, host, port)) from None
        listener.setblocking(False)
        listener.set_inheritable(False)
    return sockets


def _listen_error(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program; choose another with --port or server.port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has; choose one above 1023 with --port or server.port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"server.host is {host!r}, which is no address of this machine."
    return f"Cannot listen on {host} port {port}: {error.strerror}."


def serve(
    app: Callable[..., Awaitable[None]],
    settings: ServiceSettings,
    sockets: list[socket.socket],
    *,
    on_shutdown: Callable[[], None] = lambda: None,
    patience: ConnectionLimits | None = None,
) -> bool:
    """Serve the ASGI `app` on `sockets` (from `bind`) until SIGTERM, SIGINT or SIGHUP; return False if the app did not
    start.

    `on_shutdown` runs in the event loop as soon as the signal arrives, while requests are still under way, so that long
    polls return. Requests have `patience.stopping` seconds to end; then the app's lifespan ends. Raises `Problem` for
    an unusable certificate. It closes the sockets.
    """
    patience = patience or ConnectionLimits()
    trusted = [str(network) for network in settings.server.trusted_proxies]
    tls = settings.server.tls_certificate
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=type(
            "PatientProtocol", (Protocol,), {"patience": patience, "unsent_of_all": Unsent(patience.unsent_bytes)}
        ),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        timeout_keep_alive=patience.idle,
        timeout_graceful_shutdown=patience.stopping + 1,
        ssl_certfile=tls,
        ssl_keyfile=settings.server.tls_key,
    )
    server = Server(config, patience, on_shutdown)
    try:
        _load_config(config)
        _allow_many_connections()
        server.run(sockets=sockets)
    except SystemExit:  # raised by uvicorn when the lifespan fails; the reason is already logged
        return False
    finally:
        for listener in sockets:
            listener.close()
    return not server.lifespan.should_exit


def _load_config(config: uvicorn.Config) -> None:
    files = [file for file in (config.ssl_certfile, config.ssl_keyfile) if file]
    for file in files:
        try:
            open(file, "rb").close()
        except OSError as error:
            raise Problem("unavailable", f"{file} can't be read: {error.strerror}.") from None
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        named = " with ".join(map(str, files))
        raise Problem("unavailable", f"The TLS certificate or key cannot be used: {named}: {error}") from None


def _allow_many_connections() -> None:
    """Raise the limit of open files: each connection needs a descriptor, and 1,024, a usual default, are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
