"""The mark that erased data is still in the file: bytes of pictures, copies between rows, the log. An erasure sets it,
`rundun/maintenance/overwriting.py` clears it.
"""

from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

_STATE = "erased_bytes"  # the time of the latest erasure, until everything is overwritten
_SINCE = "erased_bytes_since"  # the time of the first erasure that is not overwritten, or earlier


def put_mark(tx: Tx) -> None:
    """Set the mark to now, but above the latest one: data was erased and is to be overwritten."""
    since = find_since(tx)
    service_state.put(tx, _STATE, max(tx.now, (find_mark(tx) or 0) + 1))
    service_state.put(tx, _SINCE, tx.now if since is None else since)


def find_mark(tx: Tx) -> int | None:
    """Find the latest mark, the time of the latest erasure in milliseconds; None where everything is overwritten."""
    return service_state.find(tx, _STATE)


def find_since(tx: Tx) -> int | None:
    """Find since when, at the earliest, erased data waits to be overwritten, in milliseconds; None where none does."""
    since = service_state.find(tx, _SINCE)
    return find_mark(tx) if since is None else since  # an older version stored only the mark


def put_overwritten(tx: Tx, mark: int, found_at: int) -> None:
    """Record that everything erased up to `mark` has been overwritten. It was the latest mark at `found_at`, so data
    that is left was erased later than that.
    """
    latest = find_mark(tx)
    if latest == mark:
        service_state.remove(tx, _STATE)
        service_state.remove(tx, _SINCE)
    elif latest is not None:
        service_state.put(tx, _SINCE, min(found_at, latest))
