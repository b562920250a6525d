"""Remarks: noted on any step beside its answer, repeated, changed, taken back, seen on the record and in its end."""

import json
import uuid
from typing import Any

import httpx2
import pytest

from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import assert_counted, fill, used
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import started
from tests.helpers.service import BOOLEAN, HOUR, WHY_NOT, Ed, Receiver, World, new_photo_id

PHOTO = {"id": "s-pic", "type": "photo", "label": "The kitchen", "config": {"min": 1, "max": 1}}


async def note(
    ed: Ed, step: str, text: str = "", *photos: str, remark_id: str | None = None, **more: Any
) -> httpx2.Response:
    """Note a remark; `remark_id` is made up unless it is given."""
    body = {"remark_id": remark_id or str(uuid.uuid4()), "text": text, "photos": list(photos), **more}
    return await ed.call("PUT", f"/steps/{step}/remark", json=body)


async def remark_photo(ed: Ed, step: str, photo_id: str, data: bytes | None = None) -> httpx2.Response:
    """Upload a photo of a remark."""
    return await ed.photo(step, data or images.jpeg(), photo_id, params={"remark": "1"})


async def texts(w: World, ed: Ed) -> dict[str, str]:
    """What is noted on the record, by step."""
    return {step_id: remark["text"] for step_id, remark in (await w.run(ed))["remarks"].items()}


async def test_a_remark_with_photos_stands_beside_the_answer(w: World, receiver: Receiver) -> None:
    ed = await started(w, BOOLEAN, PHOTO, webhook={"url": receiver.url})
    early, late = new_photo_id(), new_photo_id()
    assert (await remark_photo(ed, "s-ok", early)).status_code == 201, "a step that takes no photos has room for these"
    before = (await w.run(ed))["revision"]
    noted = await note(ed, "s-ok", "  Scratch on the left \n", early, late)
    assert noted.status_code == 200
    said = noted.json()["remark"]
    assert (said["step_id"], said["text"], said["photos"]) == ("s-ok", "Scratch on the left", [early, late])
    assert noted.json()["run"]["revision"] == before + 1
    assert noted.json()["run"]["progress"]["answered"] == 0
    await ed.answer("s-ok", True)
    answer_photo = new_photo_id()
    await ed.photo("s-pic", images.jpeg(), answer_photo)
    await ed.put("s-pic", {"value": None})
    (await remark_photo(ed, "s-pic", of_remark := new_photo_id())).raise_for_status()
    await note(ed, "s-pic", "", of_remark)

    missing = (await ed.complete()).json()["errors"]
    assert [(one["step_id"], one["code"]) for one in missing] == [("s-ok", "missing_photos")]
    assert "remark" in missing[0]["detail"]
    state = await ed.state()
    assert state["remarks"]["s-ok"]["photos"] == [early, late]
    assert [one["photo_id"] for one in state["remark_photos"]["s-ok"]] == [early]
    assert [one["photo_id"] for one in state["photos"]["s-pic"]] == [answer_photo], "an answer's are kept apart"
    assert state["answers"]["s-pic"]["photos"] == [answer_photo]
    assert (await remark_photo(ed, "s-ok", late)).status_code == 201
    assert (await ed.complete()).status_code == 200

    record = await w.run(ed)
    assert record["answers"]["s-ok"]["photos"] == []
    assert [one["photo_id"] for one in record["answers"]["s-pic"]["photos"]] == [answer_photo]
    remark = record["remarks"]["s-ok"]
    assert remark["by"] == record["assigned_to"]
    assert [(one["photo_id"], one["photo_index"]) for one in remark["photos"]] == [(early, 0), (late, 1)]
    assert (await w.browser().get(remark["photos"][1]["original"]["url"])).status_code == 200
    assert record["remarks"]["s-pic"]["text"] == ""
    await w.deliver()
    assert sorted(receiver.events()) == ["run.completed", "step.completed", "step.completed"]
    told_of = {one.json["event"]: one.json["data"] for one in receiver.received}  # they may arrive in any order
    told = told_of["run.completed"]["remarks"]
    for photo in remark["photos"]:
        del photo["original"]["url"]
    assert told["s-ok"] == remark
    assert "remarks" not in told_of["step.completed"]


async def test_a_repeat_changes_nothing_however_late(w: World) -> None:
    ed = await started(w, BOOLEAN)
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    await note(ed, "s-ok", "Wet", remark_id=first)
    await note(ed, "s-ok", "Dry", remark_id=second)
    revision = (await w.run(ed))["revision"]
    for repeated in (first, first.upper(), second):
        assert (await note(ed, "s-ok", "Wet", remark_id=repeated)).json()["remark"]["text"] == "Dry"
    same = str(uuid.uuid4())
    assert (await note(ed, "s-ok", "Dry", remark_id=same)).json()["remark"]["remark_id"] == second
    assert (await w.run(ed))["revision"] == revision
    await note(ed, "s-ok", "")
    assert (await texts(w, ed), (await ed.state())["remarks"]) == ({}, {})
    assert (await note(ed, "s-ok", "Dry", remark_id=same)).status_code == 200, "what said the same is old by now"
    assert await texts(w, ed) == {}

    await note(ed, "s-ok", "Mould")
    await ed.answer("s-ok", True)
    await ed.complete()
    assert (await note(ed, "s-ok", "Mould")).status_code == 200, "what is in force is answered as before"
    assert (await note(ed, "s-ok", "Dry", remark_id=second)).status_code == 200
    refused = await note(ed, "s-ok", "Rust")
    assert (refused.status_code, refused.json()["code"]) == (410, "run_closed")
    assert await texts(w, ed) == {"s-ok": "Mould"}


async def test_words_are_replaced_only_by_who_has_seen_them(w: World) -> None:
    ed = await started(w, BOOLEAN)
    first, second, third = (str(uuid.uuid4()) for _ in range(3))
    assert (await note(ed, "s-ok", "Wet", remark_id=first, replaces=None)).status_code == 200
    for unseen in (None, third):
        refused = await note(ed, "s-ok", "Dry", replaces=unseen)
        assert (refused.status_code, refused.json()["code"]) == (409, "answer_changed")
    assert await texts(w, ed) == {"s-ok": "Wet"}
    assert (await note(ed, "s-ok", "Wet", replaces=None)).status_code == 200, "the same words"
    assert (await note(ed, "s-ok", "Dry", remark_id=second, replaces=first.upper())).status_code == 200
    assert (await note(ed, "s-ok", "Mould", replaces=first)).json()["code"] == "answer_changed"
    assert (await note(ed, "s-ok", "Wet", remark_id=first, replaces=None)).status_code == 200, "a repeat"
    assert (await note(ed, "s-ok", "", replaces=second)).status_code == 200
    assert (await note(ed, "s-ok", "Rust", replaces=None)).status_code == 200, "what was taken back is not seen"
    assert (await note(ed, "s-ok", "Moss")).status_code == 200, "without it, the last one counts"
    assert await texts(w, ed) == {"s-ok": "Moss"}


async def test_an_empty_remark_first_of_all_is_none(w: World) -> None:
    ed = await started(w, BOOLEAN)
    empty = str(uuid.uuid4())
    revision = (await w.run(ed))["revision"]
    assert (await note(ed, "s-ok", " ", remark_id=empty)).json()["remark"] is None
    assert (await w.run(ed))["revision"] == revision
    await note(ed, "s-ok", "Rust")
    await note(ed, "s-ok", "", remark_id=empty)
    assert await texts(w, ed) == {"s-ok": "Rust"}


async def test_a_remark_on_a_hidden_step_waits_until_it_is_seen(w: World) -> None:
    ed = await started(w, BOOLEAN, WHY_NOT)
    awaited = new_photo_id()
    assert (await note(ed, "s-why", "The tap drips", awaited)).status_code == 200
    assert (await ed.state())["remarks"]["s-why"]["text"] == "The tap drips"
    assert (await w.run(ed))["remarks"] == {}
    await ed.answer("s-ok", False)
    assert await texts(w, ed) == {"s-why": "The tap drips"}
    await ed.answer("s-why", "Broken")
    assert (await ed.complete()).status_code == 409, "its photo is waited for while it is seen"
    await ed.answer("s-ok", True)
    assert (await ed.complete()).status_code == 200
    assert (await w.events(ed))[-1]["data"]["remarks"] == {}


async def test_photos_of_a_remark_are_counted_apart_and_can_be_deleted(w: World) -> None:
    ed = await started(w, PHOTO)
    answer_photo = new_photo_id()
    await ed.photo("s-pic", images.jpeg(), answer_photo)
    ids = [new_photo_id() for _ in range(10)]
    for photo_id in ids:
        assert (await remark_photo(ed, "s-pic", photo_id)).status_code == 201
    assert (await remark_photo(ed, "s-pic", ids[0])).status_code == 200, "these bytes were stored before"
    too_many = await remark_photo(ed, "s-pic", new_photo_id())
    assert (too_many.status_code, too_many.json()["code"]) == (422, "too_many_photos")
    for photo_id, params in ((answer_photo, {"remark": "1"}), (ids[0], {})):
        other = await ed.photo("s-pic", images.jpeg(), photo_id, params=params)
        assert (other.status_code, other.json()["code"]) == (409, "photo_conflict")
    await ed.put("s-pic", {"value": None})
    await note(ed, "s-pic", "", *ids)
    url = (await w.run(ed))["remarks"]["s-pic"]["photos"][0]["url"]
    for photo_id in ids[:9]:
        assert (await ed.call("DELETE", f"/steps/s-pic/photos/{photo_id}")).status_code == 200
    assert (await w.browser().get(url)).status_code == 404
    record = await w.run(ed)
    assert [one["photo_id"] for one in record["remarks"]["s-pic"]["photos"]] == ids[9:]
    assert [one["photo_id"] for one in record["answers"]["s-pic"]["photos"]] == [answer_photo]
    await ed.call("DELETE", f"/steps/s-pic/photos/{ids[9]}")
    assert (await w.run(ed))["remarks"] == {}, "nothing is left of it"
    await w.database.read(assert_counted)


async def test_who_may_note_and_when(w: World) -> None:
    template_id = await w.template(BOOLEAN, execution={"scope": "first_device"})
    ed = await w.dispatch(template_id)
    early = await note(ed, "s-ok", "Before the start")
    assert (early.status_code, early.json()["code"]) == (409, "not_started")
    await ed.start()
    other = await note(Ed(w, ed.run_id), "s-ok", "Another phone")
    assert (other.status_code, other.json()["code"]) == (403, "other_device")
    for step, status in (("s-ok", 200), ("s-none", 404)):
        assert (await note(ed, step, "Here")).status_code == status
    assert (await remark_photo(ed, "s-none", new_photo_id())).status_code == 404
    w.clock.forward(hours=200)
    assert (await note(ed, "s-ok", "Here")).status_code == 200
    late = await note(ed, "s-ok", "Too late")
    assert (late.status_code, late.json()["run_status"]) == (410, "expired")
    assert (await w.events(ed))[-1]["data"]["remarks"]["s-ok"]["text"] == "Here"

    silent = await w.dispatch(await w.template(BOOLEAN, settings={"allow_remarks": False}))
    await silent.start()
    for refused in (await note(silent, "s-ok", "No"), await remark_photo(silent, "s-ok", new_photo_id())):
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_allowed")


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"text": "x" * 2001}, "/text", "too_long"),
        ({"text": 7}, "/text", "wrong_type"),
        ({"text": "a\0b"}, "/text", "bad_format"),
        ({"remark_id": None}, "/remark_id", "wrong_type"),
        ({"remark_id": "1"}, "/remark_id", "bad_format"),
        ({"photos": ["ph-" + "0" * 8 + "-0000-4000-8000-000000000000"] * 2}, "/photos/1", "duplicate"),
        ({"photos": [f"ph-00000000-0000-4000-8000-{n:012}" for n in range(11)]}, "/photos", "too_long"),
        ({"value": True}, "/value", "unknown_field"),
    ],
)
async def test_what_is_refused_is_named(shared: World, changed: dict[str, Any], pointer: str, code: str) -> None:
    ed = await started(shared, BOOLEAN)
    body = {"remark_id": str(uuid.uuid4()), "text": "Wet", "photos": [], **changed}
    refused = await ed.call("PUT", "/steps/s-ok/remark", json=body)
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(pointer, code)]


async def test_remarks_are_bounded_and_counted(w: World) -> None:
    steps = [{"id": f"s-{n}", "type": "boolean", "label": "?", "required": False} for n in range(100)]
    ed = await started(w, *steps)
    before = await used(w)
    for n in range(200):
        assert (await note(ed, "s-0", f"Note {n}")).status_code == 200
    assert await used(w) > before
    full = await note(ed, "s-0", "One more")
    assert full.json()["errors"][0]["detail"].startswith("this step was remarked on 200 times")
    assert (await note(ed, "s-0", "Note 199")).status_code == 200
    responses = [await note(ed, f"s-{n}", "\x01" * 2000) for n in range(1, 100)]  # 6 bytes each as JSON
    refused = [response for response in responses if response.status_code != 200]
    assert {(response.status_code, response.json()["code"]) for response in refused} == {(413, "too_large")}
    assert (await note(ed, "s-99", "short")).status_code == 200, "a short one is always taken"
    assert len(json.dumps((await w.run(ed))["remarks"])) < 1_200_000
    await fill(w, 1.25)
    for response in (await note(ed, "s-98", "Full"), await remark_photo(ed, "s-98", new_photo_id())):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")

    def forget(tx: Tx) -> None:
        tx.db.execute("DELETE FROM remarks")
        assert_counted(tx)

    await w.database.write(forget)


async def test_a_clock_that_was_put_back_turns_no_remark_around(w: World) -> None:
    ed = await started(w, BOOLEAN)
    await note(ed, "s-ok", "Late")
    at = (await w.run(ed))["remarks"]["s-ok"]["at"]
    w.clock.now -= HOUR
    await ed.answer("s-ok", True)
    assert (await w.run(ed))["answers"]["s-ok"]["at"] == at
