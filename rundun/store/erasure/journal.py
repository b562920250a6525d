"""The erasure journal: erasures and revocations that are applied again to a restored database.

It has one JSON line an entry, in `<database>.erasures`. An entry is on the disk before its request is answered. For the
journal's copy in the folder of the backups see `journal_copy.py`.
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
    """Return the path of a database's journal: beside the file itself, also where `database` is a symbolic link."""
    real = database.resolve()
    return real.with_name(real.name + SUFFIX)


class ErasureJournal:
    """The erasure journal of the database at `database`."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = journal_path(database)
        self._unwritten: list[JournalEntry] = []

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Append entries, and wait for the disk. Raises OSError; then the next call writes these entries as well."""
        self._unwritten += entries
        if self._unwritten:
            journal_file.append(self.path, self._unwritten, self._database)
        self._unwritten = []

    def merge(self, others: Iterable[JournalEntry]) -> list[JournalEntry]:
        """Append those of `others` that the journal lacks, and return all its entries. Raises `unavailable` where it
        can't be read or written.
        """
        with translate_errors(self.path):
            entries = journal_file.read(self.path)
            missing = missing_entries(others, entries)
            self.append(missing)
        return entries + missing


def missing_entries(entries: Iterable[JournalEntry], present: Iterable[JournalEntry]) -> list[JournalEntry]:
    """List the entries whose kind and id are not among those of `present`, each once."""
    present_ids = {(entry.what, entry.id) for entry in present}
    missing = {(entry.what, entry.id): entry for entry in entries if (entry.what, entry.id) not in present_ids}
    return list(missing.values())


# --- the entries of the database itself


_KNOWN = {
    "run": "SELECT id, erased_at, erased_by FROM runs WHERE erased_at IS NOT NULL AND erased_by <> 'retention'",
    "key": "SELECT id, revoked_at, NULL FROM keys WHERE revoked_at IS NOT NULL",
    "operator": "SELECT id, at, NULL FROM removed_operators",
    "signing_key": "SELECT at, at, NULL FROM rotations",
    "share": "SELECT id, revoked_at, NULL FROM shares WHERE revoked_at IS NOT NULL",
}


def list_known(db: sqlite3.Connection) -> list[JournalEntry]:
    """List the erasures and revocations in a database as entries, by kind, from which a lost journal is rebuilt. Runs
    erased by retention are left out: after a restore they are due again. Kinds that an older file has no table for are
    left out.
    """
    found: list[JournalEntry] = []
    for what, query in _KNOWN.items():
        try:
            rows = db.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            continue  # the table or column is missing in an older file
        found += [JournalEntry(what, str(one), at, by) for one, at, by in rows]  # type: ignore[arg-type]
    return found


def list_unapplied(tx: Tx, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """List the entries not applied to the database yet, each once: of a run in it that is not erased, of a valid key
    or share, of an operator in it, or of a rotation of the signing key that it lacks.
    """
    wanted = {
        "run": "SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?)) AND erased_at IS NULL",
        "key": "SELECT id FROM keys WHERE id IN (SELECT value FROM json_each(?)) AND revoked_at IS NULL",
        "operator": "SELECT id FROM operators WHERE id IN (SELECT value FROM json_each(?))",
        "signing_key": "SELECT value FROM json_each(?) WHERE CAST(value AS INTEGER) NOT IN (SELECT at FROM rotations)",
        "share": "SELECT id FROM shares WHERE id IN (SELECT value FROM json_each(?)) AND revoked_at IS NULL",
    }
    # Entries of other kinds are from a newer version.
    left: set[tuple[str, str]] = set()
    for what, query in wanted.items():
        ids = [entry.id for entry in entries if entry.what == what]
        if ids:
            left |= {(what, row[0]) for row in tx.db.execute(query, (to_json(ids).decode(),)).fetchall()}
    found = {(entry.what, entry.id): entry for entry in entries if (entry.what, entry.id) in left}
    return list(found.values())
