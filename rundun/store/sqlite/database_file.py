"""The file itself: whose it is, whether it is still the one that was opened, and who may read it.

Nothing in a process may open and close the file by itself while SQLite has it open: closing any of its descriptors
drops SQLite's locks on it (POSIX, fcntl(2)). The one descriptor here outlives SQLite's.
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
from rundun.store.sqlite.access import denial

OWNER_ONLY = 0o600
RESTORE = "Stop the service and restore a backup: rundun restore FILE."
_LOCKED_BYTE = 1 << 62  # far beyond the bytes that SQLite locks, from 2^30 on
_LOST = "lost inode "
_log = logging.getLogger("rundun.store")

Identity = tuple[int, int]  # device and inode


class DatabaseLocked(Problem):
    """Raised when another process holds the database."""

    def __init__(self, path: Path) -> None:
        super().__init__("unavailable", f"Another process is serving {path}.")


class DatabaseLost(Problem):
    """Raised while the files that were opened are not where they were opened. The log has said so, once."""

    def __init__(self) -> None:
        detail = (
            "The database file was moved or deleted while the service was running. Put it back, or stop the service "
            "and restore a backup."
        )
        super().__init__("unavailable", detail, retry_after=5)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system or SQLite about `path` into a `Problem` that says so."""
    try:
        yield
    except OSError as error:
        named = str(error.filename or path)
        about = path if named.startswith(str(path.resolve())) else Path(named)
        raise Problem("unavailable", denial(about) or f"{about} can't be opened: {error.strerror}.") from None
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise Problem("unavailable", f"{path} is no Rundun database.") from None
        denied = denial(path) if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN else None
        text = denied or f"{path} can't be opened: {error}."
        raise _damage(path, error) or Problem("unavailable", text) from None


@contextmanager
def telling_damage(path: Path) -> Iterator[None]:
    """Turn an error of SQLite that tells of damage in the file at `path` into a `Problem` that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _damage(path, error) or error from None


def _damage(path: Path, error: sqlite3.Error) -> Problem | None:
    """Return what to say, and do, of an error that tells of damage in the file at `path`; None of any other."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest says which kind of it
    if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return None
    return Problem("unavailable", f"{path} is damaged: {error}. {RESTORE}")


class Lock:
    """The right to write to a database, held until closed or the process ends: an flock on a file beside it, which
    guards its name and its log, and a lock on the file itself, which guards it under any other name. Makes the file if
    it is missing. Close SQLite's connections first.

    The file beside lies where the file itself is, also when `path` is a symbolic link. Unless what lies beside has to
    be `together` with the file, it may be another one's.
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
        # No link: whoever may write into the folder would have root, who locks it, empty or make a file elsewhere.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._descriptors.append(os.open(name, flags, OWNER_ONLY))
        if not stat.S_ISREG(os.fstat(self._descriptors[-1]).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        return self._descriptors[-1]

    def note_lost(self, inode: int | None) -> None:
        """Note for the next start that the file with this inode was lost, or that none was."""
        try:
            os.ftruncate(self._beside, 0)
            if inode is not None:
                os.pwrite(self._beside, f"{_LOST}{inode}\n".encode(), 0)
        except OSError:
            pass  # a full disk, say: then the next start knows less

    def written(self) -> tuple[int, int]:
        """Return size and time of the last change of the file's content, wherever it is now."""
        found = os.fstat(self._file)
        return found.st_size, found.st_mtime_ns

    def close(self) -> None:
        """Release the lock."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def lock_byte(file: int) -> bool:
    """Lock one byte of the file, and tell whether it could be had. A lock of the open file description (Linux) ends
    with this descriptor only. Not flock: over NFS and on BSD that is a lock of all bytes, SQLite's included.
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
    """Wait until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def require_together(path: Path) -> None:
    """Refuse a database whose log lies there without it, or beside another file than its own: SQLite would delete the
    log, or mix the two, and what is only in the log is lost.
    """
    real = path.resolve()
    names = [name for name in (f"{real}-wal", f"{real}-shm") if os.path.exists(name)]
    left, these = " and ".join(names), "both of these" if len(names) > 1 else "that"
    found = _identity(real)
    if left and (found is None or not os.stat(real).st_size):
        raise Problem(
            "unavailable",
            f"{path} is gone, but not what belongs to it and may hold what was written last: {left}. Put the file back "
            f"beside it; or remove {these} as well, if you mean to begin anew.",
        )
    if left and found is not None and _is_other(real, found):
        raise Problem(
            "unavailable",
            f"{path} was replaced while it was served, and would be mixed with what belongs to the file before: "
            f"{left}. Put that file back; or remove {these}, to go on with {path} as it is.",
        )


def is_together(path: Path) -> bool:
    """Tell whether nothing lies beside the file that is another one's."""
    try:
        require_together(path)
    except Problem:
        return False
    return True


def _is_other(real: Path, found: Identity) -> bool:
    return _lost(real) not in (None, found[1])


def is_away(path: Path) -> bool:
    """Tell whether the file is gone, or another than the one that was lost."""
    found = _identity(path)
    return found is None or _is_other(path.resolve(), found)


def was_lost(path: Path) -> bool:
    """Tell whether the last service on this path has noted that its file was lost."""
    return _lost(path.resolve()) is not None


def _lost(real: Path) -> int | None:
    """Read the inode of the file that was lost, as `Lock.note_lost` has noted it."""
    try:
        return int(Path(f"{real}.lock").read_text("ascii").removeprefix(_LOST))
    except (OSError, ValueError):
        return None


def open_to_others(path: Path) -> list[str]:
    """List those of the database, its log and the log's index that others than their owner may read or write."""
    real = path.resolve()
    return [name for name in (f"{real}", f"{real}-wal", f"{real}-shm") if _mode(name) & ~OWNER_ONLY]


def _mode(name: str) -> int:
    try:
        return os.stat(name).st_mode & 0o777
    except OSError:  # it is not there, say
        return 0


def keep_to_owner(path: Path) -> None:
    """Take the rights of others off the database, which a copy often gives them; logs that, or that it can't be done.
    What SQLite makes beside the database has the mode of the database.
    """
    before = open_to_others(path)
    for name in before:
        try:
            os.chmod(name, OWNER_ONLY)
        except OSError:
            pass  # another's file, or a file system without modes: told below
    if left := open_to_others(path):
        _log.warning("others may read %s, every secret included, and that can't be changed", ", ".join(left))
    elif before:
        _log.warning("others could read %s, every secret included; from now on only the owner can", ", ".join(before))


def _identity(name: str | Path) -> Identity | None:
    """Return device and inode of what has this name now, None if nothing that can be reached has."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class FileWatch:
    """A watch over the files that were opened: the database, its log and the log's index (`-wal`, `-shm`).

    A file that was removed or replaced goes on as a ghost, without a name: whatever is written to it is gone once the
    process ends. So each commit is followed by a look, before anybody is told that it is on the disk; and there is one
    each second, for those who only read. Once a file is lost nothing is written any more, and nothing is read either,
    since no restart would know what such an answer has said. When the same files are back, all goes on, unless somebody
    wrote to them meanwhile. The lock's own file keeps the inode of a lost file for the next start, which could not tell
    otherwise whether the log that lies there belongs to the file beside it.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        real = path.resolve()
        self.path = path
        self._lock = lock
        named = os.fspath(path.absolute())  # as it was named: a symbolic link that leads elsewhere now is noticed, too
        opened = _identity(named)
        self._inode = opened[1] if opened else None
        self._holding = {named: opened, f"{real}-wal": _identity(f"{real}-wal")}
        self._all = {**self._holding, f"{real}-shm": _identity(f"{real}-shm")}
        self._noticing = threading.Lock()
        self._left = (0, 0)  # what the file was like when it was lost
        self._is_spoilt = False
        self.is_lost = False

    def examine(self, *, whole: bool = True) -> None:
        """Look whether the files are where they were opened: `is_lost` says it from then on. For any thread. Not
        `whole`: only at those that hold data, which takes a few microseconds, and finds none again that was lost.
        """
        for name, opened in (self._all if whole else self._holding).items():
            if (found := _identity(name)) != opened:
                self._lose(name, "removed" if found is None else "replaced")
                return
        if whole and self.is_lost:
            self._regain()

    def _lose(self, name: str, how: str) -> None:
        with self._noticing:
            if self.is_lost:
                return
            self.is_lost = True
            self._left = self._lock.written()
            self._lock.note_lost(self._inode)
            _log.error("%s was %s under the running service, which refuses everything from now on", name, how)

    def _regain(self) -> None:
        with self._noticing:
            if not self.is_lost:
                return
            if self._lock.written() == self._left:
                self.is_lost = False
                self._lock.note_lost(None)
                _log.warning("the database is back, and the service goes on")
            elif not self._is_spoilt:
                self._is_spoilt = True
                _log.error("the database is back, but somebody wrote to it meanwhile: restart the service")
