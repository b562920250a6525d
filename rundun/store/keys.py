"""API keys: only their SHA-256 is kept."""

from __future__ import annotations

from dataclasses import dataclass

from rundun.errors import NotFound
from rundun.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Key:
    """A key without the key."""

    key_id: str
    org_id: str
    name: str
    created_at: int
    revoked_at: int | None


def add(tx: Tx, org_id: str, name: str, digest: bytes) -> Key:
    """A new key of an organization."""
    key = Key(tx.new_id("key"), org_id, name, tx.now, None)
    tx.db.execute(
        "INSERT INTO keys (id, org_id, name, digest, created_at) VALUES (?, ?, ?, ?, ?)",
        (key.key_id, org_id, name, digest, tx.now),
    )
    return key


def find_org(tx: Tx, digest: bytes) -> str | None:
    """The organization a valid key belongs to, or None for an unknown or revoked one."""
    row = tx.db.execute(
        "SELECT org_id FROM keys WHERE digest = ? AND revoked_at IS NULL", (digest,)
    ).fetchone()
    return None if row is None else str(row["org_id"])


def everyone(tx: Tx) -> list[Key]:
    """All keys, the oldest first."""
    rows = tx.db.execute("SELECT id, org_id, name, created_at, revoked_at FROM keys ORDER BY created_at, id")
    return [Key(*row) for row in rows]


def revoke(tx: Tx, key_id: str) -> None:
    """From this commit on the key is dead; revoking it again changes nothing."""
    changed = tx.db.execute(
        "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (tx.now, key_id)
    )
    if changed.rowcount == 0:
        raise NotFound("key")
    tx.touched.add("keys")
