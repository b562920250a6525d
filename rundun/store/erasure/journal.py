"""The erasure journal: what has to stay gone even where an older copy of the database is put back.

One JSON line an entry in `<database>.erasures`, on the disk before anybody is told that something is gone. Its copy in
the folder of the backups is in `journal_copy.py`.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic_core import to_json

from rundun.store.erasure import journal_file
from rundun.store.sqlite.database_file import translate_errors
from rundun.store.sqlite.transaction import JournalEntry, Tx

SUFFIX = ".erasures"


def journal_path(database: Path) -> Path:
    """Return the path of a database's journal: beside the file itself, also when `database` is a symbolic link."""
    real = database.resolve()
    return real.with_name(real.name + SUFFIX)


class ErasureJournal:
    """The journal of the database at `database`."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = journal_path(database)
        self._unwritten: list[JournalEntry] = []

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Write entries to the disk; OSError where it fails, and then they are written with the next ones."""
        self._unwritten += entries
        if self._unwritten:
            journal_file.append(self.path, self._unwritten, self._database)
        self._unwritten = []

    def merge(self, others: Iterable[JournalEntry]) -> list[JournalEntry]:
        """Write those of the other entries that the journal lacks, and return all it has then. Raises `unavailable`
        where it can't be used.
        """
        with translate_errors(self.path):
            entries = journal_file.read(self.path)
            missing = missing_entries(others, entries)
            self.append(missing)
        return entries + missing


def missing_entries(entries: Iterable[JournalEntry], present: Iterable[JournalEntry]) -> list[JournalEntry]:
    """List those of the entries, each once, that are not `present`."""
    present_ids = {(entry.what, entry.id) for entry in present}
    missing = {(entry.what, entry.id): entry for entry in entries if (entry.what, entry.id) not in present_ids}
    return list(missing.values())


# --- what the database itself has


_KNOWN = {
    "run": "SELECT id, erased_at, erased_by FROM runs WHERE erased_at IS NOT NULL AND erased_by <> 'retention'",
    "key": "SELECT id, revoked_at, NULL FROM keys WHERE revoked_at IS NOT NULL",
    "operator": "SELECT id, at, NULL FROM removed_operators",
    "signing_key": "SELECT at, at, NULL FROM rotations",
}


def list_known(db: sqlite3.Connection) -> list[JournalEntry]:
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


def list_unapplied(tx: Tx, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
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
