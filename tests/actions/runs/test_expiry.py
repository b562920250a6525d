"""Time runs out: before the start, after it (grace, late), at use and by the sweep."""

import asyncio
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.scheduler import expire_due
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import BOOLEAN, World, world


async def test_not_started_in_time_expires_by_the_sweep(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(seconds=3599)
    assert await w.sweep() == 0
    w.clock.forward(seconds=1)
    assert await w.sweep() == 1
    assert await w.sweep() == 0
    record = await w.run(ed)
    assert (record["status"], record["expired_at"], record["late"]) == ("expired", "2026-01-01T01:00:00Z", False)
    assert [one["event"] for one in await w.events(ed)] == ["run.expired"]
    assert (await w.events(ed))[0]["data"]["expires_at"] == "2026-01-01T01:00:00Z"
    assert (await w.events(ed))[0]["identity"] == {"mode": "anonymous", "user_id": None}


async def test_the_last_moment_is_still_in_time(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.now += 3_599_999
    assert (await ed.start()).status_code == 200
    too_late = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.now += 3_601_000
    assert (await too_late.start()).status_code == 410


async def test_expiry_is_enforced_at_use_and_kept(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(hours=1)
    assert (await ed.call("GET", "")).status_code == 410, "the page does not wait for the sweep"
    assert (await w.run(ed))["status"] == "pending", "but looking changes nothing"
    refused = await ed.start()
    assert (refused.status_code, refused.json()["run_status"]) == (410, "expired")
    assert refused.json()["closed_at"] == "2026-01-01T01:00:00Z"
    assert (await w.run(ed))["status"] == "expired"
    assert [one["event"] for one in await w.events(ed)] == ["run.expired"]
    assert await w.sweep() == 0


async def test_a_started_run_has_its_grace_and_is_late(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    await ed.start()
    w.clock.forward(hours=1)
    assert await w.sweep() == 0
    assert (await w.run(ed))["late"] is True
    assert (await ed.answer("s-ok", True)).status_code == 200
    w.clock.forward(hours=23.99)
    assert (await ed.complete()).status_code == 200
    record = await w.run(ed)
    assert (record["status"], record["late"]) == ("completed", True)
    assert (await w.events(ed))[-1]["data"]["late"] is True


async def test_after_the_grace_a_started_run_expires_with_its_answers(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, {"id": "s-b", "type": "text", "label": "B"}), expires_in_hours=1)
    await ed.start()
    await ed.answer("s-ok", True)
    w.clock.forward(hours=25)
    response = await ed.answer("s-b", "late")
    assert (response.status_code, response.json()["run_status"]) == (410, "expired")
    last = (await w.events(ed))[-1]
    assert last["event"] == "run.expired"
    assert list(last["data"]["answers"]) == ["s-ok"]
    assert (await w.run(ed))["answers"]["s-ok"]["value"] is True


async def test_no_grace_when_there_is_none(tmp_path: Path) -> None:
    async with world(tmp_path, runs__grace_hours=0) as w:
        ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
        await ed.start()
        w.clock.forward(hours=1)
        assert (await ed.answer("s-ok", True)).status_code == 410
        record = await w.run(ed)
        assert (record["status"], record["late"]) == ("expired", False), "nothing was taken after its time"


async def test_complete_and_expire_are_serialised(w: World) -> None:
    """Submitted at the very moment the sweep comes: one of them wins, and there is one terminal event."""
    outcomes = set()
    for hours in (24.9, 25.0):
        ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
        start = w.clock.now
        await ed.start()
        await ed.answer("s-ok", True)
        w.clock.forward(hours=hours)
        completed, _ = await asyncio.gather(ed.complete(), w.sweep())
        terminal = [one["event"] for one in await w.events(ed) if one["event"] in ("run.completed", "run.expired")]
        assert len(terminal) == 1
        assert (completed.status_code, terminal[0]) in ((200, "run.completed"), (410, "run.expired"))
        outcomes.add(terminal[0])
        w.clock.now = start
    assert outcomes == {"run.completed", "run.expired"}


async def test_extending(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=2)
    shorter = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 1})
    assert (shorter.status_code, shorter.json()["code"]) == (422, "would_shorten")
    longer = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 3})
    assert longer.json()["expires_at"] == "2026-01-01T03:00:00Z"
    w.clock.forward(hours=2.5)
    assert await w.sweep() == 0
    endless = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": None})
    assert endless.json()["expires_at"] is None
    same = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": None})
    assert (same.status_code, same.json()) == (200, endless.json()), "nothing changed"
    back = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 8760})
    assert back.json()["code"] == "would_shorten"
    missing = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={})
    assert missing.json()["errors"][0]["pointer"] == "/expires_in_hours"


async def test_an_overdue_run_cannot_be_extended(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(hours=1)
    response = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 5})
    assert (response.status_code, response.json()["code"]) == (409, "wrong_status")
    assert (await w.run(ed))["status"] == "expired"


async def test_one_run_that_fails_stops_no_other(w: World, caplog: pytest.LogCaptureFixture) -> None:
    """The one that has waited longest fails: all others expire, and it is tried again a minute later."""
    template_id = await w.template(BOOLEAN)
    bad, *good = [await w.dispatch(template_id, expires_in_hours=hours) for hours in (1, 2, *[2] * 60)]

    def spoil(tx: Tx) -> None:
        tx.db.execute(
            f"CREATE TEMP TRIGGER spoilt BEFORE UPDATE ON runs WHEN old.id = '{bad.run_id}' "
            "BEGIN SELECT raise(ABORT, 'spoilt'); END"
        )

    await w.database.write(spoil)
    w.clock.forward(hours=2)
    resting: dict[str, int] = {}
    assert await expire_due(w.database, resting) == 61
    assert {(await w.run(ed))["status"] for ed in good} == {"expired"}
    assert (await w.run(bad))["status"] == "pending"
    complaints = [one for one in caplog.records if one.getMessage() == "run.not_expired"]
    assert len(complaints) == 1
    await expire_due(w.database, resting)
    w.clock.forward(seconds=59)
    late = await w.dispatch(template_id, expires_in_hours=1)
    await expire_due(w.database, resting)
    assert len([one for one in caplog.records if one.getMessage() == "run.not_expired"]) == 1, "it rests"
    await w.database.write(lambda tx: tx.db.execute("DROP TRIGGER temp.spoilt") and None)
    w.clock.forward(seconds=1)
    assert await expire_due(w.database, resting) == 1
    assert (await w.run(bad))["status"] == "expired"
    assert resting == {}
    assert (await w.run(late))["status"] == "pending"


async def test_a_run_does_not_rest_until_a_clock_that_was_ahead(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(hours=1)
    resting = {ed.run_id: w.clock.now + 365 * 24 * 3_600_000}
    assert await expire_due(w.database, resting) == 1
    assert resting == {}


async def test_a_disk_that_takes_nothing_is_no_runs_fault(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(hours=1)
    resting: dict[str, int] = {}

    def full(tx: Tx) -> None:
        tx.db.execute("CREATE TEMP TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT raise(ROLLBACK, 'disk full'); END")

    await w.database.write(full)
    with pytest.raises(Problem, match="try again"):
        await expire_due(w.database, resting)
    await w.database.write(lambda tx: tx.db.execute("DROP TRIGGER temp.full") and None)
    assert await expire_due(w.database, resting) == 1, "at once, without a minute's rest"
    assert (await w.run(ed))["status"] == "expired"


async def test_whoever_is_longest_overdue_expires_first(w: World) -> None:
    """A started run is overdue from the end of its grace on, of 24 hours here."""
    template_id = await w.template(BOOLEAN)
    started = await w.dispatch(template_id, expires_in_hours=1)
    await started.start()
    later = await w.dispatch(template_id, expires_in_hours=26)
    sooner = await w.dispatch(template_id, expires_in_hours=24)
    w.clock.forward(hours=27)
    order = [sooner.run_id, started.run_id, later.run_id]
    for limit in (1, 2, 3):
        assert await w.database.read(run_rows.list_overdue, limit) == order[:limit]


async def test_the_sweep_takes_any_number(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    for _ in range(205):
        await w.dispatch(template_id, expires_in_hours=1)
    w.clock.forward(hours=1)
    assert await w.sweep() == 205
