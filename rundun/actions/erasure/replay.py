"""What has to stay gone although an older copy of the database was put back: what the erasure journal says is done
again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rundun.actions import signing_key
from rundun.actions.erasure import erasures
from rundun.actions.organizations import api_keys, operators
from rundun.store.sqlite import signing_key as rotations
from rundun.store.sqlite.transaction import JournalEntry, Tx

BATCH_SIZE = 50  # entries applied in one transaction

_END: Mapping[str, Callable[[Tx, JournalEntry], object]] = {
    "run": lambda tx, entry: erasures.erase(tx, entry.id, entry.by or "journal", journal=False, at=entry.at),
    "key": lambda tx, entry: api_keys.revoke(tx, entry.id),
    "operator": lambda tx, entry: operators.remove_by_administrator(tx, entry.id),
    "signing_key": lambda tx, entry: rotations.note(tx, entry.at),
}


def end_again(tx: Tx, entries: Sequence[JournalEntry]) -> Mapping[str, int]:
    """Erase the runs, revoke the keys and remove the operators of `journal.unapplied` entries, and replace the
    signing key once if one says so; returns how many of each.
    """
    for entry in entries:
        _END[entry.what](tx, entry)
    if any(entry.what == "signing_key" for entry in entries):
        signing_key.rotate(tx)
    tx.journal.clear()  # the journal has all of it
    return Counter(entry.what for entry in entries)
