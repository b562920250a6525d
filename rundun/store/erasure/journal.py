"""The erasure journal: what has to stay gone even where an older copy of the database is put back.

One JSON line an entry in `<database>.erasures`, on the disk before anybody is told that something is gone; and one more
such file in the folder of the backups, if there is one, for the day when the disk of the database is lost.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic_core import to_json

from rundun.store.erasure import journal_file
from rundun.store.erasure.journal_copy import JournalCopy
from rundun.store.sqlite.database_file import translate_errors
from rundun.store.sqlite.transaction import JournalEntry, Tx

SUFFIX = ".erasures"


def journal_path(database: Path) -> Path:
    """Return the path of a database's journal: beside the file itself, also when `database` is a symbolic link."""
    real = database.resolve()
    return real.with_name(real.name + SUFFIX)


class ErasureJournal:
    """The journal of the database at `database`, with its copy in the `folder` of the backups, if there is one. While
    all that goes out is held, the copy is only read: what somebody tries out on a copy of the database must not happen
    to the service.
    """

    def __init__(self, database: Path, folder: Path | None = None) -> None:
        self._database = database
        self.path = journal_path(database)
        self._copy = (
            None if folder is None else JournalCopy(folder / self.path.name, journal_file.read, _append_to_copy)
        )
        self._unwritten: list[JournalEntry] = []

    @property
    def copy_error(self) -> str | None:
        """Return why the copy could not be read or written the last time, None where it could."""
        return None if self._copy is None else self._copy.error

    def append(self, entries: Sequence[JournalEntry], is_held: bool = False) -> None:
        """Write entries to the disk, and what the copy lacks to that; OSError where the disk fails, and then they are
        written with the next ones. Waits for the copy only a little.
        """
        self._unwritten += entries
        if self._unwritten:
            journal_file.append(self.path, self._unwritten, self._database)
        self._add_to_copy(self._unwritten, is_held)
        self._unwritten = []

    def merge(self, is_held: bool = False) -> list[JournalEntry]:
        """Return all entries, those that only the copy has, too, which are added; and bring the copy up to date. Raises
        `unavailable` where the journal beside the database can't be used.
        """
        copied = [] if self._copy is None else self._copy.read()
        with translate_errors(self.path):
            entries = journal_file.read(self.path)
            if lacking := _missing(copied, entries):
                journal_file.append(self.path, lacking, self._database)
        self._add_to_copy(_missing(entries, copied), is_held)
        return entries + lacking

    def add_missing(
        self, entries: Iterable[JournalEntry], present: Iterable[JournalEntry] | None = None, is_held: bool = False
    ) -> None:
        """Write those of the entries that the journal lacks, which has those `present`. Raises `unavailable`."""
        with translate_errors(self.path):
            if missing := _missing(entries, journal_file.read(self.path) if present is None else present):
                self.append(missing, is_held)

    def close(self) -> None:
        """Wait a little for what is still being written to the copy."""
        if self._copy is not None:
            self._copy.close()

    def _add_to_copy(self, entries: Sequence[JournalEntry], is_held: bool) -> None:
        if self._copy is not None:
            self._copy.add(entries, is_held=is_held)


def count_uncopied(database: Path, folder: Path) -> tuple[int, int]:
    """Count the entries of a database's journal, and those that its copy beside the backups lacks. OSError."""
    path = journal_path(database)
    entries = journal_file.read(path)
    return len(entries), len(_missing(entries, journal_file.read(folder / path.name)))


def _missing(entries: Iterable[JournalEntry], present: Iterable[JournalEntry]) -> list[JournalEntry]:
    present_ids = {(entry.what, entry.id) for entry in present}
    missing = {(entry.what, entry.id): entry for entry in entries if (entry.what, entry.id) not in present_ids}
    return list(missing.values())


def _append_to_copy(path: Path, entries: Sequence[JournalEntry]) -> None:
    journal_file.append(path, entries, path.parent)


# --- what the database itself has


_KNOWN = {
    "run": "SELECT id, erased_at, erased_by FROM runs WHERE erased_at IS NOT NULL AND erased_by <> 'retention'",
    "key": "SELECT id, revoked_at, NULL FROM keys WHERE revoked_at IS NOT NULL",
    "operator": "SELECT id, at, NULL FROM removed_operators",
    "signing_key": "SELECT at, at, NULL FROM rotations",
}


def known(db: sqlite3.Connection) -> list[JournalEntry]:
    """List what the database knows to be gone, so that a journal that was lost grows again. What retention has erased
    is not in it, as it is due again after a restore. A file of an older version knows less, and tells the rest.
    """
    found: list[JournalEntry] = []
    for what, query in _KNOWN.items():
        try:
            rows = db.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            continue  # there is no such table, or column, yet
        found += [JournalEntry(what, str(one), at, by) for one, at, by in rows]  # type: ignore[arg-type]
    return found


def unapplied(tx: Tx, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """List those of the entries that say more than the database knows: what is there still, but must be gone."""
    wanted = {
        "run": "SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?)) AND erased_at IS NULL",
        "key": "SELECT id FROM keys WHERE id IN (SELECT value FROM json_each(?)) AND revoked_at IS NULL",
        "operator": "SELECT id FROM operators WHERE id IN (SELECT value FROM json_each(?))",
        "signing_key": "SELECT value FROM json_each(?) WHERE CAST(value AS INTEGER) NOT IN (SELECT at FROM rotations)",
    }
    # A word that is not there is of a newer version.
    left: set[tuple[str, str]] = set()
    for what, query in wanted.items():
        ids = [entry.id for entry in entries if entry.what == what]
        if ids:
            left |= {(what, row[0]) for row in tx.db.execute(query, (to_json(ids).decode(),)).fetchall()}
    found = {(entry.what, entry.id): entry for entry in entries if (entry.what, entry.id) in left}
    return list(found.values())
