"""Dealt with: what was missed, flagged or failed leaves what is left to do, for all, and what is new comes back."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rundun.actions.runs import handled
from rundun.actions.runs.handled import GroupProgress
from rundun.core.actor import Actor
from rundun.errors import NotFound, Problem
from rundun.store.deliveries import failed as failed_deliveries
from rundun.store.sqlite import connection
from tests.actions.runs.test_flags import DAMAGE, TYRES
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.failing_deliveries import failing
from tests.helpers.files.storage import assert_counted
from tests.helpers.files.whole_file import require_whole
from tests.helpers.pictures.photos import started
from tests.helpers.service import BOOLEAN, HOUR, NOON, Ed, Receiver, World, answering

ANN = Actor("operator", "Ann")


async def handle(w: World, ed: Ed) -> Any:
    await w.database.write(handled.handle_run, w.acme_id, ed.run_id, ANN)
    return await w.run(ed)


async def globex_id(w: World) -> str:
    organization_id = (await w.globex.get("/v1/organization")).json()["id"]
    assert isinstance(organization_id, str)
    return organization_id


async def handle_all(w: World, action: Any, group_id: str, *more: Any) -> int:
    """Through a group, however many batches it takes."""
    so_far = GroupProgress()
    while so_far.has_more:
        so_far = await w.database.write(action, w.acme_id, group_id, *more, so_far)
    return so_far.count


async def test_a_missed_run_is_done_with_once(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    with pytest.raises(Problem, match="neither missed nor flagged"):
        await handle(w, ed)
    w.clock.forward(hours=1)  # nobody has noticed yet that it was missed
    before = await w.run(ed)
    record = await handle(w, ed)
    assert (record["missed"], before["handled_at"], record["handled_at"]) == (True, None, "2026-01-01T01:00:00Z")
    listed = (await w.acme.get("/v1/runs")).json()["data"][0]
    assert listed["handled_at"] == record["handled_at"]
    w.clock.forward(hours=1)
    assert await handle(w, ed) == record, "somebody else was faster"
    ann, path = await operator(w), f"/runs/{ed.run_id}"
    page = text_of(await shown(ann, path))
    assert page.count("Expired 1 Jan 2026, 01:00:00 +00:00 Dealt with · Ann 1 Jan 2026, 01:00:00") == 1
    assert (await ann.post(f"{path}/handled/undo")).headers["location"].endswith("handled_undone")
    page = text_of(await shown(ann, path))
    assert "Dealt with" in page and "Reopened · Ann 1 Jan 2026, 02:00:00" in page
    await handle(w, ed)
    await ann.post(f"{path}/handled/undo")
    page = text_of(await shown(ann, path))
    assert page.rindex("Dealt with · Ann") < page.rindex("Reopened"), "both in one second"
    await w.database.read(assert_counted)
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).headers["etag"] != before["revision"]
    with pytest.raises(NotFound):
        await w.database.write(handled.handle_run, await globex_id(w), ed.run_id, ANN)


async def test_it_is_undone_by_who_was_too_quick(w: World) -> None:
    ed = await started(w, DAMAGE)
    await ed.answer("s-damage", True)
    undo = partial(w.database.write, handled.undo_handled)
    assert (await undo(w.acme_id, ed.run_id, ANN)).revision == (await w.run(ed))["revision"], "nobody was done with it"
    revision = (await handle(w, ed))["revision"]
    with pytest.raises(NotFound):
        await undo(await globex_id(w), ed.run_id, ANN)
    await undo(w.acme_id, ed.run_id, ANN)
    record = await w.run(ed)
    assert (record["handled_at"], record["revision"]) == (None, revision + 1)
    assert (await handle(w, ed))["handled_at"]
    plain = await started(w, BOOLEAN)
    with pytest.raises(Problem, match="neither missed nor flagged"):
        await undo(w.acme_id, plain.run_id, ANN)


async def test_a_new_flag_brings_a_run_back(w: World) -> None:
    ed = await started(w, DAMAGE, TYRES, BOOLEAN)
    await ed.answer("s-damage", True)
    assert (await handle(w, ed))["handled_at"]
    await ed.answer("s-ok", True)
    assert (await w.run(ed))["handled_at"], "nothing was flagged"
    await ed.answer("s-damage", False)
    assert (await w.run(ed))["handled_at"], "and less is flagged"
    await ed.answer("s-tyres", 1)
    record = await w.run(ed)
    assert (record["flagged"], record["handled_at"]) == (1, None)
    await ed.complete()
    assert (await handle(w, ed))["handled_at"]
    closing_event = (await w.events(ed))[-1]
    assert "handled_at" not in closing_event["data"]


async def test_a_flagged_run_that_was_handled_is_missed_all_the_same(w: World) -> None:
    ed = await w.dispatch(await w.template(DAMAGE, BOOLEAN), expires_in_hours=1)
    await ed.start()
    await ed.answer("s-damage", True)
    await w.database.write(handled.handle_run, w.acme_id, ed.run_id, ANN, "Called the office")
    w.clock.forward(hours=30)
    await w.sweep()
    record = await w.run(ed)
    assert (record["missed"], record["handled_at"], record["handled_note"]) == (True, None, None)


async def test_a_note_says_what_was_done_until_the_run_is_reopened(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, DAMAGE)
    await ed.answer("s-damage", True)
    path = f"/runs/{ed.run_id}"
    refused = await ann.post(f"{path}/handled", note="x" * 2001)
    assert refused.status_code == 422 and (await w.run(ed))["handled_at"] is None
    assert (await ann.post(f"{path}/handled", note=" Sent a <b>mechanic</b> ")).status_code == 303
    record = await w.run(ed)
    assert record["handled_note"] == "Sent a <b>mechanic</b>"
    page = await shown(ann, path)
    assert "<b>mechanic" not in page and text_of(page).count("– Sent a <b>mechanic</b>") == 2, (
        "in words, and in history"
    )
    assert await handle(w, ed) == record, "no note takes none away"
    await ann.post(f"{path}/handled", note="It is mended")
    assert (await w.run(ed))["handled_note"] == "It is mended"
    await ann.post(f"{path}/handled/undo")
    record = await w.run(ed)
    assert (record["handled_at"], record["handled_note"]) == (None, None)
    assert "It is mended" in text_of(await shown(ann, path)), "the history has it"
    await handle(w, ed)
    assert (await w.run(ed))["handled_note"] is None
    await w.database.read(assert_counted)


async def test_failed_deliveries_that_are_alike_are_one(w: World, receiver: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setattr(handled, "BATCH_SIZE", 2)
    ann = await operator(w)
    made = [(await failing(w, receiver))[0] for _ in range(3)]
    (group,) = await w.database.read(handled.list_failed_groups, w.acme_id)
    assert (group.count, group.trouble, group.newest.run_id) == (3, "The answer was 500.", made[-1].run_id)
    assert group.receiver == receiver.url.rpartition("/")[0]
    gus = await operator(w, org_id=await globex_id(w))
    for what in ("handled", "retry"):
        assert (await gus.post(f"/failed/{what}", group=group.group_id)).status_code == 303
    assert await w.database.read(handled.list_failed_groups, w.acme_id) == [group], "it is not theirs"
    assert await handle_all(w, handled.handle_group, "0" * 32, ANN) == 0, "of no such group"
    assert (await ann.post("/failed/handled", group=group.group_id)).headers["location"].startswith("/console?")
    assert await w.database.read(handled.list_failed_groups, w.acme_id) == []
    page = text_of(await shown(ann, f"/runs/{made[0].run_id}"))
    assert "Dealt with 1 failed delivery · Ann" in page
    (delivery,) = await w.deliveries(made[0])
    assert delivery["status"] == "failed", "which it still is"
    await w.database.read(assert_counted)

    # Sent again it may fail again: then it is back.
    receiver.answer = answering("500 Oops")
    again = await w.acme.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", json={})
    assert again.status_code == 202
    await w.deliver()
    (group,) = await w.database.read(handled.list_failed_groups, w.acme_id)
    assert (group.count, group.newest.run_id) == (1, made[0].run_id)


async def test_a_group_is_sent_again(w: World, receiver: Receiver) -> None:
    ann = await operator(w)
    made = [(await failing(w, receiver))[0] for _ in range(2)]
    (group,) = await w.database.read(handled.list_failed_groups, w.acme_id)
    assert (await ann.post("/failed/retry", group=group.group_id)).status_code == 303
    await w.deliver()
    assert [[one["status"] for one in await w.deliveries(ed)] for ed in made] == [["delivered"]] * 2
    assert await w.database.read(handled.list_failed_groups, w.acme_id) == []


async def test_what_was_there_before_the_upgrade_counts_as_handled(
    w: World, receiver: Receiver, tmp_path: Path
) -> None:
    flagged = await started(w, DAMAGE, BOOLEAN)
    await flagged.answer("s-damage", True)
    failed, _ = await failing(w, receiver)
    missed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1)
    w.clock.forward(hours=3)
    await w.sweep()
    path = tmp_path / "before.db"
    with closing(sqlite3.connect(w.settings.database.path)) as source:
        source.execute("VACUUM INTO ?", (str(path),))
    (at,) = [number for number, sql in connection.list_migrations() if "deliveries_to_handle" in sql]
    with closing(sqlite3.connect(path, isolation_level=None)) as before:  # as the version before has left it
        for name in ("runs_missed_to_handle", "runs_flagged_to_handle", "deliveries_to_handle"):
            before.execute(f"DROP INDEX {name}")
        for table in ("runs", "deliveries"):
            before.execute(f"ALTER TABLE {table} DROP COLUMN handled_at")
        before.execute(f"PRAGMA user_version = {at - 1}")
    with closing(connection.open_writer(path, [one for one in connection.list_migrations() if one[0] <= at])) as db:
        found = {row[0] for row in db.execute("SELECT id FROM runs WHERE handled_at IS NOT NULL")}
        left = db.execute("SELECT run_id FROM deliveries WHERE handled_at IS NOT NULL").fetchall()
    assert found == {flagged.run_id, missed.run_id}
    assert [row[0] for row in left] == [failed.run_id]


async def test_a_job_that_expired_half_done_before_the_upgrade_counts_as_handled(w: World, tmp_path: Path) -> None:
    template_id = await w.template(BOOLEAN)
    half, flagged, unbegun = [await w.dispatch(template_id, expires_in_hours=1) for _ in range(3)]
    for each in (half, flagged):
        await each.start()
    w.clock.forward(hours=26)
    await w.sweep()
    path = tmp_path / "before.db"
    with closing(sqlite3.connect(w.settings.database.path)) as source:
        source.execute("VACUUM INTO ?", (str(path),))
    (at,) = [number for number, sql in connection.list_migrations() if "DROP INDEX runs_missed_to_handle" in sql]
    with closing(sqlite3.connect(path, isolation_level=None)) as before:
        before.execute("UPDATE runs SET flagged = 1 WHERE id = ?", (flagged.run_id,))
        before.execute(f"PRAGMA user_version = {at - 1}")
    with closing(connection.open_writer(path, [one for one in connection.list_migrations() if one[0] <= at])) as db:
        found = db.execute("SELECT id, handled_at FROM runs WHERE handled_at IS NOT NULL").fetchall()
    assert [tuple(row) for row in found] == [(half.run_id, NOON + 25 * HOUR)]
    assert unbegun.run_id not in dict(found), "a later upgrade leaves alone what is still to do"


async def test_lists_of_what_is_left_to_do_walk_their_indexes(w: World) -> None:
    seen: list[str] = []

    def look(tx: Any) -> list[str]:
        tx.db.set_trace_callback(seen.append)
        failed_deliveries.list_unhandled(tx, w.acme_id, failed_deliveries.NEWEST, 10)
        tx.db.set_trace_callback(None)
        return [row["detail"] for row in tx.db.execute(f"EXPLAIN QUERY PLAN {seen[0]}").fetchall()]

    plan = await w.database.read(look)
    assert "deliveries_to_handle (org_id=? AND created_at<?)" in plan[0]
    assert "TEMP B-TREE" not in " ".join(plan)
    with closing(sqlite3.connect(w.settings.database.path)) as db:
        require_whole(db)
