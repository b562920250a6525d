"""Stored responses to POSTs with an `Idempotency-Key`, for as long as these may be repeated."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core import times
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx

TTL_MS = 24 * times.HOUR
_IS_DISPATCH = "(path = '/v1/runs' OR path GLOB '/v1/runs/*/again')"
ERASED = 410  # status of a stored response whose run was erased


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The name of one request: organization, path and the client's key; `fingerprint` is that of its body."""

    org_id: str
    path: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response as it is sent; `body` is JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def json_response(content: Any, status: int = 200, **headers: str) -> StoredResponse:
    """Return a response, not stored yet, with body `content`: a value that pydantic can serialise, or bytes that are
    JSON already.
    """
    return StoredResponse(status, content if isinstance(content, bytes) else to_json(content), headers)


def find(tx: Tx, idempotency_key: IdempotencyKey) -> tuple[bytes, StoredResponse] | None:
    """Find the fingerprint and the response of an earlier request with this key; None without one in `TTL_MS`. If the
    run that it dispatched was erased, the response has the status `ERASED`; others that name that run are gone.
    """
    row = tx.db.execute(
        "SELECT fingerprint, status, body, headers FROM idempotency_keys "
        "WHERE org_id = ? AND path = ? AND key IN (?, ?) AND created_at > ? ORDER BY created_at DESC LIMIT 1",
        (
            idempotency_key.org_id,
            idempotency_key.path,
            idempotency_key.key,
            _erased_key(idempotency_key.key),
            tx.now - TTL_MS,
        ),
    ).fetchone()
    if row is None:
        return None
    return row["fingerprint"], StoredResponse(row["status"], row["body"], from_json(row["headers"]))


def put(tx: Tx, idempotency_key: IdempotencyKey, stored_response: StoredResponse) -> None:
    """Store a response, replacing one that is older than `TTL_MS`."""
    headers = to_json(stored_response.headers).decode()
    tx.db.execute(
        "INSERT INTO idempotency_keys (org_id, path, key, fingerprint, status, body, headers, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (org_id, path, key) DO UPDATE SET fingerprint = "
        "excluded.fingerprint, status = excluded.status, body = excluded.body, headers = excluded.headers, "
        "created_at = excluded.created_at",
        (*astuple(idempotency_key), stored_response.status, stored_response.body, headers, tx.now),
    )
    tx.grow(idempotency_key.org_id, quotas.RESPONSE + len(stored_response.body) + len(headers))


def list_with_media(tx: Tx) -> Iterator[tuple[int, Any]]:
    """Yield (number, parsed body) of each stored response to a request below `/v1/runs/` that contains `/media/`."""
    query = "SELECT number FROM idempotency_keys WHERE path GLOB '/v1/runs/*' AND instr(body, CAST('/media/' AS BLOB))"
    for (number,) in tx.db.execute(query).fetchall():
        yield number, from_json(tx.get_row("response", "SELECT body FROM idempotency_keys WHERE number = ?", number)[0])


def put_body(tx: Tx, number: int, content: Any) -> None:
    """Replace the body of a stored response."""
    body = to_json(content)
    query = "UPDATE idempotency_keys SET body = ? WHERE number = ? RETURNING org_id, length(headers)"
    ((org_id, headers),) = tx.db.execute(query, (body, number)).fetchall()
    tx.grow(org_id, quotas.RESPONSE + len(body) + headers)


def erase_response(tx: Tx, run_id: str, erased_at: int) -> None:
    """Replace the response to a run's dispatch by the time of the run's erasure: the same dispatch, sent again, must
    not make another run. The key, which may name a person, is replaced by its digest.
    """
    body = to_json({"erased_at": times.wire(erased_at)})
    query = f"SELECT number, org_id, path, key FROM idempotency_keys WHERE run_id = ? AND {_IS_DISPATCH}"  # noqa: S608
    for number, org_id, path, key in tx.db.execute(query, (run_id,)).fetchall():
        erased_key = _erased_key(key)
        # One older than `TTL_MS` may be left.
        tx.db.execute(
            "DELETE FROM idempotency_keys WHERE org_id = ? AND path = ? AND key = ?", (org_id, path, erased_key)
        )
        tx.db.execute(
            "UPDATE idempotency_keys SET key = ?, status = ?, body = ?, headers = '{}' WHERE number = ?",
            (erased_key, ERASED, body, number),
        )
        tx.grow(org_id, quotas.RESPONSE + len(body) + len("{}"))


def _erased_key(key: str) -> str:
    return f"erased {hashlib.sha256(key.encode()).hexdigest()}"


def is_any_expired(tx: Tx) -> bool:
    """Tell whether a stored response is older than `TTL_MS`."""
    query = "SELECT 1 FROM idempotency_keys WHERE created_at <= ? LIMIT 1"
    return tx.db.execute(query, (tx.now - TTL_MS,)).fetchone() is not None


def remove_expired(tx: Tx, limit: int) -> None:
    """Delete at most `limit` stored responses that are older than `TTL_MS`."""
    tx.db.execute(
        "DELETE FROM idempotency_keys WHERE number IN "
        "(SELECT number FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?)",
        (tx.now - TTL_MS, limit),
    )
