"""Fair queueing of long work: pages, searches, tables and checks run in one thread, in which organizations take turns,
so that a request of another organization waits for one piece of work at most.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from rundun.errors import Problem
from rundun.pool import BoundedPool, Limits, RefusalReason
from rundun.store.long_reads import LongReader
from rundun.store.sqlite.transaction import Tx

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
WAITING = 64  # pieces of work, waiting or running, of one organization's operators, or of its API keys
OF_OPERATOR = 16  # the same of one operator
OF_LINKS = 2000  # the same of one organization's links: few milliseconds each, and a depot's phones may come at once


class Reads(Protocol):
    """Reads of the database; `Database` and `Turns` have them."""

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(tx, …)`, run on a consistent snapshot."""

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `function(tx, …)`, which reads about `weight` bytes of pictures, run on a consistent snapshot."""


class LongWork(Reads, Protocol):
    """Reads and other long work; `Turns` has them."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(…)`, run apart from short requests."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The queue of one owner. Every method raises `rate_limited` when the owner's `limits` are reached."""

    _pool: BoundedPool
    _reader: LongReader
    _owner: str
    _limits: Limits

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(…)`, run in the owner's turn."""
        return await self._pool.run(self._owner, self._limits, function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(tx, …)`, run in the owner's turn on a consistent snapshot that cannot write."""
        return await self.run(self._reader.read, function, *args, **kwargs)

    async def read_and(
        self, make: Callable[[T], R], function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `make(function(tx, …))`, both run in one turn of the owner: of all that is read for waiting calls, one
        result at a time is in memory.
        """
        return await self.run(lambda: make(self._reader.read(function, *args, **kwargs)))

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `function(tx, …)`, run in the owner's turn on a consistent snapshot; `weight` is ignored."""
        return await self.read(function, *args, **kwargs)


class TurnTaking:
    """The thread that all queues share, and the connection on which it reads."""

    def __init__(self, reader: LongReader) -> None:
        self._reader = reader
        self._pool = BoundedPool(_refusal, threads=1, rest=threading.Event.wait)

    def of_operator(self, org_id: str, operator_id: str) -> Turns:
        """Return the queue of an organization's operators, of at most `WAITING` calls of all of them and `OF_OPERATOR`
        of this one, running ones included.
        """
        return self._queue(org_id, {org_id: WAITING, operator_id: OF_OPERATOR})

    def of_visitor(self, address: str) -> Turns:
        """Return the queue of the visitors at an address, before they sign in, of at most `OF_OPERATOR` calls."""
        owner = f"visitor {address}"
        return self._queue(owner, {owner: OF_OPERATOR})

    def of_keys(self, org_id: str) -> Turns:
        """Return the queue of an organization's API keys, of at most `WAITING` calls of all of them."""
        owner = f"keys {org_id}"
        return self._queue(owner, {owner: WAITING})

    def of_links(self, org_id: str) -> Turns:
        """Return the queue of an organization's links, of at most `OF_LINKS` calls, so that phones do not wait for its
        operators.
        """
        owner = f"links {org_id}"
        return self._queue(owner, {owner: OF_LINKS})

    def of_download(self, org_id: str) -> Turns:
        """Return the queue of an organization's downloads, which share the turns of its operators. It has no limits, so
        that no download is refused halfway; the number of downloads is limited where they begin.
        """
        return self._queue(org_id, {})

    def _queue(self, owner: str, limits: Limits) -> Turns:
        return Turns(self._pool, self._reader, owner, limits)

    async def close(self) -> None:
        """Refuse the waiting work, and wait a little for the running work."""
        await self._pool.close()


def _refusal(why: RefusalReason) -> Problem:
    if why == "owner":
        return Problem("rate_limited", "Too many requests of this kind are waiting; try again.", retry_after=2)
    return Problem("unavailable", "That can't be done right now; try again.", retry_after=5)
