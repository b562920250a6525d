"""Dialling: look-ups that hold nobody up, and the check of every address right before it is dialled."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import httpcore2

from rundun.core.deliveries.forbidden_addresses import is_literal
from rundun.pool import BoundedPool
from rundun.webhook_addresses import Judge, refusal_of

# Threads for the look-ups of deliveries, and for those at dispatch. One that hangs does so for ten seconds and more.
LOOK_UP_THREADS, CHECK_THREADS = 128, 32
LOOK_UP_SECONDS = 5.0  # for a look-up's turn to come, and then for the look-up
FOUND_MILLISECONDS = 10_000  # how long a name that was found is known; each of its addresses is judged when dialled
STALE_MILLISECONDS = 3_600_000  # how long it is good enough where a look-up does not even begin (RFC 8767)
FAILURE_MILLISECONDS = 30_000  # how long a name that was not found is not asked for again
MAX_KNOWN = 10_000  # names
ADDRESSES = 6  # tried of one name

LookUp = Callable[[str], list[str]]
T = TypeVar("T")


@dataclass(slots=True)
class UsedConnection:
    """The connection that one attempt of an organization (`org_id`, "" for the administrator) uses: the address at its
    other end, None before one is dialled, and whether it was opened for this attempt, not kept from an earlier one.
    `has_ended`: the other side has closed it.
    """

    org_id: str
    address: str | None = None
    is_new: bool = False
    has_ended: bool = False


used_connection: ContextVar[UsedConnection] = ContextVar("used_connection")
"""The connection of the attempt that the task at work makes, which sets this before it begins."""


class UnresolvedHost(Exception):
    """Raised when no address of a name could be found in time; the text is a sentence."""


class LookUpWaited(UnresolvedHost):
    """Raised when a look-up did not begin in time, since too many others were under way: the name is not to blame."""


class AddressForbidden(Exception):
    """Raised when no address of a host may be dialled; the text is a sentence with the setting that would allow it."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A look-up that several wait for."""

    task: asyncio.Task[list[str]] | None = None
    has_begun: bool = False


class Resolver:
    """Look-ups of names, in threads of their own, so that dead names hold up neither the loop nor each other, nor those
    of one organization the names of another.

    The threads are daemons: one that hangs in the system's resolver cannot be stopped and must not keep the process.
    """

    def __init__(self, resolver: LookUp, clock: Callable[[], int]) -> None:
        self._resolver = resolver
        self._clock = clock
        self._deliveries, self._checks = (
            BoundedPool(lambda why: OSError("no thread is left"), threads=threads, sparing=True)
            for threads in (LOOK_UP_THREADS, CHECK_THREADS)
        )
        self._flights: dict[tuple[BoundedPool, str, str], _Flight] = {}
        self._found: dict[str, tuple[int, list[str]]] = {}  # until when they are good enough, and the addresses
        self._failures: dict[str, tuple[int, str]] = {}  # until when, and why

    async def addresses(self, host: str, owner: str, check_seconds: float | None = None) -> list[str]:
        """Look up a host's addresses, one or more, in system order, in the turn of the organization `owner`; a literal
        is its own. With `check_seconds` only a few threads are used, for at most so long. Raises UnresolvedHost.
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
        # One for all of an organization who ask for a name, but nobody waits for the turn of another organization.
        name = (self._deliveries if check_seconds is None else self._checks, owner, host)
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = _Flight()
            flight.task = asyncio.create_task(self._look_up(flight, *name), name=f"look up {host}")
            flight.task.add_done_callback(lambda done: self._landed(name, done))
        assert flight.task is not None
        try:
            async with asyncio.timeout(check_seconds):
                return await asyncio.shield(flight.task)
        except TimeoutError:
            problem = _late(host, check_seconds or 0, flight.has_begun)
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
            problem = _late(host, LOOK_UP_SECONDS, flight.has_begun)
        except Exception as error:  # whatever a resolver raises
            problem = UnresolvedHost(f"The name {host} was not found ({getattr(error, 'strerror', None) or error}).")
        else:
            _remember(self._found, host, (self._clock() + STALE_MILLISECONDS, addresses), self._clock())
            return addresses
        if flight.has_begun:  # one that only waited behind others has not failed
            _remember(self._failures, host, (self._clock() + FAILURE_MILLISECONDS, str(problem)), self._clock())
        raise problem

    def _landed(self, name: tuple[BoundedPool, str, str], task: asyncio.Task[list[str]]) -> None:
        self._flights.pop(name, None)
        if not task.cancelled():
            task.exception()  # seen, even if everybody who waited has gone


def _late(host: str, seconds: float, has_begun: bool) -> UnresolvedHost:
    if has_begun:
        return UnresolvedHost(f"The name {host} was not resolved within {seconds:g} s.")
    return LookUpWaited(
        f"The name {host} was not looked up within {seconds:g} s, since too many others were under way."
    )


def _remember(known: dict[str, tuple[int, T]], host: str, what: tuple[int, T], now: int) -> None:
    """Put in what is known of a name, and drop what is old or too much: as all is kept equally long, the first ones."""
    known.pop(host, None)
    while known and (next(iter(known.values()))[0] <= now or len(known) >= MAX_KNOWN):
        del known[next(iter(known))]
    known[host] = what


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """A network backend that judges every address right before it is dialled, so that rebinding a name fails."""

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
        """Connect to the first address that answers; TLS and `Host` keep to the name, which stays above this."""
        used = used_connection.get()
        used.is_new = True
        addresses = (await self._look_ups.addresses(host, used.org_id))[:ADDRESSES]
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
    """A connection that tells the attempt at work which address was dialled, before anything of the other side can
    become an error or an answer, and that is closed when TLS does not come about.

    The stream beneath closes on errors only: an attempt cut off during the handshake would leave its socket open for
    as long as the process lives.
    """

    def __init__(self, plain: httpcore2.AsyncNetworkStream, address: str) -> None:
        self._plain = plain
        self._address = address
        self._tell()

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
        self._tell()
        data = await self._plain.read(max_bytes, timeout)
        if not data:
            used_connection.get().has_ended = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._tell()
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

    def _tell(self) -> None:
        used_connection.get().address = self._address
