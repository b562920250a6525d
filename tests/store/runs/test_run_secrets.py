"""Secrets of runs: nothing of them is left once a run is closed, whoever closed it, nor was anywhere else before."""

import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rundun.actions.runs import runs
from rundun.actions.runs.state import close, load
from rundun.core.actor import Identity
from rundun.core.runs.job import RunJob
from rundun.core.runs.run import Cancellation, DispatchRequest
from rundun.store.database import Database
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import BOOLEAN, TEXT, Ed, Receiver, World, world

CANARY = "canary-4711"
DOOR = {"id": "f-door", "label": "Door code", "kind": "secret"}
UNIT = {"id": "f-unit", "label": "Unit", "kind": "text"}


async def checkpoint(database: Database) -> None:
    """Move the log into the file, and cut it to nothing."""

    def truncate(db: sqlite3.Connection) -> Any:
        return db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[:]

    assert (await database._writer._db.call(truncate))[0] == 0


async def hits(w: World) -> int:
    """How often the canary stands in the file and its log."""
    await checkpoint(w.database)
    path = Path(w.settings.database.path)
    return sum(file.read_bytes().count(CANARY.encode()) for file in (path, Path(f"{path}-wal")))


async def test_nothing_of_many_secrets_is_left_in_the_file(w: World) -> None:
    """Runs grow at random while others close, so that pages are spread over others again and again."""
    template_id = await w.template(BOOLEAN, fields=[DOOR, UNIT])
    chance = random.Random(11)

    def dispatch(tx: Tx) -> list[str]:
        made = []
        for n in range(600):
            job = RunJob(note="x" * chance.randrange(400), fields={"f-door": f"{CANARY}-{n}", "f-unit": f"{n}"})
            made.append(runs.dispatch(tx, w.acme_id, DispatchRequest(template_id, job=job)).run_id)
        return made

    def go_on(tx: Tx, run_ids: list[str], ends: bool) -> None:
        for run_id in run_ids:
            before = run_rows.get(tx, run_id)
            assert before.job.secrets
            run = replace(before, identity=Identity(name="y" * chance.randrange(900)))
            if ends:
                cancellation = Cancellation("integrator", "z" * chance.randrange(900), tx.now, None)
                close(tx, load(tx, before), "cancel", replace(run, cancellation=cancellation))
            else:
                run_rows.put(tx, before, run)

    is_open = await w.database.write(dispatch)
    assert await hits(w) == len(is_open)
    while is_open:
        chance.shuffle(is_open)
        ended, is_open = is_open[:60], is_open[60:]
        await w.database.write(go_on, ended, True)
        await w.database.write(go_on, is_open[:150], False)
        assert await hits(w) == len(is_open)
    used = (await w.acme.get("/v1/organization")).json()["bytes_used"]
    total = await w.database.read(lambda tx: tx.number("SELECT sum(bytes) FROM uses WHERE org_id = ?", w.acme_id))
    assert used == total


async def complete(w: World, ed: Any) -> None:
    await ed.start()
    await ed.answer("s-ok", True)
    assert (await ed.complete()).status_code == 200


async def cancel(w: World, ed: Any) -> None:
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={}, headers={"idempotency-key": ed.run_id})
    assert answer.json()["fields"] == {"f-unit": "3"}


async def give_up(w: World, ed: Any) -> None:
    assert (await ed.call("POST", "/cancel", json={})).status_code == 200


async def expire(w: World, ed: Any) -> None:
    w.clock.forward(hours=200)
    assert await w.sweep() == 1


async def come_too_late(w: World, ed: Any) -> None:
    w.clock.forward(hours=200)
    assert (await ed.start()).status_code == 410


@pytest.mark.parametrize("end", [complete, cancel, give_up, expire, come_too_late])
async def test_a_secret_ends_with_its_run(w: World, receiver: Receiver, caplog: Any, end: Any) -> None:
    hook = {"url": receiver.url, "secret": "a secret of its own", "events": ["*", "run.started"]}
    template_id = await w.template(BOOLEAN, {**TEXT, "required": False}, fields=[DOOR, UNIT])
    fields = {"f-door": CANARY, "f-unit": "3"}
    body = {"template_id": template_id, "webhook": hook, "fields": fields}
    made = await w.acme.post("/v1/runs", json=body, headers={"idempotency-key": "once"})
    ed = Ed(w, made.json()["run_id"])
    assert (await w.run(ed))["fields"] == fields
    answers = [made]
    for path, sent in (("extend", {"expires_in_hours": 100}), ("release", {})):
        answers.append(
            await w.acme.post(f"/v1/runs/{ed.run_id}/{path}", json=sent, headers={"idempotency-key": "once"})
        )
    answers += [await w.acme.get("/v1/runs"), await w.acme.get("/v1/events")]
    assert all(one.is_success and CANARY not in one.text for one in answers)
    assert await hits(w) == 1
    await end(w, ed)
    await w.deliver()
    assert receiver.received and not any(CANARY.encode() in one.body for one in receiver.received)
    assert CANARY not in (await w.acme.get("/v1/events")).text + caplog.text
    assert (await w.run(ed))["fields"] == {"f-unit": "3"}
    assert await hits(w) == 0


async def test_a_secret_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        ed = await w.dispatch(await w.template(BOOLEAN, fields=[DOOR]), fields={"f-door": CANARY})
    async with world(tmp_path) as w:
        run = await w.database.read(run_rows.get, ed.run_id)
        assert run.job.secrets == {"f-door": CANARY} and run.job.fields == {}
