"""Idempotent POSTs: an action and its response are stored in one transaction, so that a second POST with the same
`Idempotency-Key` changes nothing (draft-ietf-httpapi-idempotency-key-header).
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from pydantic_core import from_json

from rundun.core.fingerprint import compare
from rundun.errors import Problem
from rundun.store import idempotency as response_rows
from rundun.store.idempotency import IdempotencyKey, StoredResponse
from rundun.store.sqlite.transaction import Tx

P = ParamSpec("P")
_REUSED = {
    "other_body": "This Idempotency-Key came with another body before; send a new one with a new request.",
    "other_key": "This Idempotency-Key came with another API key before, and only that one tells whether the body is "
    "the same: retry with the API key that the request was begun with.",
}


def run_and_store(
    tx: Tx,
    idempotency_key: IdempotencyKey | None,
    action: Callable[Concatenate[Tx, P], StoredResponse],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> StoredResponse:
    """Run `action(tx, *args)` and return its `StoredResponse`, also stored under `idempotency_key` unless that is None.
    It does not look for an earlier one: `find_response` does. Refusals are not stored: they changed nothing, and the
    next try may succeed.
    """
    response = action(tx, *args, **kwargs)
    if idempotency_key:
        response_rows.put(tx, idempotency_key, response)
    return response


def create_once(
    tx: Tx,
    idempotency_key: IdempotencyKey,
    id_name: str,
    action: Callable[Concatenate[Tx, P], object],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> str:
    """Run `action(tx, *args)` unless it was run under this key in the last 24 hours, and return the attribute `id_name`
    of the object that it created, then or now, as text: of two equal forms at once, the second gets the first one's id.
    Raises the errors of `find_response`.
    """
    stored = find_response(tx, idempotency_key)
    if stored is None:
        stored = response_rows.json_response(getattr(action(tx, *args, **kwargs), id_name), 201)
        response_rows.put(tx, idempotency_key, stored)
    return str(from_json(stored.body))


def find_response(tx: Tx, idempotency_key: IdempotencyKey) -> StoredResponse | None:
    """Find the response stored under this key in the last 24 hours, None for a new request. Raises
    `idempotency_key_reused`, and `run_erased` where the run of the response was erased since.
    """
    stored = response_rows.find(tx, idempotency_key)
    if stored is None:
        return None
    fingerprint, response = stored
    compared = compare(fingerprint, idempotency_key.fingerprint)
    if compared != "same":
        raise Problem("idempotency_key_reused", _REUSED[compared])
    if response.status == response_rows.ERASED:
        detail = "The run that this request made was erased; nothing of it is left."
        raise Problem("run_erased", detail, extensions=from_json(response.body))
    return response
