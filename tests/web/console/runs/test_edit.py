"""What an open job is about, edited in the console: only what was changed is sent, mistakes stand at their inputs."""

import re

import pytest

from tests.helpers.console.console import Browser, operator, text_of
from tests.helpers.console.markup import NASTY, has_no_markup_of
from tests.helpers.service import BOOLEAN, Ed, World

FIELDS = [
    {"id": "f-unit", "label": "Unit", "kind": "text", "required": True},
    {"id": "f-door", "label": "Door code", "kind": "secret"},
    {"id": "f-rooms", "label": "Rooms", "kind": "number"},
]
MARKED = re.compile(r'<(?:input|textarea) id="f-([^"]+)"[^>]*aria-invalid')
JOB = {
    "title": "Beach house 4",
    "note": "Ring twice.",
    "executor_ref": "BK-1021",
    "due_at": "2026-01-02T15:00:30Z",
    "fields": {"f-unit": "4", "f-door": "4711", "f-rooms": 3},
}


async def dispatched(w: World) -> Ed:
    return await w.dispatch(await w.template(BOOLEAN, fields=FIELDS), **JOB)


async def form(ann: Browser, ed: Ed) -> dict[str, str]:
    """What the form holds, hidden inputs too."""
    page = (await ann.get(f"/runs/{ed.run_id}/edit")).text
    inputs = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page))
    lines = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return {name: value for name, value in {**inputs, **dict(lines)}.items() if name != "csrf"}


async def test_only_what_was_changed_is_changed(w: World) -> None:
    ann, ed = await operator(w), await dispatched(w)
    given = await form(ann, ed)
    assert (given["title"], given["note"], given["due_at"]) == ("Beach house 4", "Ring twice.", "2026-01-02T15:00")
    assert (given["field f-door"], given["field f-rooms"]) == ("4711", "3")
    patch = {"content": '{"note": "Ring once."}', "headers": {"content-type": "application/merge-patch+json"}}
    assert (await w.acme.patch(f"/v1/runs/{ed.run_id}", **patch)).status_code == 200  # by somebody else, meanwhile
    answer = await ann.post(f"/runs/{ed.run_id}/edit", **{**given, "title": "Beach house 5", "field f-rooms": ""})
    assert answer.headers["location"] == f"/console/runs/{ed.run_id}?flash=run_changed"
    record = await w.run(ed)
    assert (record["title"], record["note"], record["due_at"]) == ("Beach house 5", "Ring once.", JOB["due_at"])
    assert record["fields"] == {"f-unit": "4", "f-door": "4711"} and record["executor_ref"] == "BK-1021"
    assert "Changed: title, fields · Ann" in text_of((await ann.get(f"/runs/{ed.run_id}")).text)


async def test_a_time_is_by_the_clocks_of_the_organization_and_can_be_taken_away(w: World) -> None:
    ann, ed = await operator(w), await dispatched(w)
    zone = "UPDATE organizations SET time_zone = 'Europe/Madrid' WHERE id = ?"
    await w.database.write(lambda tx: tx.db.execute(zone, (w.acme_id,)).close())
    given = await form(ann, ed)
    assert given["due_at"] == "2026-01-02T16:00"
    await ann.post(f"/runs/{ed.run_id}/edit", **{**given, "due_at": "2026-01-03T11:00"})
    assert (await w.run(ed))["due_at"] == "2026-01-03T10:00:00Z"
    await ann.post(f"/runs/{ed.run_id}/edit", **{**await form(ann, ed), "due_at": ""})
    assert (await w.run(ed))["due_at"] is None


async def test_every_mistake_stands_at_its_input_and_nothing_is_changed(w: World) -> None:
    ann, ed = await operator(w), await dispatched(w)
    wrong = {"title": "x" * 201, "due_at": "2020-01-01T00:00", "field f-unit": "", "field f-rooms": "many"}
    answer = await ann.post(f"/runs/{ed.run_id}/edit", **{**await form(ann, ed), **wrong})
    assert answer.status_code == 422
    assert MARKED.findall(answer.text) in (["title"], ["due_at", "f-unit", "f-rooms"]), (
        "all of the body, then all of the checklist"
    )
    answer = await ann.post(f"/runs/{ed.run_id}/edit", **{**await form(ann, ed), **wrong, "title": "Fine"})
    assert MARKED.findall(answer.text) == ["due_at", "f-unit", "f-rooms"]
    assert 'value="many"' in answer.text and (await w.run(ed))["title"] == "Beach house 4"


async def test_a_closed_job_stays_as_it_was(w: World) -> None:
    ann, ed = await operator(w), await dispatched(w)
    given = await form(ann, ed)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    assert (await ann.get(f"/runs/{ed.run_id}/edit")).headers["location"] == f"/console/runs/{ed.run_id}"
    assert (await ann.post(f"/runs/{ed.run_id}/edit", **{**given, "title": "Late"})).status_code == 409
    assert (await w.run(ed))["title"] == "Beach house 4"


@pytest.mark.parametrize("nasty", NASTY)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann, ed = await operator(w), await dispatched(w)
    given = await form(ann, ed)
    answer = await ann.post(
        f"/runs/{ed.run_id}/edit", **{**given, "title": nasty, "note": nasty, "field f-unit": nasty, "due_at": nasty}
    )
    assert answer.status_code == 422
    has_no_markup_of(answer.text, nasty)
