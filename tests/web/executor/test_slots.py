"""Photo steps that name their shots: one photo each, all needed."""

from typing import Any

import httpx2
import pytest

from rundun.core.languages import translate
from rundun.core.templates import rules
from rundun.core.templates.diff import difference
from rundun.errors import Invalid
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, count, started
from tests.helpers.service import Ed, World, new_photo_id
from tests.helpers.templates import step

FRONT, REAR = {"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}
SIDES: dict[str, Any] = {"id": "s-sides", "type": "photo", "label": "The sides", "config": {"slots": [FRONT, REAR]}}
JPEG = images.jpeg(64, 48)


def wrong(*steps: Any) -> list[tuple[str, str]]:
    try:
        rules.read_template({"name": "x", "steps": list(steps)}, lambda prefix: f"{prefix}made")
    except Invalid as invalid:
        return [(one.pointer, one.code) for one in invalid.errors]
    return []


def with_slots(*slots: Any, **more: Any) -> dict[str, Any]:
    return {**SIDES, "config": {"slots": list(slots), **more}}


async def taken(ed: Ed, slot: str | None, photo_id: str | None = None, data: bytes = JPEG) -> httpx2.Response:
    return await ed.photo("s-sides", data, photo_id, params={} if slot is None else {"slot": slot})


def places(response: httpx2.Response) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return [(one["pointer"], one["code"]) for one in response.json()["errors"]]


def test_which_slots_a_template_may_have() -> None:
    assert wrong(SIDES) == []
    assert (
        wrong(with_slots(*({"id": f"p-{n}", "label": "?"} for n in range(10)), annotate=True, allow_gallery=False))
        == []
    )
    many = [{"id": f"p-{n}", "label": "?"} for n in range(11)]
    assert wrong(with_slots(*many)) == [("/steps/0/config/slots", "too_long")]
    assert wrong(with_slots()) == [("/steps/0/config/slots", "too_short")]
    assert wrong(with_slots(FRONT, min=1)) == [("/steps/0/config/min", "not_allowed")]
    both = [("/steps/0/config/min", "not_allowed"), ("/steps/0/config/max", "not_allowed")]
    assert sorted(wrong(with_slots(FRONT, min=4, max=2))) == sorted(both)
    assert wrong(with_slots({"id": "front", "label": "x"})) == [("/steps/0/config/slots/0/id", "bad_format")]
    assert wrong(with_slots({"id": "p-1"})) == [("/steps/0/config/slots/0/label", "required")]
    assert wrong(with_slots(FRONT, FRONT)) == [("/steps/0/config/slots/1/id", "duplicate")]
    other = {**with_slots(FRONT), "id": "s-other"}
    assert wrong(SIDES, other) == [("/steps/1/config/slots/0/id", "duplicate")]
    assert wrong(step(photo={"slots": [FRONT]})) == [("/steps/0/photo/slots", "unknown_field")]


def test_ids_are_made_and_labels_translated() -> None:
    made = rules.read_template({"name": "x", "steps": [with_slots({"label": "Front"})]}, lambda prefix: f"{prefix}made")
    assert b'"p-made"' in rules.as_json(made)
    source = {"name": "x", "steps": [SIDES], "translations": {"es": {"p-front": {"label": "Delante"}}}}
    rules.read_template(source, lambda prefix: prefix)
    (translated,) = translate(source, "es")["steps"]
    assert [one["label"] for one in translated["config"]["slots"]] == ["Delante", "Rear"]
    source["translations"] = {"es": {"p-front": {"hint": "?"}, "p-none": {"label": "?"}}}
    with pytest.raises(Invalid) as invalid:
        rules.read_template(source, lambda prefix: prefix)
    assert [(one.pointer, one.code) for one in invalid.value.errors] == [
        ("/translations/es/p-front/hint", "unknown_field"),
        ("/translations/es/p-none", "unknown_reference"),
    ]


def test_versions_differ_slot_by_slot() -> None:
    before = {"name": "x", "steps": [SIDES]}
    after = {"name": "x", "steps": [with_slots({**FRONT, "label": "The front"}, {"id": "p-left", "label": "Left"})]}
    changes = [(one.kind, one.part.kind, one.part.id, one.part.parent) for one in difference(before, after)]
    assert changes == [
        ("removed", "slot", "p-rear", "s-sides"),
        ("changed", "slot", "p-front", "s-sides"),
        ("added", "slot", "p-left", "s-sides"),
    ]


async def test_each_photo_says_which_shot_it_is(w: World) -> None:
    ed = await started(w, SIDES)
    ids = {slot: new_photo_id() for slot in ("p-rear", "p-front")}
    for slot, photo_id in ids.items():
        receipt = await taken(ed, slot, photo_id)
        assert (receipt.status_code, receipt.json()["slot"]) == (201, slot)
        again = await taken(ed, slot, photo_id)
        assert (again.status_code, again.json()["slot"]) == (200, slot)
    written = (await ed.answer("s-sides", photos=[ids["p-front"], ids["p-rear"]])).json()
    assert written["step"]["done"] is True
    photos = (await w.run(ed))["answers"]["s-sides"]["photos"]
    assert [(one["photo_index"], one["slot"]) for one in photos] == [(0, "p-front"), (1, "p-rear")]
    assert [one["slot"] for one in (await ed.state())["photos"]["s-sides"]] == ["p-rear", "p-front"]
    assert (await ed.complete()).status_code == 200
    step_done, closing = (await w.events(ed))[-2:]
    assert [one["slot"] for one in step_done["data"]["photos"]] == ["p-front", "p-rear"]
    assert [one["slot"] for one in closing["data"]["answers"]["s-sides"]["photos"]] == ["p-front", "p-rear"]


async def test_a_photo_without_slots_has_none(w: World) -> None:
    ed = await started(w, OVERLAY)
    receipt = await ed.photo("s-ok", JPEG)
    assert (receipt.status_code, receipt.json()["slot"]) == (201, None)


@pytest.mark.parametrize(
    ("of", "slot", "place"),
    [
        ("s-sides", None, ("/slot", "required")),
        ("s-sides", "p-roof", ("/slot", "unknown_reference")),
        ("s-sides", "front", ("/slot", "bad_format")),
        ("s-ok", "p-front", ("/slot", "not_allowed")),
    ],
)
async def test_the_slot_has_to_be_one_of_the_steps(w: World, of: str, slot: str | None, place: tuple[str, str]) -> None:
    ed = await started(w, SIDES, OVERLAY)
    refused = await ed.photo(of, JPEG, params={} if slot is None else {"slot": slot})
    assert places(refused) == [place]
    assert await count(w, "photos") == 0


async def test_what_is_missing_is_named(w: World) -> None:
    ed = await started(w, SIDES)

    async def missing() -> list[Any]:
        refused = await ed.complete()
        assert refused.status_code == 409
        errors: list[Any] = refused.json()["errors"]
        return errors

    detail = "“The sides” still needs: Front, Rear."
    place = {"where": "run", "pointer": "/answers/s-sides", "step_id": "s-sides"}
    untouched = {**place, "code": "missing_answer", "detail": detail, "slots": ["p-front", "p-rear"]}
    assert await missing() == [untouched]
    await taken(ed, "p-rear")
    await ed.answer("s-sides")
    detail = "“The sides” still needs: Front."
    assert await missing() == [{**place, "code": "missing_photos", "detail": detail, "slots": ["p-front"]}]
    await taken(ed, "p-front")
    assert (await ed.complete()).status_code == 200


@pytest.mark.parametrize("order", ["new first", "old first", "answer first"])
async def test_a_shot_is_taken_again_in_any_order(w: World, order: str) -> None:
    ed = await started(w, SIDES)
    old, rear, new = (new_photo_id() for _ in range(3))
    await taken(ed, "p-front", old)
    await taken(ed, "p-rear", rear)
    await ed.answer("s-sides", photos=[old, rear])

    async def upload() -> None:
        assert (await taken(ed, "p-front", new, images.jpeg(48, 64))).status_code == 201

    async def delete() -> None:
        assert (await ed.call("DELETE", f"/steps/s-sides/photos/{old}")).status_code == 200

    async def answer() -> None:
        assert (await ed.answer("s-sides", photos=[new, rear])).status_code == 200

    orders = {
        "new first": (upload, delete, answer),
        "old first": (delete, answer, upload),
        "answer first": (answer, upload, delete),
    }
    for act in orders[order]:
        await act()
    photos = (await w.run(ed))["answers"]["s-sides"]["photos"]
    assert [(one["photo_id"], one["slot"]) for one in photos] == [(new, "p-front"), (rear, "p-rear")]
    assert (await ed.state())["answers"]["s-sides"]["done"] is True
    assert await count(w, "photos") == 2


async def test_a_slot_holds_a_photo_and_its_successor_and_no_more(w: World) -> None:
    ed = await started(w, SIDES)
    first, second = new_photo_id(), new_photo_id()
    assert (await taken(ed, "p-front", first)).status_code == 201
    assert (await taken(ed, "p-front", second)).status_code == 201
    refused = await taken(ed, "p-front")
    assert (refused.json()["code"], places(refused)) == ("too_many_photos", [("/slot", "too_long")])
    assert (await taken(ed, "p-rear")).status_code == 201
    await ed.answer("s-sides", photos=[second])
    assert (await ed.state())["answers"]["s-sides"]["done"] is False
    assert (await ed.complete()).json()["errors"][0]["slots"] == ["p-rear"]


async def test_two_photos_of_one_shot_do_not_make_up_for_another(w: World) -> None:
    ed = await started(w, SIDES)
    ids = [new_photo_id(), new_photo_id()]
    for photo_id in ids:
        await taken(ed, "p-front", photo_id)
    written = (await ed.answer("s-sides", photos=ids)).json()
    assert (written["step"]["done"], written["step"]["waiting_for"]) == (False, [])
    too_many = await ed.answer("s-sides", photos=[*ids, new_photo_id()])
    assert (too_many.json()["code"], places(too_many)) == ("too_many_photos", [("/photos", "too_long")])
