"""A beat in the event loop, by which `/metrics` tells how late the loop is, and a log line tells where it is held."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rundun import counters
from rundun.logs import log

BEAT_SECONDS = 0.005
LATE_SECONDS = 0.25  # a beat that is so late has its line in the log


class LoopBeat:
    """The beat of the running loop, and a thread that sees when it stays away."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._due = self._loop.time() + BEAT_SECONDS
        self._told = 0.0  # the beat of which the log has its line
        self._handle = self._loop.call_at(self._due, self._beat)
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="loop-beat", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop beat and thread."""
        self._handle.cancel()
        self._closing.set()
        self._watcher.join()

    def _beat(self) -> None:
        late = self._loop.time() - self._due
        counters.loop_lateness.observe(max(0.0, late))
        if late >= LATE_SECONDS:
            self._tell(self._due, "a call that lets no other thread run")
        self._due = self._loop.time() + BEAT_SECONDS
        self._handle = self._loop.call_at(self._due, self._beat)

    def _watch(self) -> None:
        while not self._closing.wait(LATE_SECONDS / 5):
            due = self._due
            if self._loop.time() - due >= LATE_SECONDS:
                self._tell(due, place_of(sys._current_frames()[self._thread]))

    def _tell(self, due: float, place: str) -> None:
        if due != self._told:
            self._told = due
            log("warning", "loop.held", seconds=round(self._loop.time() - due, 2), at=place)


@contextmanager
def beating() -> Iterator[None]:
    """Have the running loop beat."""
    beat = LoopBeat()
    try:
        yield
    finally:
        beat.close()


def place_of(frame: FrameType) -> str:
    """Return where a stack stands, `module.function:line`, without any values: its innermost place in Rundun's own
    code, and in front of it the innermost of all, where that is in a library.
    """
    own: FrameType | None = frame
    while own is not None and not _module(own).startswith("rundun."):
        own = own.f_back
    places = [frame] if own is None or own is frame else [frame, own]
    return " < ".join(f"{_module(one)}.{one.f_code.co_qualname}:{one.f_lineno}" for one in places)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))
