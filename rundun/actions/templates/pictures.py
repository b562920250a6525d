"""Pictures of templates. Each belongs to one organization, and expires unless a template version names it in time."""

from collections.abc import Sequence

from rundun.actions.organizations.quotas import require_quota_left
from rundun.core.templates.pictures import KEPT, NewPicture, TemplatePicture
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import pictures as picture_rows


def find_stored(tx: Tx, org_id: str, picture_id: str) -> TemplatePicture | None:
    """Return a stored picture with the same bytes, and extend its expiry, if any, as if uploaded now; None if the
    picture may be added. Raises `quota_exceeded` if not.
    """
    picture_rows.put_expiry(tx, org_id, picture_id, tx.now + KEPT)
    stored = picture_rows.list_by_id(tx, org_id, [picture_id]).get(picture_id)
    if stored is None:
        require_quota_left(tx, org_id)
    return stored


def add(tx: Tx, org_id: str, new: NewPicture) -> tuple[TemplatePicture, bool]:
    """Store a picture; return it, and whether it is new: False if its bytes were stored already. Raises
    `quota_exceeded`.
    """
    stored = find_stored(tx, org_id, new.picture_id)
    if stored is not None:
        return stored, False
    picture_rows.add(tx, org_id, new, tx.now + KEPT)
    return picture_rows.get(tx, org_id, new.picture_id), True


def add_missing(tx: Tx, org_id: str, new: Sequence[NewPicture]) -> None:
    """Store the pictures that the organization does not have; raises `quota_exceeded`."""
    for picture in new:
        add(tx, org_id, picture)
