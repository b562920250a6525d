"""Quotas: what organizations use of the file, and how much of it each may use.

Whoever adds a row says by `Tx.grow` how much it takes: one of the constants here, and the bytes of its long texts, as
migrations/0010_quotas.sql has it, where triggers count what is deleted. One UPDATE a commit adds it all up.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rundun.store.transaction import Quotas, Tx

VERSION, RUN, ANSWER, PHOTO, SIGNATURE, CHANGE = 1000, 1200, 500, 1500, 700, 500  # bytes of a row and its indexes
EVENT, DELIVERY, ATTEMPT, RESPONSE = 400, 800, 150, 700
NEAR = 0.8  # of the quota: from there on the administrator is told

_SELECT = "SELECT id, bytes_used, ifnull(bytes_quota, ?) FROM organizations "


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


def _use(row: sqlite3.Row) -> StorageUse:
    org_id, used, quota = row
    return StorageUse(org_id, used, quota or None)


def get(tx: Tx, org_id: str) -> StorageUse:
    """Return what an organization uses, or raise NotFound."""
    return _use(tx.get_row("organization", _SELECT + "WHERE id = ?", tx.quotas.default, org_id))


def list_all(tx: Tx) -> list[StorageUse]:
    """List what each organization uses, in the order of their ids."""
    return [_use(row) for row in tx.db.execute(_SELECT, (tx.quotas.default,)).fetchall()]


def put(tx: Tx, org_id: str, quota: int | None) -> None:
    """Store an organization's quota in bytes: 0 = none, None = as the settings say."""
    tx.db.execute("UPDATE organizations SET bytes_quota = ? WHERE id = ?", (quota, org_id))
    tx.grow(org_id, 0)  # so that the commit looks whether it is full now


# Whether the quota is nearly used up, as `fraction` has it.
_IS_NEAR = f"(ifnull(bytes_quota, :default) > 0 AND bytes_used >= {NEAR} * ifnull(bytes_quota, :default))"


def count_near(tx: Tx) -> int:
    """Count the organizations that have used `NEAR` of their quota or more."""
    query = f"SELECT count(*) FROM organizations WHERE {_IS_NEAR}"  # noqa: S608, all written above
    return int(tx.db.execute(query, {"default": tx.quotas.default}).fetchone()[0])


def awaiting_alert(tx: Tx) -> list[StorageUse]:
    """List the organizations whose quota is nearly used up, which the administrator is still to be told of."""
    query = (
        "SELECT id, bytes_used, ifnull(bytes_quota, :default) FROM organizations "  # noqa: S608, all written above
        f"WHERE NOT quota_alerted AND {_IS_NEAR}"
    )
    return [_use(row) for row in tx.db.execute(query, {"default": tx.quotas.default}).fetchall()]


def mark_alerted(tx: Tx, org_id: str) -> None:
    """Note that the administrator knows that an organization's quota is nearly used up."""
    tx.db.execute("UPDATE organizations SET quota_alerted = 1 WHERE id = ?", (org_id,))


def has_fallen(tx: Tx) -> bool:
    """Tell whether an organization that the administrator was told of uses less again."""
    query = f"SELECT 1 FROM organizations WHERE quota_alerted AND NOT {_IS_NEAR}"  # noqa: S608, all written above
    return tx.db.execute(query, {"default": tx.quotas.default}).fetchone() is not None


def forget_fallen(tx: Tx) -> None:
    """Forget that the administrator was told of organizations that use less again: the next time is news."""
    query = f"UPDATE organizations SET quota_alerted = 0 WHERE quota_alerted AND NOT {_IS_NEAR}"  # noqa: S608, as above
    tx.db.execute(query, {"default": tx.quotas.default})


def load_full(db: sqlite3.Connection, quotas: Quotas) -> None:
    """Read which organizations have reached their quota, before the first transaction."""
    note_full(quotas, db.execute(_SELECT, (quotas.default,)).fetchall())


def add_growth(db: sqlite3.Connection, quotas: Quotas, growth: Mapping[str, int]) -> list[sqlite3.Row]:
    """Add what a transaction has added of each organization, before its commit. Returns rows for `note_full`."""
    return [
        row
        for org_id, size in growth.items()
        for row in db.execute(
            "UPDATE organizations SET bytes_used = bytes_used + ? WHERE id = ? "
            "RETURNING id, bytes_used, ifnull(bytes_quota, ?)",
            (size, org_id, quotas.default),
        ).fetchall()
    ]


def note_full(quotas: Quotas, rows: Iterable[sqlite3.Row]) -> None:
    """Note which organizations have reached their quota, once that is committed."""
    for row in rows:
        use = _use(row)
        if use.fraction >= 1:
            quotas.full.add(use.org_id)
        else:
            quotas.full.discard(use.org_id)
