"""A bench that bounds heavy work: few jobs at a time, in threads of their own, and a refusal when too many wait."""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from rundun.errors import Problem
from rundun.logs import log

__all__ = ["Workbench"]

P = ParamSpec("P")
R = TypeVar("R")


class Workbench:
    """Runs functions in threads of its own.

    A 48-megapixel HEIC takes 400 MB and three seconds: unbounded, a van full of phones coming back online would take
    the service down. A place is free again when the *thread* is done, not when the client has gone away; work that
    still waits when its client goes away is never begun.
    """

    def __init__(
        self,
        workers: int = 1,
        queue_length: int = 8,
        retry_after: int = 5,
        patience: float = 2,
        of_owner: int = 1,
    ) -> None:
        """`workers` run, `queue_length` more may wait, `of_owner` of these for one owner. `retry_after` is in
        seconds, and so is `patience`, for which `close` waits. The threads are daemons: no thread can be stopped,
        and the process must not wait for one.
        """
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._places = threading.BoundedSemaphore(workers + queue_length)
        self._owners: Counter[str] = Counter()
        self._of_owner = of_owner
        self._counting = threading.Lock()  # places are given back by the threads
        self._retry_after = retry_after
        self._patience = patience
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=_work, args=(self._jobs,), name=f"workbench-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises. Raises `unavailable` when the bench is full or closed."""
        return await self._run(None, functools.partial(function, *args, **kwargs))

    async def run_for(self, owner: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """As `run`, but refused also while that much work of that owner waits or runs: nobody takes all places."""
        return await self._run(owner, functools.partial(function, *args, **kwargs))

    async def _run(self, owner: str | None, call: Callable[[], R]) -> R:
        if self._closed.is_set():
            raise self._unavailable("The service is stopping.")
        with self._counting:
            if owner is not None and self._owners[owner] >= self._of_owner:
                raise self._unavailable("Other pictures of yours are still in work; try again shortly.")
            if not self._places.acquire(blocking=False):
                raise self._unavailable("Too many photos are in work; try again shortly.")
            if owner is not None:
                self._owners[owner] += 1
        job: Future[R] = Future()
        job.add_done_callback(functools.partial(self._free, owner))
        self._jobs.put((job, call))
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed.is_set() and task is not None and not task.cancelling():
                raise self._unavailable("The service is stopping.") from None
            raise

    def _free(self, owner: str | None, _: Future[Any]) -> None:
        if owner is not None:
            with self._counting:
                self._owners[owner] -= 1
                if not self._owners[owner]:
                    del self._owners[owner]
        self._places.release()

    def _unavailable(self, detail: str) -> Problem:
        return Problem("unavailable", detail, retry_after=self._retry_after)

    async def close(self) -> None:
        """Refuse what waits, and wait a little for what runs: nobody wants its outcome any more."""
        self._closed.set()
        try:
            while waiting := self._jobs.get_nowait():
                waiting[0].cancel()
        except queue.Empty:
            pass
        for _ in self._threads:
            self._jobs.put(None)
        left = await asyncio.to_thread(self._join)
        if left:
            log("warning", "workbench.left", running=left)

    def _join(self) -> int:
        """How many threads still run when patience is at its end."""
        until = time.monotonic() + self._patience
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    async def __aenter__(self) -> Workbench:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _work(jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    """A thread's life. It knows nothing of the bench, and keeps no job once it is done: pictures are large."""
    while True:
        taken = jobs.get()
        if taken is None:
            return
        _do(*taken)
        del taken


def _do(job: Future[Any], call: Callable[[], Any]) -> None:
    if not job.set_running_or_notify_cancel():
        return
    try:
        outcome = call()
    except BaseException as error:
        job.set_exception(error)
    else:
        job.set_result(outcome)
    finally:
        del job, call  # the traceback of an error leads here: without this it would hold itself
