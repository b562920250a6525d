"""Pictures of templates, each of one organization and with two files: picture and thumbnail."""

import hashlib
import sqlite3
from collections.abc import Collection
from typing import Any

from pydantic_core import to_json

from rundun.core.templates.pictures import KEPT, NewPicture, TemplatePicture
from rundun.store import files
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx

_SELECT = (  # in the order of TemplatePicture's fields
    "SELECT id, file, thumbnail, width, height, bytes, expires_at FROM pictures JOIN files ON files.number = file "
)
_AMONG = "WHERE org_id = ? AND id IN (SELECT value FROM json_each(?))"


def _picture(row: sqlite3.Row) -> TemplatePicture:
    fields: list[Any] = [*row]
    return TemplatePicture(*fields)


def get(tx: Tx, org_id: str, picture_id: str) -> TemplatePicture:
    """Return an organization's picture, also an expired one that is not removed yet; raises NotFound."""
    return _picture(tx.get_row("picture", _SELECT + "WHERE org_id = ? AND id = ?", org_id, picture_id))


def list_by_id(tx: Tx, org_id: str, picture_ids: Collection[str]) -> dict[str, TemplatePicture]:
    """Return an organization's pictures by id, in the order of `picture_ids`; missing ones are left out."""
    if not picture_ids:
        return {}
    rows = tx.db.execute(_SELECT + _AMONG, (org_id, _array(picture_ids))).fetchall()
    found = {row["id"]: _picture(row) for row in rows}
    return {picture_id: found[picture_id] for picture_id in picture_ids if picture_id in found}


def put_expiry(tx: Tx, org_id: str, picture_id: str, expires_at: int) -> None:
    """Store the expiry of a picture, in milliseconds. A picture named by a template version has none, and gets none."""
    tx.db.execute(
        "UPDATE pictures SET expires_at = ? WHERE org_id = ? AND id = ? AND expires_at IS NOT NULL",
        (expires_at, org_id, picture_id),
    )


def add(tx: Tx, org_id: str, new: NewPicture, expires_at: int) -> None:
    """Store a picture with its two files; it expires at `expires_at`, in milliseconds, unless a template names it."""
    first = files.new_number()
    numbers = [
        files.add_small(tx, "image/jpeg", jpeg, hashlib.sha256(jpeg).hexdigest(), first + offset)
        for offset, jpeg in enumerate((new.jpeg, new.thumbnail))
    ]
    tx.grow(org_id, quotas.PICTURE + len(new.jpeg) + len(new.thumbnail))
    tx.insert(
        "pictures",
        org_id=org_id,
        id=new.picture_id,
        file=numbers[0],
        thumbnail=numbers[1],
        width=new.width,
        height=new.height,
        expires_at=expires_at,
    )


def remove_expiry(tx: Tx, org_id: str, picture_ids: Collection[str]) -> None:
    """Remove the expiry of pictures, as a template version names them."""
    if picture_ids:
        query = f"UPDATE pictures SET expires_at = NULL {_AMONG} AND expires_at IS NOT NULL"  # noqa: S608, ours
        tx.db.execute(query, (org_id, _array(picture_ids)))


def is_any_expired(tx: Tx) -> bool:
    """Tell whether there are expired pictures."""
    return bool(tx.number("SELECT EXISTS (SELECT 1 FROM pictures WHERE expires_at <= ?)", tx.now))


def remove_expired(tx: Tx, limit: int) -> int:
    """Remove at most `limit` expired pictures with their files; return their number. One that a draft names expires a
    week later instead.
    """
    tx.db.execute(
        "UPDATE pictures SET expires_at = :later WHERE expires_at <= :now AND EXISTS ("
        "SELECT 1 FROM draft_pictures AS named JOIN drafts ON drafts.number = named.draft "
        "WHERE named.picture_id = pictures.id AND drafts.org_id = pictures.org_id)",
        {"now": tx.now, "later": tx.now + KEPT},
    )
    query = "SELECT number, file, thumbnail FROM pictures WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
    rows = tx.db.execute(query, (tx.now, limit)).fetchall()
    for number, *numbers in rows:
        tx.db.execute("DELETE FROM pictures WHERE number = ?", (number,))
        for file in numbers:
            files.remove(tx, file)
    return len(rows)


def _array(picture_ids: Collection[str]) -> str:
    return to_json(list(picture_ids)).decode()
