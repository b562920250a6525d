"""Events to be fetched, in the order in which they were committed."""

from __future__ import annotations

from rundun.store import events, runs
from rundun.store.events import TOUCHED, Feed
from rundun.store.tx import Tx

__all__ = ["TOUCHED", "of_organization", "of_run"]


def of_organization(tx: Tx, org_id: str, after: int, limit: int) -> Feed:
    """An organization's events behind the one numbered `after`, the oldest first."""
    return events.feed_of_organization(tx, org_id, after, limit)


def of_run(tx: Tx, org_id: str, run_id: str, after: int, limit: int) -> Feed:
    """The same of one of its runs. Raises NotFound."""
    return events.feed_of_run(tx, runs.get_of_org(tx, org_id, run_id).run_id, after, limit)
