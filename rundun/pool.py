"""Bounded work: so many places for each owner and in all, and a few threads that owners share fairly."""

import asyncio
import functools
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
Job = tuple[str, Future[Any], Callable[[], Any]]  # whose it is, what comes of it, what is called
# Nothing is left for an owner, or for all; a function has waited too long; the pool is closed.
RefusalReason = Literal["owner", "all", "late", "closed"]
Limits = Mapping[str, int]  # by owner, the maximum of places with this one; "" stands for all owners together


class BoundedPool:
    """Places that are taken for a while, and functions that run in threads while they have one.

    A 48-megapixel HEIC takes 400 MB and three seconds: unbounded, a van full of phones coming back online would take
    the service down. A place is free again when the *thread* is done, not when the client has gone away; work that
    still waits when its client goes away is never begun.

    Of the owners that wait the one that has used the threads for the shortest time is next (start-time fair queueing,
    Goyal, Vin and Cheng 1996), so that nobody stands behind all that somebody else has sent, however long that takes.
    """

    def __init__(
        self,
        refusal: Callable[[RefusalReason], Exception],
        *,
        threads: int = 0,
        sparing: bool = False,
        wait_seconds: float | None = None,
        idle_seconds: float = 10,
        close_seconds: float = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a pool. `refusal` makes what is raised where no place is left. A function has begun within
        `wait_seconds` or is refused. `close` waits `close_seconds` for what runs. The threads are daemons, since no
        thread can be stopped and the process must not wait for one; they end when there was nothing to do for
        `idle_seconds`.

        A `sparing` pool is for functions that may hang: no owner has more threads than its `owner_limit`.
        """
        self._refusal = refusal
        self._max_threads = threads
        self._sparing = sparing
        self._wait_seconds = wait_seconds
        self._close_seconds = close_seconds
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()  # what follows is changed by the threads, too
        self._work = threading.Condition(self._lock)
        self._idle = 0
        self._held: Counter[str] = Counter()
        self._running: Counter[str] = Counter()  # functions in threads, by owner
        self._waiting: dict[str, deque[Job]] = {}  # by owner, of two that used as much the next one first
        self._used: dict[str, float] = {}  # seconds in the threads, by owner; who comes begins at `_begun_at`
        self._begun_at = 0.0  # what the owner of the function that began last had used by then
        self.clock = clock
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def held(self, owner: str = "") -> int:
        """Count the places that an owner has, or all together have, right now."""
        return self._held[owner]

    @contextmanager
    def place(self, limits: Limits) -> Iterator[None]:
        """Take a place of each of these owners while the context lasts; raises the refusal."""
        with self._lock:
            self._take(limits)
        try:
            yield
        finally:
            self._give_back(limits)

    async def run(
        self, owner: str, limits: Limits, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `function` in a thread in the owner's turn, and return or raise what comes of it; raises the refusal."""
        job: Future[R] = Future()
        with self._lock:
            self._take(limits)
            call = functools.partial(function, *args, **kwargs)
            self._used[owner] = max(self._used.get(owner, 0.0), self._begun_at)
            self._waiting.setdefault(owner, deque()).append((owner, job, call))
            self._work.notify()
        job.add_done_callback(functools.partial(self._settle, owner, limits))
        self._start_thread(job)
        late = self._wait_seconds and asyncio.get_running_loop().call_later(self._wait_seconds, job.cancel)
        try:
            return await asyncio.wrap_future(job)
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
            if self._held[owner] >= max_places:
                raise self._refusal("owner" if owner else "all")
        self._held.update(limits.keys())

    def _give_back(self, limits: Limits) -> None:
        with self._lock:
            self._held.subtract(limits.keys())
            self._held += Counter()  # drops those with none

    def _settle(self, owner: str, limits: Limits, job: Future[Any]) -> None:
        self._give_back(limits)
        if job.cancelled():
            with self._lock:
                jobs = self._waiting.get(owner, deque())
                left = deque(waiting for waiting in jobs if waiting[1] is not job)
                if left:
                    self._waiting[owner] = left
                elif jobs:
                    del self._waiting[owner]

    def _start_thread(self, job: Future[Any]) -> None:
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
                job.cancel()
                raise self._refusal("all") from None

    def next_job(self, done: str | None, seconds: float) -> Job | None:
        """Return the next job to run, or None to end the calling thread. `done` is the owner of the job that the thread
        has just run, None for none, and `seconds` the time that it took.
        """
        with self._lock:
            if done is not None:
                self._running[done] -= 1
                self._running += Counter()  # drops those with none
                self._used[done] += seconds
                self._forget_used()
                if self._sparing:
                    self._work.notify_all()  # who had too many may go on
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
            jobs = self._waiting.pop(owner)
            job = jobs.popleft()
            self._running[owner] += 1
            self._begun_at = max(self._begun_at, self._used[owner])
            if jobs:
                self._waiting[owner] = jobs  # behind all others
            return job

    def _forget_used(self) -> None:
        """Drop what owners have used that would begin with no less if they came now."""
        active = self._waiting.keys() | self._running.keys()
        self._used = {
            owner: used for owner, used in self._used.items() if owner in active or (active and used > self._begun_at)
        }

    def _next_owner(self) -> str | None:
        """Return the owner whose turn it is, None where nobody's is."""
        limit = owner_limit(self._max_threads, self._running.total())
        allowed = [owner for owner in self._waiting if not self._sparing or self._running[owner] < limit]
        return min(allowed, key=self._used.__getitem__, default=None)

    async def close(self) -> int:
        """Refuse what waits, and wait a little for what runs, since nobody wants its outcome any more. Returns how many
        threads still run.
        """
        with self._lock:
            self._is_closed = True
            self._work.notify_all()
            waiting = [job for jobs in self._waiting.values() for _, job, _ in jobs]
            threads = list(self._threads)
        for job in waiting:
            job.cancel()
        return await asyncio.to_thread(self._join, threads) if threads else 0

    def _join(self, threads: list[threading.Thread]) -> int:
        until = time.monotonic() + self._close_seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)


def call_within(seconds: float, function: Callable[[], R]) -> R:
    """Run a function that may hang, as one on a disk that is away does, and return or raise what comes of it; raises
    TimeoutError when it takes longer, and leaves its thread, a daemon, behind.
    """
    job: Future[R] = Future()
    threading.Thread(target=_do, args=(job, function), name="call", daemon=True).start()
    return job.result(seconds)


def _work(pool: BoundedPool) -> None:
    """Run jobs until the thread ends. No job is held once it is done: pictures are large."""
    owner, seconds = None, 0.0
    while next_job := pool.next_job(owner, seconds):
        owner, job, call = next_job
        del next_job
        began = pool.clock()
        _do(job, call)
        seconds = pool.clock() - began
        del job, call


def _do(job: Future[Any], call: Callable[[], Any]) -> None:
    if not job.set_running_or_notify_cancel():
        return
    try:
        outcome = call()
    except StopIteration:  # no future of asyncio takes it
        job.set_exception(RuntimeError("a function raised StopIteration"))
    except BaseException as error:
        job.set_exception(error)
    else:
        job.set_result(outcome)
    finally:
        del job, call  # the traceback of an error leads here: without this it would hold itself
