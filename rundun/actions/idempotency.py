"""A POST and its answer in one transaction, so that asking again with the same `Idempotency-Key` changes nothing
(draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from rundun.errors import Problem
from rundun.store import idempotency
from rundun.store.idempotency import Reply, Ticket
from rundun.store.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")
Render = Callable[[T], Reply]


def carry_out(
    tx: Tx,
    ticket: Ticket | None,
    render: Render[T],
    action: Callable[Concatenate[Tx, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Reply:
    """`action(tx, *args)` and what is answered to it; kept under `ticket` where there is one. What is refused is not
    kept: it changed nothing, and may go well the next time.
    """
    reply = render(action(tx, *args, **kwargs))
    if ticket:
        idempotency.put(tx, ticket, reply)
    return reply


def only_once(
    tx: Tx,
    ticket: Ticket,
    render: Render[T],
    action: Callable[Concatenate[Tx, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Reply:
    """As `carry_out`, or what was answered before: of two at the same time the second finds the first one's answer."""
    return answered(tx, ticket) or carry_out(tx, ticket, render, action, *args, **kwargs)


def answered(tx: Tx, ticket: Ticket) -> Reply | None:
    """What was answered to this request before, None when it is new; raises `idempotency_key_reused`."""
    found = idempotency.find(tx, ticket)
    if found is None:
        return None
    fingerprint, reply = found
    if fingerprint != ticket.fingerprint:
        detail = "This Idempotency-Key came with another body before; send a new one with a new request."
        raise Problem("idempotency_key_reused", detail)
    return reply


def is_any_old(tx: Tx) -> bool:
    """True when there are answers that nobody can ask for any more."""
    return idempotency.is_any_old(tx)


def forget(tx: Tx, limit: int) -> None:
    """Forget at most `limit` of them."""
    idempotency.remove_old(tx, limit)
