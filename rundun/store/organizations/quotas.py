"""Quotas: the storage that each organization uses in the file, and its limit.

Adding a row calls `Tx.grow` with its size: a constant of this file, plus the bytes of long texts. Triggers subtract
deleted rows (migrations/0010_quotas.sql, 0013_pictures.sql of pictures). Each commit adds the sum in one UPDATE.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rundun.errors import NotFound
from rundun.store.sqlite.transaction import Quotas, Tx

VERSION, RUN, ANSWER, PHOTO, SIGNATURE, CHANGE = 1000, 1200, 500, 1500, 700, 200  # bytes of a row and its indexes
EVENT, DELIVERY, ATTEMPT, RESPONSE, REMARK, PICTURE = 400, 800, 150, 700, 400, 500
ORGANIZATION_CHANGE, DRAFT = 250, 500
NEAR = 0.8  # of the quota: the administrator is alerted from there on

# In all queries, `:default` is the quota of organizations without their own.
_QUOTA = "ifnull(bytes_quota, :default)"
_COLUMNS = f"id, bytes_used, {_QUOTA}"
_ADD = f"UPDATE organizations SET bytes_used = bytes_used + :size WHERE id = :org_id RETURNING {_COLUMNS}"  # noqa: S608
_IS_NEAR = f"({_QUOTA} > 0 AND bytes_used >= {NEAR} * {_QUOTA})"  # as `is_near` has it


@dataclass(frozen=True, slots=True)
class StorageUse:
    """The bytes `used` by an organization, and its `quota` in bytes, None for unlimited."""

    org_id: str
    used: int
    quota: int | None

    @property
    def fraction(self) -> float:
        """Return the used fraction of the quota, 1.0 for all of it; 0.0 if unlimited."""
        return 0.0 if self.quota is None else self.used / self.quota

    @property
    def is_near(self) -> bool:
        """Tell whether at least `NEAR` of the quota is used; False if it is unlimited."""
        return self.fraction >= NEAR

    @property
    def is_full(self) -> bool:
        """Tell whether the whole quota is used; False if it is unlimited."""
        return self.fraction >= 1


def _storage_use(row: sqlite3.Row) -> StorageUse:
    org_id, used, quota = row
    return StorageUse(org_id, used, quota or None)


def get(tx: Tx, org_id: str) -> StorageUse:
    """Return the bytes that an organization uses, and its quota, own or default, None = unlimited; raises NotFound."""
    for use in _select(tx.db, tx.quotas, "id = :org_id", org_id=org_id):
        return use
    raise NotFound("organization")


def list_all(tx: Tx) -> list[StorageUse]:
    """List the storage use of all organizations, ordered by id."""
    return _select(tx.db, tx.quotas, "true")


def put(tx: Tx, org_id: str, quota: int | None) -> None:
    """Store an organization's quota in bytes: 0 for none, None for the setting's."""
    tx.db.execute("UPDATE organizations SET bytes_quota = ? WHERE id = ?", (quota, org_id))
    tx.grow(org_id, 0)  # so that the commit checks the new quota


def count_near(tx: Tx) -> int:
    """Return the number of organizations that use at least `NEAR` of their quota."""
    return len(_select(tx.db, tx.quotas, _IS_NEAR))


def list_awaiting_alert(tx: Tx) -> list[StorageUse]:
    """List the storage use of organizations near their quota of which the administrator has not been alerted."""
    return _select(tx.db, tx.quotas, f"NOT quota_alerted AND {_IS_NEAR}")


def put_alerted(tx: Tx, org_id: str) -> None:
    """Store that the administrator has been alerted of an organization's quota."""
    tx.db.execute("UPDATE organizations SET quota_alerted = 1 WHERE id = ?", (org_id,))


def is_any_alert_outdated(tx: Tx) -> bool:
    """Tell whether an organization with a quota alert is no longer near its quota."""
    return bool(_select(tx.db, tx.quotas, f"quota_alerted AND NOT {_IS_NEAR}"))


def remove_outdated_alerts(tx: Tx) -> None:
    """Reset the alerted organizations that are no longer near their quota, so that the next time is alerted again."""
    query = f"UPDATE organizations SET quota_alerted = 0 WHERE quota_alerted AND NOT {_IS_NEAR}"  # noqa: S608, as above
    tx.db.execute(query, {"default": tx.quotas.default})


def _select(db: sqlite3.Connection, quotas: Quotas, where: str, **values: str) -> list[StorageUse]:
    query = f"SELECT {_COLUMNS} FROM organizations WHERE {where}"  # noqa: S608, all written in this file
    return [_storage_use(row) for row in db.execute(query, {"default": quotas.default, **values}).fetchall()]


def load_full(db: sqlite3.Connection, quotas: Quotas) -> None:
    """Load the ids of organizations at their quota into `quotas`, before the first transaction."""
    update_full(quotas, _select(db, quotas, "true"))


def add_growth(db: sqlite3.Connection, quotas: Quotas, growth: Mapping[str, int]) -> list[StorageUse]:
    """Add a transaction's growth in bytes by organization id, before its commit; return the new storage use of each."""
    return [
        _storage_use(row)
        for org_id, size in growth.items()
        for row in db.execute(_ADD, {"size": size, "org_id": org_id, "default": quotas.default}).fetchall()
    ]


def update_full(quotas: Quotas, uses: Iterable[StorageUse]) -> None:
    """Update the ids of organizations at their quota in `quotas`, after the commit."""
    for use in uses:
        if use.is_full:
            quotas.full.add(use.org_id)
        else:
            quotas.full.discard(use.org_id)
