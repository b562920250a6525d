"""Turns: long work, such as pages, searches, tables and checks, runs in one thread, in which organizations take turns,
so that requests of others wait for one piece of it at most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from rundun.errors import Problem
from rundun.pool import BoundedPool, Limits, RefusalReason
from rundun.store.long_reads import LongReader
from rundun.store.sqlite.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")
WAITING = 64  # pieces of work of one organization's operators, or of its API keys, that wait or run
OF_OPERATOR = 16  # of these of one operator
OF_LINKS = 2000  # of one organization's links, each some milliseconds: a depot's phones may come at once


class Reads(Protocol):
    """Reads of the database, as `Database` has them."""

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, …)` on a consistent snapshot."""

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read `weight` bytes of pictures."""


class LongWork(Reads, Protocol):
    """Reads, and other work that takes long, as `Turns` have them."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` apart from short requests."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one owner. Each call raises `rate_limited` where the owner's `limits` are reached."""

    _pool: BoundedPool
    _reader: LongReader
    _owner: str
    _limits: Limits

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the owner's turn."""
        return await self._pool.run(self._owner, self._limits, function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, …)` in the owner's turn, on a consistent snapshot that cannot write."""
        return await self.run(self._reader.read, function, *args, **kwargs)

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read `weight` bytes of pictures, as `read` does: one read is all that a turn has."""
        return await self.read(function, *args, **kwargs)


class TurnTaking:
    """The thread, and the connection on which it reads."""

    def __init__(self, reader: LongReader) -> None:
        self._reader = reader
        self._pool = BoundedPool(_too_many, threads=1)

    def of_operator(self, org_id: str, operator_id: str) -> Turns:
        """Return the turns of an organization's operators, for one of them."""
        return self._of(org_id, {org_id: WAITING, operator_id: OF_OPERATOR})

    def of_visitor(self, address: str) -> Turns:
        """Return the turns of the visitors at an address, who have not signed in."""
        owner = f"visitor {address}"
        return self._of(owner, {owner: OF_OPERATOR})

    def of_keys(self, org_id: str) -> Turns:
        """Return the turns of an organization's API keys."""
        owner = f"keys {org_id}"
        return self._of(owner, {owner: WAITING})

    def of_links(self, org_id: str) -> Turns:
        """Return the turns of an organization's links: phones do not wait for its operators."""
        owner = f"links {org_id}"
        return self._of(owner, {owner: OF_LINKS})

    def of_download(self, org_id: str) -> Turns:
        """Return an organization's turns for a download, which is never refused in the middle: the downloads under way
        are limited themselves.
        """
        return self._of(org_id, {})

    def _of(self, owner: str, limits: Limits) -> Turns:
        return Turns(self._pool, self._reader, owner, limits)

    async def close(self) -> None:
        """Refuse the work that waits, and wait a little for the work that runs."""
        await self._pool.close()


def _too_many(why: RefusalReason) -> Problem:
    if why == "owner":
        return Problem("rate_limited", "Too many such requests wait; try again.", retry_after=2)
    return Problem("unavailable", "That can't be done right now; try again.", retry_after=5)
