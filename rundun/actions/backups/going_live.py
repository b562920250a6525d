"""What goes out is held after a restore, since a copy that somebody tries out must not post to real receivers, until
the administrator says that it is the service itself.
"""

from typing import TypedDict

from rundun.core import times
from rundun.errors import Problem
from rundun.store import housekeeping
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx


class LetOutJson(TypedDict):
    """What was held until now: `since` when, None where nothing was, and how many `deliveries`."""

    since: str | None
    deliveries: int


def end(tx: Tx) -> LetOutJson:
    """Let go out what is held, from this commit on (`live`)."""
    since = service_state.held_since(tx)
    if since is None:
        return {"since": None, "deliveries": 0}
    service_state.remove(tx, service_state.HELD_SINCE)
    tx.touched.add("outbox")
    return {"since": times.wire(since), "deliveries": housekeeping.count_pending(tx)}


def require_none(tx: Tx) -> None:
    """Refuse a request that would go out while all that does is held; raises `held`."""
    since = service_state.held_since(tx)
    if since is not None:
        detail = f"After a restore nothing goes out, since {times.wire(since)}; the administrator ends it with “live”."
        raise Problem("held", detail)
