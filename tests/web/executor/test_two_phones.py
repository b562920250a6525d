"""Two phones answer one step without knowing of each other: what the sender of a list could not have known of stays."""

import uuid
from typing import Any

import httpx2
import pytest

from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, SIGN, started
from tests.helpers.service import BOOLEAN, TEXT, Ed, World, new_photo_id

HALL = {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"min": 1, "max": 2}}
SIDES: dict[str, Any] = {"id": "s-sides", "type": "photo", "label": "The sides", "config": {
    "slots": [{"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}]}}  # fmt: skip
JPEG = images.jpeg(64, 48)


async def listed(ed: Ed, step: str, photos: list[str], seen: list[str], **more: Any) -> httpx2.Response:
    return await ed.answer(step, more.pop("value", None), photos=photos, seen_photos=seen, **more)


async def of_step(ed: Ed, step: str = "s-pic") -> list[str]:
    return list((await ed.state())["answers"][step]["photos"])


async def told(w: World, ed: Ed) -> list[list[str]]:
    """The photos that each step.completed names."""
    bodies = [one["data"] for one in await w.events(ed) if one["event"] == "step.completed"]
    return [[photo["photo_id"] for photo in data["photos"]] for data in bodies]


@pytest.mark.parametrize("order", ["lists first", "photos first", "one after the other"])
async def test_photos_of_both_phones_are_in_the_record(w: World, order: str) -> None:
    ed = await started(w, HALL)
    one, other = new_photo_id(), new_photo_id()
    calls = {
        "list one": lambda: listed(ed, "s-pic", [one], []),
        "list other": lambda: listed(ed, "s-pic", [other], []),
        "send one": lambda: ed.photo("s-pic", JPEG, one),
        "send other": lambda: ed.photo("s-pic", JPEG, other),
    }
    orders = {
        "lists first": ["list one", "list other", "send other", "send one"],
        "photos first": ["send one", "send other", "list one", "list other"],
        "one after the other": ["send one", "list one", "list other", "send other"],
    }
    for name in orders[order]:
        assert (await calls[name]()).status_code in (200, 201)
    assert set(await of_step(ed)) == {one, other}
    assert (await ed.complete()).status_code == 200
    photos = (await w.run(ed))["answers"]["s-pic"]["photos"]
    assert {photo["photo_id"] for photo in photos} == {one, other}
    assert set((await told(w, ed))[-1]) == {one, other}, "the last event of the step names both"


async def test_without_the_member_the_list_is_all_there_is(w: World) -> None:
    ed = await started(w, HALL)
    one, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [one], [])
    await ed.photo("s-pic", JPEG, one)
    await ed.answer("s-pic", None, photos=[other])
    await ed.photo("s-pic", JPEG, other)
    assert await of_step(ed) == [other]


async def test_the_reply_has_the_united_list_and_a_repeat_changes_nothing(w: World) -> None:
    ed = await started(w, HALL)
    one, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [one], [])
    body = {"answer_id": str(uuid.uuid4()), "value": None, "photos": [other], "seen_photos": []}
    first = (await ed.put("s-pic", body)).json()
    assert (first["step"]["photos"], first["step"]["waiting_for"]) == ([other, one], [other, one])
    assert (await ed.put("s-pic", body)).json() == first
    for photo in (one, other):
        await ed.photo("s-pic", JPEG, photo)
    await ed.complete()
    again = await ed.put("s-pic", body)
    assert (again.status_code, again.json()["step"]["photos"]) == (200, [other, one])
    same = await listed(ed, "s-pic", [one], [])  # says what the record says already
    assert same.status_code == 200
    less = await listed(ed, "s-pic", [other], [one])
    assert (less.status_code, less.json()["code"]) == (410, "run_closed")


async def test_what_was_seen_and_is_not_listed_goes(w: World) -> None:
    ed = await started(w, HALL)
    old, new, other = new_photo_id(), new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [old], [])
    await ed.photo("s-pic", JPEG, old)
    await listed(ed, "s-pic", [new], [old])  # taken again
    assert await of_step(ed) == [new]
    await listed(ed, "s-pic", [other], [])  # from a phone that has seen neither
    assert await of_step(ed) == [other, new]
    await ed.call("DELETE", f"/steps/s-pic/photos/{old}")
    for photo in (new, other):
        await ed.photo("s-pic", JPEG, photo)
    assert (await ed.complete()).status_code == 200
    assert await of_record(w, ed) == [other, new]


async def of_record(w: World, ed: Ed, step: str = "s-pic") -> list[str]:
    return [photo["photo_id"] for photo in (await w.run(ed))["answers"][step]["photos"]]


async def test_what_never_came_is_gone_without_and_counts_should_it_come(w: World) -> None:
    ed = await started(w, HALL)
    late, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [late], [])
    await ed.photo("s-pic", JPEG, other)
    step = (await listed(ed, "s-pic", [other], [late])).json()["step"]
    assert (step["photos"], step["done"]) == ([other], True)
    assert (await ed.photo("s-pic", JPEG, late)).status_code == 201
    assert await of_step(ed) == [other, late]


async def test_what_was_gone_without_counts_where_it_came_just_before_that_was_said(w: World) -> None:
    ed = await started(w, HALL)
    late, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [late], [])
    await ed.photo("s-pic", JPEG, late)
    await ed.photo("s-pic", JPEG, other)
    step = (await listed(ed, "s-pic", [other], [], missing_photos=[late])).json()["step"]
    assert step["photos"] == [other, late]
    step = (await listed(ed, "s-pic", [other], [late])).json()["step"]
    assert step["photos"] == [other]


async def test_what_somebody_deleted_stays_deleted(w: World) -> None:
    ed = await started(w, HALL)
    photo, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-pic", [photo], [])
    await ed.photo("s-pic", JPEG, photo)  # of which the phone hears nothing
    await ed.call("DELETE", f"/steps/s-pic/photos/{photo}")
    again = await ed.photo("s-pic", JPEG, photo)
    assert (again.status_code, again.json()["code"]) == (409, "photo_deleted")
    step = (await listed(ed, "s-pic", [photo, other], [])).json()["step"]
    assert (step["photos"], step["waiting_for"]) == ([other], [other])


async def test_a_deletion_may_come_before_all_else(w: World) -> None:
    ed = await started(w, HALL)
    photo = new_photo_id()
    before = await w.run(ed)
    assert (await ed.call("DELETE", f"/steps/s-pic/photos/{photo}")).status_code == 200
    assert await w.run(ed) == before
    assert (await listed(ed, "s-pic", [photo], [])).json()["step"]["photos"] == []
    assert (await ed.photo("s-pic", JPEG, photo)).json()["code"] == "photo_deleted"
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 200


async def test_more_than_there_may_be_are_refused_by_name(w: World) -> None:
    ed = await started(w, HALL)
    one, two, late = (new_photo_id() for _ in range(3))
    await listed(ed, "s-pic", [one, two], [])
    refused = await listed(ed, "s-pic", [late], [])
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_photos")
    # Nor does it take the place of one that is on its way.
    assert (await ed.photo("s-pic", JPEG, late)).json()["code"] == "too_many_photos"
    for photo in (one, two):
        assert (await ed.photo("s-pic", JPEG, photo)).status_code == 201
    assert await of_step(ed) == [one, two]
    await ed.call("DELETE", f"/steps/s-pic/photos/{one}")
    assert (await listed(ed, "s-pic", [late, two], [one])).status_code == 200


async def test_a_photo_that_came_first_and_alone_makes_a_full_list_too_long(w: World) -> None:
    ed = await started(w, {**HALL, "config": {"min": 2, "max": 2}})
    await ed.photo("s-pic", JPEG)
    refused = await listed(ed, "s-pic", [new_photo_id(), new_photo_id()], [])
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_photos")


async def test_of_a_shot_that_both_have_taken_both_are_shown(w: World) -> None:
    ed = await started(w, SIDES)
    one, other, rear = (new_photo_id() for _ in range(3))
    for photo, slot in ((one, "p-front"), (other, "p-front"), (rear, "p-rear")):
        await listed(ed, "s-sides", [photo], [])
        await ed.photo("s-sides", JPEG, photo, params={"slot": slot})
    assert await of_step(ed, "s-sides") == [rear, other, one]
    assert (await ed.complete()).status_code == 200
    photos = (await w.run(ed))["answers"]["s-sides"]["photos"]
    assert [(photo["photo_id"], photo["slot"]) for photo in photos] == [
        (rear, "p-rear"), (other, "p-front"), (one, "p-front"),
    ]  # fmt: skip


async def test_a_drawing_takes_the_place_of_its_photo_on_the_phone_that_has_not_seen_it(w: World) -> None:
    ed = await started(w, {**HALL, "config": {"min": 1, "max": 3, "annotate": True}})
    plain, drawn, other = (new_photo_id() for _ in range(3))
    await listed(ed, "s-pic", [plain], [])
    await ed.photo("s-pic", JPEG, plain)
    await listed(ed, "s-pic", [drawn], [plain])
    await listed(ed, "s-pic", [plain, other], [])  # from the other phone, which has seen the plain one
    await ed.photo("s-pic", JPEG, other)
    await ed.photo("s-pic", JPEG, drawn, params={"annotated_from": plain})
    assert await of_step(ed) == [other, drawn]
    photos = (await w.run(ed))["answers"]["s-pic"]["photos"]
    assert [photo["photo_id"] for photo in photos] == [other, drawn]
    assert photos[1]["annotated_from"] == plain


async def test_an_answer_with_photos_keeps_those_that_its_author_had_not_seen(w: World) -> None:
    ed = await started(w, OVERLAY)
    one, other = new_photo_id(), new_photo_id()
    await listed(ed, "s-ok", [one], [], value=True)
    step = (await listed(ed, "s-ok", [other], [], value=False)).json()["step"]
    assert (step["value"], step["photos"]) == (False, [other, one])
    step = (await listed(ed, "s-ok", [], [other], value=True)).json()["step"]
    assert step["photos"] == [one]


async def test_who_skips_without_having_seen_a_photo_changes_nothing(w: World) -> None:
    ed = await w.dispatch(await w.template({**HALL, "required": False}, settings={"allow_skip": True}))
    await ed.start()
    photo = new_photo_id()
    await listed(ed, "s-pic", [photo], [])
    body = {"answer_id": str(uuid.uuid4()), "skipped": True, "seen_photos": []}
    for _ in range(2):
        step = (await ed.put("s-pic", body)).json()["step"]
        assert (step["skipped"], step["photos"]) == (False, [photo])
    body = {"answer_id": str(uuid.uuid4()), "skipped": True, "seen_photos": [photo]}
    assert (await ed.put("s-pic", body)).json()["step"]["skipped"] is True
    step = (await listed(ed, "s-pic", [photo], [])).json()["step"]
    assert (step["skipped"], step["photos"]) == (False, [photo])


async def test_who_skips_a_step_that_has_only_a_photo_so_far_changes_nothing(w: World) -> None:
    steps = [{**HALL, "required": False, "config": {"min": 2, "max": 2}}, {**BOOLEAN, "photo": {"min": 0, "max": 1}}]
    ed = await w.dispatch(await w.template(*steps, settings={"allow_skip": True}))
    await ed.start()
    photo = (await ed.photo("s-pic", JPEG)).json()["photo_id"]
    for seen, is_skipped in (([], None), ([photo], True)):
        body = {"answer_id": str(uuid.uuid4()), "skipped": True, "seen_photos": seen}
        assert (await ed.put("s-pic", body)).json()["step"].get("skipped") is is_skipped


async def test_an_unable_step_has_all_photos_that_have_come(w: World) -> None:
    ed = await started(w, HALL)
    photo = new_photo_id()
    await listed(ed, "s-pic", [photo], [])
    await ed.photo("s-pic", JPEG, photo)
    body = {"answer_id": str(uuid.uuid4()), "unable": {"reason": "It is locked"}, "seen_photos": []}
    step = (await ed.put("s-pic", body)).json()["step"]
    assert (step["unable"], step["photos"]) == ({"reason": "It is locked"}, [photo])


async def test_texts_choices_and_signatures_of_two_phones(w: World) -> None:
    """No text is replaced unseen; of choices the last to arrive counts; of signatures the newest that is answered."""
    ed = await started(w, TEXT, BOOLEAN, SIGN)
    first = (await ed.answer("s-why", "A lamp", replaces=None)).json()["step"]["answer_id"]
    assert (await ed.answer("s-why", "A chair", replaces=None)).json()["code"] == "answer_changed"
    assert (await ed.answer("s-why", "A lamp and a chair", replaces=first)).status_code == 200
    await ed.answer("s-ok", True)
    await ed.answer("s-ok", False)
    urls = []
    for _ in range(2):
        path = "/steps/s-sign/signature"
        signed = await ed.call("PUT", path, content=images.png(), params={"typed_name": str(len(urls))})
        urls.append(signed.json()["url"])
        await ed.answer("s-sign")
    answers = (await w.run(ed))["answers"]
    assert answers["s-why"]["value"] == "A lamp and a chair"
    assert answers["s-ok"]["value"] is False
    assert answers["s-sign"]["value"].endswith(urls[-1])
