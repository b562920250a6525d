"""Quotas: what organizations use of the file, and how much of it each may use.

Whoever adds a row says by `Tx.grow` how much it takes: one of the constants here, and the bytes of its long texts, as
migrations/0010_quotas.sql has it (0013_pictures.sql of pictures), where triggers count what is deleted. One UPDATE a
commit adds it all up.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rundun.errors import NotFound
from rundun.store.sqlite.transaction import Quotas, Tx

VERSION, RUN, ANSWER, PHOTO, SIGNATURE, CHANGE = 1000, 1200, 500, 1500, 700, 200  # bytes of a row and its indexes
EVENT, DELIVERY, ATTEMPT, RESPONSE, REMARK, PICTURE = 400, 800, 150, 700, 400, 500
ORGANIZATION_CHANGE = 250
NEAR = 0.8  # of the quota: from there on the administrator is told

# Whatever is asked here of a quota, `:default` is what those have who were given none.
_QUOTA = "ifnull(bytes_quota, :default)"
_COLUMNS = f"id, bytes_used, {_QUOTA}"
_ADD = f"UPDATE organizations SET bytes_used = bytes_used + :size WHERE id = :org_id RETURNING {_COLUMNS}"  # noqa: S608
_IS_NEAR = f"({_QUOTA} > 0 AND bytes_used >= {NEAR} * {_QUOTA})"  # as `is_near` has it


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Bytes that an organization has `used` of its `quota`, None = unlimited."""

    org_id: str
    used: int
    quota: int | None

    @property
    def fraction(self) -> float:
        """Return how much of the quota is used, 1.0 for all of it; 0.0 without a quota."""
        return 0.0 if self.quota is None else self.used / self.quota

    @property
    def is_near(self) -> bool:
        """Tell whether the quota is nearly used up, or all of it is."""
        return self.fraction >= NEAR

    @property
    def is_full(self) -> bool:
        """Tell whether all of the quota is used."""
        return self.fraction >= 1


def _use(row: sqlite3.Row) -> StorageUse:
    org_id, used, quota = row
    return StorageUse(org_id, used, quota or None)


def get(tx: Tx, org_id: str) -> StorageUse:
    """Return what an organization uses, or raise NotFound."""
    for use in _select(tx.db, tx.quotas, "id = :org_id", org_id=org_id):
        return use
    raise NotFound("organization")


def list_all(tx: Tx) -> list[StorageUse]:
    """List what each organization uses, in the order of their ids."""
    return _select(tx.db, tx.quotas, "true")


def put(tx: Tx, org_id: str, quota: int | None) -> None:
    """Store an organization's quota in bytes: 0 = none, None = as the settings say."""
    tx.db.execute("UPDATE organizations SET bytes_quota = ? WHERE id = ?", (quota, org_id))
    tx.grow(org_id, 0)  # so that the commit looks whether it is full now


def count_near(tx: Tx) -> int:
    """Count the organizations that have used `NEAR` of their quota or more."""
    return len(_select(tx.db, tx.quotas, _IS_NEAR))


def awaiting_alert(tx: Tx) -> list[StorageUse]:
    """List the organizations whose quota is nearly used up, which the administrator is still to be told of."""
    return _select(tx.db, tx.quotas, f"NOT quota_alerted AND {_IS_NEAR}")


def mark_alerted(tx: Tx, org_id: str) -> None:
    """Note that the administrator knows that an organization's quota is nearly used up."""
    tx.db.execute("UPDATE organizations SET quota_alerted = 1 WHERE id = ?", (org_id,))


def has_fallen(tx: Tx) -> bool:
    """Tell whether an organization that the administrator was told of uses less again."""
    return bool(_select(tx.db, tx.quotas, f"quota_alerted AND NOT {_IS_NEAR}"))


def forget_fallen(tx: Tx) -> None:
    """Forget that the administrator was told of organizations that use less again: the next time is news."""
    query = f"UPDATE organizations SET quota_alerted = 0 WHERE quota_alerted AND NOT {_IS_NEAR}"  # noqa: S608, as above
    tx.db.execute(query, {"default": tx.quotas.default})


def _select(db: sqlite3.Connection, quotas: Quotas, where: str, **values: str) -> list[StorageUse]:
    query = f"SELECT {_COLUMNS} FROM organizations WHERE {where}"  # noqa: S608, all written in this file
    return [_use(row) for row in db.execute(query, {"default": quotas.default, **values}).fetchall()]


def load_full(db: sqlite3.Connection, quotas: Quotas) -> None:
    """Read which organizations have reached their quota, before the first transaction."""
    note_full(quotas, _select(db, quotas, "true"))


def add_growth(db: sqlite3.Connection, quotas: Quotas, growth: Mapping[str, int]) -> list[StorageUse]:
    """Add what a transaction has added of each organization, before its commit. Returns what these use then."""
    return [
        _use(row)
        for org_id, size in growth.items()
        for row in db.execute(_ADD, {"size": size, "org_id": org_id, "default": quotas.default}).fetchall()
    ]


def note_full(quotas: Quotas, uses: Iterable[StorageUse]) -> None:
    """Note which organizations have reached their quota, once that is committed."""
    for use in uses:
        if use.is_full:
            quotas.full.add(use.org_id)
        else:
            quotas.full.discard(use.org_id)
