"""Runs of somebody, many of them made at once."""

import uuid
from typing import Any

from rundun.actions.runs import execution, runs
from rundun.actions.runs.execution import StartInput
from rundun.core.actor import Identity
from rundun.core.runs.run import DispatchRequest
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import TEXT, Ed, World

EMAIL = "ed@example.com"
BY_EMAIL = {"identity_required": "email"}


async def run_of(w: World, template_id: str, email: str, **more: Any) -> Ed:
    """A run that somebody has started and answered."""
    ed = await w.dispatch(template_id, **more)
    assert (await ed.start(email=email)).status_code == 200
    assert (await ed.answer(TEXT["id"], f"{email} was here")).status_code == 200
    return ed


async def many_runs(w: World, template_id: str, email: str, count: int) -> None:
    """Runs that somebody has started."""
    await w.database.write(make_runs, w.acme_id, template_id, email, count)


def make_runs(tx: Tx, org_id: str, template_id: str, email: str, count: int) -> None:
    """Make runs that somebody has started, in one transaction."""
    for _ in range(count):
        run = runs.dispatch(tx, org_id, DispatchRequest(template_id))
        execution.start(tx, run.run_id, StartInput(Identity(email=email), None), str(uuid.uuid4()))
