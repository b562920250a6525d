"""Quotas: refusing writes of organizations that have used up theirs.

At 100 %, new objects are refused: runs, templates, versions, logos. Open runs continue up to `MOST` of the quota.
Beyond it, phones are asked to send again later, which they do by themselves, and runs can no longer be changed. Ending
or erasing is never refused.
"""

from rundun.core.text import size
from rundun.errors import Problem
from rundun.store.organizations import quotas as quota_rows
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite.transaction import Tx

MOST = 1.2  # of a quota, for open runs
RETRY_AFTER = 60  # seconds


def require_quota_left(tx: Tx, org_id: str) -> None:
    """Raise `quota_exceeded` if the organization has used up its quota."""
    use = quota_rows.get(tx, org_id)
    if use.is_full:
        raise _exceeded(use)


def require_quota_for_run(tx: Tx, org_id: str) -> None:
    """Raise `quota_exceeded` if the organization had used up its quota before this commit. This reads no row for
    others, which speeds up dispatches; the runs of one commit are small.
    """
    if org_id in tx.quotas.full:
        require_quota_left(tx, org_id)


def require_quota_to_continue(tx: Tx, org_id: str) -> None:
    """Raise `unavailable` for the phone of an open run, to be sent again later, beyond `MOST` of the quota."""
    if org_id in tx.quotas.full and quota_rows.get(tx, org_id).fraction >= MOST:
        detail = "Nothing more can be stored at the moment. The phone keeps its data and sends it later."
        raise Problem("unavailable", detail, retry_after=RETRY_AFTER)


def require_quota_to_change(tx: Tx, org_id: str) -> None:
    """Raise `quota_exceeded` beyond `MOST` of the quota, for changing an open run or retrying deliveries: API keys can
    repeat both without limit, and each time something is stored.
    """
    if org_id in tx.quotas.full and (use := quota_rows.get(tx, org_id)).fraction >= MOST:
        raise _exceeded(use)


def _exceeded(use: StorageUse) -> Problem:
    assert use.quota is not None
    detail = (
        f"This organization has used {size(use.used)} of its quota of {size(use.quota)}, so nothing new is stored. "
        "Ask the administrator for a larger quota."
    )
    return Problem("quota_exceeded", detail)
