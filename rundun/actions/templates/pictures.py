"""Pictures that templates show: known to their organization only, and deleted unless a template names them in time."""

from collections.abc import Sequence

from rundun.actions.organizations.quotas import require_room
from rundun.core.templates.pictures import KEPT, NewPicture, TemplatePicture
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import pictures


def welcome(tx: Tx, org_id: str, picture_id: str) -> TemplatePicture | None:
    """Return a picture whose very bytes were uploaded before, and let it stay as one that was uploaded now; None for a
    new one, for which there must be room: raises `quota_exceeded`.
    """
    pictures.put_off(tx, org_id, picture_id, tx.now + KEPT)
    stored = pictures.find_all(tx, org_id, [picture_id]).get(picture_id)
    if stored is None:
        require_room(tx, org_id)
    return stored


def add(tx: Tx, org_id: str, new: NewPicture) -> tuple[TemplatePicture, bool]:
    """Store a picture. Returns it, and whether it is new: the same bytes may have been under way twice."""
    stored = welcome(tx, org_id, new.picture_id)
    if stored is not None:
        return stored, False
    pictures.add(tx, org_id, new, tx.now + KEPT)
    return pictures.get(tx, org_id, new.picture_id), True


def add_missing(tx: Tx, org_id: str, new: Sequence[NewPicture]) -> None:
    """Store pictures as far as the organization has not got them; raises `quota_exceeded`."""
    for picture in new:
        add(tx, org_id, picture)
