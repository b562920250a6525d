"""A run beside another: which one, what differs and by how much, and which photos belong together."""

import re
from typing import Any

import pytest

from rundun.web.console.runs import compare
from tests.helpers.console.console import Browser, operator, shown, text_of
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Ed, World

METER = {"id": "s-meter", "type": "number", "label": "Meter", "config": {"unit": "kWh"}}
SIDES = {
    "id": "s-sides",
    "type": "photo",
    "label": "Sides",
    "config": {"slots": [{"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}]},
}


async def done(w: World, template_id: str, meter: float, shots: list[str], **job: Any) -> Ed:
    ed = await w.dispatch(template_id, **job)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.answer("s-meter", meter)
    for shot in shots:
        await ed.photo("s-sides", images.jpeg(64, 48), params={"slot": shot})
    w.clock.forward(seconds=60)
    return ed


async def compared(ann: Browser, ed: Ed, query: str = "") -> tuple[list[list[str]], list[list[str]]]:
    """The rows of the table, and the captions of each pair of photos."""
    page = await shown(ann, f"/runs/{ed.run_id}/compare?{query}")
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)]  # fmt: skip
    pairs = page.partition('<div class="pairs">')[2].partition("<dialog")[0].split('<div class="pair">')[1:]
    return rows, [re.findall(r"<bdi[^>]*>(\w+)</bdi>|(No photo)", pair) for pair in pairs]


async def test_what_differs_comes_first_and_numbers_are_subtracted(w: World) -> None:
    template_id = await w.template(BOOLEAN, METER, SIDES)
    before = await done(w, template_id, 100.1, ["p-front"], title="Flat 2")
    await done(w, template_id, 7, [], title="Flat 3")
    after = await done(w, template_id, 100.3, ["p-rear", "p-front"], title="Flat 2")
    ann = await operator(w)
    assert f"/runs/{after.run_id}/compare" in await shown(ann, f"/runs/{after.run_id}")
    rows, pairs = await compared(ann, after)
    assert rows == [["Different"], ["Meter", "100.1 kWh", "100.3 kWh +0.2"], ["The same"], ["All fine?", "Yes", "Yes"]]
    assert pairs == [[("Front", ""), ("Front", "")], [("", "No photo"), ("Rear", "")]], "whole ones first"
    assert (await compared(ann, before, f"with={after.run_id}"))[0] == rows, "the earlier one is first anyhow"
    page = await shown(ann, f"/runs/{before.run_id}/compare?with={before.run_id}")
    assert "There is no earlier job" in page and "<tbody>" not in page


async def test_the_run_before_is_the_one_that_was_repeated_or_is_alike(w: World) -> None:
    field = {"id": "f-plate", "label": "Plate", "kind": "text"}
    template_id, other_id = [await w.template(BOOLEAN, METER, SIDES, fields=[field]) for _ in range(2)]
    ann = await operator(w)
    for job in ({"executor_ref": "b-1"}, {"title": "Van 1"}, {"fields": {"f-plate": "7412 KLM"}}):
        same = await done(w, template_id, 1, [], **job)
        await done(w, other_id, 2, [], **job)
        after = await done(w, template_id, 4, [], **job)
        rows, _ = await compared(ann, after)
        assert rows[1] == ["Meter", "1 kWh", "4 kWh +3"], "the same checklist is nearer"
        await w.acme.post(f"/v1/runs/{same.run_id}/cancel", json={})
    again = (await w.acme.post(f"/v1/runs/{same.run_id}/again", json={})).json()["run_id"]
    assert f'href="/console/runs/{same.run_id}"' in await shown(ann, f"/runs/{again}/compare")
    alone = await done(w, template_id, 1, [], title="Nobody's")
    assert "There is no earlier job" in await shown(ann, f"/runs/{alone.run_id}/compare")
    found = await shown(ann, f"/runs/{alone.run_id}/compare?q=Van+1")
    assert found.count("?with=") == 3 and "<tbody>" not in found
    assert "Nothing was found." in await shown(ann, f"/runs/{alone.run_id}/compare?q=zzz")


async def test_steps_with_other_ids_are_known_by_type_and_label(w: World) -> None:
    before = await done(w, await w.template(BOOLEAN, METER, SIDES), 5, ["p-front"], title="Flat")
    new = [{**BOOLEAN, "id": "s-meter"}, {**METER, "id": "s-new", "label": "Meter"}, {**SIDES, "id": "s-photos"}]
    ed = await w.dispatch(await w.template(*new), title="Flat")
    await ed.start()
    await ed.answer("s-meter", False)
    await ed.answer("s-new", 4)
    await ed.photo("s-photos", images.jpeg(64, 48), params={"slot": "p-front"})
    rows, pairs = await compared(await operator(w), ed)
    assert rows == [["Different"], ["All fine?", "Yes", "No"], ["Meter", "5 kWh", "4 kWh -1"]]
    assert pairs == [[("Front", ""), ("Front", "")]]
    assert before.run_id != ed.run_id


async def test_runs_of_others_and_erased_ones_are_not_compared(w: World) -> None:
    template_id = await w.template(BOOLEAN, METER, SIDES)
    one, two = [await done(w, template_id, 5, [], title="Flat") for _ in range(2)]
    gus = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    ann = await operator(w)
    assert (await gus.get(f"/runs/{one.run_id}/compare?with={two.run_id}")).status_code == 404
    for unknown in ("r-none", "x"):
        assert (await ann.get(f"/runs/{one.run_id}/compare?with={unknown}")).status_code == 404
    await w.acme.post(f"/v1/runs/{two.run_id}/cancel", json={})
    assert (await w.acme.delete(f"/v1/runs/{two.run_id}")).is_success
    assert (await ann.get(f"/runs/{one.run_id}/compare?with={two.run_id}")).status_code == 410
    assert two.run_id not in await shown(ann, f"/runs/{one.run_id}/compare")


async def test_the_run_before_is_found_behind_many_others(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    field = {"id": "f-n", "label": "Number", "kind": "number"}
    template_id = await w.template(BOOLEAN, METER, SIDES, fields=[field])
    first = await w.dispatch(template_id, title="Flat 1")
    for number in range(12):
        await w.dispatch(template_id, title=f"Flat 1{number}")
    second = await w.dispatch(template_id, title="Flat 1")
    for _ in range(12):
        await w.dispatch(template_id, title="Flat 1")
    page = await shown(await operator(w), f"/runs/{second.run_id}/compare")
    assert page.count("?with=") == 1 and f"?with={first.run_id}" in page
    monkeypatch.setattr(compare, "LOOKED_AT", 2)
    runs = [await w.dispatch(template_id, executor_ref=f"u-1{after}", fields={"f-n": 7}) for after in ("", 1, 2, 3, "")]
    page = await shown(await operator(w), f"/runs/{runs[-1].run_id}/compare")
    assert page.count("?with=") == 1 and f"?with={runs[0].run_id}" in page
    number = await w.dispatch(template_id, fields={"f-n": 7})
    assert "There is no earlier job" in await shown(await operator(w), f"/runs/{number.run_id}/compare")


async def test_a_repeated_run_that_was_erased_is_no_end(w: World) -> None:
    first = await w.dispatch(await w.template(BOOLEAN, METER, SIDES), title="Flat")
    await w.acme.post(f"/v1/runs/{first.run_id}/cancel", json={})
    again = (await w.acme.post(f"/v1/runs/{first.run_id}/again", json={})).json()["run_id"]
    ann = await operator(w)
    assert f'href="/console/runs/{first.run_id}"' in await shown(ann, f"/runs/{again}/compare")
    assert (await w.acme.delete(f"/v1/runs/{first.run_id}")).is_success
    assert "There is no earlier job" in await shown(ann, f"/runs/{again}/compare")


async def test_other_words_are_no_other_answer_and_other_units_no_difference(w: World) -> None:
    option = {"id": "o-a", "label": "Good"}
    choice = {
        "id": "s-state",
        "type": "choice",
        "label": "State",
        "config": {"options": [option, {"id": "o-b", "label": "Bad"}]},
    }
    template_id = await w.template(choice, METER, SIDES)
    for unit, label in (("kWh", "Good"), ("MWh", "Fine")):
        option["label"], changed = label, {**METER, "config": {"unit": unit}}
        slots = {"slots": [{"id": "p-front", "label": f"Front {label}"}]}
        body = {"name": "Check", "steps": [choice, changed, {**SIDES, "config": slots}]}
        assert (await w.acme.put(f"/v1/templates/{template_id}", json=body)).is_success
        ed = await w.dispatch(template_id, title="Flat")
        await ed.start()
        await ed.answer("s-state", "o-a")
        await ed.answer("s-meter", 5 if unit == "kWh" else 6)
        await ed.photo("s-sides", images.jpeg(64, 48), params={"slot": "p-front"})
    rows, pairs = await compared(await operator(w), ed)
    assert rows == [["Different"], ["Meter", "5 kWh", "6 MWh"], ["The same"], ["State", "Good", "Fine"]]
    assert len(pairs) == 1
