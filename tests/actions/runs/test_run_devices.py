"""Who does a run on which device, and what each is told of it."""

import uuid

from tests.helpers.service import BOOLEAN, TEXT, WHY_NOT, World


async def test_replies_lost_on_a_closed_run_come_again(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, TEXT))
    await ed.start()
    body = {"answer_id": str(uuid.uuid4()), "value": True}
    await ed.put("s-ok", body)
    await ed.answer("s-why", "because")
    first = await ed.complete()
    w.clock.forward(hours=1)
    again = await ed.complete()
    assert (again.status_code, again.json()) == (200, first.json())
    repeated = await ed.put("s-ok", body)
    assert (repeated.status_code, repeated.json()["step"]["value"]) == (200, True)
    same_content = await ed.put("s-why", {"value": "because"})
    assert same_content.status_code == 200
    other = await ed.answer("s-ok", False)
    assert (other.status_code, other.json()["run_status"]) == (410, "completed")
    assert (await ed.start()).status_code == 410
    assert len([one for one in await w.events(ed) if one["event"] == "run.completed"]) == 1


async def test_the_first_device_stays_alone_until_it_is_released(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, execution={"scope": "first_device"}))
    await ed.start()
    other = type(ed)(w, ed.run_id)
    for response in (
        await other.start(),
        await other.answer("s-ok", True),
        await other.complete(),
        await other.call("GET", "/state"),
        await other.call("POST", "/cancel", json={}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "other_device")
    page = await other.call("GET", "")
    assert page.status_code == 403
    assert (await ed.answer("s-ok", False)).status_code == 200
    released = await w.acme.post(f"/v1/runs/{ed.run_id}/release", json={})
    assert released.status_code == 200
    stranger = type(ed)(w, ed.run_id)
    for device in (ed, other, stranger):
        refused = await device.answer("s-ok", True)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_started"), "free, but nobody's yet"
    assert (await other.start()).status_code == 200
    assert (await other.answer("s-ok", True)).status_code == 200
    for device in (ed, stranger):
        assert (await device.answer("s-ok", False)).status_code == 403


async def test_state_tells_enough_to_go_on_elsewhere(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, WHY_NOT))
    await ed.start()
    await ed.answer("s-ok", False)
    state = await type(ed)(w, ed.run_id).state()
    assert state["run"]["status"] == "in_progress"
    assert state["answers"]["s-ok"]["value"] is False
    assert state["answers"]["s-ok"]["done"] is True
    assert state["template"]["steps"][1] == WHY_NOT
    assert state["server_time"] == "2026-01-01T00:00:00Z"
    since = await ed.call("GET", f"/state?since={state['run']['revision']}")
    assert since.status_code == 304
    await ed.answer("s-ok", True)
    assert (await ed.call("GET", f"/state?since={state['run']['revision']}")).status_code == 200


async def test_revision_rises_with_every_change(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    seen = [(await w.run(ed))["revision"]]
    for change in (
        ed.start(),
        ed.answer("s-ok", True),
        w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 100}),
        ed.complete(),
    ):
        assert (await change).status_code == 200
        seen.append((await w.run(ed))["revision"])
    assert seen == sorted(set(seen))


async def test_causes_are_told_before_their_effects(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, WHY_NOT))
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.answer("s-why", "kept for later")
    await ed.answer("s-ok", False)
    told = [one["data"]["step_id"] for one in (await w.events(ed))[1:]]
    assert told == ["s-ok", "s-ok", "s-why"]
