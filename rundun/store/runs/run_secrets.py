"""Secrets of runs' jobs, such as door codes: stored while a run is open, and then overwritten in the file."""

from pydantic_core import to_json

from rundun.core.runs.run import Run
from rundun.store.sqlite.transaction import Tx

_FILLING = b" " * 8192  # as long as a page, see migrations/0014_job.sql; spaces before JSON mean nothing


def put(tx: Tx, run: Run) -> None:
    """Replace the stored secrets of a run by those of its job; its `number` must be set."""
    remove(tx, run)
    if run.job.secrets:
        content = _FILLING + to_json(run.job.secrets)
        tx.insert("run_secrets", number=run.number, content=content)
        tx.grow(run.org_id, len(content))


def remove(tx: Tx, run: Run) -> None:
    """Erase the stored secrets of a run."""
    tx.db.execute("DELETE FROM run_secrets WHERE number = ?", (run.number,))
