"""Restoring a copy of the database: `restore`.

The copy is copied once more, to a part beside the database. Only the part is checked and changed; then it is renamed to
the database's name, in one step of the file system. So an interruption leaves either the old database or the restored
one.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rundun.core import times
from rundun.errors import Problem
from rundun.store.backups.check import require_database, require_header
from rundun.store.backups.copies import BEFORE_RESTORE, stamp
from rundun.store.erasure import journal as erasure_journal, journal_file
from rundun.store.erasure.journal import SUFFIX, ErasureJournal
from rundun.store.sqlite import database_file, service_state
from rundun.store.sqlite.connection import guard_schema
from rundun.store.sqlite.database_file import OWNER_ONLY, Lock, sync_folder
from rundun.store.sqlite.transaction import JournalEntry

PART = ".restore.part"
_BESIDE = ("-wal", "-shm", "-journal")  # files that SQLite would mix with another file of the database's name
_DISK_ERRORS = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN))


def restore(database: Path, copy: Path, now: int, *, is_live: bool) -> Path | None:
    """Replace the database by a copy, at `now` in milliseconds; deliveries and alerts are held from then on unless
    `is_live`. Returns the path at which the replaced database is kept, None where there was none or an empty file.
    Raises `not_found` for a missing copy, `unavailable` where a service runs, the copy is not sound, or a file can't be
    read or written; then the database is unchanged.
    """
    require_header(copy, database)
    was_there = database.exists()
    try:
        lock = Lock(database, together=False)
    except database_file.DatabaseLocked:
        raise Problem("unavailable", f"Another process is serving {database}: stop it first.") from None
    with closing(lock), database_file.translate_errors(database):
        real = database.resolve()
        try:
            if not was_there:
                _own_as_folder(real)
            with _part(real, copy) as part:
                _check(part, copy)
                newest, erased = _checkpoint_present(real)
                _prepare(part, newest, now, is_live=is_live)
                _merge_journals(real, copy, erased)
                return _replace(real, part, lock, now)
        except BaseException:
            if not was_there and real.exists() and not real.stat().st_size:
                real.unlink()  # an empty file that the lock has made
            raise


def _own_as_folder(real: Path) -> None:
    """Give the files that the lock of root has made to the owner of their folder: the service has to open them."""
    if os.geteuid() == 0:
        owner = real.parent.stat()
        for name in (f"{real}.lock", real):
            os.chown(name, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextmanager
def _part(real: Path, copy: Path) -> Iterator[Path]:
    """Yield the path of a part, a copy of the copy beside the database, for its owner only; delete it at the end."""
    part = Path(f"{real}{PART}")
    _remove(part)  # left by a crash
    try:
        try:
            _copy(copy, part, real)
        except OSError as error:
            raise Problem("unavailable", f"{copy} can't be copied to {part}: {error.strerror}.") from None
        yield part
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    for suffix in ("", *_BESIDE):
        Path(f"{part}{suffix}").unlink(missing_ok=True)


def _check(part: Path, copy: Path) -> None:
    """Raise `unavailable` where the part is damaged or incomplete; `copy` is its name in the message."""
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as db:
            guard_schema(db)
            require_database(db, copy)
            db.execute("PRAGMA journal_mode = DELETE")  # so that all changes are in one file
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _DISK_ERRORS:
            raise
        raise Problem("unavailable", f"{copy} is damaged: {error}.") from None


def _prepare(part: Path, newest: int, now: int, *, is_live: bool) -> None:
    """Delete sessions and links from the part, store the state of the restore, and sync it to the disk. `newest` is the
    number of the newest event in the replaced database.
    """
    with closing(sqlite3.connect(part, isolation_level=None)) as db:
        guard_schema(db)
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        for table in ("sessions", "invitations", "password_resets"):
            if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (constants; older files lack the last table)
        known = db.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0]
        _put_state(db, now, max(known, newest, now * 1000), is_live=is_live)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL").close()  # as it is served; closing it leaves no log behind
    file = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _put_state(db: sqlite3.Connection, now: int, event_floor: int, *, is_live: bool) -> None:
    """Store the service's state after the restore: the floor of event numbers, above all that can have been used
    before, a new generation, and the time of the hold. Delete the state of backups, which is of the copied database.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS service_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    before = db.execute("SELECT value FROM service_state WHERE name = 'event_floor'").fetchone()
    floor = max(event_floor, before[0] if before else 0)
    generation = 1 + secrets.randbelow(service_state.GENERATIONS - 1)
    state = {service_state.EVENT_FLOOR: floor, service_state.GENERATION: generation}
    db.executemany("INSERT OR REPLACE INTO service_state VALUES (?, ?)", state.items())
    db.execute("DELETE FROM service_state WHERE name = 'held_since' OR name LIKE 'backup/_%' ESCAPE '/'")
    if not is_live:
        db.execute("INSERT INTO service_state VALUES ('held_since', ?)", (now,))


def _checkpoint_present(real: Path) -> tuple[int, list[JournalEntry]]:
    """Move the log of the present database into its file, and return the number of its newest event, and its
    revocations and its erasures but those by retention; 0 and [] where it is empty or damaged, which keeps its log. A
    database beside the log of another file is not opened, since SQLite would delete the log or mix the two: 0 and [].
    """
    newest, erased = 0, []
    if real.stat().st_size and database_file.is_together(real):
        try:
            with closing(sqlite3.connect(real, isolation_level=None)) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
                newest = int(db.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0])
                erased = erasure_journal.list_known(db)
        except sqlite3.Error:  # damaged, or older than the journal
            pass
    return newest, erased


def _merge_journals(real: Path, copy: Path, erased: list[JournalEntry]) -> None:
    """Add `erased`, the entries of the present database, and those of all journals beside the copy to the database's
    journal. Entries of other databases do no harm: no two databases have an id in common.
    """
    journal = ErasureJournal(real)
    others = [path for path in copy.resolve().parent.glob(f"*{SUFFIX}") if path.resolve() != journal.path]
    entries = [entry for path in others for entry in _read_journal(path)]
    journal.merge([*erased, *entries])


def _read_journal(path: Path) -> list[JournalEntry]:
    try:
        return journal_file.read(path)
    except OSError as error:
        text = f"The erasure journal {path} can't be used: {error.strerror}."
        raise Problem("unavailable", f"{text} Move it away, or, if you trust it, make it yours.") from None


def _replace(real: Path, part: Path, lock: Lock, now: int) -> Path | None:
    """Rename the part to the database's name, and return the path at which the replaced file is kept, None where it was
    empty and alone. The files of SQLite beside it are kept with it; as long as they still lie there, the lock's file
    has the inode that they belong to.
    """
    found = real.stat()
    is_together = database_file.is_together(real)
    kept = _free_name(real, now) if found.st_size or _files_beside(real) else None
    try:
        if kept:
            _keep(real, kept, now, is_together=is_together)
        if _files_beside(real):
            lock.note_lost(found.st_ino)
        os.replace(part, real)
    except BaseException:
        for name in _named(kept) if kept else ():
            name.unlink()  # the old name still exists
        raise
    for left in _files_beside(real):
        os.unlink(left)
    sync_folder(real.parent)
    lock.note_lost(None)
    return kept


def _files_beside(real: Path) -> list[str]:
    return [name for suffix in _BESIDE if os.path.exists(name := f"{real}{suffix}")]


def _free_name(real: Path, now: int) -> Path:
    """Return an unused name for the replaced database, with the time `now` or the next free second."""
    while _named(name := Path(f"{real}{BEFORE_RESTORE}{stamp(now)}")):
        now += times.SECOND
    return name


def _named(kept: Path) -> list[Path]:
    return [path for path in kept.parent.iterdir() if path.name.startswith(kept.name)]


def _keep(real: Path, kept: Path, now: int, *, is_together: bool) -> None:
    """Link the file and its log, if there is one, to a second name. A log of another file gets a different name, so
    that SQLite does not mix the two there either.
    """
    for suffix in ("", "-wal", "-journal"):
        name = Path(f"{real}{suffix}")
        if not name.exists() or not name.stat().st_size:
            continue
        if suffix and not is_together:
            kept = _free_name(real, now)
        other = Path(f"{kept}{suffix}")
        try:
            os.link(name, other)
        except OSError:  # a file system without hard links
            _copy(name, other, name)
        os.chmod(other, OWNER_ONLY)
        os.utime(other)  # its age counts from now
    sync_folder(real.parent)


def _copy(source: Path, target: Path, owned_as: Path) -> None:
    """Copy a file and sync it. Only its owner may read it, under root the owner of `owned_as`."""
    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)
    with open(file, "wb") as written, open(source, "rb") as read:
        if os.geteuid() == 0:
            owner = os.stat(owned_as)
            os.fchown(file, owner.st_uid, owner.st_gid)
        shutil.copyfileobj(read, written, 1024 * 1024)
        written.flush()
        os.fsync(file)
