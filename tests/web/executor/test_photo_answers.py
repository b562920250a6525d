"""Photos and the answers that list them, or take all there are."""

import base64
import io

from PIL import Image

from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, started
from tests.helpers.service import BOOLEAN, Receiver, World, new_photo_id

PHOTO = {"id": "s-pic", "type": "photo", "label": "The kitchen", "config": {"min": 2, "max": 3}}


async def test_a_step_waits_for_the_photos_it_lists(w: World, receiver: Receiver) -> None:
    ed = await started(w, PHOTO, webhook={"url": receiver.url})
    ids = [new_photo_id(), new_photo_id()]
    answered = await ed.answer("s-pic", None, photos=ids)
    assert answered.json()["step"]["done"] is False
    assert answered.json()["step"]["waiting_for"] == ids
    missing = (await ed.complete()).json()["errors"]
    assert [(one["step_id"], one["code"]) for one in missing] == [("s-pic", "missing_photos")]
    await ed.photo("s-pic", images.jpeg(), ids[1])
    assert (await ed.state())["answers"]["s-pic"]["waiting_for"] == [ids[0]]
    await ed.photo("s-pic", images.jpeg(320, 320), ids[0])
    assert (await ed.state())["answers"]["s-pic"]["done"] is True
    assert (await ed.complete()).status_code == 200
    await w.deliver()
    told = next(one.json for one in receiver.received if one.json["event"] == "step.completed")
    assert [(one["photo_index"], one["photo_id"]) for one in told["data"]["photos"]] == [(0, ids[0]), (1, ids[1])]
    for photo in told["data"]["photos"]:
        thumbnail = Image.open(io.BytesIO(base64.b64decode(photo["thumbnail"])))
        assert max(thumbnail.size) == 320
    done = next(one.json for one in receiver.received if one.json["event"] == "run.completed")
    assert "url" not in done["data"]["answers"]["s-pic"]["photos"][0]["original"]


async def test_photos_that_are_not_listed_count_in_order_of_arrival(w: World) -> None:
    ed = await started(w, PHOTO)
    ids = [new_photo_id(), new_photo_id()]
    await ed.put("s-pic", {"value": None})
    for photo_id in ids:
        await ed.photo("s-pic", images.jpeg(), photo_id)
    assert (await ed.state())["answers"]["s-pic"]["done"] is True
    assert [one["photo_id"] for one in (await w.run(ed))["answers"]["s-pic"]["photos"]] == ids
    told = [one["event"] for one in await w.events(ed)]
    assert told == ["run.started", "step.completed"]
    await ed.photo("s-pic", images.jpeg())
    assert [one["event"] for one in await w.events(ed)] == told, "a lone upload writes none"


async def test_a_photo_deleted_below_the_minimum_undoes_the_step(w: World) -> None:
    ed = await started(w, PHOTO)
    ids = [new_photo_id(), new_photo_id()]
    for photo_id in ids:
        await ed.photo("s-pic", images.jpeg(), photo_id)
    await ed.answer("s-pic", None, photos=ids)
    url = (await w.run(ed))["answers"]["s-pic"]["photos"][0]["url"]
    events = len(await w.events(ed))
    deleted = await ed.call("DELETE", f"/steps/s-pic/photos/{ids[0]}")
    assert deleted.status_code == 200
    assert deleted.json()["step"]["done"] is False
    assert deleted.json()["step"]["photos"] == [ids[1]]
    assert (await w.browser().get(url)).status_code == 404, "its address dies with it"
    assert (await ed.call("DELETE", f"/steps/s-pic/photos/{ids[0]}")).status_code == 200
    assert len(await w.events(ed)) == events
    assert (await ed.complete()).json()["errors"][0]["code"] == "missing_photos"
    retaken = new_photo_id()
    await ed.photo("s-pic", images.jpeg(), retaken)
    await ed.answer("s-pic", None, photos=[ids[1], retaken])
    assert (await ed.complete()).status_code == 200
    assert (await ed.call("DELETE", f"/steps/s-pic/photos/{ids[1]}")).status_code == 410
    assert len((await w.run(ed))["answers"]["s-pic"]["photos"]) == 2


async def test_too_many_photos(w: World) -> None:
    ed = await started(w, OVERLAY)
    for _ in range(2):
        assert (await ed.photo("s-ok", images.jpeg())).status_code == 201
    response = await ed.photo("s-ok", images.jpeg())
    assert (response.status_code, response.json()["code"]) == (422, "too_many_photos")
    listed = await ed.answer("s-ok", True, photos=[new_photo_id() for _ in range(3)])
    assert (listed.status_code, listed.json()["code"]) == (422, "too_many_photos")


async def test_what_came_unlisted_keeps_out_nothing_that_is_listed(w: World) -> None:
    ed = await started(w, PHOTO)
    ids = [new_photo_id(), new_photo_id()]
    await ed.answer("s-pic", None, photos=ids)
    for _ in range(3):
        assert (await ed.photo("s-pic", images.jpeg())).status_code == 201
    assert (await ed.photo("s-pic", images.jpeg())).json()["code"] == "too_many_photos"
    for photo_id in ids:
        assert (await ed.photo("s-pic", images.jpeg(), photo_id)).status_code == 201
    assert (await ed.complete()).status_code == 200
    assert [one["photo_id"] for one in (await w.run(ed))["answers"]["s-pic"]["photos"]] == ids


async def test_lists_that_change_without_end_are_told_what_to_delete(w: World) -> None:
    ed = await started(w, OVERLAY)
    for number in range(9):
        listed = new_photo_id()
        await ed.answer("s-ok", number % 2 == 0, photos=[listed])
        response = await ed.photo("s-ok", images.jpeg(), listed)
        assert response.status_code == (201 if number < 8 else 422)
    assert response.json()["detail"] == (
        "8 photos are stored here, of which 2 may count; delete those that are not listed."
    )


async def test_a_listed_photo_that_never_arrived_is_taken_from_the_list(w: World) -> None:
    ed = await started(w, OVERLAY)
    lost = new_photo_id()
    here = (await ed.photo("s-ok", images.jpeg())).json()["photo_id"]
    await ed.answer("s-ok", True, photos=[lost, here])
    assert [one["event"] for one in await w.events(ed)] == ["run.started"]
    step = (await ed.call("DELETE", f"/steps/s-ok/photos/{lost}")).json()["step"]
    assert (step["photos"], step["waiting_for"], step["done"]) == ([here], [], True)
    assert [one["event"] for one in await w.events(ed)] == ["run.started", "step.completed"]
    before = await w.run(ed)
    assert (await ed.call("DELETE", f"/steps/s-ok/photos/{lost}")).status_code == 200
    assert await w.run(ed) == before


async def test_a_repeated_answer_takes_the_photos_that_came_since(w: World) -> None:
    ed = await started(w, {**BOOLEAN, "photo": {"min": 0, "max": 2}})
    await ed.put("s-ok", {"value": True})
    w.clock.forward(seconds=1)
    photo = (await ed.photo("s-ok", images.jpeg())).json()["photo_id"]
    w.clock.forward(seconds=1)
    await ed.put("s-ok", {"value": True})
    await ed.put("s-ok", {"value": True})
    told = [[one["photo_id"] for one in event["data"]["photos"]] for event in (await w.events(ed))[1:]]
    assert told == [[], [photo]]


async def test_photo_ids_are_one_whatever_their_case(w: World) -> None:
    ed = await started(w, OVERLAY)
    photo_id = new_photo_id()
    await ed.photo("s-ok", images.jpeg(), "ph-" + photo_id[3:].upper())
    answered = await ed.answer("s-ok", True, photos=[photo_id])
    assert answered.json()["step"]["done"] is True


async def test_a_repeated_answer_says_nothing_new_once_its_photos_are_told(w: World) -> None:
    ed = await started(w, OVERLAY, {**BOOLEAN, "id": "s-other"})
    assert (await ed.put("s-ok", {"value": True})).json()["step"]["done"] is False
    w.clock.forward(seconds=1)
    await ed.photo("s-ok", images.jpeg())
    done, told = await w.run(ed), await w.events(ed)
    assert [one["event"] for one in told] == ["run.started", "step.completed"]
    again = await ed.put("s-ok", {"value": True})
    assert (again.status_code, again.json()["step"]["done"]) == (200, True)
    assert (await w.run(ed), await w.events(ed)) == (done, told)


async def test_a_repeated_answer_that_still_waits_for_photos_changes_nothing(w: World) -> None:
    ed = await started(w, PHOTO)
    await ed.put("s-pic", {"value": None})
    w.clock.forward(seconds=1)
    await ed.photo("s-pic", images.jpeg())
    before = await w.run(ed)
    assert (await ed.put("s-pic", {"value": None})).status_code == 200
    assert await w.run(ed) == before


async def test_a_closed_run_knows_the_photos_that_its_answer_took_unlisted(w: World) -> None:
    ed = await started(w, OVERLAY)
    await ed.put("s-ok", {"value": True})
    photo_id = (await ed.photo("s-ok", images.jpeg())).json()["photo_id"]
    await ed.complete()
    for body in ({"value": True, "photos": [photo_id]}, {"value": True}):
        assert (await ed.put("s-ok", body)).status_code == 200
    other = await ed.put("s-ok", {"value": True, "photos": [new_photo_id()]})
    assert (other.status_code, other.json()["code"]) == (410, "run_closed")
