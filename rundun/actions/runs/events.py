"""The event feed: events in the order of their commits."""

from rundun.errors import Problem
from rundun.store.runs import events as event_rows, runs as run_rows
from rundun.store.runs.events import TOUCHED, Feed
from rundun.store.sqlite.transaction import Tx

__all__ = ["TOUCHED", "page_of_organization", "page_of_run"]


def page_of_organization(tx: Tx, org_id: str, after: int, limit: int, *, is_short: bool = False) -> Feed:
    """Return at most `limit` of an organization's events with numbers greater than `after`, the oldest first, as
    (number, event) pairs, fewer if they are large, far fewer if it `is_short`, and whether there are more. Raises
    `cursor_gone`.
    """
    return _require_cursor(tx, event_rows.page_of_organization(tx, org_id, after, limit, is_short=is_short), after)


def page_of_run(tx: Tx, org_id: str, run_id: str, after: int, limit: int, *, is_short: bool = False) -> Feed:
    """Return at most `limit` of the events of an organization's run with numbers greater than `after`, the oldest
    first, as (number, event) pairs, fewer if they are large, far fewer if it `is_short`, and whether there are more.
    Raises NotFound, `run_erased`, `cursor_gone`.
    """
    run_id = run_rows.get_of_org(tx, org_id, run_id).run_id
    return _require_cursor(tx, event_rows.page_of_run(tx, run_id, after, limit, is_short=is_short), after)


def _require_cursor(tx: Tx, feed: Feed, after: int) -> Feed:
    """Return the feed; raise `cursor_gone` if `after` is beyond the newest event, as after a restore: without the error
    its reader would get nothing until there are as many events again.
    """
    if not feed.items and not feed.has_more and after > event_rows.read_newest(tx):
        detail = "The events before this cursor no longer exist; begin again without `after`."
        raise Problem("cursor_gone", detail)
    return feed
