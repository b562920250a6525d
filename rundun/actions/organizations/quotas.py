"""Quotas: what is refused to an organization that has used up its own.

Once it is reached, what is new is refused: a run, a template or its version, a logo. Runs that are out go on until
`MOST` of it. Then phones are asked to come again later, which they do by themselves, and a run is not changed any more.
What ends or frees something is never refused.
"""

from rundun.core.text import size
from rundun.errors import Problem
from rundun.store.organizations import quotas
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite.transaction import Tx

MOST = 1.2  # of a quota, for the runs that are out
RETRY_AFTER = 60  # seconds


def require_room(tx: Tx, org_id: str) -> None:
    """Refuse an organization that has used up its quota, with `quota_exceeded`."""
    use = quotas.get(tx, org_id)
    if use.is_full:
        raise _exceeded(use)


def require_room_for_run(tx: Tx, org_id: str) -> None:
    """Refuse as `require_room` does, without a look at who was not full before this commit: that is a row too many for
    each dispatch, and what one commit dispatches is small.
    """
    if org_id in tx.quotas.full:
        require_room(tx, org_id)


def require_room_to_go_on(tx: Tx, org_id: str) -> None:
    """Ask the phone of a run that is out to come again later (`unavailable`), once `MOST` of the quota is used."""
    if org_id in tx.quotas.full and quotas.get(tx, org_id).fraction >= MOST:
        detail = "There is no room for more at the moment; what is on this phone is sent later."
        raise Problem("unavailable", detail, retry_after=RETRY_AFTER)


def require_room_to_change(tx: Tx, org_id: str) -> None:
    """Refuse to change a run that is out, or to send again what it told, to an organization that has used `MOST` of its
    quota, with `quota_exceeded`: an API key can do it again and again, and each time something is stored.
    """
    if org_id in tx.quotas.full and (use := quotas.get(tx, org_id)).fraction >= MOST:
        raise _exceeded(use)


def _exceeded(use: StorageUse) -> Problem:
    assert use.quota is not None
    detail = (
        f"This organization has used {size(use.used)} of its quota of {size(use.quota)}, so nothing new is stored. "
        "Ask the administrator for a larger quota."
    )
    return Problem("quota_exceeded", detail)
