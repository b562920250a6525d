"""Pictures that templates show: uploaded, named by templates, seen once the run is started, deleted when unused."""

import base64
import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from rundun.scheduler import clear_up
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import fill, used
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World
from tests.helpers.templates import step

WEEK = 7 * 24  # hours


def id_of(data: bytes) -> str:
    return f"pic-{hashlib.sha256(data).hexdigest()}"


async def upload(w: World, data: bytes) -> Any:
    """What Acme is answered when it uploads a picture."""
    response = await w.acme.post("/v1/pictures", content=data)
    assert response.status_code in (200, 201), response.text
    return response.json()


def rows(tx: Tx) -> tuple[int, int, int]:
    return (
        tx.number("SELECT count(*) FROM pictures WHERE expires_at IS NOT NULL"),
        tx.number("SELECT count(*) FROM files"),
        tx.number("SELECT count(*) FROM chunks"),
    )


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (images.jpeg(), (640, 480)),
        (images.sideways_jpeg(2600, 1950), (1280, 960)),
        (images.png(), (300, 120)),
        (images.heic(96, 128), (96, 128)),
        (images.encoded(images.quadrants(1600, 400), "WEBP"), (1280, 320)),
    ],
    ids=["jpeg", "large and turned", "png", "heic", "webp"],
)
async def test_a_picture_is_shown_as_a_jpeg_of_at_most_1280_px(w: World, data: bytes, size: tuple[int, int]) -> None:
    response = await w.acme.post("/v1/pictures", content=data, headers={"content-type": "image/whatever"})
    stored = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/pictures/{id_of(data)}"
    assert (stored["picture_id"], stored["width"], stored["height"]) == (id_of(data), *size)
    assert stored["expires_at"] == "2026-01-08T00:00:00Z"
    for name, longest in (("url", 1280), ("thumbnail_url", 320)):
        shown = await w.browser().get(stored[name])
        image = Image.open(io.BytesIO(shown.content))
        assert (shown.headers["content-type"], image.format, max(image.size) <= longest) == ("image/jpeg", "JPEG", True)
        assert not image.getexif()
    assert stored["bytes"] == len((await w.browser().get(stored["url"])).content)
    again = await w.acme.post("/v1/pictures", content=data, headers={"idempotency-key": "k"})
    assert (again.status_code, again.json()) == (200, stored)
    assert (await w.acme.get(f"/v1/pictures/{id_of(data)}")).json() == stored
    await used(w)


async def test_what_is_no_picture_is_refused_as_a_photo_is(shared: World) -> None:
    cut, whole = images.jpeg()[:-500], images.jpeg()
    digest = base64.b64encode(hashlib.sha256(b"else").digest()).decode()
    for content, headers, status, code in (
        (b"%PDF-1.7", {}, 422, "unreadable_image"),
        (cut, {}, 422, "unreadable_image"),
        (b"", {}, 422, "digest_mismatch"),
        (whole, {"content-digest": f"sha-256=:{digest}:"}, 422, "digest_mismatch"),
        (bytes(16 * 1024 * 1024), {}, 413, "too_large"),
    ):
        refused = await shared.acme.post("/v1/pictures", content=content, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code), code
    assert (await shared.acme.get(f"/v1/pictures/{id_of(cut)}")).status_code == 404


async def test_a_picture_is_known_to_its_organization_only(w: World) -> None:
    data = images.jpeg()
    mine = await upload(w, data)
    picture_id = mine["picture_id"]
    assert (await w.globex.get(f"/v1/pictures/{picture_id}")).status_code == 404
    draft = {"name": "Check", "steps": [{**BOOLEAN, "pictures": [picture_id]}]}
    refused = await w.globex.post("/v1/templates", json=draft)
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/steps/0/pictures/0", "unknown_reference")
    ]
    theirs = await w.globex.post("/v1/pictures", content=data)
    assert theirs.status_code == 201
    assert theirs.json()["picture_id"] == picture_id
    assert theirs.json()["url"] != mine["url"]
    assert (await w.globex.post("/v1/templates", json=draft)).status_code == 201


async def test_all_that_is_wrong_with_pictures_is_said_at_once(w: World) -> None:
    one, no = (await upload(w, images.jpeg()))["picture_id"], f"pic-{'0' * 64}"
    draft = {
        "name": "",
        "sections": [
            {"title": "A", "steps": [step("text", id="s-a", pictures=[one, no])]},
            {
                "title": "B",
                "steps": [
                    step("text", id="s-b", pictures=[one, one]),
                    step("text", id="s-c", pictures=["pic-1", one.upper()]),
                    step("text", id="s-d", pictures=[one, no, "pic-", "pic-", "pic-"]),
                ],
            },
        ],
    }
    refused = await w.acme.post("/v1/templates", json=draft)
    assert {(error["pointer"], error["code"]) for error in refused.json()["errors"]} == {
        ("/name", "too_short"),
        ("/sections/0/steps/0/pictures/1", "unknown_reference"),
        ("/sections/1/steps/0/pictures/1", "duplicate"),
        ("/sections/1/steps/1/pictures/0", "bad_format"),
        ("/sections/1/steps/1/pictures/1", "bad_format"),
        ("/sections/1/steps/2/pictures", "too_long"),
        ("/sections/1/steps/2/pictures/1", "unknown_reference"),
    }


async def test_a_version_keeps_its_pictures_and_can_be_put_back_as_it_is(w: World) -> None:
    kept, unused = await upload(w, images.jpeg()), await upload(w, images.png())
    path = f"/v1/templates/{await w.template({**BOOLEAN, 'pictures': [kept['picture_id']]})}"
    assert (await w.acme.put(path, json={"name": "Check", "steps": [BOOLEAN]})).json()["v"] == 2
    w.clock.forward(hours=WEEK - 1)
    assert (await upload(w, images.png()))["expires_at"] == "2026-01-14T23:00:00Z", "put off"
    assert (await upload(w, images.jpeg()))["expires_at"] is None
    w.clock.forward(hours=2)
    before = await w.database.read(rows)
    await clear_up(w.database)
    assert await w.database.read(rows) == before, "nothing was due"
    w.clock.forward(hours=WEEK)
    await clear_up(w.database)
    assert await w.database.read(rows) == (0, before[1] - 2, before[2] - 2)
    await used(w)
    assert (await w.browser().get(kept["thumbnail_url"])).status_code == 200
    for name in ("url", "thumbnail_url"):
        assert (await w.browser().get(unused[name])).status_code == 404
    assert (await w.acme.get(f"/v1/pictures/{unused['picture_id']}")).status_code == 404
    gone = {"name": "Check", "steps": [{**BOOLEAN, "pictures": [unused["picture_id"]]}]}
    assert (await w.acme.put(path, json=gone)).json()["errors"][0]["code"] == "unknown_reference"
    first = (await w.acme.get(f"{path}?v=1")).json()
    back = await w.acme.put(path, json={key: first[key] for key in ("name", "steps")})
    assert (back.status_code, back.json()["v"]) == (200, 3)


async def test_a_full_organization_uploads_nothing_new(w: World) -> None:
    await upload(w, images.jpeg())
    await fill(w, 1.0)
    refused = await w.acme.post("/v1/pictures", content=images.png())
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    assert (await w.acme.post("/v1/pictures", content=images.jpeg())).status_code == 200, "that is nothing new"
    await used(w)


async def test_nothing_of_a_picture_is_told_before_start(w: World) -> None:
    one, two = (await upload(w, images.jpeg()))["picture_id"], (await upload(w, images.png()))["picture_id"]
    sections = [{"id": "g-a", "title": "A", "steps": [{**BOOLEAN, "pictures": [two, one]}, step("text", id="s-x")]}]
    made = (await w.acme.post("/v1/templates", json={"name": "Check", "sections": sections})).json()
    ed = await w.dispatch(made["id"])
    page = await ed.call("GET", "", headers={"accept": "text/html"})
    for told in (page.text, (await ed.call("GET", "/state")).text):
        assert "pic-" not in told
        assert "/media/" not in told
        assert "pictures" not in told
    started = (await ed.start()).json()
    assert started["step_pictures"] == {"s-ok": [two, one]}
    assert list(started["pictures"]) == [two, one]
    shown = started["pictures"][one]
    assert (shown["width"], shown["height"]) == (640, 480)
    for name in ("url", "thumbnail_url"):
        assert shown[name].startswith("/media/")
        assert (await ed.client.get(shown[name])).headers["content-type"] == "image/jpeg"
    state = await ed.state()
    assert {name: state[name] for name in ("pictures", "step_pictures")} == {
        name: started[name] for name in ("pictures", "step_pictures")
    }
    assert state["template"]["sections"] == sections
    assert (await ed.start()).json()["pictures"] == started["pictures"], "started again, as after a lost reply"
    assert (await w.run(ed))["template"]["sections"] == sections
