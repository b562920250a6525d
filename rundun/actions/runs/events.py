"""The event feed: events to fetch, in the order in which they were committed."""

from rundun.errors import Problem
from rundun.store.runs import events, runs
from rundun.store.runs.events import TOUCHED, Feed
from rundun.store.sqlite.transaction import Tx

__all__ = ["TOUCHED", "of_organization", "of_run"]


def of_organization(tx: Tx, org_id: str, after: int, limit: int) -> Feed:
    """Read an organization's events behind the one numbered `after`, the oldest first. Raises `cursor_gone`."""
    return _require_cursor(tx, events.page_of_organization(tx, org_id, after, limit), after)


def of_run(tx: Tx, org_id: str, run_id: str, after: int, limit: int) -> Feed:
    """Read the events of an organization's run behind the one numbered `after`. Raises NotFound, `cursor_gone`."""
    return _require_cursor(tx, events.page_of_run(tx, runs.get_of_org(tx, org_id, run_id).run_id, after, limit), after)


def _require_cursor(tx: Tx, feed: Feed, after: int) -> Feed:
    """Refuse a cursor of events that are not there any more, as after the database was restored from a copy: nobody
    must wait in silence until there are as many again.
    """
    if not feed.items and after > events.read_newest(tx):
        detail = "The events this cursor leads behind are not here any more; begin again without `after`."
        raise Problem("cursor_gone", detail)
    return feed
