"""The hold after a restore: deliveries and alerts wait until the administrator calls `live`, since a copy of the
service that is only tried out must not post to real receivers.
"""

from typing import TypedDict

from rundun.core import times
from rundun.errors import Problem
from rundun.store import housekeeping
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx


class ResumedJson(TypedDict):
    """The end of a hold: its begin, `since` (None where there was none), and the number of pending `deliveries`."""

    since: str | None
    deliveries: int


def resume_outgoing(tx: Tx) -> ResumedJson:
    """End the hold that a restore began (`live`): deliveries and alerts go out from this commit on. Return its begin,
    `since` (RFC 3339), and the number of all pending `deliveries`; None and 0 where there was no hold.
    """
    since = service_state.find_held_since(tx)
    if since is None:
        return {"since": None, "deliveries": 0}
    service_state.remove(tx, service_state.HELD_SINCE)
    tx.touched.add("outbox")
    return {"since": times.wire(since), "deliveries": housekeeping.count_pending(tx)}


def require_not_held(tx: Tx) -> None:
    """Raise `held` while a restore holds outgoing requests."""
    since = service_state.find_held_since(tx)
    if since is not None:
        detail = f"After a restore nothing goes out, since {times.wire(since)}; the administrator ends it with “live”."
        raise Problem("held", detail)
