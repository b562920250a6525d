"""A photo that was drawn on, and what it shows without the drawing: both are kept, one counts."""

import itertools
from typing import Any

import pytest

from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import count, started
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

ONE = {**BOOLEAN, "photo": {"min": 1, "max": 1, "annotate": True}, "geo": True}
UNDRAWN, DRAWN = images.jpeg(), images.jpeg(320, 240)
TAKEN = {"source": "gallery", "taken_at": "2008-10-22T14:28:39Z", "taken_at_from": "exif", "lat": 43.5, "lng": 11.5}


async def put(ed: Ed, photo_id: str, data: bytes, **said: Any) -> Any:
    return await ed.call("PUT", f"/steps/s-ok/photos/{photo_id}", content=data, params=said)


async def photos_of(w: World, ed: Ed) -> Any:
    return (await w.run(ed))["answers"]["s-ok"]["photos"]


@pytest.mark.parametrize("order", list(itertools.permutations(["undrawn", "drawn", "answer"])), ids="-".join)
async def test_both_stand_on_the_record_whichever_comes_first(w: World, order: list[str]) -> None:
    ed = await started(w, ONE)
    first, second = new_photo_id(), new_photo_id()
    for what in order:
        if what == "undrawn":
            response = await put(ed, first, UNDRAWN, **TAKEN)
        elif what == "drawn":
            response = await put(ed, second, DRAWN, **TAKEN, annotated_from=first)
        else:
            response = await ed.answer("s-ok", True, photos=[second])
        assert response.status_code in (200, 201), response.text
    run = await w.run(ed)
    assert run["progress"]["answered"] == 1
    (photo,) = run["answers"]["s-ok"]["photos"]
    undrawn = photo["undrawn"]
    assert (photo["photo_id"], photo["annotated_from"]) == (second, first)
    assert (undrawn["photo_id"], undrawn["annotated_from"]) == (first, None)
    about = ("source", "taken_at", "taken_at_from", "geo")
    assert [photo[name] for name in about] == [undrawn[name] for name in about]
    assert photo["taken_at"] == "2008-10-22T14:28:39Z"
    assert "undrawn" not in undrawn
    for one, data in ((photo, DRAWN), (undrawn, UNDRAWN)):
        assert (await w.browser().get(one["original"]["url"])).content == data


async def test_the_drawn_one_has_the_time_and_place_of_what_it_shows(w: World) -> None:
    ed = await started(w, ONE)
    first, second = new_photo_id(), new_photo_id()
    await put(ed, first, UNDRAWN, **TAKEN)
    await put(ed, second, DRAWN, source="camera", taken_at="2026-01-01T00:00:00Z", annotated_from=first)
    await ed.answer("s-ok", True)
    (photo,) = await photos_of(w, ed)
    assert (photo["source"], photo["taken_at_from"]) == ("gallery", "exif")
    assert photo["geo"] == {"lat": 43.5, "lng": 11.5, "accuracy": None}


async def test_only_the_drawn_one_counts(w: World) -> None:
    ed = await started(w, ONE)
    first, second = new_photo_id(), new_photo_id()
    await ed.answer("s-ok", True)
    assert (await put(ed, first, UNDRAWN)).status_code == 201
    assert (await put(ed, new_photo_id(), DRAWN)).json()["code"] == "too_many_photos"
    assert (await put(ed, second, DRAWN, annotated_from=first)).status_code == 201
    assert [photo["photo_id"] for photo in await photos_of(w, ed)] == [second]
    state = (await ed.call("GET", "/state")).json()
    receipts = {receipt["photo_id"]: receipt["annotated_from"] for receipt in state["photos"]["s-ok"]}
    assert receipts == {first: None, second: first}
    assert state["answers"]["s-ok"]["photos"] == [second]
    # A photo that is not there is nothing to stand aside.
    assert (await put(ed, new_photo_id(), images.png(), annotated_from=new_photo_id())).json()[
        "code"
    ] == "too_many_photos"
    # Nor is there an end to a chain of drawings but this one.
    assert (await put(ed, new_photo_id(), images.png(), annotated_from=second)).json()["code"] == "too_many_photos"
    assert await count(w, "photos") == 2


async def test_without_the_drawing_what_it_shows_counts_again(w: World) -> None:
    ed = await started(w, ONE)
    first, second = new_photo_id(), new_photo_id()
    await ed.answer("s-ok", True)
    await put(ed, first, UNDRAWN)
    await put(ed, second, DRAWN, annotated_from=first)
    assert (await ed.call("DELETE", f"/steps/s-ok/photos/{second}")).status_code == 200
    (photo,) = await photos_of(w, ed)
    assert (photo["photo_id"], photo["undrawn"]) == (first, None)
    await ed.call("DELETE", f"/steps/s-ok/photos/{first}")
    assert await count(w, "photos") == 0


async def test_a_drawing_can_be_made_anew_on_the_same_photo(w: World) -> None:
    ed = await started(w, {**ONE, "photo": {"min": 1, "max": 2}})
    first, second, third = new_photo_id(), new_photo_id(), new_photo_id()
    await put(ed, first, UNDRAWN)
    for photo_id, data in ((second, DRAWN), (third, images.png())):
        assert (await put(ed, photo_id, data, annotated_from=first)).status_code == 201
    await ed.call("DELETE", f"/steps/s-ok/photos/{second}")
    await ed.answer("s-ok", True)
    (photo,) = await photos_of(w, ed)
    assert (photo["photo_id"], photo["undrawn"]["photo_id"]) == (third, first)


async def test_the_closing_event_tells_of_both_without_the_originals_addresses(w: World) -> None:
    ed = await started(w, ONE)
    first, second = new_photo_id(), new_photo_id()
    await put(ed, first, UNDRAWN)
    await put(ed, second, DRAWN, annotated_from=first)
    await ed.answer("s-ok", True)
    await ed.complete()
    events = (await w.acme.get(f"/v1/runs/{ed.run_id}/events")).json()["data"]
    (photo,) = events[-1]["data"]["answers"]["s-ok"]["photos"]
    assert photo["annotated_from"] == photo["undrawn"]["photo_id"] == first
    assert set(photo["undrawn"]["original"]) == {"content_type", "bytes", "sha256"}


@pytest.mark.parametrize("named", ["itself", "ph-1", ""])
async def test_what_names_no_other_photo_is_refused(w: World, named: str) -> None:
    ed = await started(w, ONE)
    photo_id = new_photo_id()
    refused = await put(
        ed, photo_id, DRAWN, annotated_from=photo_id.upper().replace("PH-", "ph-") if named == "itself" else named
    )
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/annotated_from"]


@pytest.mark.parametrize("length", [2, 3])
async def test_photos_that_were_drawn_on_each_other_in_a_circle_are_refused(w: World, length: int) -> None:
    ed = await started(w, {**ONE, "photo": {"min": 1, "max": 5}})
    ids = [new_photo_id() for _ in range(length)]
    for photo_id, below in itertools.pairwise(ids):
        assert (await put(ed, photo_id, DRAWN, annotated_from=below)).status_code == 201
    refused = await put(ed, ids[-1], UNDRAWN, annotated_from=ids[0])
    assert refused.status_code == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/annotated_from", "not_allowed")
    ]
    assert await count(w, "photos") == length - 1
    assert (await put(ed, ids[-1], UNDRAWN)).status_code == 201
    await ed.answer("s-ok", True)
    assert [photo["photo_id"] for photo in await photos_of(w, ed)] == ids[:1]


async def test_a_circle_from_before_these_were_refused_is_no_end(w: World) -> None:
    def close_circle(tx: Tx) -> None:
        tx.db.execute("UPDATE photos SET annotated_from = ? WHERE photo_id = ?", (second, first))

    ed = await started(w, {**ONE, "photo": {"min": 1, "max": 5}})
    first, second, third = new_photo_id(), new_photo_id(), new_photo_id()
    await put(ed, first, UNDRAWN)
    await put(ed, second, DRAWN, annotated_from=first)
    await w.database.write(close_circle)
    assert (await put(ed, third, images.png(), annotated_from=first)).status_code == 201
