"""Bounded work: a limit of places for each owner and in all, and a few threads that owners share fairly."""

import asyncio
import functools
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Literal, ParamSpec, TypeVar

from rundun.core.fair_share import owner_limit

P = ParamSpec("P")
R = TypeVar("R")
QueuedCall = tuple[str, Future[Any], Callable[[], Any]]  # owner, future of the outcome, function
# An owner has all its places, or all are taken; a call has waited too long; the pool is closed.
RefusalReason = Literal["owner", "all", "late", "closed"]
Limits = Mapping[str, int]  # by owner, the most places that it may have; "" stands for all owners together
MAX_REST_SECONDS = 0.25


class BoundedPool:
    """A limited number of places, and functions that run in a few threads while they have a place.

    A 48-megapixel HEIC takes 400 MB and three seconds: unbounded, a van full of phones coming back online would take
    the service down. A place is free again when the *thread* is done, not when the client has gone away; work that
    still waits when its client goes away is never begun.

    Of the waiting owners, the one that has used the threads for the shortest time is next (start-time fair queueing,
    Goyal, Vin and Cheng 1996), so no owner waits until all calls of another one are done.
    """

    def __init__(
        self,
        refusal: Callable[[RefusalReason], Exception],
        *,
        threads: int = 0,
        sparing: bool = False,
        waits_for_others: Callable[[str], bool] = lambda owner: False,
        wait_seconds: float | None = None,
        idle_seconds: float = 10,
        close_seconds: float = 2,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[threading.Event, float], object] | None = None,
    ) -> None:
        """Make a pool of at most `threads`. `refusal` makes the exception that a refused caller gets. A function that
        has not begun within `wait_seconds` is refused. `close` waits `close_seconds` for running functions. The threads
        are daemons, since no thread can be stopped and the process must not wait for one; they end after
        `idle_seconds` without a call.

        A `sparing` pool is for functions that may hang: no owner has more threads than its `owner_limit`. An owner of
        whom `waits_for_others` is true has its turns while no other owner waits.

        `rest`, such as `threading.Event.wait`, is for functions that keep the interpreter's lock, as parsing does: a
        thread calls it between two of them, with the seconds of the first, at most `MAX_REST_SECONDS`, so that the
        event loop has half of the time. In between it gets the lock for one short step otherwise, and a request has
        many. The event ends the rest early: an owner has come who has not had a turn since the others, and the rest
        would only add to its wait.
        """
        self._refusal = refusal
        self._max_threads = threads
        self._sparing = sparing
        self._waits_for_others = waits_for_others
        self._wait_seconds = wait_seconds
        self._close_seconds = close_seconds
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()  # for all attributes below: the threads change them as well
        self._work = threading.Condition(self._lock)
        self._idle = 0
        self._taken: Counter[str] = Counter()
        self._running: Counter[str] = Counter()  # functions in threads, by owner
        self._waiting: dict[str, deque[QueuedCall]] = {}  # by owner; of two that used as much, the next one first
        self._used: dict[str, float] = {}  # seconds in the threads, by owner; a new owner begins at `_begun_at`
        self._begun_at = 0.0  # the seconds that the owner of the last call to begin had used before it
        self.clock = clock
        self._rest = rest
        self._newcomer = threading.Event()  # an owner has come for its first turn since the others had theirs
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def count_taken(self, owner: str = "") -> int:
        """Count the places taken now for `owner`, a key of the limits: "" for all owners together."""
        return self._taken[owner]

    @contextmanager
    def place(self, limits: Limits) -> Iterator[None]:
        """Take a place for each owner of `limits` while the context lasts; raises the refusal at once where one has
        none left.
        """
        with self._lock:
            self._take(limits)
        try:
            yield
        finally:
            self._give_back(limits)

    async def run(
        self, owner: str, limits: Limits, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `function` in a thread when it is the owner's turn, and return its result; raises its error, or the
        refusal: at once where an owner of `limits` has no place left, later where it did not begin in time.
        """
        future: Future[R] = Future()
        with self._lock:
            self._take(limits)
            call = functools.partial(function, *args, **kwargs)
            if not (owner in self._waiting or owner in self._running or self._used.get(owner, 0.0) > self._begun_at):
                self._newcomer.set()
            self._used[owner] = max(self._used.get(owner, 0.0), self._begun_at)
            self._waiting.setdefault(owner, deque()).append((owner, future, call))
            self._work.notify()
        future.add_done_callback(functools.partial(self._settle, owner, limits))
        self._start_thread(future)
        late = self._wait_seconds and asyncio.get_running_loop().call_later(self._wait_seconds, future.cancel)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self._refusal("closed" if self._is_closed else "late") from None
        finally:
            if late:
                late.cancel()

    def _take(self, limits: Limits) -> None:
        if self._is_closed:
            raise self._refusal("closed")
        for owner, max_places in limits.items():
            if self._taken[owner] >= max_places:
                raise self._refusal("owner" if owner else "all")
        self._taken.update(limits.keys())

    def _give_back(self, limits: Limits) -> None:
        with self._lock:
            self._taken.subtract(limits.keys())
            self._taken += Counter()  # drops those with none

    def _settle(self, owner: str, limits: Limits, future: Future[Any]) -> None:
        self._give_back(limits)
        if future.cancelled():
            with self._lock:
                calls = self._waiting.get(owner, deque())
                left = deque(call for call in calls if call[1] is not future)
                if left:
                    self._waiting[owner] = left
                elif calls:
                    del self._waiting[owner]

    def _start_thread(self, future: Future[Any]) -> None:
        with self._lock:
            are_enough = sum(map(len, self._waiting.values())) <= self._idle
            if are_enough or len(self._threads) >= self._max_threads:
                return
            thread = threading.Thread(target=_work, args=(self,), name="pool", daemon=True)
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread left
            with self._lock:
                self._threads.discard(thread)
                is_alone = not self._threads
            if is_alone:
                future.cancel()
                raise self._refusal("all") from None

    def rest_after(self, seconds: float) -> None:
        """Rest after a function that took `seconds`, if another one waits and it was more than a short step."""
        if self._rest and self._waiting and seconds > sys.getswitchinterval():
            self._rest(self._newcomer, min(seconds, MAX_REST_SECONDS))

    def next_call(self, done: str | None, seconds: float) -> QueuedCall | None:
        """Wait for the next call and return it; None, to end the thread, after `idle_seconds` without one or on close.
        `done` is the owner of the call that the thread has just run, None for none, and `seconds` the time it took.
        """
        with self._lock:
            if done is not None:
                self._running[done] -= 1
                self._running += Counter()  # drops those with none
                self._used[done] += seconds
                self._drop_used()
                if self._sparing:
                    self._work.notify_all()  # an owner that had its limit of threads may have one again
            self._idle += 1
            while not self._work.wait_for(
                lambda: self._next_owner() is not None or self._is_closed, self._idle_seconds
            ):
                if not self._waiting:
                    break
            self._idle -= 1
            owner = self._next_owner()
            if owner is None:
                self._threads.discard(threading.current_thread())
                return None
            calls = self._waiting.pop(owner)
            call = calls.popleft()
            self._newcomer.clear()
            self._running[owner] += 1
            self._begun_at = max(self._begun_at, self._used[owner])
            if calls:
                self._waiting[owner] = calls  # behind all others
            return call

    def _drop_used(self) -> None:
        """Drop the seconds used by inactive owners that would begin with at least as many if they came now."""
        active = self._waiting.keys() | self._running.keys()
        self._used = {
            owner: used for owner, used in self._used.items() if owner in active or (active and used > self._begun_at)
        }

    def _next_owner(self) -> str | None:
        """Return the waiting owner that has used the least time, of those that do not wait for others, if any; None
        where none waits or may have another thread.
        """
        limit = owner_limit(self._max_threads, self._running.total())
        allowed = [owner for owner in self._waiting if not self._sparing or self._running[owner] < limit]
        return min(allowed, key=lambda owner: (self._waits_for_others(owner), self._used[owner]), default=None)

    async def close(self) -> int:
        """Refuse the waiting calls, wait at most `close_seconds` for the running ones, and return the number of threads
        that still run: their outcome is of no use any more.
        """
        with self._lock:
            self._is_closed = True
            self._work.notify_all()
            waiting = [future for calls in self._waiting.values() for _, future, _ in calls]
            threads = list(self._threads)
        for future in waiting:
            future.cancel()
        return await asyncio.to_thread(self._join, threads) if threads else 0

    def _join(self, threads: list[threading.Thread]) -> int:
        until = time.monotonic() + self._close_seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)


def call_within(seconds: float, function: Callable[[], R]) -> R:
    """Run a function that may hang, as on a disk that is away, and return its result; raises its error, or TimeoutError
    after `seconds`, which leaves its thread, a daemon, behind.
    """
    future: Future[R] = Future()
    threading.Thread(target=_settle_future, args=(future, function), name="call", daemon=True).start()
    return future.result(seconds)


def _work(pool: BoundedPool) -> None:
    """Run calls until the thread ends. No reference to a call stays once it is done: pictures are large."""
    owner, seconds = None, 0.0
    while next_call := pool.next_call(owner, seconds):
        owner, future, call = next_call
        del next_call
        began = pool.clock()
        _settle_future(future, call)
        seconds = pool.clock() - began
        del future, call
        pool.rest_after(seconds)


def _settle_future(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        outcome = call()
    except StopIteration:  # no future of asyncio takes it
        future.set_exception(RuntimeError("a function raised StopIteration"))
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(outcome)
    finally:
        del future, call  # the traceback of an error leads here: without this it would refer to itself
