"""PATCH /v1/runs/{run_id}: what an open run is about is changed, and whoever asked for it is told."""

from typing import Any

import pytest

from rundun.core import times
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import BOOLEAN, HOUR, Ed, Receiver, World
from tests.helpers.webhooks import SECRET

FIELDS = [
    {"id": "f-unit", "label": "Unit", "kind": "text", "required": True},
    {"id": "f-phone", "label": "Phone", "kind": "phone"},
    {"id": "f-door", "label": "Door", "kind": "secret"},
]
GIVEN = {"f-unit": "3", "f-phone": "555 123", "f-door": "4711"}


def moment(w: World, hours: float) -> str:
    return times.wire(w.clock.now + int(hours * HOUR))


async def dispatched(w: World, **more: Any) -> Ed:
    job = {"title": "House 3", "note": "Old note", "fields": GIVEN, "executor_ref": "b-1", **more}
    return await w.dispatch(await w.template(BOOLEAN, fields=FIELDS), **job)


async def patch(w: World, ed: Ed, status: int = 200, **body: Any) -> Any:
    response = await w.acme.patch(f"/v1/runs/{ed.run_id}", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def changes(w: World, ed: Ed) -> list[Any]:
    query = "SELECT what, by, details FROM changes WHERE run_id = ? ORDER BY number"
    return await w.database.read(lambda tx: [tuple(row) for row in tx.db.execute(query, (ed.run_id,))])


async def test_a_patch_changes_what_it_names_and_is_told(w: World, receiver: Receiver) -> None:
    hook = {"url": receiver.url, "secret": SECRET, "events": ["run.changed"]}
    ed = await dispatched(w, webhook=hook, due_at=moment(w, 5))
    before = await w.run(ed)
    body = {"title": " House 4 ", "note": None, "fields": {"f-unit": "4", "f-phone": None, "f-door": "0815"}}
    told = await patch(w, ed, **body, due_at=moment(w, 6), executor_ref="b-2")
    after = await w.run(ed)
    assert after == {
        **before,
        "title": "House 4",
        "note": None,
        "due_at": moment(w, 6),
        "fields": {"f-unit": "4", "f-door": "0815"},
        "executor_ref": "b-2",
        "revision": before["revision"] + 1,
    }
    assert told["fields"] == {"f-unit": "4"}, "a secret is on the record alone"
    (found,) = (await w.acme.get("/v1/runs?executor_ref=b-2")).json()["data"]
    assert found["run_id"] == ed.run_id
    assert (await w.acme.get("/v1/runs?executor_ref=b-1")).json()["data"] == []

    assert await patch(w, ed, **body, due_at=moment(w, 6), executor_ref="b-2") == told, "the same again"
    assert await patch(w, ed) == told
    await w.deliver()
    (one,) = receiver.received
    assert one.json["event"] == "run.changed" and one.json["seq"] == 1
    assert one.json["data"] == {
        "executor_ref": "b-2",
        "job": {"title": "House 4", "due_at": moment(w, 6)},
        "changed": ["title", "note", "due_at", "fields", "executor_ref"],
        "progress": after["progress"],
    }
    ((what, by, details),) = await changes(w, ed)
    assert (what, by) == ("job_changed", "integrator")
    assert "House 4" in details and "f-door" in details
    assert "4711" not in details and "0815" not in details


async def test_it_is_sent_only_to_webhooks_that_name_it(w: World, receiver: Receiver) -> None:
    ed = await dispatched(w, webhook={"url": receiver.url})
    await patch(w, ed, title="New")
    await w.deliver()
    assert receiver.received == []
    assert [one["event"] for one in await w.events(ed)] == ["run.changed"]


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"title": "a\nb", "note": 5}, [("/title", "bad_format"), ("/note", "wrong_type")]),
        ({"due_at": "2025-12-31T00:00:00Z"}, [("/due_at", "out_of_range")]),
        ({"due_at": "9999-01-01T00:00:00Z"}, [("/due_at", "out_of_range")]),
        ({"fields": {"f-unit": None}}, [("/fields/f-unit", "required")]),
        ({"fields": {"f-x": "1", "f-phone": "x"}},
         [("/fields/f-x", "unknown_reference"), ("/fields/f-phone", "bad_format")]),
        ({"fields": {"f-new": "1"}}, [("/fields/f-new", "unknown_reference")]),
        ({"prefill": {}}, [("/prefill", "unknown_field")]),
        ({"executor_ref": "x" * 257}, [("/executor_ref", "too_long")]),
    ],
)  # fmt: skip
async def test_what_is_wrong_changes_nothing(w: World, body: Any, places: Any) -> None:
    ed = await dispatched(w)
    newer = {"name": "Check", "steps": [BOOLEAN], "fields": [*FIELDS, {"id": "f-new", "label": "New", "kind": "text"}]}
    template_id = (await w.run(ed))["template_id"]
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=newer)).json()["v"] == 2
    before = await w.run(ed)
    refused = await patch(w, ed, 422, **body)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == places
    assert await w.run(ed) == before
    assert await changes(w, ed) == []


async def test_a_due_time_after_the_expiry_moves_it(w: World) -> None:
    ed = await dispatched(w, expires_in_hours=10)
    assert (await patch(w, ed, due_at=moment(w, 10)))["expires_at"] == moment(w, 10)
    told = await patch(w, ed, due_at=moment(w, 11))
    assert (told["due_at"], told["expires_at"], told["revision"]) == (moment(w, 11), moment(w, 35), 3)
    (_, _, details) = (await changes(w, ed))[1]
    assert '"names":["due_at","expires_at"]' in details
    w.clock.forward(hours=11.5)
    again = await patch(w, ed, due_at=told["due_at"], title="x")
    assert again["revision"] == 4, "an equal due time that is past by now changes nothing"
    assert (await patch(w, ed, due_at=None))["expires_at"] == told["expires_at"]
    never = await dispatched(w, expires_in_hours=None)
    assert (await patch(w, never, due_at=moment(w, 100)))["expires_at"] is None


async def test_a_closed_run_stays_as_it_was(w: World) -> None:
    ed = await dispatched(w)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    before = await w.run(ed)
    assert (await patch(w, ed, 409, title="x"))["code"] == "wrong_status"
    late = await dispatched(w)
    w.clock.forward(hours=100)
    assert (await patch(w, late, 409, fields={"f-door": "1"}))["code"] == "wrong_status"
    assert (await w.run(late))["status"] == "expired", "which was noticed by that"
    assert await w.run(ed) == before
    stranger = await w.globex.patch(f"/v1/runs/{ed.run_id}", json={"title": "x"})
    assert stranger.status_code == 404


async def test_job_and_webhook_are_changed_in_one(w: World, receiver: Receiver) -> None:
    ed = await dispatched(w)
    hook = {"url": receiver.url, "events": ["run.changed"]}
    told = await patch(w, ed, title="House 5", webhook=hook)
    assert (told["revision"], told["title"], told["webhook"]["url"]) == (2, "House 5", receiver.url)
    await w.deliver()
    assert receiver.events() == ["run.changed"], "to the webhook of the same patch"
    assert [what for what, _, _ in await changes(w, ed)] == ["webhook_changed", "job_changed"]
    refused = await patch(w, ed, 422, fields={"f-x": 1}, webhook=None)
    assert [one["pointer"] for one in refused["errors"]] == ["/fields/f-x"]
    assert (await w.run(ed))["webhook"] is not None


async def test_what_a_run_takes_is_counted_anew(w: World) -> None:
    ed = await dispatched(w)

    def sums(tx: Tx) -> list[int]:
        total = tx.number("SELECT sum(bytes) FROM uses WHERE org_id = ?", w.acme_id)
        return [total, tx.number("SELECT bytes_used FROM organizations WHERE id = ?", w.acme_id)]

    for body in (
        {"title": "x" * 200, "note": "y" * 4000, "executor_ref": "z" * 256, "fields": {"f-door": "1" * 500}},
        {"title": None, "note": None, "executor_ref": None, "fields": {"f-door": None, "f-phone": None}},
        {"fields": {"f-door": "2"}},
    ):
        await patch(w, ed, **body)
        total, used = await w.database.read(sums)
        assert total == used
    assert (await w.run(ed))["fields"] == {"f-unit": "3", "f-door": "2"}
