"""Replay of the erasure journal: erasures and revocations are applied to a restored database."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rundun.actions import signing_key
from rundun.actions.erasure import erasures
from rundun.actions.organizations import api_keys, operators
from rundun.store.runs import shares as share_rows
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.transaction import JournalEntry, Tx

BATCH_SIZE = 50  # entries applied in one transaction

_APPLY: Mapping[str, Callable[[Tx, JournalEntry], object]] = {
    "run": lambda tx, entry: erasures.erase(tx, None, entry.id, entry.by or "journal", journal=False, at=entry.at),
    "key": lambda tx, entry: api_keys.revoke(tx, entry.id),
    "operator": lambda tx, entry: operators.remove_by_administrator(tx, entry.id),
    "signing_key": lambda tx, entry: signing_key_rows.add_rotation(tx, entry.at),
    "share": lambda tx, entry: share_rows.revoke(tx, entry.id),
}


def replay_erasures(tx: Tx, entries: Sequence[JournalEntry]) -> Mapping[str, int]:
    """Apply `journal.list_unapplied` entries to a restored database: erase runs, revoke keys and shares, remove
    operators, and rotate the signing key once if an entry names it. Returns the number of entries by kind (`run`,
    `key`, `operator`, `signing_key`, `share`), without kinds that have none.
    """
    for entry in entries:
        _APPLY[entry.what](tx, entry)
    if any(entry.what == "signing_key" for entry in entries):
        signing_key.rotate(tx)
    tx.journal.clear()  # the journal has these entries already
    return Counter(entry.what for entry in entries)
