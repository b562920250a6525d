"""Batches of actions in one transaction: each in a savepoint of its own, all answered after one commit."""

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
class Job:
    """A call that waits for its turn; `weight` is the bytes it brings."""

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


def unavailable(error: object) -> Problem:
    """Log a full disk or a locked file, and return the Problem that asks the client to try again."""
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


def client_error(error: BaseException) -> BaseException:
    """Return the client's error: a Problem if the disk is full or the file locked, which passes, or else `error`."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _TEMPORARY_CODES:  # the low byte; the rest says which kind of it
        return unavailable(error)
    return error


def commit_batch(db: sqlite3.Connection, env: Env, jobs: Sequence[Job]) -> bool:
    """Run `jobs` in one transaction; afterwards each has its result or its error, and all successes are on disk.
    Returns whether there was a commit.

    On a full disk SQLite rolls the whole transaction back by itself; later savepoints would then commit one by one,
    so the whole batch fails and nothing half done is kept. Refusals fail with it: they may rest on what an earlier
    job had written (the last credit taken, a run closed) and what is gone again.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _run_in_savepoint(db, env, job)
            if not db.in_transaction:
                raise _RolledBack("the transaction was rolled back, as on a full or failing disk")
        grown = quotas.add_growth(db, env.quotas, _growth(jobs))
        is_rotated = any(SIGNING_KEY in job.touched for job in jobs)
        links = read_links(db, env.links.public_url) if is_rotated else env.links
        db.execute("COMMIT")
        env.links = links
        quotas.note_full(env.quotas, grown)
    except (sqlite3.Error, _RolledBack) as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        env.versions.clear()  # a version may have been read before it was committed
        problem = client_error(error) if isinstance(error, sqlite3.Error) else unavailable(error)
        refuse_batch(jobs, problem)
        for job in jobs:
            job.touched.clear()
            job.journal.clear()
        return False
    _keep_journal(env, jobs)
    return True


def _keep_journal(env: Env, jobs: Sequence[Job]) -> None:
    """Write to the erasure journal what `jobs` have committed to be gone. Who is not told so, since that failed, asks
    again and has it written again.
    """
    entries = [entry for job in jobs for entry in job.journal]
    if env.keep_journal is None or not entries:
        return
    try:
        env.keep_journal(entries)
    except OSError as error:
        problem = unavailable(f"the erasure journal can't be written: {error}")
        refuse_batch([job for job in jobs if job.journal], problem)


def refuse_batch(jobs: Sequence[Job], problem: BaseException) -> None:
    """Answer all of `jobs` with `problem`."""
    for job in jobs:
        job.result, job.error = None, problem


def _growth(jobs: Sequence[Job]) -> dict[str, int]:
    growth: dict[str, int] = {}
    for job in jobs:
        for org_id, size in job.growth.items():  # a third of the time that Counter takes
            growth[org_id] = growth.get(org_id, 0) + size
    return growth


class _RolledBack(Exception):
    """Raised when SQLite has rolled the whole transaction back by itself."""


def _run_in_savepoint(db: sqlite3.Connection, env: Env, job: Job) -> None:
    db.execute("SAVEPOINT job")
    tx = env.tx(db)
    try:
        job.result = job.function(tx, *job.args, **job.kwargs)
    except CommitThenRaise as refusal:
        job.error = refusal
    except BaseException as error:
        job.error = client_error(error)
        if db.in_transaction:
            db.execute("ROLLBACK TO job")
            db.execute("RELEASE job")
        return
    job.touched, job.growth, job.journal = tx.touched, tx.growth, tx.journal
    db.execute("RELEASE job")


def read_batch(db: sqlite3.Connection, env: Env, jobs: Sequence[Job]) -> None:
    """Run `jobs` on one consistent snapshot; no cursor stays open, since an open read stops checkpoints."""
    db.execute("BEGIN")
    try:
        for job in jobs:
            try:
                job.result = job.function(env.tx(db), *job.args, **job.kwargs)
            except BaseException as error:
                job.error = client_error(error)
    finally:
        if db.in_transaction:  # a failing disk may have ended it
            db.execute("ROLLBACK")


def write_once(
    db: sqlite3.Connection, env: Env, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run one action in one transaction, without an event loop: for the command line, and for tests."""
    job = Job(action, args, kwargs, cast("asyncio.Future[Any]", None))
    quotas.load_full(db, env.quotas)
    commit_batch(db, env, [job])
    if job.error:
        raise job.error.problem if isinstance(job.error, CommitThenRaise) else job.error
    return cast(T, job.result)
