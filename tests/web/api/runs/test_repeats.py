"""POST /v1/runs/{run_id}/again: a closed run is dispatched once more, of what it was about."""

import asyncio
import itertools
from typing import Any

import httpx2

from rundun.actions.organizations import organizations
from rundun.core.runs import event
from rundun.scheduler import delete_secrets
from tests.helpers.console.console import operator, text_of
from tests.helpers.console.console_runs import rows
from tests.helpers.files.storage import fill, used
from tests.helpers.jobs import FIELDS, JOB, STEPS, VALUES
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering
from tests.helpers.webhooks import SECRET, verify

MERGE = {"content-type": "application/merge-patch+json"}
HOOK = {"url": "http://127.0.0.1:9/hook", "secret": SECRET, "events": ["run.completed", "run.cancelled"]}
FULL: dict[str, Any] = {**JOB, "executor_ref": "booking 7", "language": "es", "webhook": HOOK, "expires_in_hours": None}
DOOR = {"fields": {"f-door": "0815"}}
COPIED = ("title", "note", "executor_ref", "language", "webhook", "template_id")


async def closed(w: World, template_id: str, **given: Any) -> Ed:
    """A run that was cancelled."""
    ed = await w.dispatch(template_id, **given)
    assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).status_code == 200
    return ed


async def again(w: World, ed: Ed, body: Any = None, **more: Any) -> httpx2.Response:
    return await w.acme.post(f"/v1/runs/{ed.run_id}/again", json={} if body is None else body, **more)


async def repeated(w: World, ed: Ed, body: Any = None) -> Any:
    """The record of the run that repeats one."""
    answer = await again(w, ed, body)
    assert answer.status_code == 201, answer.text
    return await w.run(Ed(w, answer.json()["run_id"]))


async def refused(w: World, ed: Ed, status: int, code: str, body: Any = None) -> list[tuple[str, str]]:
    """Where the request is wrong; nothing was made, and nothing paid."""
    before = await w.database.read(counts)
    answer = await again(w, ed, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await w.database.read(counts) == before
    return [(one["pointer"], one["code"]) for one in answer.json().get("errors", [])]


def counts(tx: Any) -> tuple[int, int]:
    return tx.number("SELECT count(*) FROM runs"), tx.number("SELECT ifnull(sum(credits), 0) FROM organizations")


async def test_it_is_the_current_version_with_what_the_run_was_about(w: World) -> None:
    await w.database.write(organizations.add_credits, w.acme_id, 2)
    template_id = await w.template(*STEPS, fields=FIELDS)
    ed = await closed(w, template_id, **FULL)
    before = await w.run(ed)
    await w.acme.put(f"/v1/templates/{template_id}", json={"name": "New", "steps": STEPS, "fields": FIELDS})
    w.clock.forward(hours=100)
    answer = await again(w, ed, DOOR)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/v1/runs/{told['run_id']}"
    assert (told["link"], told["assigned_to"]) == (f"http://rundun.test/r/{told['run_id']}", None)
    assert [one["code"] for one in told["warnings"]] == ["link_not_https"]
    run = await w.run(Ed(w, told["run_id"]))
    assert {name: run[name] for name in COPIED} == {name: before[name] for name in COPIED}
    assert run["webhook"] == {"url": HOOK["url"], "events": HOOK["events"], "signed": True}
    assert run["fields"] == {**VALUES, "f-door": "0815"}
    assert (run["template_v"], run["template"]["name"], run["status"]) == (2, "New", "pending")
    assert (run["due_at"], run["expires_at"], run["prefill"]) == (None, "2026-01-08T04:00:00Z", {})
    assert (run["previous_run_id"], before["previous_run_id"]) == (ed.run_id, None)
    assert (await w.acme.get("/v1/organization")).json()["credits"] == 0
    assert await refused(w, ed, 402, "insufficient_credits", DOOR) == []
    assert await w.run(ed) == before, "nothing of it has changed"
    listed = (await w.acme.get("/v1/runs")).json()["data"]
    assert [one["previous_run_id"] for one in listed] == [ed.run_id, None]
    assert await used(w)


async def test_each_part_is_copied_or_given_anew_or_left_out(w: World) -> None:
    """The product of what a run has, all or nothing, and what is said then: nothing, all anew, none of it."""
    template_id = await w.template(BOOLEAN, fields=[FIELDS[0]])
    old: Any = {"title": "Old", "note": "Old\nnote", "executor_ref": "old", "language": "es"}
    old |= {"fields": {"f-unit": "1"}, "webhook": HOOK}
    new: Any = {"title": "New", "note": "New\nnote", "executor_ref": "new", "language": "de"}
    new |= {"fields": {"f-unit": "2"}, "webhook": {"url": "http://127.0.0.1:9/new"}}
    nothing: Any = {**dict.fromkeys(old), "fields": {}}
    none = {**nothing, "fields": {"f-unit": None}}
    for had, (body, then) in itertools.product((old, {}), (({}, None), (new, new), (none, nothing))):
        run = await repeated(w, await closed(w, template_id, **had), body)
        expected = then or had or nothing
        for name in set(old) - {"webhook"}:
            assert run[name] == expected[name], (name, had, body)
        hook = expected["webhook"] and {
            "url": expected["webhook"]["url"],
            "events": had["webhook"]["events"] if had else [*event.EVENTS],
            "signed": bool(had),  # a secret stays when it is not named
        }
        assert run["webhook"] == hook, (had, body)


async def test_due_time_expiry_and_values_to_confirm_are_as_in_a_dispatch(w: World) -> None:
    ed = await closed(w, await w.template(*STEPS), title="Flat 3", due_at="2026-01-01T04:00:00Z", expires_in_hours=5)
    w.clock.forward(hours=48)
    given = {"due_at": "2026-01-04T00:00:00.9Z", "expires_in_hours": 60, "prefill": {"s-why": "as before"}}
    run = await repeated(w, ed, given)
    assert (run["due_at"], run["expires_at"]) == ("2026-01-04T00:00:00Z", "2026-01-05T12:00:00Z")
    assert (run["title"], run["prefill"]) == ("Flat 3", {"s-why": "as before"})
    assert (await repeated(w, ed, {"expires_in_hours": None}))["expires_at"] is None
    late = await repeated(w, ed, {"due_at": "2026-01-09T00:00:00Z"})
    assert late["expires_at"] == "2026-01-10T00:00:00Z", "open until a day after it is due"


async def test_only_a_closed_run_is_repeated_whichever_way_it_ended(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id, expires_in_hours=1)
    assert await refused(w, ed, 409, "wrong_status") == []
    await ed.start()
    assert await refused(w, ed, 409, "wrong_status") == []
    await ed.answer("s-ok", True)
    await ed.complete()
    assert (await repeated(w, ed))["previous_run_id"] == ed.run_id
    missed = await w.dispatch(template_id, expires_in_hours=1)
    w.clock.forward(hours=1)
    run = await repeated(w, missed)  # nobody has noticed yet that its time is up
    assert ((await w.run(missed))["status"], run["previous_run_id"]) == ("expired", missed.run_id)
    further = await closed(w, template_id)
    chain = await repeated(w, further)
    await w.acme.post(f"/v1/runs/{chain['run_id']}/cancel", json={})
    assert (await repeated(w, Ed(w, chain["run_id"])))["previous_run_id"] == chain["run_id"]
    await w.acme.delete(f"/v1/templates/{template_id}")
    assert await refused(w, ed, 409, "template_archived") == []


async def test_a_missed_run_that_is_repeated_is_handled_by_that(w: World) -> None:
    template_id, ann = await w.template({**BOOLEAN, "required": False}), await operator(w)
    by_api, by_hand, flagged, done = [await w.dispatch(template_id, expires_in_hours=1) for _ in range(4)]
    for ed in (flagged, done):
        await ed.start()
    await flagged.put("s-ok", {"unable": {"reason": "Locked"}})
    await done.complete()
    w.clock.forward(hours=26)
    await w.sweep()
    for ed in (by_api, flagged, done):
        await repeated(w, ed)
    form = {"template_id": template_id, "again": by_hand.run_id, "once": "1"}
    assert (await ann.post("/dispatch", **form)).status_code == 303
    records = [await w.run(ed) for ed in (by_api, by_hand, flagged, done)]
    assert [record["handled_at"] for record in records] == ["2026-01-02T02:00:00Z"] * 2 + [None, None]
    assert await rows(ann, "?tab=missed") == [flagged.run_id], "somebody has yet to look at what is flagged"
    history = text_of((await ann.get(f"/runs/{by_hand.run_id}")).text)
    assert "Dealt with · Ann" in history, "who has repeated it"
    assert (await repeated(w, by_api))["previous_run_id"] == by_api.run_id, "and once more"


async def test_a_field_that_is_gone_is_a_warning_and_one_that_does_not_fit_is_named(w: World) -> None:
    fields = [{"id": f"f-{n}", "label": f"Field {n}", "kind": "text"} for n in range(4)]
    template_id = await w.template(BOOLEAN, fields=fields)
    ed = await closed(w, template_id, fields={f"f-{n}": f"value {n}" for n in range(4)})
    now = [fields[0], {**fields[1], "kind": "number"}, {"id": "f-new", "label": "New", "kind": "text"}]
    await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Check", "steps": [BOOLEAN], "fields": now})
    assert await refused(w, ed, 422, "invalid") == [("/fields/f-1", "wrong_type")]
    answer = (await again(w, ed, {"fields": {"f-1": 5}})).json()
    gone = [one["detail"] for one in answer["warnings"] if one["code"] == "field_gone"]
    assert gone == [f"The template has no field f-{n} any more: its value was not copied." for n in (2, 3)]
    assert (await w.run(Ed(w, answer["run_id"])))["fields"] == {"f-0": "value 0", "f-1": 5}
    now[2] = {**now[2], "required": True}
    await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Check", "steps": [BOOLEAN], "fields": now})
    said = {"fields": {"f-2": "mine", "f-1": None}}
    assert await refused(w, ed, 422, "invalid", said) == [
        ("/fields/f-2", "unknown_reference"),
        ("/fields/f-new", "required"),
    ], "who names one that is gone is wrong"


async def test_secrets_are_given_anew_or_said_to_be_none(w: World) -> None:
    door = {"id": "f-door", "label": "Door", "kind": "secret", "required": True}
    gate = {"id": "f-gate", "label": "Gate", "kind": "secret"}
    template_id = await w.template(BOOLEAN, fields=[FIELDS[0], door, gate])
    ed = await closed(w, template_id, fields={"f-unit": "3", "f-door": "4711", "f-gate": "0815"})
    missing = [("/fields/f-door", "required"), ("/fields/f-gate", "required")]
    assert await refused(w, ed, 422, "invalid") == missing
    assert await refused(w, ed, 422, "invalid", {"fields": {"f-door": None, "f-gate": None}}) == missing[:1]
    wrong = {"title": "two\nlines", "language": "?", "due_at": "2025-01-01T00:00:00Z", "webhook": {"secret": SECRET}}
    places = [pointer for pointer, _ in await refused(w, ed, 422, "invalid", wrong)]
    assert places == ["/title", "/language", "/due_at", "/webhook/url", *(pointer for pointer, _ in missing)], "all"
    run = await repeated(w, ed, {"fields": {"f-door": "1", "f-gate": None}})
    assert run["fields"] == {"f-unit": "3", "f-door": "1"}


async def test_a_webhooks_secret_is_copied_until_it_is_forgotten(w: World, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN)
    hook = {"url": receiver.url, "secret": SECRET, "events": ["run.started"]}
    ed = await closed(w, template_id, webhook=hook)
    unsigned = await closed(w, template_id, webhook={"url": receiver.url})
    await Ed(w, (await repeated(w, ed))["run_id"]).start()
    await w.deliver()
    verify(receiver.url, receiver.received[-1])
    w.clock.forward(hours=24 * 31)
    assert await delete_secrets(w.database, 30) == 1
    assert (await repeated(w, unsigned))["webhook"]["signed"] is False, "it never was"
    for incomplete in ({}, {"webhook": {"url": "http://127.0.0.1:9/new"}}):
        assert await refused(w, ed, 422, "invalid", incomplete) == [("/webhook/secret", "required")]
    for said, signed in ((SECRET, True), (None, False)):
        run = await repeated(w, ed, {"webhook": {"secret": said}})
        assert run["webhook"] == {"url": receiver.url, "events": ["run.started"], "signed": signed}
    assert (await repeated(w, ed, {"webhook": None}))["webhook"] is None


async def test_a_new_secret_of_a_closed_run_is_not_forgotten(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("410 Gone")
    ed = await closed(w, await w.template(BOOLEAN), webhook={"url": receiver.url, "secret": SECRET})
    await w.deliver()
    w.clock.forward(hours=24 * 31)
    assert await delete_secrets(w.database, 30) == 1
    assert await refused(w, ed, 422, "invalid") == [("/webhook/secret", "required")]
    patched = await w.acme.patch(f"/v1/runs/{ed.run_id}", json={"webhook": {"secret": SECRET}}, headers=MERGE)
    assert patched.status_code == 200, patched.text
    assert (await repeated(w, ed))["webhook"]["signed"] is True


async def test_where_events_may_not_go_nothing_is_repeated(w: World) -> None:
    ed = await closed(w, await w.template(BOOLEAN), webhook={"url": "http://nobody.invalid/"})
    forbidden = {"webhook": {"url": "http://169.254.169.254/latest"}}
    assert await refused(w, ed, 422, "address_not_allowed", forbidden) == [("/webhook/url", "address_not_allowed")]
    answers = [(await again(w, ed, body)).json() for body in ({}, {"webhook": None})]
    warned = [[one["code"] for one in answer["warnings"]] for answer in answers]
    assert warned == [["link_not_https", "webhook_unresolved"], ["link_not_https"]], "where the copied one goes, too"


async def test_the_same_request_again_is_the_same_run(w: World) -> None:
    ed, key = await closed(w, await w.template(BOOLEAN), title="Flat 3"), {"idempotency-key": "once"}
    first, replay = await again(w, ed, headers=key), await again(w, ed, headers=key)
    assert (replay.status_code, replay.content) == (201, first.content)
    assert replay.headers["idempotent-replayed"] == "true"
    assert (await again(w, ed, {"title": "Flat 4"}, headers=key)).json()["code"] == "idempotency_key_reused"
    both = await asyncio.gather(*(again(w, ed, headers={"idempotency-key": "together"}) for _ in range(5)))
    assert len({one.json()["run_id"] for one in both if one.status_code == 201}) == 1
    assert {one.status_code for one in both} <= {201, 409}
    assert len((await w.acme.get("/v1/runs")).json()["data"]) == 3
    await w.acme.delete(f"/v1/runs/{first.json()['run_id']}")
    assert (await again(w, ed, headers=key)).json()["code"] == "run_erased", "it brings nobody back"


async def test_erasing_one_of_them_leaves_the_other(w: World) -> None:
    ed = await closed(w, await w.template(BOOLEAN), title="Flat 3")
    run = await repeated(w, ed)
    await w.acme.delete(f"/v1/runs/{ed.run_id}")
    assert await refused(w, ed, 410, "run_erased") == []
    assert await w.run(Ed(w, run["run_id"])) == run, "also which one it repeats"
    await w.acme.delete(f"/v1/runs/{run['run_id']}")
    named = await w.database.read(lambda tx: tx.number("SELECT count(previous_run_id) FROM runs"))
    assert named == 0, "what is left of it says nothing of another"
    assert await used(w)


async def test_a_full_organization_repeats_nothing(w: World) -> None:
    ed = await closed(w, await w.template(BOOLEAN))
    await fill(w, 1)
    assert await refused(w, ed, 403, "quota_exceeded") == []
