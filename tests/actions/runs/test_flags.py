"""Answers that call for attention: on the answer, its event, the record, the list and the closing event."""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rundun.store.sqlite import connection
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, started
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

DAMAGE = {
    "id": "s-damage",
    "type": "boolean",
    "label": "Is there any damage?",
    "flag": {"when": {"op": "eq", "value": True}, "tell": "Please call the office: +34 600 000 000"},
}
TYRES = {"id": "s-tyres", "type": "rating", "label": "Tyres", "flag": {"when": {"op": "lte", "value": 2}}}
INSIDE = {**DAMAGE, "id": "s-inside", "condition": {"when": {"step": "s-ok", "op": "eq", "value": True}}}


async def told(w: World, ed: Ed) -> list[tuple[str, Any]]:
    """The run's events, each with its `flagged`."""
    return [(one["event"], one["data"].get("flagged")) for one in await w.events(ed)]


async def counted(w: World, ed: Ed) -> int:
    """`flagged` on the record, which the list has too."""
    record = await w.run(ed)
    (listed,) = [one for one in (await w.acme.get("/v1/runs")).json()["data"] if one["run_id"] == ed.run_id]
    assert listed["flagged"] == record["flagged"]
    assert len(record["flags"]) == min(record["flagged"], 20)
    assert isinstance(record["flagged"], int)
    return int(record["flagged"])


async def test_bad_news_is_told_everywhere(w: World) -> None:
    ed = await started(w, DAMAGE, TYRES, BOOLEAN)
    written = (await ed.answer("s-damage", True)).json()
    assert written["step"]["flagged"] is True
    await ed.answer("s-tyres", 3)
    await ed.answer("s-ok", True)
    record = await w.run(ed)
    assert {step: one["flagged"] for step, one in record["answers"].items()} == {
        "s-damage": True,
        "s-tyres": False,
        "s-ok": False,
    }
    assert {step: one["flagged"] for step, one in (await ed.state())["answers"].items()} == {
        "s-damage": True,
        "s-tyres": False,
        "s-ok": False,
    }
    assert await counted(w, ed) == 1
    await ed.complete()
    assert await told(w, ed) == [
        ("run.started", None),
        ("step.completed", True),
        ("step.completed", False),
        ("step.completed", False),
        ("run.completed", 1),
    ]
    (*_, closing) = await w.events(ed)
    assert closing["data"]["answers"]["s-damage"]["flagged"] is True
    assert await counted(w, ed) == 1


async def test_it_is_judged_anew_at_each_change(w: World) -> None:
    ed = await started(w, DAMAGE, TYRES)
    for value, count in ((True, 1), (False, 0), (True, 1)):
        await ed.answer("s-damage", value)
        assert await counted(w, ed) == count
    await ed.answer("s-tyres", 2)
    assert await counted(w, ed) == 2
    assert [flagged for event, flagged in await told(w, ed) if event == "step.completed"] == [True, False, True, True]


async def test_what_could_not_be_done_counts_although_no_flag_says_so(w: World) -> None:
    ed = await started(w, BOOLEAN, DAMAGE)
    written = (await ed.put("s-ok", {"unable": {"reason": "Locked"}})).json()
    assert written["step"]["flagged"] is False
    assert await counted(w, ed) == 1
    await ed.put("s-damage", {"unable": {"reason": "Dark"}})
    assert await counted(w, ed) == 2
    await ed.answer("s-ok", True)
    assert await counted(w, ed) == 1


async def test_a_skipped_step_has_none(w: World) -> None:
    optional = {**DAMAGE, "required": False, "flag": {"when": {"op": "neq", "value": False}}}
    ed = await w.dispatch(await w.template(optional, settings={"allow_skip": True}))
    await ed.start()
    await ed.put("s-damage", {"skipped": True})
    assert (await w.run(ed))["answers"]["s-damage"]["flagged"] is False
    assert await counted(w, ed) == 0


async def test_a_hidden_step_has_none_and_another_steps_answer_fires_no_event_for_it_alone(w: World) -> None:
    ed = await started(w, BOOLEAN, INSIDE)
    await ed.answer("s-ok", True)
    await ed.answer("s-inside", True)
    assert await counted(w, ed) == 1
    before = len(await w.events(ed))
    await ed.answer("s-ok", False)
    assert await counted(w, ed) == 0
    assert (await ed.state())["answers"]["s-inside"]["flagged"] is False
    new = (await w.events(ed))[before:]
    assert [(one["event"], one["data"]["step_id"]) for one in new] == [("step.completed", "s-ok")]
    await ed.answer("s-ok", True)
    assert await counted(w, ed) == 1


async def test_a_step_that_still_waits_for_its_photo_has_none(w: World) -> None:
    ed = await started(w, {**OVERLAY, "flag": {"when": {"op": "eq", "value": False}}})
    photo_id = new_photo_id()
    written = (await ed.answer("s-ok", False, photos=[photo_id])).json()
    assert (written["step"]["flagged"], await counted(w, ed)) == (False, 0)
    await ed.photo("s-ok", images.jpeg(64, 48), photo_id)
    assert await counted(w, ed) == 1
    assert await told(w, ed) == [("run.started", None), ("step.completed", True)]
    await ed.call("DELETE", f"/steps/s-ok/photos/{photo_id}")
    assert await counted(w, ed) == 0


@pytest.mark.parametrize("how", ["cancelled", "given up", "expired"])
async def test_every_end_tells_how_many(w: World, how: str) -> None:
    ed = await w.dispatch(await w.template(DAMAGE, BOOLEAN), expires_in_hours=1)
    await ed.start()
    await ed.answer("s-damage", True)
    await ed.put("s-ok", {"unable": {"reason": "Locked"}})
    if how == "cancelled":
        await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    elif how == "given up":
        await ed.call("POST", "/cancel", json={})
    else:
        w.clock.forward(seconds=3 * 24 * 3600)
        await w.sweep()
    event = "run.expired" if how == "expired" else "run.cancelled"
    assert (await told(w, ed))[-1] == (event, 2)
    assert (await w.events(ed))[-1]["data"]["flags"] == (await w.run(ed))["flags"]
    assert await counted(w, ed) == 2


def asked_after(step_id: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return a step that is shown once there is damage."""
    when = {"step": "s-damage", "op": "eq", "value": True}
    return {"id": step_id, "type": kind, "label": f"{step_id}?", "condition": {"when": when}, **more}


def options(name: str) -> dict[str, Any]:
    labels = {"van": "The van", "else": "Something else"}
    return {"options": [{"id": f"o-{name}-{end}", "label": label} for end, label in labels.items()]}


async def test_a_flag_says_what_follows_from_it(w: World) -> None:
    steps = (
        BOOLEAN,
        DAMAGE,
        asked_after("s-what", "text"),
        asked_after("s-on", "multi_choice", config=options("on")),
        asked_after("s-stay", "choice", config=options("stay"), flag={"when": {"op": "eq", "value": "o-stay-van"}}),
        asked_after("s-cost", "number", config={"unit": "EUR"}),
        asked_after("s-see", "photo", required=False),
        asked_after("s-when", "datetime", required=False),
        TYRES,
        {"id": "s-locked", "type": "photo", "label": "Cellar"},
    )
    ed = await w.dispatch(await w.template(*steps, settings={"allow_skip": True}))
    await ed.start()
    for step_id, value in {
        "s-ok": True,
        "s-damage": True,
        "s-what": "Scratch, left door",
        "s-on": ["o-on-van", "o-on-else"],
        "s-stay": "o-stay-van",
        "s-cost": 120.5,
        "s-tyres": 1,
    }.items():
        assert (await ed.answer(step_id, value)).status_code == 200, step_id
    await ed.put("s-when", {"skipped": True})
    await ed.put("s-locked", {"unable": {"reason": "No key"}})
    remark = {"remark_id": str(uuid.uuid4()), "text": "Was there before", "photos": []}
    assert (await ed.call("PUT", "/steps/s-damage/remark", json=remark)).status_code == 200
    damage = "Yes · Scratch, left door · s-on? The van, Something else · s-cost? 120.5 EUR"
    expected = [
        ("s-locked", "Cellar", "Could not be done: No key", None),
        ("s-damage", "Is there any damage?", damage, "Was there before"),
        ("s-stay", "s-stay?", "The van", None),
        ("s-tyres", "Tyres", "1 of 5", None),
    ]
    flags = (await w.run(ed))["flags"]
    assert [(one["step_id"], one["label"], one["answer"], one["remark"]) for one in flags] == expected
    await ed.answer("s-damage", False)
    assert [one["step_id"] for one in (await w.run(ed))["flags"]] == ["s-locked", "s-tyres"]


async def test_a_follow_up_stands_at_the_first_flag_that_its_condition_names(w: World) -> None:
    when = [
        {"when": {"step": "s-tyres", "op": "lte", "value": 2}},
        {"when": {"step": "s-damage", "op": "eq", "value": True}},
    ]
    both = {"id": "s-both", "type": "text", "label": "Both?", "condition": {"op": "or", "rules": when}}
    ed = await started(w, TYRES, DAMAGE, both)
    for step_id, value in (("s-tyres", 1), ("s-damage", True), ("s-both", "Nail")):
        await ed.answer(step_id, value)
    assert [one["answer"] for one in (await w.run(ed))["flags"]] == ["1 of 5 · Nail", "Yes"]
    await ed.answer("s-tyres", 5)
    assert [one["answer"] for one in (await w.run(ed))["flags"]] == ["Yes · Nail"]


async def test_flags_of_a_record_are_bounded(w: World) -> None:
    many = [{**DAMAGE, "id": f"s-{number}", "label": f"Damage {number}?"} for number in range(22)]
    ed = await started(w, *many, {**BOOLEAN, "id": "s-last"})
    for step in many:
        await ed.answer(step["id"], True)
    await ed.put("s-last", {"unable": {"reason": "long " * 200}})
    record = await w.run(ed)
    assert (record["flagged"], [one["step_id"] for one in record["flags"]]) == (
        23,
        ["s-last", *(step["id"] for step in many[:19])],
    )
    answer = record["flags"][0]["answer"]
    assert len(answer) <= 500 and answer.endswith("long…")


async def test_runs_of_before_count_what_could_not_be_done(w: World, tmp_path: Path) -> None:
    open_run = await started(w, BOOLEAN, DAMAGE)
    closed = await started(w, BOOLEAN)
    plain = await started(w, BOOLEAN)
    for ed in (open_run, closed):
        await ed.put("s-ok", {"unable": {"reason": "Locked"}})
    await closed.complete()
    await plain.answer("s-ok", True)
    path = tmp_path / "before.db"
    with closing(sqlite3.connect(w.settings.database.path)) as source:
        source.execute("VACUUM INTO ?", (str(path),))
    (at,) = [number for number, sql in connection.list_migrations() if "flagged = json_extract" in sql]
    with closing(sqlite3.connect(path, isolation_level=None)) as before:  # as the version before has left it
        before.execute("UPDATE runs SET flagged = 0")
        before.execute("ALTER TABLE photos DROP COLUMN slot")
        before.execute(f"PRAGMA user_version = {at - 1}")
    db = connection.open_writer(path, [one for one in connection.list_migrations() if one[0] <= at])
    found = {row["id"]: row["flagged"] for row in db.execute("SELECT id, flagged FROM runs")}
    db.close()
    assert found == {open_run.run_id: 1, closed.run_id: 1, plain.run_id: 0}
