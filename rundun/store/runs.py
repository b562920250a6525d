"""Runs."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.run import CLOSED, Cancellation, Identity, Run, Webhook
from rundun.errors import NotFound
from rundun.store.paging import END, Page, Slice
from rundun.store.tx import Tx

TOUCHED = "runs of "  # what a transaction touched that has changed a run of the organization named behind it
FEW = 1000  # rows that are looked at, and sorted, in a millisecond or two


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs to list; times in milliseconds, `created_after` and `created_before` themselves left out. Of
    `executor_ref` and `executor_ref_prefix` at most one is given.
    """

    status: str | None = None
    template_id: str | None = None
    executor_ref: str | None = None
    created_after: int | None = None
    created_before: int | None = None
    executor_ref_prefix: str | None = None


def _run(row: sqlite3.Row) -> Run:
    url, by = row["webhook_url"], row["cancelled_by"]
    return Run(
        number=row["number"],
        run_id=row["id"],
        org_id=row["org_id"],
        template_id=row["template_id"],
        template_v=row["template_v"],
        status=row["status"],
        revision=row["revision"],
        seq=row["seq"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        started_at=row["started_at"],
        closed_at=row["closed_at"],
        executor_ref=row["executor_ref"],
        language=row["language"],
        assigned_to=row["assigned_to"],
        identity=Identity(**from_json(row["identity"])) if row["identity"] else Identity(),
        device=row["device"],
        webhook=url
        and Webhook(
            url,
            row["webhook_secret"],
            tuple(from_json(row["webhook_events"])),
            bool(row["webhook_gone"]),
            row["webhook_destination"],
        ),
        cancellation=by and Cancellation(by, row["cancel_reason"], row["closed_at"], row["last_step_id"]),
        signature=row["signature"],
        progress=from_json(row["progress"]),
    )


def get(tx: Tx, run_id: str) -> Run:
    """The run of that id, or NotFound: on the executor's side the id is the key."""
    row = tx.db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise NotFound("run")
    return _run(row)


def get_of_org(tx: Tx, org_id: str, run_id: str) -> Run:
    """The run of that id in that organization, or NotFound."""
    run = get(tx, run_id)
    if run.org_id != org_id:
        raise NotFound("run")
    return run


def page(tx: Tx, org_id: str, chosen: Filter, wanted: Slice) -> Page[Run]:
    """Runs of an organization, the newest first. Those chosen by how their reference begins come in the order of their
    references, the last first, since no index has them by their age.
    """
    if chosen.executor_ref_prefix is not None:
        return _page_by_prefix(tx, org_id, chosen, chosen.executor_ref_prefix, wanted)
    at, number = wanted.before
    conditions, values = _chosen(chosen)
    return _page(
        tx,
        _index(tx, org_id, chosen),
        ["org_id = :org", "(created_at, number) < (:at, :number)", *conditions],
        "created_at DESC, number DESC",
        {**values, "org": org_id, "at": at, "number": number},
        wanted,
    )


def _page_by_prefix(tx: Tx, org_id: str, chosen: Filter, prefix: str, wanted: Slice) -> Page[Run]:
    conditions, values = _chosen(chosen)
    at, number = wanted.before
    behind: tuple[str | None, int, int] = (_first_behind(prefix), 0, 0)
    if number < END:
        query = "SELECT executor_ref FROM runs WHERE number = ? AND org_id = ? AND created_at = ?"
        row = tx.db.execute(query, (number, org_id, at)).fetchone()
        behind = (row and row["executor_ref"], at, number)
    if behind[0] is not None:
        conditions.append("(executor_ref, created_at, number) < (:behind, :at, :number)")
    return _page(
        tx,
        _index(tx, org_id, chosen),
        ["org_id = :org", "executor_ref >= :prefix", *conditions],
        "executor_ref DESC, created_at DESC, number DESC",
        {
            **values,
            "org": org_id,
            "prefix": prefix,
            **dict(zip(("behind", "at", "number"), behind, strict=True)),
        },
        wanted,
    )


def _first_behind(prefix: str) -> str | None:
    """The least text greater than all that begin with `prefix`, by code points as SQLite compares them; None where
    nothing is greater.
    """
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)


def _index(tx: Tx, org_id: str, chosen: Filter) -> str:
    """The index that leaves the fewest rows to look at. Of several filters the one that few runs pass decides: by any
    other most rows would be looked at for nothing. These few are sorted where the list is by reference.
    """
    if chosen.executor_ref is not None:
        return "runs_by_executor_ref"
    is_by_reference = chosen.executor_ref_prefix is not None
    is_dated = chosen.created_after is not None or chosen.created_before is not None
    ways = [("runs_by_status", "status")] if chosen.status is not None else []
    ways += [("runs_by_template", "template_id")] if chosen.template_id is not None else []
    ways += [("runs_of_org", "")] if is_by_reference and is_dated else []
    if len(ways) + is_by_reference == 1:
        return ways[0][0] if ways else "runs_by_executor_ref"
    for index, column in ways:
        if _few(tx, org_id, chosen, index, column):
            return index
    if is_by_reference:
        return "runs_by_executor_ref"
    if chosen.status is not None and chosen.status not in CLOSED:
        return "runs_by_status"
    return "runs_of_org" if chosen.template_id is None else "runs_by_template"


def _few(tx: Tx, org_id: str, chosen: Filter, index: str, column: str) -> bool:
    """Whether at most 1,000 runs of an organization have that in that column, and the age that is wanted."""
    conditions, values = _chosen(chosen)
    counted = [one for one in conditions if one.startswith(("created_at", f"{column} ="))]
    query = (
        f"SELECT 1 FROM runs INDEXED BY {index} WHERE {' AND '.join(['org_id = :org', *counted])} LIMIT :few"  # noqa: S608
    )
    found = tx.db.execute(f"SELECT count(*) FROM ({query})", {**values, "org": org_id, "few": FEW + 1})  # noqa: S608
    return int(found.fetchone()[0]) <= FEW


def _chosen(chosen: Filter) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for column in ("status", "template_id", "executor_ref"):
        if getattr(chosen, column) is not None:
            conditions.append(f"{column} = :{column}")
            values[column] = getattr(chosen, column)
    if chosen.created_after is not None:
        conditions.append("created_at > :after")
        values["after"] = chosen.created_after
    if chosen.created_before is not None:
        conditions.append("created_at < :before")
        values["before"] = chosen.created_before
    return conditions, values


def _page(
    tx: Tx, index: str, conditions: list[str], order: str, values: dict[str, Any], wanted: Slice
) -> Page[Run]:
    rows = tx.db.execute(
        f"SELECT * FROM runs INDEXED BY {index} WHERE {' AND '.join(conditions)} "  # noqa: S608, all named above
        f"ORDER BY {order} LIMIT :more",
        {**values, "more": wanted.limit + 1},
    ).fetchall()
    return Page.of(rows, wanted, lambda row: (row["created_at"], row["number"]), _run)


def count_since(tx: Tx, org_id: str, since: int) -> int:
    """How many runs an organization has dispatched since then."""
    query = "SELECT count(*) FROM runs WHERE org_id = ? AND created_at >= ?"
    return int(tx.db.execute(query, (org_id, since)).fetchone()[0])


def overdue(tx: Tx, limit: int) -> list[str]:
    """Ids of open runs whose time is up, the longest overdue first; a started run's time includes the grace."""
    found: list[tuple[int, str]] = []
    for status, grace in (("pending", 0), ("in_progress", tx.grace)):
        rows = tx.db.execute(
            "SELECT id, expires_at FROM runs WHERE status = ? AND expires_at <= ? "
            "AND status IN ('pending', 'in_progress') ORDER BY expires_at LIMIT ?",
            (status, tx.now - grace, limit),
        ).fetchall()
        found += [(row["expires_at"] + grace, row["id"]) for row in rows]
    return [run_id for _, run_id in sorted(found)[:limit]]


def add(tx: Tx, run: Run) -> None:
    """Keep a new run; its `number` is given here."""
    webhook = run.webhook
    tx.db.execute(
        "INSERT INTO runs (id, org_id, template_id, template_v, status, revision, seq, created_at, expires_at, "
        "executor_ref, language, webhook_url, webhook_secret, webhook_events, webhook_destination, progress) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.run_id,
            run.org_id,
            run.template_id,
            run.template_v,
            run.status,
            run.revision,
            run.seq,
            run.created_at,
            run.expires_at,
            run.executor_ref,
            run.language,
            webhook and webhook.url,
            webhook and webhook.secret,
            webhook and to_json(webhook.events).decode(),
            webhook and webhook.destination,
            to_json(run.progress).decode(),
        ),
    )
    tx.touched.add(TOUCHED + run.org_id)


def put(tx: Tx, run: Run) -> None:
    """Keep what has changed on a run; who it was dispatched by and for never does."""
    given = {
        key: getattr(run.identity, key) for key in ("name", "email", "phone") if getattr(run.identity, key)
    }
    cancellation = run.cancellation
    tx.db.execute(
        "UPDATE runs SET status = ?, revision = ?, seq = ?, expires_at = ?, started_at = ?, closed_at = ?, "
        "language = ?, assigned_to = ?, identity = ?, device = ?, webhook_gone = ?, cancelled_by = ?, "
        "cancel_reason = ?, last_step_id = ?, signature = ?, progress = ? WHERE number = ?",
        (
            run.status,
            run.revision,
            run.seq,
            run.expires_at,
            run.started_at,
            run.closed_at,
            run.language,
            run.assigned_to,
            to_json(given).decode(),
            run.device,
            int(run.webhook.gone) if run.webhook else 0,
            cancellation and cancellation.by,
            cancellation and cancellation.reason,
            cancellation and cancellation.last_step_id,
            run.signature,
            to_json(run.progress).decode(),
            run.number,
        ),
    )
    tx.touched.add(TOUCHED + run.org_id)
