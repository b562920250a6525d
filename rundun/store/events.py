"""Events, and the outbox rows that are born with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from rundun.core import event
from rundun.core.event import Fact
from rundun.core.run import Run
from rundun.store.tx import Tx


def add(tx: Tx, run: Run, fact: Fact) -> Run:
    """Keep `fact` as the run's next event, with a delivery where the run's webhook wants it; returns the run with
    its new `seq`, which the caller keeps.
    """
    seq, event_id = run.seq + 1, tx.new_id("evt")
    kept = event.envelope(run, fact, event_id, seq, tx.now)
    cursor = tx.db.execute(
        "INSERT INTO events (id, run_id, org_id, seq, event, body) VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, run.run_id, run.org_id, seq, fact.event, _text(kept)),
    )
    webhook = run.webhook
    if webhook and fact.event in webhook.events:
        tx.db.execute(
            "INSERT INTO deliveries (id, event, run_id, org_id, destination, status, next_attempt_at, created_at) "
            "VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)",
            (tx.new_id("dlv"), cursor.lastrowid, run.run_id, run.org_id, webhook.destination, tx.now, tx.now),
        )
        tx.touched.add("outbox")
    tx.touched.add("events")
    return replace(run, seq=seq)


def _text(kept: Mapping[str, Any]) -> str:
    return to_json(kept).decode()
