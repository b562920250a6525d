"""A POST and its answer in one transaction, so that asking again with the same `Idempotency-Key` changes nothing
(draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from rundun.errors import Problem
from rundun.store import idempotency
from rundun.store.idempotency import IdempotencyKey, StoredResponse
from rundun.store.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")
Render = Callable[[T], StoredResponse]


def run_and_store(
    tx: Tx,
    idempotency_key: IdempotencyKey | None,
    render: Render[T],
    action: Callable[Concatenate[Tx, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> StoredResponse:
    """`action(tx, *args)` and what is answered to it; kept under `idempotency_key` where there is one. What is refused
    is not kept: it changed nothing, and may go well the next time.
    """
    reply = render(action(tx, *args, **kwargs))
    if idempotency_key:
        idempotency.put(tx, idempotency_key, reply)
    return reply


def run_once(
    tx: Tx,
    idempotency_key: IdempotencyKey,
    render: Render[T],
    action: Callable[Concatenate[Tx, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> StoredResponse:
    """As `run_and_store`, or what was answered before: of two at once the second finds what the first was answered."""
    return find_response(tx, idempotency_key) or run_and_store(tx, idempotency_key, render, action, *args, **kwargs)


def find_response(tx: Tx, idempotency_key: IdempotencyKey) -> StoredResponse | None:
    """What was answered to this request before, None when it is new; raises `idempotency_key_reused`."""
    found = idempotency.find(tx, idempotency_key)
    if found is None:
        return None
    fingerprint, reply = found
    if fingerprint != idempotency_key.fingerprint:
        detail = "This Idempotency-Key came with another body before; send a new one with a new request."
        raise Problem("idempotency_key_reused", detail)
    return reply
