"""The auditor: compares all that clients were told with the database and with what reached the receivers.

A check is a function with the decorator `check` that is given a `Look` and yields a sentence for each thing that is
wrong. After a kill it sees the runs that this life touched, in the end everything.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.crash.ledger import Ledger, Run
from tests.crash.receivers import Receivers

Check = Callable[["Look"], Iterable[str]]
CHECKS: list[Check] = []
MOST_SHOWN = 20


def check(function: Check) -> Check:
    """Register a check."""
    CHECKS.append(function)
    return function


@dataclass
class Look:
    """The database at one moment, beside what was told by then."""

    db: sqlite3.Connection
    ledger: Ledger
    receivers: Receivers
    runs: dict[str, Run]  # to be looked at
    is_end: bool  # everything is looked at

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return what a query finds."""
        return self.db.execute(sql, parameters).fetchall()

    def of_runs(self, sql: str) -> list[sqlite3.Row]:
        """Return what a query finds of the runs that are looked at, `run_ids` in it being a table of their ids."""
        ids = "WITH run_ids (id) AS (SELECT value FROM json_each(?)) "
        return self.rows(ids + sql, json.dumps(list(self.runs)))


def audit(db: sqlite3.Connection, ledger: Ledger, receivers: Receivers, *, is_end: bool = False) -> None:
    """Raise an AssertionError that says all that is wrong; `is_end` looks at everything."""
    runs = {run.run_id: run for run in ledger.runs() if run.touched or is_end}
    db.execute("BEGIN")  # one moment for all checks
    try:
        wrong = list(_all(Look(db, ledger, receivers, runs, is_end)))
    finally:
        db.execute("ROLLBACK")
    if wrong:
        more = f"\n  and {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
        raise AssertionError("the audit found:" + "".join(f"\n  {one}" for one in wrong[:MOST_SHOWN]) + more)
    receivers.audited = len(receivers.arrived)
    for run in runs.values():
        run.touched = run.is_open


def _all(look: Look) -> Iterator[str]:
    for one in CHECKS:
        for wrong in one(look):
            yield f"{one.__name__}: {wrong}"
