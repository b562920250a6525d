"""A run's life as Ed lives it: start, answer, skip, give up, complete."""

import itertools
import uuid
from typing import Any

import pytest

from rundun.actions.runs.execution import MAX_ANSWERS
from rundun.core.runs.run import MOVES, STATUSES
from rundun.web.docs.openapi.document import EXAMPLES
from tests.helpers.service import BOOLEAN, TEXT, WHY_NOT, World

OPTIONAL = {"id": "s-note", "type": "text", "label": "Note", "required": False}


def test_the_table_of_moves_is_complete() -> None:
    allowed = {
        (status, move): MOVES.get((status, move))
        for status, move in itertools.product(STATUSES, ("start", "complete", "cancel", "expire"))
    }
    assert {pair: to for pair, to in allowed.items() if to} == {
        ("pending", "start"): "in_progress",
        ("pending", "cancel"): "cancelled",
        ("pending", "expire"): "expired",
        ("in_progress", "complete"): "completed",
        ("in_progress", "cancel"): "cancelled",
        ("in_progress", "expire"): "expired",
    }


async def test_looking_changes_nothing(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    before = await w.run(ed)
    for method, path in (("GET", ""), ("HEAD", ""), ("GET", "/state"), ("HEAD", "/state")):
        await ed.call(method, path)
    assert await w.run(ed) == before
    assert await w.events(ed) == []


async def test_writing_needs_a_start(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    for response in (await ed.answer("s-ok", True), await ed.complete()):
        assert (response.status_code, response.json()["code"]) == (409, "not_started")


async def test_start_again_is_the_same_person(w: World) -> None:
    template_id = await w.template(BOOLEAN, execution={"identity_required": "name"})
    ed = await w.dispatch(template_id)
    refused = await ed.start()
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/name")
    first = await ed.start(name="  Ed ")
    again = await ed.start(name="Somebody else")
    assert first.status_code == again.status_code == 200
    assert first.json()["assigned_to"] == again.json()["assigned_to"]
    record = await w.run(ed)
    assert record["assigned_to"] == first.json()["assigned_to"]
    assert record["identity"] == {"mode": "external", "user_id": record["assigned_to"], "name": "Ed"}
    assert record["status"] == "in_progress"


async def test_without_a_question_ed_stays_anonymous(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start(name="Ed", email="ed@example.com")
    record = await w.run(ed)
    assert record["identity"] == {"mode": "anonymous", "user_id": record["assigned_to"]}


@pytest.mark.parametrize("bad", ["x", "a@b", "a b@c.de"])
async def test_an_email_must_look_like_one(w: World, bad: str) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, execution={"identity_required": "email"}))
    assert (await ed.start(email=bad)).status_code == 422
    assert (await ed.start(email="ed@example.com")).status_code == 200


async def test_from_dispatch_to_completion(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, WHY_NOT, OPTIONAL), executor_ref="b1")
    await ed.start()
    w.clock.forward(seconds=60)
    answered = await ed.answer("s-ok", False, geo={"lat": 1.5, "lng": 2.5, "accuracy": 7})
    assert answered.json()["step"]["done"] is True
    assert answered.json()["run"]["progress"] == {"total": 3, "answered": 1, "skipped": 0, "unable": 0}
    early = await ed.complete()
    assert (early.status_code, early.json()["code"]) == (409, "steps_missing")
    assert [(one["step_id"], one["code"]) for one in early.json()["errors"]] == [("s-why", "missing_answer")]
    await ed.answer("s-why", "  broken ", answered_at="2026-01-01T00:00:59Z")
    done = await ed.complete()
    assert done.status_code == 200
    record = await w.run(ed)
    assert record["status"] == "completed"
    assert record["duration_seconds"] == 60
    assert record["answers"]["s-why"]["value"] == "broken"
    assert record["answers"]["s-why"]["answered_at"] == "2026-01-01T00:00:59Z"
    assert record["answers"]["s-why"]["at"] == "2026-01-01T00:01:00Z"
    assert record["answers"]["s-ok"]["geo"] == {"lat": 1.5, "lng": 2.5, "accuracy": 7}
    assert "s-note" not in record["answers"]
    events = await w.events(ed)
    assert [one["event"] for one in events] == ["run.started", "step.completed", "step.completed", "run.completed"]
    assert [one["seq"] for one in events] == [1, 2, 3, 4]
    assert {one["data"]["executor_ref"] for one in events} == {"b1"}
    assert events[-1]["data"]["answers"] == record["answers"]


async def test_an_answer_id_that_was_applied_changes_nothing(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    old = {"answer_id": str(uuid.uuid4()), "value": True}
    await ed.put("s-ok", old)
    await ed.answer("s-ok", False)
    stale = await ed.put("s-ok", old)
    assert stale.status_code == 200
    assert stale.json()["step"]["value"] is False
    assert (await w.run(ed))["answers"]["s-ok"]["value"] is False
    assert [one["data"]["answer"] for one in (await w.events(ed))[1:]] == [True, False]


async def test_equal_content_changes_nothing(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    first = await ed.put("s-ok", {"value": True})
    again = await ed.answer("s-ok", True)
    assert first.json() == again.json()
    assert len(await w.events(ed)) == 2


async def test_an_answer_that_said_nothing_new_is_old_when_it_comes_again(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    await ed.answer("s-ok", True)
    same = {"answer_id": str(uuid.uuid4()), "value": True}
    await ed.put("s-ok", same)
    await ed.answer("s-ok", False)
    again = await ed.put("s-ok", same)
    assert (again.status_code, again.json()["step"]["value"]) == (200, False)


async def test_an_answer_that_names_what_it_replaces_replaces_nothing_else(w: World) -> None:
    ed = await w.dispatch(await w.template(TEXT))
    await ed.start()
    mine, theirs, last = (str(uuid.uuid4()) for _ in range(3))
    first = {"answer_id": mine, "replaces": None, "value": "a lamp"}
    assert (await ed.put("s-why", first)).status_code == 200
    late = {"answer_id": theirs, "replaces": None, "value": "a chair"}
    refused = await ed.put("s-why", late)
    assert (refused.status_code, refused.json()["code"]) == (409, "answer_changed")
    assert (await w.run(ed))["answers"]["s-why"]["value"] == "a lamp"
    assert (await ed.put("s-why", first)).status_code == 200  # again, as after a lost reply
    assert (await ed.put("s-why", {**late, "value": "a lamp"})).status_code == 200  # says what is in force
    assert (await ed.put("s-why", {"answer_id": last, "replaces": mine.upper(), "value": "both"})).status_code == 200
    assert (await ed.put("s-why", {"value": "without an id"})).status_code == 200
    for seen in (None, last):
        assert (await ed.answer("s-why", "blind", replaces=seen)).status_code == 409
    assert (await ed.answer("s-why", "whatever it was")).status_code == 200
    assert len(await w.events(ed)) == 5


async def test_replaced_answers_stay_in_the_history(w: World) -> None:
    ed = await w.dispatch(await w.template(TEXT))
    await ed.start()
    for word in ("one", "two", "three"):
        await ed.answer("s-why", word)

    def history(tx: Any) -> list[tuple[str, int]]:
        rows = tx.db.execute("SELECT value, is_current FROM answers ORDER BY number").fetchall()
        return [tuple(row) for row in rows]

    assert await w.database.read(history) == [('"one"', 0), ('"two"', 0), ('"three"', 1)]
    assert (await w.run(ed))["answers"]["s-why"]["value"] == "three"


async def test_a_hidden_answer_is_kept_and_counts_once_it_is_visible(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, WHY_NOT))
    await ed.start()
    hidden = await ed.answer("s-why", "too early")
    assert hidden.status_code == 200
    assert hidden.json()["step"]["visible"] is False
    assert hidden.json()["step"]["done"] is False
    assert "s-why" not in (await w.run(ed))["answers"]
    assert [one["event"] for one in await w.events(ed)] == ["run.started"]
    await ed.answer("s-ok", False)
    told = [(one["event"], one["data"].get("step_id")) for one in await w.events(ed)]
    assert told[1:] == [("step.completed", "s-ok"), ("step.completed", "s-why")]
    assert (await w.run(ed))["answers"]["s-why"]["value"] == "too early"
    await ed.answer("s-ok", True)
    assert "s-why" not in (await w.run(ed))["answers"], "hiding takes it out of the record"
    assert len(await w.events(ed)) == 4, "hiding fires nothing"
    assert (await ed.complete()).status_code == 200


async def test_skipping_needs_the_template_and_an_optional_step(w: World) -> None:
    for settings, step, status in (
        ({"allow_skip": True}, OPTIONAL, 200),
        ({}, OPTIONAL, 422),
        ({"allow_skip": True}, TEXT, 422),
    ):
        ed = await w.dispatch(await w.template(step, settings=settings))
        await ed.start()
        response = await ed.put(str(step["id"]), {"answer_id": str(uuid.uuid4()), "skipped": True})
        assert response.status_code == status
        if status == 422:
            assert response.json()["code"] == "skip_not_allowed"
            continue
        assert response.json()["step"]["skipped"] is True
        assert [one["event"] for one in await w.events(ed)] == ["run.started", "step.skipped"]
        assert (await w.run(ed))["progress"] == {"total": 1, "answered": 0, "skipped": 1, "unable": 0}


async def test_a_step_that_cannot_be_done_has_a_reason(w: World) -> None:
    photo = {"id": "s-pic", "type": "photo", "label": "The meter"}
    ed = await w.dispatch(await w.template(photo))
    await ed.start()
    assert (await ed.put("s-pic", {"unable": {}})).json()["errors"][0]["pointer"] == "/unable/reason"
    response = await ed.put("s-pic", {"unable": {"reason": "locked"}})
    assert response.json()["step"]["unable"] == {"reason": "locked"}
    assert (await ed.complete()).status_code == 200
    told = (await w.events(ed))[1]
    assert (told["event"], told["data"]["unable"]) == ("step.completed", {"reason": "locked"})
    assert (await w.run(ed))["progress"]["unable"] == 1
    forbidden = await w.dispatch(await w.template(photo, settings={"allow_unable": False}))
    await forbidden.start()
    assert (await forbidden.put("s-pic", {"unable": {"reason": "locked"}})).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": True, "skipped": True},
        {"value": True, "unable": {"reason": "x"}},
        {"skipped": True, "unable": {"reason": "x"}},
        {"value": True, "answer_id": "17"},
        {"value": True, "geo": {"lat": 91, "lng": 0}},
        {"value": True, "photos": ["ph-1"]},
        {"value": True, "answered_at": "yesterday"},
        {"value": "yes"},
        {"value": 1},
    ],
)
async def test_an_answer_is_exactly_one_thing(w: World, body: Any) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    response = await ed.put("s-ok", body)
    assert response.status_code == 422, response.text
    assert all(one["pointer"].startswith("/") for one in response.json()["errors"])


async def test_cancelled_by_the_executor(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    await ed.answer("s-ok", True)
    w.clock.forward(seconds=5)
    response = await ed.call("POST", "/cancel", json={"reason": "nobody there"})
    assert response.status_code == 200
    record = await w.run(ed)
    assert record["cancellation"] == {
        "by": "executor",
        "reason": "nobody there",
        "at": "2026-01-01T00:00:05Z",
        "last_step_id": "s-ok",
    }
    assert record["cancelled_at"] == "2026-01-01T00:00:05Z"
    last = (await w.events(ed))[-1]
    assert last["event"] == "run.cancelled"
    assert last["data"]["cancelled_by"] == "executor"
    assert last["data"]["answers"]["s-ok"]["value"] is True
    assert (await ed.call("POST", "/cancel", json={"reason": "nobody there"})).status_code == 200


async def test_cancelled_by_the_integrator_even_before_the_start(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    response = await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={"reason": "wrong flat"})
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"
    assert "template" not in response.json()
    again = await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_status")
    late = await ed.start()
    assert (late.status_code, late.json()["run_status"]) == (410, "cancelled")
    assert late.json()["closed_at"] == "2026-01-01T00:00:00Z"
    assert [one["event"] for one in await w.events(ed)] == ["run.cancelled"]
    assert (await ed.call("GET", "")).status_code == 410


async def test_a_step_can_be_changed_often_but_not_for_ever(w: World) -> None:
    ed = await w.dispatch(await w.template(TEXT))
    await ed.start()
    for number in range(MAX_ANSWERS):
        assert (await ed.answer("s-why", f"answer {number}")).status_code == 200
    refused = await ed.answer("s-why", "one more")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert (await ed.answer("s-why", f"answer {MAX_ANSWERS - 1}")).status_code == 200, "the same changes nothing"
    assert (await ed.complete()).status_code == 200


async def test_steering_answers_the_run_without_its_template(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    await ed.answer("s-ok", True)
    extended = (await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 100})).json()
    cancelled = (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).json()
    record = await w.run(ed)
    del record["template"]
    assert cancelled == record
    assert extended["answers"] == record["answers"]


async def test_a_record_is_in_the_order_of_the_document(w: World) -> None:
    told = "run_id status late missed flagged revision template_id template_v template link executor_ref"
    told += " previous_run_id title due_at assigned_to language identity created_at updated_at started_at"
    told += " completed_at cancelled_at expired_at expires_at duration_seconds progress clock_skew_seconds handled_at"
    told += " handled_note"
    told += " note fields prefill answers remarks flags signature cancellation webhook"
    ed = await w.dispatch(await w.template(BOOLEAN), executor_ref='a ,"link": of words')
    await ed.start(name='Ed ,"link":')
    assert list(await w.run(ed)) == told.split() == list(EXAMPLES["getRun"]["200"])
    steered = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": None})
    assert list(steered.json()) == [name for name in told.split() if name != "template"]
