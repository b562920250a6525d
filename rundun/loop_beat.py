"""A beat in the event loop, by which `/metrics` tells how late the loop is, and a log line tells where it is held."""

import asyncio
import faulthandler
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rundun import counters
from rundun.logs import log

BEAT_SECONDS = 0.005  # from one beat to the next while they come late
UNHURRIED_SECONDS = 0.02  # while they come in time: each one wakes the processor
LATE_SECONDS = 0.25  # a beat that is so late has its line in the log
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (\S+)', re.MULTILINE)


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
        late = max(0.0, self._loop.time() - self._due)
        counters.loop_lateness.observe(late)
        if late >= LATE_SECONDS:
            self._tell(self._due, "a call that lets no other thread run")
        self._due = self._loop.time() + pause_after(late)
        self._handle = self._loop.call_at(self._due, self._beat)

    def _watch(self) -> None:
        while not self._closing.wait(LATE_SECONDS / 5):
            due = self._due
            if due != self._told and self._loop.time() - due >= LATE_SECONDS:
                self._tell(due, place_of(self._thread))

    def _tell(self, due: float, place: str) -> None:
        if due != self._told:
            self._told = due
            log("warning", "loop.held", seconds=round(self._loop.time() - due, 2), at=place)


def pause_after(late: float) -> float:
    """Return for how many seconds the loop's beat pauses after one that was `late` by so many."""
    return BEAT_SECONDS if late >= BEAT_SECONDS else UNHURRIED_SECONDS


@contextmanager
def beating() -> Iterator[None]:
    """Have the running loop beat."""
    beat = LoopBeat()
    try:
        yield
    finally:
        beat.close()


def place_of(thread: int) -> str:
    """Return where a thread stands, `module.function:line`, without any values: its innermost place in Rundun's own
    code, and in front of it the innermost of all, where that is in a library; "?" for an unknown thread.
    """
    with tempfile.TemporaryFile() as file:
        # It looks at all threads in one step. Frame objects of a running thread may be gone at the next one: following
        # their `f_back` has crashed Python 3.11.
        faulthandler.dump_traceback(file)
        file.seek(0)
        dump = file.read().decode(errors="replace")
    stack = re.search(rf"^(?:Current t|T)hread {thread:#018x} .*\n((?:  .*\n?)*)", dump, re.MULTILINE)
    places = [f"{_module(path)}.{name}:{line}" for path, line, name in _FRAME.findall(stack[1] if stack else "")]
    own = next((place for place in places if place.startswith("rundun.")), "")
    return " < ".join(dict.fromkeys([*places[:1], own] if own else places[:1])) or "?"


def _module(path: str) -> str:
    roots = [root for root in sys.path if root and path.startswith(f"{root}/")]
    return path[len(max(roots, key=len, default="")) :].strip("/").removesuffix(".py").replace("/", ".")
