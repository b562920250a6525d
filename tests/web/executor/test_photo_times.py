"""When and where a photo was taken: what the phone says, what the original says, and what cannot be."""

from typing import Any

import pytest

from tests.helpers.pictures import exif_pictures, images
from tests.helpers.pictures.exif_pictures import AREZZO, exif_block
from tests.helpers.pictures.photos import OVERLAY, digest, started
from tests.helpers.service import Ed, World, new_photo_id

PLACED = {**OVERLAY, "geo": True}
OF_2008 = exif_pictures.jpeg_of(exif_block("2008:10:22 16:28:39", "+02:00", exif_pictures.position(*AREZZO)))
LOCAL = exif_pictures.jpeg_of(exif_block("2008:10:22 16:28:39"))


async def uploaded(w: World, ed: Ed, data: bytes, **said: Any) -> Any:
    path = f"/steps/s-ok/photos/{new_photo_id()}"
    response = await ed.call("PUT", path, content=data, headers=digest(data), params=said)
    assert response.status_code == 201, response.text
    await ed.answer("s-ok", True)
    return (await w.run(ed))["answers"]["s-ok"]["photos"][-1]


async def test_an_original_from_the_gallery_says_it_itself(w: World) -> None:
    photo = await uploaded(w, await started(w, PLACED), OF_2008, source="gallery")
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2008-10-22T14:28:39Z", "exif")
    assert photo["geo"] == {"lat": pytest.approx(AREZZO[0]), "lng": pytest.approx(AREZZO[1]), "accuracy": None}


async def test_its_place_is_kept_only_where_the_step_wants_one(w: World) -> None:
    photo = await uploaded(w, await started(w, OVERLAY), OF_2008, source="gallery")
    assert (photo["taken_at_from"], photo["geo"]) == ("exif", None)


async def test_local_time_is_none_without_a_phone_to_say_its_zone(w: World) -> None:
    ed = await started(w, PLACED)
    photo = await uploaded(w, ed, LOCAL, source="gallery")
    assert (photo["taken_at"], photo["taken_at_from"], photo["geo"]) == (None, None, None)
    said = {"source": "gallery", "taken_at": "2008-10-22T14:28:39Z", "taken_at_from": "exif_local"}
    photo = await uploaded(w, ed, LOCAL, **said)
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2008-10-22T14:28:39Z", "exif_local")


async def test_what_the_phone_says_goes_before_the_file(w: World) -> None:
    said = {"source": "camera", "taken_at": "2026-01-01T00:00:00Z", "taken_at_from": "camera", "lat": 1.5, "lng": 2.5}
    photo = await uploaded(w, await started(w, PLACED), OF_2008, **said)
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2026-01-01T00:00:00Z", "camera")
    assert photo["geo"] == {"lat": 1.5, "lng": 2.5, "accuracy": None}


@pytest.mark.parametrize("source", ["camera", "exif", "exif_local"])
@pytest.mark.parametrize("at", ["2026-01-01T00:05:01Z", "1989-12-31T23:59:59Z"])
async def test_a_time_that_cannot_be_is_none(w: World, source: str, at: str) -> None:
    photo = await uploaded(w, await started(w, OVERLAY), images.jpeg(), taken_at=at, taken_at_from=source)
    assert (photo["taken_at"], photo["taken_at_from"]) == (None, None)


@pytest.mark.parametrize("at", ["2026-01-01T00:05:00Z", "1990-01-01T00:00:00Z"])
async def test_clocks_may_differ_by_five_minutes(w: World, at: str) -> None:
    photo = await uploaded(w, await started(w, OVERLAY), images.jpeg(), taken_at=at, taken_at_from="camera")
    assert (photo["taken_at"], photo["taken_at_from"]) == (at, "camera")


async def test_an_original_of_the_future_has_no_time(w: World) -> None:
    data = exif_pictures.jpeg_of(exif_block("2031:01:01 00:00:00", "+00:00"))
    photo = await uploaded(w, await started(w, OVERLAY), data)
    assert (photo["taken_at"], photo["taken_at_from"]) == (None, None)


@pytest.mark.parametrize(("source", "known"), [("camera", "camera"), ("gallery", None)])
async def test_clients_of_before_go_on_as_they_did(w: World, source: str, known: str | None) -> None:
    said = {"source": source, "taken_at": "2031-01-01T00:00:00Z"}
    photo = await uploaded(w, await started(w, OVERLAY), OF_2008, **said)
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2031-01-01T00:00:00Z", known)


async def test_words_it_does_not_know_are_refused(w: World) -> None:
    ed = await started(w, OVERLAY)
    path = f"/steps/s-ok/photos/{new_photo_id()}?taken_at_from=file"
    refused = await ed.call("PUT", path, content=images.jpeg())
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/taken_at_from"]
