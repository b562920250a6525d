"""Secrets of webhooks, stored for as long as something may have to be signed, and then deleted."""

from rundun.store.sqlite.transaction import Tx

_OLD = (  # `run.erased` may be sent long after all else: the second line is that of the index `runs_with_secret`
    "webhook_secret IS NOT NULL AND closed_at IS NOT NULL "
    "AND (erased_at IS NOT NULL OR instr(webhook_events, '\"run.erased\"') = 0) "
    "AND closed_at <= :before AND NOT EXISTS ("
    "SELECT 1 FROM deliveries AS d WHERE d.run_id = r.id AND (d.status = 'pending' OR d.settled_at > :before))"
)


def is_any_old(tx: Tx, before: int) -> bool:
    """Tell whether there is a secret whose run was closed, and whose deliveries were settled, by `before`."""
    query = f"SELECT 1 FROM runs AS r WHERE {_OLD} LIMIT 1"  # noqa: S608, written above
    return tx.db.execute(query, {"before": before}).fetchone() is not None


def remove_old(tx: Tx, before: int, limit: int) -> int:
    """Delete at most `limit` old secrets; returns how many. That changes the run, which says that it is not signed."""
    numbers = f"SELECT number FROM runs AS r WHERE {_OLD} ORDER BY closed_at LIMIT :limit"  # noqa: S608
    change = "UPDATE runs SET webhook_secret = NULL, webhook_forgotten = 1, revision = revision + 1, "
    change += "updated_at = max(updated_at, :now)"
    query = f"{change} WHERE number IN ({numbers})"
    return tx.db.execute(query, {"before": before, "limit": limit, "now": tx.now}).rowcount
