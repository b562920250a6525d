"""The erasure journal's copy in the folder of the backups, which may hang for ever, as a dead server's folder does."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

WRITE_SECONDS = 1  # that the writer of the database waits for the folder
READ_SECONDS = 10  # that the start waits for it: a disk may have to spin up first
CLOSE_SECONDS = 2
T = TypeVar("T")
_log = logging.getLogger("rundun.store")


class JournalCopy(Generic[T]):
    """The copy at `path`, read and written in one thread of its own, a daemon, since no thread can be stopped. `error`
    says why the copy lacks something or could not be read; None where it is as it should be.
    """

    def __init__(
        self, path: Path, read: Callable[[Path], Sequence[T]], append: Callable[[Path, Sequence[T]], None]
    ) -> None:
        self.path = path
        self.error: str | None = None
        self._read_file = read
        self._append = append
        self._lock = threading.Lock()  # guards what follows
        self._lacking: list[T] = []
        self._may_write = False
        self._thread: threading.Thread | None = None

    def read(self) -> list[T]:
        """Return the entries of the copy; none where it can't be read in time, which `error` says."""
        found: list[T] = []
        self._run(lambda: found.extend(self._read_file(self.path)), READ_SECONDS)
        return [*found]

    def add(self, entries: Sequence[T], *, is_held: bool) -> None:
        """Add entries as well as can be: what can't be written in time, or while `is_held`, is at the next chance."""
        with self._lock:
            self._lacking += entries
            self._may_write = not is_held
            is_due = self._may_write and bool(self._lacking)
        if is_due:
            self._run(None, WRITE_SECONDS)

    def close(self) -> None:
        """Wait a little for what is being written. What stays undone the next start makes up for."""
        thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _run(self, function: Callable[[], None] | None, seconds: float) -> None:
        """Run a function, and write what is lacking, and wait for that; not at all behind another that hangs."""
        thread = threading.Thread(target=self._work, args=(function,), name="journal copy", daemon=True)
        with self._lock:
            if self._thread is not None:
                return
            self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._fail(str(error))
            return
        thread.join(seconds)
        with self._lock:
            if self._thread is thread:
                self._tell(f"the folder has not answered within {seconds} seconds")

    def _work(self, function: Callable[[], None] | None) -> None:
        entries: list[T] = []
        try:
            if function is not None:
                function()
            while entries := self._take():
                self._append(self.path, entries)
        except OSError as error:
            self._fail(error.strerror or str(error), entries)

    def _take(self) -> list[T]:
        """Return what the copy lacks and is written next; where there is nothing the thread ends."""
        with self._lock:
            entries = self._lacking if self._may_write else []
            if entries:
                self._lacking = []
            else:
                self._thread = self.error = None
            return entries

    def _fail(self, error: str, entries: Sequence[T] = ()) -> None:
        with self._lock:
            self._lacking = [*entries, *self._lacking]
            self._thread = None
            self._tell(error)

    def _tell(self, error: str) -> None:
        self.error = error
        _log.error("the copy of the erasure journal, %s, can't be used: %s", self.path, error)
