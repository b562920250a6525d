"""Dialling: look-ups that hold nobody up, and the check of every address right before it is dialled."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

import httpcore2

from rundun.core.webhook_url import is_literal
from rundun.pool import BoundedPool

LOOK_UP_THREADS = 64
LOOK_UP_SECONDS = 5.0
FAILURE_MILLISECONDS = 30_000  # how long a name that was not found is not asked for again
ADDRESSES = 6  # tried of one name

LookUp = Callable[[str], list[str]]

opened_connection: ContextVar[bool] = ContextVar("dialled", default=True)
"""Tells whether the task at work has dialled since it last set this to False, or has used an idle connection."""


class UnresolvedHost(Exception):
    """Raised when no address of a name could be found in time; the text is a sentence."""


class AddressForbidden(Exception):
    """Raised when no address of a host may be dialled; the text is a sentence with the setting that would allow it."""


class Resolver:
    """Look-ups of names, in threads of their own, so that dead names hold up neither the loop nor each other.

    The threads are daemons: one that hangs in the system's resolver cannot be stopped and must not keep the process.
    """

    def __init__(self, resolver: LookUp, clock: Callable[[], int]) -> None:
        self._resolver = resolver
        self._clock = clock
        self._threads = BoundedPool(lambda why: OSError("no thread is left"), threads=LOOK_UP_THREADS)
        self._flights: dict[str, asyncio.Task[list[str]]] = {}
        self._failures: dict[str, tuple[int, str]] = {}  # until when, and why

    async def addresses(self, host: str, seconds: float | None = None) -> list[str]:
        """Look up a host's addresses, one or more, in system order; a literal is its own. Raises UnresolvedHost."""
        if is_literal(host):
            return [host]
        until, why = self._failures.get(host, (0, ""))
        if self._clock() < until:
            raise UnresolvedHost(why)
        flight = self._flights.get(host)
        if flight is None:
            flight = asyncio.create_task(self._flight(host), name=f"look up {host}")
            self._flights[host] = flight
            flight.add_done_callback(lambda done: self._landed(host, done))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(flight)
        except TimeoutError:
            raise UnresolvedHost(f"The name {host} was not resolved within {seconds:g} s.") from None

    async def _flight(self, host: str) -> list[str]:
        started = False

        def resolve() -> list[str]:
            nonlocal started
            started = True
            return self._resolver(host)

        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                addresses = await self._threads.run("", {}, resolve)
            if not addresses:
                raise OSError("no address")
        except TimeoutError:
            why = f"The name {host} was not resolved within {LOOK_UP_SECONDS:g} s."
        except Exception as error:  # whatever a resolver raises
            why = f"The name {host} was not found ({getattr(error, 'strerror', None) or error})."
        else:
            return addresses
        if started:  # one that only waited behind others has not failed
            now = self._clock()
            self._failures = {name: failure for name, failure in self._failures.items() if failure[0] > now}
            self._failures[host] = now + FAILURE_MILLISECONDS, why
        raise UnresolvedHost(why)

    def _landed(self, host: str, flight: asyncio.Task[list[str]]) -> None:
        self._flights.pop(host, None)
        if not flight.cancelled():
            flight.exception()  # seen, even if everybody who waited has gone


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """A network backend that judges every address right before it is dialled, so that rebinding a name fails."""

    def __init__(self, look_ups: Resolver, judge: Callable[[str], str | None], timeout_seconds: float) -> None:
        self._look_ups = look_ups
        self._judge = judge
        self._timeout = timeout_seconds
        self._net = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers; TLS and `Host` keep to the name, which stays above this."""
        opened_connection.set(True)
        addresses = (await self._look_ups.addresses(host))[:ADDRESSES]
        verdicts = {address: self._judge(address) for address in addresses}
        allowed = [address for address, refusal in verdicts.items() if refusal is None]
        if not allowed:
            raise AddressForbidden(refusal_of(host, verdicts))
        # Half of the time is for all addresses but the last, so that a dead one does not hide a living one.
        share = self._timeout / 2 / len(allowed)
        for address in allowed[:-1]:
            try:
                plain = await self._net.connect_tcp(address, port, share, local_address, socket_options)
                return NamedStream(plain, address)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                pass
        last = allowed[-1]
        return NamedStream(await self._net.connect_tcp(last, port, timeout, local_address, socket_options), last)


class NamedStream(httpcore2.AsyncNetworkStream):
    """A connection that knows which address was dialled, and that is closed when TLS does not come about.

    The stream beneath closes on errors only: an attempt cut off during the handshake would leave its socket open for
    as long as the process lives.
    """

    def __init__(self, plain: httpcore2.AsyncNetworkStream, address: str) -> None:
        self._plain = plain
        self.address = address

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return NamedStream(await self._plain.start_tls(ssl_context, server_hostname, timeout), self.address)
        except BaseException:
            await self._plain.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._plain.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def refusal_of(host: str, verdicts: Mapping[str, str | None]) -> str | None:
    """Return why none of a host's addresses may be dialled; None if one may."""
    first = next(iter(verdicts.values()))
    if first is None or not all(verdicts.values()):
        return None
    return first if is_literal(host) else f"{host} leads to a forbidden address: {first}"


def system_resolver(host: str) -> list[str]:
    """Return all addresses of a name as the system knows it, in its order of preference (RFC 6724); raises OSError."""
    entries = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
