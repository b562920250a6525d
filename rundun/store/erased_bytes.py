"""The note that something erased is left in the file: bytes of pictures, copies between rows, the log. An erasure
makes it, `rundun/overwriting.py` takes it away.
"""

from rundun.store import service_state
from rundun.store.transaction import Tx

_STATE = "erased_bytes"  # when something was erased last, until all of it is overwritten


def mark(tx: Tx) -> None:
    """Note that something was erased, and is to be overwritten."""
    service_state.put(tx, _STATE, max(tx.now, (find_mark(tx) or 0) + 1))


def find_mark(tx: Tx) -> int | None:
    """Find the latest mark; None where everything is overwritten."""
    return service_state.find(tx, _STATE)


def unmark(tx: Tx, mark: int) -> None:
    """Note that all is overwritten that was erased up to this mark."""
    if find_mark(tx) == mark:
        service_state.remove(tx, _STATE)
