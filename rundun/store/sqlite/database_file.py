"""The database file: its lock, its mode, and a watch for its removal or replacement.

Nothing else in a process may open and close the file while SQLite has it open: closing any descriptor of it drops
SQLite's locks (POSIX, fcntl(2)). The descriptor here outlives SQLite's.
"""

import errno
import fcntl
import logging
import os
import sqlite3
import stat
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rundun.errors import Problem
from rundun.store.sqlite.access import find_denial

OWNER_ONLY = 0o600
RESTORE = "Stop the service and restore a backup: rundun restore FILE."
_LOCKED_BYTE = 1 << 62  # far beyond the bytes that SQLite locks, from 2^30 on
_LOST = "lost inode "
_log = logging.getLogger("rundun.store")

Identity = tuple[int, int]  # device and inode


class DatabaseLocked(Problem):
    """Raised where another process has locked the database."""

    def __init__(self, path: Path) -> None:
        super().__init__("unavailable", f"Another process is serving {path}.")


class DatabaseLost(Problem):
    """Raised while the opened files are not at their paths; the loss is logged, once."""

    def __init__(self) -> None:
        detail = (
            "The database file was moved or deleted while the service was running. Put it back, or stop the service "
            "and restore a backup."
        )
        super().__init__("unavailable", detail, retry_after=5)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise an error of the body about `path`, from the file system or SQLite, as a `Problem` `unavailable` that names
    it.
    """
    try:
        yield
    except OSError as error:
        named = str(error.filename or path)
        about = path if named.startswith(str(path.resolve())) else Path(named)
        raise Problem("unavailable", find_denial(about) or f"{about} can't be opened: {error.strerror}.") from None
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise Problem("unavailable", f"{path} is no Rundun database.") from None
        denied = find_denial(path) if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN else None
        text = denied or f"{path} can't be opened: {error}."
        raise _damage(path, error) or Problem("unavailable", text) from None


@contextmanager
def translate_damage(path: Path) -> Iterator[None]:
    """Raise an SQLite error of the body about damage in the file at `path` as a `Problem` `unavailable` with advice,
    and any other error unchanged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _damage(path, error) or error from None


def _damage(path: Path, error: sqlite3.Error) -> Problem | None:
    """Return a Problem with advice for an error about damage in the file at `path`; None for any other error."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return None
    return Problem("unavailable", f"{path} is damaged: {error}. {RESTORE}")


class Lock:
    """The right to write to a database, until closed or the end of the process: an flock on `<file>.lock`, which guards
    its name and its log, and a lock on the file itself, which guards it under any other name. Makes the file if it is
    missing. Close SQLite's connections first. Raises `DatabaseLocked`, or `unavailable`.

    `<file>.lock` is beside the file itself, also where `path` is a symbolic link. With `together`, a log of another
    file beside it is refused.
    """

    def __init__(self, path: Path, *, together: bool = True) -> None:
        self._descriptors: list[int] = []
        try:
            with translate_errors(path):
                self._beside = self._open(f"{path.resolve()}.lock")
            try:
                fcntl.flock(self._beside, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DatabaseLocked(path) from None
            if together:
                require_together(path)
            with translate_errors(path):
                self._file = self._open(path.resolve())
                is_ours = lock_byte(self._file)
            if not is_ours:
                raise Problem("unavailable", f"Another process is serving {path} by another name.")
        except BaseException:
            self.close()
            raise
        if together:
            self.note_lost(None)

    def _open(self, name: str | Path) -> int:
        # No link: a user who may write into the folder could make root, who locks it, empty or make a file elsewhere.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._descriptors.append(os.open(name, flags, OWNER_ONLY))
        if not stat.S_ISREG(os.fstat(self._descriptors[-1]).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        return self._descriptors[-1]

    def note_lost(self, inode: int | None) -> None:
        """Write the inode of a lost file into `<file>.lock` for the next start; None clears it."""
        try:
            os.ftruncate(self._beside, 0)
            if inode is not None:
                os.pwrite(self._beside, f"{_LOST}{inode}\n".encode(), 0)
        except OSError:
            pass  # for example, a full disk: then the next start can't tell

    def content_state(self) -> tuple[int, int]:
        """Return the size of the opened file in bytes and the time of its last change in nanoseconds."""
        found = os.fstat(self._file)
        return found.st_size, found.st_mtime_ns

    def close(self) -> None:
        """Release the lock."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def lock_byte(file: int) -> bool:
    """Lock one byte of the open file; return False where another process has it. On Linux the lock belongs to the open
    file description, so only closing this descriptor ends it. Over NFS and on BSD, flock would lock all bytes, SQLite's
    included.
    """
    try:
        if sys.platform == "linux":
            lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)  # struct flock, fcntl(2)
            try:
                fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
                return True
            except OSError as error:
                if error.errno != errno.EINVAL:  # a kernel that has no such locks
                    raise
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _LOCKED_BYTE)
    except (BlockingIOError, PermissionError):  # EAGAIN, EACCES: POSIX allows both
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it are on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def require_together(path: Path) -> None:
    """Raise `unavailable` where a log is there without its database, or beside another database: SQLite would delete
    the log or mix the two, and the commits that are only in the log would be lost.
    """
    real = path.resolve()
    names = [name for name in (f"{real}-wal", f"{real}-shm") if os.path.exists(name)]
    left, these = " and ".join(names), "both of these" if len(names) > 1 else "that"
    found = _identity(real)
    if left and (found is None or not os.stat(real).st_size):
        raise Problem(
            "unavailable",
            f"{path} is missing, but not {left}, with its last commits. Put the file back beside it, or remove {these} "
            "as well, to start with a new database.",
        )
    if left and found is not None and _is_other(real, found):
        raise Problem(
            "unavailable",
            f"{path} was replaced while it was served, and would be mixed with {left} of the earlier file. Put that "
            f"file back, or remove {these}, to continue with {path} as it is.",
        )


def is_together(path: Path) -> bool:
    """Tell whether the log beside the file counts as its own: False for an empty or missing file, or if another file
    was noted as lost. True without a log.
    """
    try:
        require_together(path)
    except Problem:
        return False
    return True


def _is_other(real: Path, found: Identity) -> bool:
    return _lost(real) not in (None, found[1])


def is_away(path: Path) -> bool:
    """Tell whether the file is missing, or is another one than the file noted as lost, if any."""
    found = _identity(path)
    return found is None or _is_other(path.resolve(), found)


def was_lost(path: Path) -> bool:
    """Tell whether the last service on this path noted that its file was lost."""
    return _lost(path.resolve()) is not None


def _lost(real: Path) -> int | None:
    """Return the inode of the lost file, noted by `Lock.note_lost`; None where none is noted."""
    try:
        return int(Path(f"{real}.lock").read_text("ascii").removeprefix(_LOST))
    except (OSError, ValueError):
        return None


def list_open_to_others(path: Path) -> list[str]:
    """List the paths of the database, its log and the log's index, of those that other users may read or write."""
    real = path.resolve()
    return [name for name in (f"{real}", f"{real}-wal", f"{real}-shm") if _mode(name) & ~OWNER_ONLY]


def _mode(name: str) -> int:
    try:
        return os.stat(name).st_mode & 0o777
    except OSError:  # for example, it does not exist
        return 0


def restrict_to_owner(path: Path) -> None:
    """Remove the rights of other users on the database, which copying often gives them; log that, or that it failed.
    SQLite gives the files beside the database its mode.
    """
    before = list_open_to_others(path)
    for name in before:
        try:
            os.chmod(name, OWNER_ONLY)
        except OSError:
            pass  # another user's file, or a file system without modes: logged below
    if left := list_open_to_others(path):
        _log.warning("other users may read %s with all its secrets, and its mode can't be changed", ", ".join(left))
    elif before:
        _log.warning("other users could read %s with all its secrets; now only the owner can", ", ".join(before))


def _identity(name: str | Path) -> Identity | None:
    """Return the device and inode of the file with this name; None if it can't be reached."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class FileWatch:
    """A watch over the opened files: the database, its log and the log's index (`-wal`, `-shm`).

    A file that was removed or replaced stays open without a name: its writes are lost once the process ends. So the
    files are examined after each commit, before its calls are answered, and once a second for services that only read.
    Once a file is lost, writes and reads are refused: a restart would not know the data of such an answer. When the
    same files are back, the service goes on, unless another process wrote to them. `<file>.lock` keeps the inode of a
    lost file for the next start, which could not tell otherwise whether a log there belongs to the file beside it.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        real = path.resolve()
        self.path = path
        self._lock = lock
        named = os.fspath(path.absolute())  # the given name: a symbolic link with a new target is noticed as well
        opened = _identity(named)
        self._inode = opened[1] if opened else None
        self._with_data = {named: opened, f"{real}-wal": _identity(f"{real}-wal")}
        self._all = {**self._with_data, f"{real}-shm": _identity(f"{real}-shm")}
        self._changing = threading.Lock()
        self._state_when_lost = (0, 0)  # the file's content state when it was lost
        self._is_changed = False
        self.is_lost = False

    def examine(self, *, whole: bool = True) -> None:
        """Set `is_lost` where a file is not at its path, and clear it where all are back. For any thread. Without
        `whole` only the files with data are examined, in a few microseconds, and a lost one stays lost.
        """
        for name, opened in (self._all if whole else self._with_data).items():
            if (found := _identity(name)) != opened:
                self._lose(name, "removed" if found is None else "replaced")
                return
        if whole and self.is_lost:
            self._regain()

    def _lose(self, name: str, how: str) -> None:
        with self._changing:
            if self.is_lost:
                return
            self.is_lost = True
            self._state_when_lost = self._lock.content_state()
            self._lock.note_lost(self._inode)
            _log.error("%s was %s under the running service, which refuses everything from now on", name, how)

    def _regain(self) -> None:
        with self._changing:
            if not self.is_lost:
                return
            if self._lock.content_state() == self._state_when_lost:
                self.is_lost = False
                self._lock.note_lost(None)
                _log.warning("the database is back, and the service goes on")
            elif not self._is_changed:
                self._is_changed = True
                _log.error("the database is back, but another process wrote to it meanwhile: restart the service")
