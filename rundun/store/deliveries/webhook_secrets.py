"""Secrets of webhooks, removed once nothing can have to be signed any more."""

from rundun.store.sqlite.transaction import Tx

_OLD = (  # `run.erased` may be sent long after all other events; the second line matches the index `runs_with_secret`
    "webhook_secret IS NOT NULL AND closed_at IS NOT NULL "
    "AND (erased_at IS NOT NULL OR instr(webhook_events, '\"run.erased\"') = 0) "
    "AND closed_at <= :before AND NOT EXISTS ("
    "SELECT 1 FROM deliveries AS d WHERE d.run_id = r.id AND (d.status = 'pending' OR d.settled_at > :before))"
)


def is_any_old(tx: Tx, before: int) -> bool:
    """Tell whether there is an old secret: of a run that was closed, and its deliveries settled, by `before`
    (milliseconds), but for webhooks to which `run.erased` may still go.
    """
    query = f"SELECT 1 FROM runs AS r WHERE {_OLD} LIMIT 1"  # noqa: S608, written above
    return tx.db.execute(query, {"before": before}).fetchone() is not None


def remove_old(tx: Tx, before: int, limit: int) -> int:
    """Remove at most `limit` old secrets; return their number. Their runs, in their next revision, then say that they
    are not signed.
    """
    numbers = f"SELECT number FROM runs AS r WHERE {_OLD} ORDER BY closed_at LIMIT :limit"  # noqa: S608
    change = "UPDATE runs SET webhook_secret = NULL, webhook_forgotten = 1, revision = revision + 1, "
    change += "updated_at = max(updated_at, :now)"
    query = f"{change} WHERE number IN ({numbers})"
    return tx.db.execute(query, {"before": before, "limit": limit, "now": tx.now}).rowcount
