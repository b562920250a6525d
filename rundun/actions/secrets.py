"""Forgetting what nothing has to be signed with any more."""

from __future__ import annotations

from rundun.store import webhook_secrets
from rundun.store.transaction import Tx


def is_any_old(tx: Tx, before: int) -> bool:
    """True when there is a secret to forget; see `store.secrets.is_any_old`."""
    return webhook_secrets.is_any_old(tx, before)


def forget(tx: Tx, before: int, limit: int) -> int:
    """Forget at most `limit` of them; returns how many."""
    return webhook_secrets.forget(tx, before, limit)
