"""The job of a run at its dispatch: title, note, due time, values of fields, values to confirm."""

from typing import Any

import pytest

from tests.helpers.service import BOOLEAN, HOUR, NOON, TEXT, Receiver, World
from tests.helpers.templates import step

KINDS = ("text", "number", "date", "phone", "email", "url", "address", "secret")
FIELDS = [{"id": f"f-{kind}", "label": kind.title(), "kind": kind} for kind in KINDS]
UNIT = {"id": "f-unit", "label": "Unit", "kind": "text", "required": True}
ODOMETER = step("number", "s-odo", {"min": 0})


async def refused(w: World, template_id: str, **body: Any) -> list[tuple[str, str]]:
    response = await w.acme.post("/v1/runs", json={"template_id": template_id, **body})
    assert response.status_code == 422, response.text
    return [(one["pointer"], one["code"]) for one in response.json()["errors"]]


async def test_a_dispatch_says_what_the_run_is_about(w: World) -> None:
    template_id = await w.template(BOOLEAN, ODOMETER, fields=FIELDS)
    values = {
        "f-text": "Beach house 3", "f-number": 4.0, "f-date": "2026-01-02", "f-phone": "+1 (555) 123-4567",
        "f-email": "ed@acme.test", "f-url": "HTTPS://acme.test/x?y=ä",
        "f-address": "1 Sea Road\nPort", "f-secret": "4711#",
    }  # fmt: skip
    ed = await w.dispatch(
        template_id,
        title="  Beach house 3 · check-out 11:00 ",
        note="Two dogs.\nMind the step.",
        due_at="2026-01-01T12:00:00.7+01:00",
        fields={name: values[name] for name in reversed(values)},
        prefill={"s-odo": 42150.0},
    )
    record = await w.run(ed)
    assert record["title"] == "Beach house 3 · check-out 11:00"
    assert record["note"] == "Two dogs.\nMind the step."
    assert record["due_at"] == "2026-01-01T11:00:00Z"
    assert record["fields"] == values and list(record["fields"])[:2] == ["f-text", "f-number"], "as the template's"
    assert record["prefill"] == {"s-odo": 42150}
    assert record["answers"] == {}, "no answer until it is confirmed"
    (listed,) = (await w.acme.get("/v1/runs")).json()["data"]
    assert (listed["title"], listed["due_at"]) == (record["title"], record["due_at"])
    assert not {"note", "fields", "prefill"} & listed.keys()


async def test_a_dispatch_without_a_job_is_as_before(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, fields=FIELDS), fields={"f-text": None})
    record = await w.run(ed)
    assert (record["title"], record["note"], record["due_at"], record["fields"]) == (None, None, None, {})


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"title": "a\nb"}, [("/title", "bad_format")]),
        ({"title": "a\u2028b"}, [("/title", "bad_format")]),
        ({"title": ""}, [("/title", "too_short")]),
        ({"title": "x" * 201}, [("/title", "too_long")]),
        ({"note": "x" * 4001}, [("/note", "too_long")]),
        ({"note": 5}, [("/note", "wrong_type")]),
        ({"due_at": "tomorrow"}, [("/due_at", "bad_format")]),
        ({"due_at": "2025-12-31T23:59:59Z"}, [("/due_at", "out_of_range")]),
        ({"due_at": "2037-01-01T00:00:00Z"}, [("/due_at", "out_of_range")]),
        ({"due_at": "9999-12-31T23:59:59Z", "expires_in_hours": None}, [("/due_at", "out_of_range")]),
        ({"due_at": "2026-01-01T02:00:01Z", "expires_in_hours": 2}, [("/due_at", "out_of_range")]),
        ({"fields": []}, [("/fields", "wrong_type")]),
        ({"fields": {"f-x": "x"}}, [("/fields/f-x", "unknown_reference")]),
        ({"fields": {"f/~": "x"}}, [("/fields/f~1~0", "unknown_reference")]),
        ({"fields": {"f-text": 5}}, [("/fields/f-text", "wrong_type")]),
        ({"fields": {"f-text": ""}}, [("/fields/f-text", "too_short")]),
        ({"fields": {"f-text": "a\0"}}, [("/fields/f-text", "bad_format")]),
        ({"fields": {"f-secret": "x" * 501}}, [("/fields/f-secret", "too_long")]),
        ({"fields": {"f-number": "5"}}, [("/fields/f-number", "wrong_type")]),
        ({"fields": {"f-number": True}}, [("/fields/f-number", "wrong_type")]),
        ({"fields": {"f-date": "2026-02-30"}}, [("/fields/f-date", "bad_format")]),
        ({"fields": {"f-phone": "call me"}}, [("/fields/f-phone", "bad_format")]),
        ({"fields": {"f-phone": "1" * 499 + "x"}}, [("/fields/f-phone", "bad_format")]),
        ({"fields": {"f-email": "ed"}}, [("/fields/f-email", "bad_format")]),
        ({"fields": {"f-url": "javascript:alert(1)"}}, [("/fields/f-url", "bad_format")]),
        ({"fields": {"f-url": "https://"}}, [("/fields/f-url", "bad_format")]),
        ({"fields": {"f-url": "http://[x"}}, [("/fields/f-url", "bad_format")]),
        ({"fields": {"f-url": "http://x/ y"}}, [("/fields/f-url", "bad_format")]),
        ({"fields": {"f-url": "http://x/" + "y" * 2000}}, [("/fields/f-url", "too_long")]),
        ({"fields": {f"f-{n}": "x" for n in range(31)}}, [("/fields", "too_long")]),
        ({"prefill": {"s-x": 1}}, [("/prefill/s-x", "unknown_reference")]),
        ({"prefill": {"s-odo": -1}}, [("/prefill/s-odo", "out_of_range")]),
        ({"prefill": {"s-odo": None}}, [("/prefill/s-odo", "wrong_type")]),
        ({"prefill": {"s-photo": None}}, [("/prefill/s-photo", "not_allowed")]),
        ({"prefill": {"s-sign": None}}, [("/prefill/s-sign", "not_allowed")]),
        ({"prefill": {"s-read": None}}, [("/prefill/s-read", "not_allowed")]),
        (
            {"title": "a\nb", "due_at": "2025-01-01T00:00:00Z", "fields": {"f-x": 1, "f-text": 2},
             "prefill": {"s-x": 1}, "x": 1},
            [("/title", "bad_format"), ("/due_at", "out_of_range"), ("/fields/f-x", "unknown_reference"),
             ("/fields/f-text", "wrong_type"), ("/prefill/s-x", "unknown_reference"), ("/x", "unknown_field")],
        ),
    ],
)  # fmt: skip
async def test_all_that_is_wrong_with_a_job_is_named_at_once(w: World, body: Any, places: Any) -> None:
    steps = [BOOLEAN, ODOMETER, step("photo", "s-photo"), step("signature", "s-sign")]
    steps.append(step("instruction", "s-read", {"body": "Read."}))
    template_id = await w.template(*steps, fields=FIELDS)
    assert await refused(w, template_id, **body) == places
    assert (await w.acme.get("/v1/runs")).json()["data"] == []


async def test_required_fields_have_to_be_there(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=[UNIT, *FIELDS])
    assert await refused(w, template_id) == [("/fields/f-unit", "required")]
    assert await refused(w, template_id, fields={"f-unit": None}) == [("/fields/f-unit", "required")]
    assert await refused(w, template_id, fields={"f-unit": 5}) == [("/fields/f-unit", "wrong_type")]
    both = await refused(w, template_id, title="\n".join("ab"), fields={"f-date": "x"})
    assert both == [("/title", "bad_format"), ("/fields/f-date", "bad_format"), ("/fields/f-unit", "required")]
    assert (await w.run(await w.dispatch(template_id, fields={"f-unit": " 3 "})))["fields"] == {"f-unit": "3"}


async def test_a_job_of_somebody_elses_template_says_nothing_of_it(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=[UNIT])
    body = {"template_id": template_id, "title": "a\nb", "fields": {"f-x": 1}}
    answer = await w.globex.post("/v1/runs", json=body)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/title"]


@pytest.mark.parametrize(
    ("due", "hours", "expires"),
    [
        (None, (), 72),
        (10, (), 72),
        (48, (), 72),
        (49, (), 73),
        (5000, (), 5024),
        (10, (10,), 10),
        (10, (None,), None),
        (5000, (None,), None),
    ],
)
async def test_when_a_run_expires_that_is_due(w: World, due: int | None, hours: Any, expires: int | None) -> None:
    more: dict[str, Any] = {} if due is None else {"due_at": moment(w, due)}
    more |= {"expires_in_hours": hours[0]} if hours else {}
    ed = await w.dispatch(await w.template(BOOLEAN), **more)
    assert (await w.run(ed))["expires_at"] == (None if expires is None else moment(w, expires))


def moment(w: World, hours: float) -> str:
    from rundun.core import times

    return times.wire(w.clock.now + int(hours * HOUR))


async def test_what_is_due_now_is_not_past(w: World) -> None:
    assert w.clock.now == NOON
    ed = await w.dispatch(await w.template(TEXT), due_at=moment(w, 0))
    assert (await w.run(ed))["due_at"] == moment(w, 0)


async def test_every_event_says_what_the_run_is_about(w: World, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN, {**TEXT, "required": False}, fields=FIELDS, settings={"allow_skip": True})
    hook = {"url": receiver.url, "events": ["*", "run.started"]}
    job = {"title": "Beach house 3", "note": "A note", "due_at": moment(w, 5)}
    fields = {"f-text": "3", "f-secret": "canary-4711"}
    more = {**job, "webhook": hook, "fields": fields, "prefill": {"s-why": "Prefilled"}}
    done, ended, missed = [await w.dispatch(template_id, **more) for _ in range(3)]
    await done.start()
    await done.answer("s-ok", True)
    await done.put("s-why", {"skipped": True})
    assert (await done.complete()).status_code == 200
    await w.acme.post(f"/v1/runs/{ended.run_id}/cancel", json={})
    w.clock.forward(hours=100)
    assert await w.sweep() == 1
    await w.deliver()
    told = {one.json["event"]: one.json["data"]["job"] for one in receiver.received}
    begun = {"title": "Beach house 3", "due_at": moment(w, -95)}
    closed = {**begun, "fields": {"f-text": "3"}}
    assert told == {
        "run.started": begun,
        "step.completed": begun,
        "step.skipped": begun,
        "run.completed": closed,
        "run.cancelled": closed,
        "run.expired": closed,
    }
    sent = b"".join(one.body for one in receiver.received)
    assert not any(word in sent for word in (b"A note", b"Prefilled", b"canary-4711"))
    assert missed.run_id.encode() in sent
