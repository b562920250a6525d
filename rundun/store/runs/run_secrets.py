"""Secrets of runs' jobs, such as door codes: stored while a run is open, and then overwritten in the file."""

from collections.abc import Mapping

from pydantic_core import to_json

from rundun.core.runs.run import Run
from rundun.store.sqlite.transaction import Tx

_FILLING = b" " * 8192  # as long as a page, see migrations/0014_job.sql; spaces before JSON mean nothing


def ids(secrets: Mapping[str, str]) -> str | None:
    """Return what the run itself keeps of its secrets, as JSON: whose values they are."""
    return to_json(list(secrets)).decode() if secrets else None


def put(tx: Tx, run: Run) -> None:
    """Store the secrets of a run that has a `number`, in place of those it had."""
    remove(tx, run)
    if run.job.secrets:
        content = _FILLING + to_json(run.job.secrets)
        tx.insert("run_secrets", number=run.number, content=content)
        tx.grow(run.org_id, len(content))


def remove(tx: Tx, run: Run) -> None:
    """Erase the secrets of a run."""
    tx.db.execute("DELETE FROM run_secrets WHERE number = ?", (run.number,))
