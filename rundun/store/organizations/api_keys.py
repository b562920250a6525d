"""API keys: only their SHA-256 is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from rundun.errors import NotFound
from rundun.store.sqlite.transaction import JournalEntry, Tx

MAX_REVOKED = 50  # revoked keys that are listed


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret. `used_at` is up to a minute old, in milliseconds. `may_erase` and `read_only` are
    0 or 1; a key that is read-only can neither change nor send anything.
    """

    key_id: str
    org_id: str
    name: str
    created_at: int
    revoked_at: int | None
    used_at: int | None = None
    may_erase: int = 0
    read_only: int = 0


_SELECT = "SELECT id, org_id, name, created_at, revoked_at, used_at, may_erase, read_only FROM keys "


def add(tx: Tx, org_id: str, name: str, digest: bytes, *, may_erase: bool = False, read_only: bool = False) -> ApiKey:
    """Store a new API key of an organization, with the SHA-256 `digest` of its secret; return it."""
    key = ApiKey(tx.new_id("key"), org_id, name, tx.now, None, may_erase=int(may_erase), read_only=int(read_only))
    rights = {"may_erase": key.may_erase, "read_only": key.read_only}
    tx.insert("keys", id=key.key_id, org_id=org_id, name=name, digest=digest, created_at=tx.now, **rights)
    return key


def find(tx: Tx, digest: bytes) -> ApiKey | None:
    """Return the valid API key with the SHA-256 `digest`; None if it is unknown or revoked."""
    row = tx.db.execute(_SELECT + "WHERE digest = ? AND revoked_at IS NULL", (digest,)).fetchone()
    return None if row is None else ApiKey(*row)


def list_all(tx: Tx) -> list[ApiKey]:
    """List the API keys of all organizations, revoked ones included, oldest first."""
    return [ApiKey(*row) for row in tx.db.execute(_SELECT + "ORDER BY created_at, id")]


def get_of_org(tx: Tx, org_id: str, key_id: str) -> ApiKey:
    """Return an organization's API key, valid or revoked; raises NotFound."""
    return ApiKey(*tx.get_row("key", _SELECT + "WHERE id = ? AND org_id = ?", key_id, org_id))


def list_of_org(tx: Tx, org_id: str) -> list[ApiKey]:
    """List an organization's valid API keys, newest first, then the `MAX_REVOKED` last revoked ones, the last first."""
    valid = "WHERE org_id = ? AND revoked_at IS NULL ORDER BY created_at DESC, id"
    revoked = "WHERE org_id = ? AND revoked_at IS NOT NULL ORDER BY revoked_at DESC, id LIMIT ?"
    rows = tx.db.execute(_SELECT + valid, (org_id,)).fetchall()
    rows += tx.db.execute(_SELECT + revoked, (org_id, MAX_REVOKED)).fetchall()
    return [ApiKey(*row) for row in rows]


def count_valid(tx: Tx, org_id: str) -> int:
    """Return the number of an organization's valid API keys."""
    return tx.number("SELECT count(*) FROM keys WHERE org_id = ? AND revoked_at IS NULL", org_id)


def put_used(tx: Tx, used: Mapping[str, int]) -> None:
    """Store when API keys were last used, in milliseconds by key id."""
    tx.db.executemany("UPDATE keys SET used_at = ? WHERE id = ?", [(at, key_id) for key_id, at in used.items()])


def revoke(tx: Tx, key_id: str) -> None:
    """Revoke an API key from this commit on; revoking it again changes nothing. Raises NotFound."""
    changed = tx.db.execute("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (tx.now, key_id))
    if changed.rowcount == 0:
        raise NotFound("key")
    tx.journal.append(JournalEntry("key", key_id, tx.now))
    tx.touched.add("keys")
