"""The note that something erased is left in the file: bytes of pictures, copies between rows, the log. An erasure
makes it, `rundun/maintenance/overwriting.py` takes it away.
"""

from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

_STATE = "erased_bytes"  # when something was erased last, until all of it is overwritten
_SINCE = "erased_bytes_since"  # when the first of it was erased, or earlier


def mark(tx: Tx) -> None:
    """Note that something was erased, and is to be overwritten."""
    since = find_since(tx)
    service_state.put(tx, _STATE, max(tx.now, (find_mark(tx) or 0) + 1))
    service_state.put(tx, _SINCE, tx.now if since is None else since)


def find_mark(tx: Tx) -> int | None:
    """Find the latest mark; None where everything is overwritten."""
    return service_state.find(tx, _STATE)


def find_since(tx: Tx) -> int | None:
    """Find since when something erased has been left, in milliseconds; None where everything is overwritten."""
    since = service_state.find(tx, _SINCE)
    return find_mark(tx) if since is None else since  # a version before this one noted the mark only


def unmark(tx: Tx, mark: int, found_at: int) -> None:
    """Note that all is overwritten that was erased up to this mark, which was the latest one at `found_at`: what is
    left was erased later than that.
    """
    latest = find_mark(tx)
    if latest == mark:
        service_state.remove(tx, _STATE)
        service_state.remove(tx, _SINCE)
    elif latest is not None:
        service_state.put(tx, _SINCE, min(found_at, latest))
