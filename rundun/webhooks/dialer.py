"""Dialling: look-ups that never block the event loop, and the check of every address right before it is dialled."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import httpcore2

from rundun.core.deliveries.forbidden_addresses import is_literal
from rundun.pool import BoundedPool
from rundun.webhook_addresses import Judge, host_refusal

# Threads for the look-ups of deliveries, and for those at dispatch. A hanging look-up takes ten seconds and more.
LOOK_UP_THREADS, CHECK_THREADS = 128, 32
LOOK_UP_SECONDS = 5.0  # that a look-up may wait for its turn, and then take
FOUND_MILLISECONDS = 10_000  # that a found name is cached; each of its addresses is checked when dialled
STALE_MILLISECONDS = 3_600_000  # that it may still be used if a look-up cannot even begin (RFC 8767)
FAILURE_MILLISECONDS = 30_000  # that a name that was not found is not looked up again
MAX_KNOWN = 10_000  # names
ADDRESSES = 6  # tried of one name

LookUp = Callable[[str], list[str]]
T = TypeVar("T")


@dataclass(slots=True)
class UsedConnection:
    """The connection of one attempt of an organization (`org_id`, "" for the administrator). `address` is None until
    it is dialled; `is_new`: opened for this attempt; `has_ended`: closed by the receiver.
    """

    org_id: str
    address: str | None = None
    is_new: bool = False
    has_ended: bool = False


used_connection: ContextVar[UsedConnection] = ContextVar("used_connection")
"""The connection of the current task's attempt, set by the task before the attempt begins."""


class UnresolvedHost(Exception):
    """Raised when no address of a name was found in time; the text is a sentence."""


class LookUpWaited(UnresolvedHost):
    """Raised when a look-up did not begin in time, because too many others were under way."""


class AddressForbidden(Exception):
    """Raised when no address of a host may be dialled; the text is a sentence with the setting that would allow it."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A look-up under way, shared by all that wait for the same name."""

    task: asyncio.Task[list[str]] | None = None
    has_begun: bool = False


class Resolver:
    """Look-ups of names in threads, so that a dead name delays neither the event loop nor other names, nor those of one
    organization the names of another.

    The threads are daemons: a thread that hangs in the system's resolver cannot be stopped, and must not keep the
    process alive.
    """

    def __init__(self, resolver: LookUp, clock: Callable[[], int]) -> None:
        self._resolver = resolver
        self._clock = clock
        self._deliveries, self._checks = (
            BoundedPool(lambda why: OSError("no thread is left"), threads=threads, sparing=True)
            for threads in (LOOK_UP_THREADS, CHECK_THREADS)
        )
        self._flights: dict[tuple[BoundedPool, str, str], _Flight] = {}
        self._found: dict[str, tuple[int, list[str]]] = {}  # the time until which they may be used, and the addresses
        self._failures: dict[str, tuple[int, str]] = {}  # the time until which it counts, and the reason

    async def addresses(self, host: str, owner: str, check_seconds: float | None = None) -> list[str]:
        """Return a host's addresses, at least one, in system order, found at most `FOUND_MILLISECONDS` ago, or
        `STALE_MILLISECONDS` if a look-up can't begin now; a literal is its own. Organizations (`owner`) take turns.
        With `check_seconds`, fewer threads are used, for at most that time. Raises UnresolvedHost.
        """
        if is_literal(host):
            return [host]
        now = self._clock()
        until, addresses = self._found.get(host, (0, []))
        if now < until - STALE_MILLISECONDS + FOUND_MILLISECONDS:
            return addresses
        failed_until, why = self._failures.get(host, (0, ""))
        if now < failed_until:
            raise UnresolvedHost(why)
        # One look-up serves all requests of an organization for a name, but never those of another organization.
        name = (self._deliveries if check_seconds is None else self._checks, owner, host)
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = _Flight()
            flight.task = asyncio.create_task(self._look_up(flight, *name), name=f"look up {host}")
            flight.task.add_done_callback(lambda done: self._end_flight(name, done))
        assert flight.task is not None
        try:
            async with asyncio.timeout(check_seconds):
                return await asyncio.shield(flight.task)
        except TimeoutError:
            problem = _late_error(host, check_seconds or 0, flight.has_begun)
        except LookUpWaited as waited:
            problem = waited
        if isinstance(problem, LookUpWaited) and now < until:
            return addresses
        raise problem

    async def _look_up(self, flight: _Flight, pool: BoundedPool, owner: str, host: str) -> list[str]:
        loop, turn = asyncio.get_running_loop(), asyncio.timeout(LOOK_UP_SECONDS)

        def begin() -> None:
            flight.has_begun = True
            if not turn.expired():
                turn.reschedule(loop.time() + LOOK_UP_SECONDS)

        def resolve() -> list[str]:
            loop.call_soon_threadsafe(begin)
            return self._resolver(host)

        try:
            async with turn:
                addresses = await pool.run(owner, {}, resolve)
            if not addresses:
                raise OSError("no address")
        except TimeoutError:
            problem = _late_error(host, LOOK_UP_SECONDS, flight.has_begun)
        except Exception as error:  # whatever a resolver raises
            problem = UnresolvedHost(f"The name {host} was not found ({getattr(error, 'strerror', None) or error}).")
        else:
            _remember(self._found, host, (self._clock() + STALE_MILLISECONDS, addresses), self._clock())
            return addresses
        if flight.has_begun:  # a look-up that only waited has not failed
            _remember(self._failures, host, (self._clock() + FAILURE_MILLISECONDS, str(problem)), self._clock())
        raise problem

    def _end_flight(self, name: tuple[BoundedPool, str, str], task: asyncio.Task[list[str]]) -> None:
        self._flights.pop(name, None)
        if not task.cancelled():
            task.exception()  # mark the exception as retrieved, even if no waiter is left


def _late_error(host: str, seconds: float, has_begun: bool) -> UnresolvedHost:
    if has_begun:
        return UnresolvedHost(f"The name {host} was not resolved within {seconds:g} s.")
    return LookUpWaited(
        f"The name {host} was not looked up within {seconds:g} s, since too many others were under way."
    )


def _remember(known: dict[str, tuple[int, T]], host: str, entry: tuple[int, T], now: int) -> None:
    """Store the entry of a name, and drop expired and surplus entries: the first ones, as all live equally long."""
    known.pop(host, None)
    while known and (next(iter(known.values()))[0] <= now or len(known) >= MAX_KNOWN):
        del known[next(iter(known))]
    known[host] = entry


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """A network backend that checks every address right before it is dialled, which defeats DNS rebinding."""

    def __init__(self, look_ups: Resolver, judge: Judge, timeout_seconds: float) -> None:
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
        """Return a connection to the first address, of those among the first `ADDRESSES` that may be dialled, that
        answers. TLS and `Host`, in the layer above, use the name. Raises UnresolvedHost, `AddressForbidden` if none may
        be dialled, and the error of the last one.
        """
        used = used_connection.get()
        used.is_new = True
        addresses = (await self._look_ups.addresses(host, used.org_id))[:ADDRESSES]
        verdicts = {address: self._judge(address) for address in addresses}
        allowed = [address for address, refusal in verdicts.items() if refusal is None]
        if not allowed:
            raise AddressForbidden(host_refusal(host, verdicts))
        # Half of the time is for all addresses but the last, so that a dead address does not hide a live one.
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
    """A connection that records the dialled address in `used_connection`, before any error or answer of the receiver
    can be reported, and that is closed if the TLS handshake fails.

    The stream beneath closes only on errors: an attempt cancelled during the handshake would leave its socket open for
    as long as the process lives.
    """

    def __init__(self, plain: httpcore2.AsyncNetworkStream, address: str) -> None:
        self._plain = plain
        self._address = address
        self._record_address()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return NamedStream(await self._plain.start_tls(ssl_context, server_hostname, timeout), self._address)
        except BaseException:
            await self._plain.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        self._record_address()
        data = await self._plain.read(max_bytes, timeout)
        if not data:
            used_connection.get().has_ended = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._record_address()
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

    def _record_address(self) -> None:
        used_connection.get().address = self._address
