"""Answers of runs: those in force, and those replaced."""

import sqlite3
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.runs.answer import Answer
from rundun.core.runs.run import Run
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx

_SELECT = (  # as `_answer` reads them
    "SELECT step_id, answer_id, value, skipped, unable, photos, geo, signature, at, answered_at, by, left_out "
    "FROM answers "
)


def _answer(row: sqlite3.Row) -> Answer:
    # By index: reading a run takes as many of these as it has steps, and by name each column would be searched for.
    _, answer_id, value, skipped, unable, photos, geo, signature, at, answered_at, by, left_out = row
    return Answer(
        answer_id,
        from_json(value),
        bool(skipped),
        unable,
        None if photos is None else tuple(from_json(photos)),
        geo and from_json(geo),
        signature,
        at,
        answered_at,
        by,
        None if left_out is None else tuple(from_json(left_out)),
    )


def list_in_force(tx: Tx, run_id: str) -> dict[str, Answer]:
    """Return the answers in force of a run by step id."""
    query = _SELECT + "INDEXED BY answers_in_force WHERE run_id = ? AND is_current"
    return {row[0]: _answer(row) for row in tx.db.execute(query, (run_id,)).fetchall()}


def list_replaced(tx: Tx, run_id: str, limit: int) -> list[tuple[str, Answer]]:
    """List at most `limit` replaced answers of a run as (step id, answer), by step id, descending, the newest of each
    step first.
    """
    rows = tx.db.execute(
        _SELECT + "INDEXED BY answers_of_step WHERE run_id = ? AND NOT is_current "
        "ORDER BY step_id DESC, number DESC LIMIT ?",
        (run_id, limit),
    ).fetchall()
    return [(row[0], _answer(row)) for row in rows]


def list_replaced_of_step(tx: Tx, run_id: str, step_id: str) -> list[tuple[str, Answer]]:
    """List all replaced answers of one step as (step id, answer), the newest first."""
    rows = tx.db.execute(
        _SELECT + "INDEXED BY answers_of_step WHERE run_id = ? AND step_id = ? AND NOT is_current ORDER BY number DESC",
        (run_id, step_id),
    ).fetchall()
    return [(row[0], _answer(row)) for row in rows]


def find(tx: Tx, run_id: str, step_id: str, answer_id: str) -> Answer | None:
    """Return an answer of a step by its id, in force or replaced; None if there is none."""
    query = _SELECT + "WHERE run_id = ? AND step_id = ? AND answer_id = ?"
    row = tx.db.execute(query, (run_id, step_id, answer_id)).fetchone()
    return None if row is None else _answer(row)


def count_with_id(tx: Tx, run_id: str, step_id: str, answer_id: str | None) -> tuple[bool, int]:
    """Return whether a step has an answer `answer_id` (False for None), in force or replaced, and how many it has."""
    row = tx.db.execute(
        "SELECT EXISTS (SELECT 1 FROM answers WHERE run_id = :run AND step_id = :step AND answer_id = :answer), "
        "(SELECT count(*) FROM answers WHERE run_id = :run AND step_id = :step)",
        {"run": run_id, "step": step_id, "answer": answer_id},
    ).fetchone()
    return bool(row[0]), row[1]


def list_signatures(tx: Tx, run_id: str) -> set[int]:
    """Return the numbers of the signatures that a run's answers refer to, replaced answers included."""
    rows = tx.db.execute("SELECT signature FROM answers WHERE run_id = ? AND signature NOT NULL", (run_id,))
    return {row["signature"] for row in rows.fetchall()}


def add(tx: Tx, run: Run, step_id: str, answer: Answer, *, is_first: bool) -> None:
    """Store an answer and put it in force; the previous one is replaced. `is_first` where the step has none."""
    if not is_first:
        tx.db.execute(
            "UPDATE answers SET is_current = 0 WHERE run_id = ? AND step_id = ? AND is_current", (run.run_id, step_id)
        )
    _insert(tx, run, step_id, answer, is_current=True)


def add_history(tx: Tx, run: Run, step_id: str, answer: Answer) -> None:
    """Store an answer equal to the one in force as a replaced one, so that its id is known if sent again."""
    _insert(tx, run, step_id, answer, is_current=False)


def _insert(tx: Tx, run: Run, step_id: str, answer: Answer, *, is_current: bool) -> None:
    value = to_json(answer.value)
    photos = None if answer.photos is None else _json(answer.photos)
    geo = None if answer.geo is None else _json(answer.geo)
    tx.insert(
        "answers",
        run_id=run.run_id,
        step_id=step_id,
        answer_id=answer.answer_id,
        is_current=is_current,
        value=value.decode(),
        skipped=answer.skipped,
        unable=answer.unable,
        photos=photos,
        geo=geo,
        signature=answer.signature,
        at=answer.at,
        answered_at=answer.answered_at,
        by=answer.by,
        left_out=None if answer.left_out is None else _json(answer.left_out),
    )
    size = len(value) + len((answer.unable or "").encode()) + len(photos or "") + len(geo or "")
    tx.grow(run.org_id, quotas.ANSWER + size)


def put_evidence(tx: Tx, run_id: str, step_id: str, answer: Answer) -> None:
    """Store the photos and the signature of the answer in force, after one was deleted or arrived."""
    tx.db.execute(
        "UPDATE answers SET photos = ?, signature = ? WHERE run_id = ? AND step_id = ? AND is_current",
        (None if answer.photos is None else _json(answer.photos), answer.signature, run_id, step_id),
    )


def _json(value: Any) -> str:
    return to_json(value).decode()
