"""Batches of calls in one transaction: each in its own savepoint, all answered after one commit."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from rundun.errors import Problem
from rundun.store.organizations import quotas
from rundun.store.sqlite.signing_key import read_links
from rundun.store.sqlite.transaction import SIGNING_KEY, CommitThenRaise, Env, JournalEntry, Tx

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("rundun.store")


@dataclass(slots=True)
class Call:
    """A queued call of an action, later with its result or error. `weight` is the bytes it carries."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]
    weight: int = 0
    result: Any = None
    error: BaseException | None = None
    touched: set[str] = field(default_factory=set)
    growth: dict[str, int] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)


def report_unavailable(error: object) -> Problem:
    """Log `error`, a full disk or a locked file, and return the Problem that asks the client to try again."""
    _log.error("database error=%s", error)
    return Problem("unavailable", "The database can't be used right now; try again.", retry_after=5)


_TEMPORARY_CODES = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)


def translate_error(error: BaseException) -> BaseException:
    """Return the error for the client: `unavailable`, after logging `error`, if the disk is full or fails, or the file
    is locked or can't be opened; else `error`.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _TEMPORARY_CODES:  # the low byte is the primary code
        return report_unavailable(error)
    return error


def commit_batch(db: sqlite3.Connection, env: Env, calls: Sequence[Call]) -> bool:
    """Run `calls` in one transaction; afterwards each has its result or its error, and all successes are on disk.
    Returns whether there was a commit.

    On a full disk SQLite rolls the whole transaction back by itself; later savepoints would then commit one by one,
    so the whole batch fails. Refusals fail with it: they may rest on rows of an earlier call (the last credit taken, a
    run closed) that were rolled back.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        for call in calls:
            _run_in_savepoint(db, env, call)
            if not db.in_transaction:
                raise _RolledBack("the transaction was rolled back, as on a full or failing disk")
        grown = quotas.add_growth(db, env.quotas, _growth(calls))
        is_rotated = any(SIGNING_KEY in call.touched for call in calls)
        links = read_links(db, env.links.public_url) if is_rotated else env.links
        db.execute("COMMIT")
        env.links = links
        quotas.update_full(env.quotas, grown)
    except (sqlite3.Error, _RolledBack) as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        env.versions.clear()  # a version may have been read before it was committed
        problem = translate_error(error) if isinstance(error, sqlite3.Error) else report_unavailable(error)
        refuse_batch(calls, problem)
        for call in calls:
            call.touched.clear()
            call.journal.clear()
        return False
    _keep_journal(env, calls)
    return True


def _keep_journal(env: Env, calls: Sequence[Call]) -> None:
    """Write the erasures that `calls` have committed to the erasure journal. Where this fails, these calls are answered
    with `unavailable`; the client then sends the erasure again, which writes its entry again.
    """
    entries = [entry for call in calls for entry in call.journal]
    if env.keep_journal is None or not entries:
        return
    try:
        env.keep_journal(entries)
    except OSError as error:
        problem = report_unavailable(f"the erasure journal can't be written: {error}")
        refuse_batch([call for call in calls if call.journal], problem)


def refuse_batch(calls: Sequence[Call], problem: BaseException) -> None:
    """Set `problem` as the error of all `calls`."""
    for call in calls:
        call.result, call.error = None, problem


def _growth(calls: Sequence[Call]) -> dict[str, int]:
    growth: dict[str, int] = {}
    for call in calls:
        for org_id, size in call.growth.items():  # a third of the time that Counter takes
            growth[org_id] = growth.get(org_id, 0) + size
    return growth


class _RolledBack(Exception):
    """Raised when SQLite has rolled the whole transaction back by itself."""


def _run_in_savepoint(db: sqlite3.Connection, env: Env, call: Call) -> None:
    db.execute("SAVEPOINT one_call")
    tx = env.tx(db)
    try:
        call.result = call.function(tx, *call.args, **call.kwargs)
    except CommitThenRaise as refusal:
        call.error = refusal
    except BaseException as error:
        call.error = translate_error(error)
        if db.in_transaction:
            db.execute("ROLLBACK TO one_call")
            db.execute("RELEASE one_call")
        return
    call.touched, call.growth, call.journal = tx.touched, tx.growth, tx.journal
    db.execute("RELEASE one_call")


def read_batch(db: sqlite3.Connection, env: Env, calls: Sequence[Call]) -> None:
    """Run `calls` on one consistent snapshot; no cursor stays open, since an open read stops checkpoints."""
    db.execute("BEGIN")
    try:
        for call in calls:
            try:
                call.result = call.function(env.tx(db), *call.args, **call.kwargs)
            except BaseException as error:
                call.error = translate_error(error)
    finally:
        if db.in_transaction:  # a failing disk may have ended it
            db.execute("ROLLBACK")


def write_once(
    db: sqlite3.Connection, env: Env, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run one action in one transaction, without an event loop (command line, tests); return its result or raise its
    error.
    """
    call = Call(action, args, kwargs, cast("asyncio.Future[Any]", None))
    quotas.load_full(db, env.quotas)
    commit_batch(db, env, [call])
    if call.error:
        raise call.error.problem if isinstance(call.error, CommitThenRaise) else call.error
    return cast(T, call.result)
