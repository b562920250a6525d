"""Photos and signatures: safe on the server or clearly refused, byte for byte."""

import asyncio
import hashlib
import io
import threading
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from rundun.imaging import derivatives
from rundun.store import files
from rundun.store.worker import MAX_BATCH
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OF_RUNS, OVERLAY, count, digest, started
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (images.jpeg(), "image/jpeg"),
        (images.sideways_jpeg(), "image/jpeg"),
        (images.heic(), "image/heic"),
        (images.png(), "image/png"),
        (images.encoded(images.quadrants(), "WEBP"), "image/webp"),
    ],
    ids=["jpeg", "orientation 6", "heic", "png", "webp"],
)
async def test_an_original_is_kept_and_shown_upright(w: World, data: bytes, kind: str) -> None:
    ed = await started(w, OVERLAY)
    photo_id = new_photo_id()
    query = "?source=camera&taken_at=2026-01-01T00:00:00Z&lat=52.5&lng=13.4&accuracy=12"
    response = await ed.call("PUT", f"/steps/s-ok/photos/{photo_id}{query}", content=data, headers=digest(data))
    assert response.status_code == 201, response.text
    receipt = response.json()
    assert receipt["bytes"] == len(data)
    assert receipt["sha256"] == hashlib.sha256(data).hexdigest()
    assert receipt["photo_id"] == photo_id
    await ed.answer("s-ok", True)
    photo = (await w.run(ed))["answers"]["s-ok"]["photos"][0]
    assert photo["original"]["content_type"] == kind
    assert photo["source"] == "camera"
    assert photo["geo"] == {"lat": 52.5, "lng": 13.4, "accuracy": 12}
    stranger = w.browser()
    original = await stranger.get(photo["original"]["url"])
    assert original.content == data
    assert original.headers["content-type"] == kind
    shown = await stranger.get(photo["url"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert images.corners(shown.content) == images.UPRIGHT
    assert dict(Image.open(io.BytesIO(shown.content)).getexif()) == {}
    assert Image.open(io.BytesIO(shown.content)).size == (photo["width"], photo["height"])
    thumbnail = await stranger.get(photo["thumbnail_url"])
    assert max(Image.open(io.BytesIO(thumbnail.content)).size) == 320 or kind == "image/png"
    assert images.corners(thumbnail.content) == images.UPRIGHT


async def test_the_same_photo_again_has_the_same_receipt(w: World) -> None:
    ed = await started(w, OVERLAY)
    data, photo_id = images.jpeg(), new_photo_id()
    first = await ed.photo("s-ok", data, photo_id)
    w.clock.forward(hours=1)
    again = await ed.photo("s-ok", data, photo_id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await ed.photo("s-ok", images.jpeg(320, 240), photo_id)
    assert (other.status_code, other.json()["code"]) == (409, "photo_conflict")
    assert await count(w, "photos") == 1


async def test_twice_at_once_is_one_photo(w: World) -> None:
    ed = await started(w, OVERLAY)
    data, photo_id = images.jpeg(), new_photo_id()
    answers = await asyncio.gather(*(ed.photo("s-ok", data, photo_id) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
    assert len({one.text for one in answers}) == 1
    files = await count(w, "files")
    assert (await count(w, "photos"), files) == (1, await count(w, "chunks"))
    assert files <= 3


async def test_a_photo_too_large_for_one_commit_is_written_in_pieces(w: World) -> None:
    ed = await started(w, OVERLAY)
    data, photo_id = images.noise(2400, 98), new_photo_id()
    assert len(data) > MAX_BATCH
    first = await ed.photo("s-ok", data, photo_id)
    assert first.status_code == 201, first.text
    assert (await w.browser().get(first.json()["url"])).status_code == 200
    again = await ed.photo("s-ok", data, photo_id)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await count(w, "files") == 3, "the derived photo is not the original"
    other = await ed.photo("s-ok", images.noise(1600, 60), photo_id)
    assert (other.status_code, other.json()["code"]) == (409, "photo_conflict")
    kept = await w.database.read(
        lambda tx: [row[0] for row in tx.db.execute(f"SELECT bytes FROM chunks {OF_RUNS['chunks']} ORDER BY rowid")]
    )
    assert b"".join(kept[: -(-len(data) // 2**20)]) == data


async def test_fifty_phones_of_one_organization_wait_their_turn(w: World) -> None:
    template = await w.template(OVERLAY)
    eds = [await w.dispatch(template) for _ in range(50)]
    for ed in eds:
        await ed.start()
    data = images.noise(830, 75)
    assert 300_000 < len(data) < 500_000
    answers = await asyncio.gather(*(ed.photo("s-ok", data, headers=digest(data)) for ed in eds))
    assert [one.status_code for one in answers] == [201] * 50
    assert await count(w, "photos") == 50


async def test_organizations_take_turns_with_their_photos(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template, body = await w.template(OVERLAY), {"name": "Theirs", "steps": [OVERLAY]}
    theirs = (await w.globex.post("/v1/templates", json=body)).json()["id"]
    run = (await w.globex.post("/v1/runs", json={"template_id": theirs})).json()["run_id"]
    eds = [*[await w.dispatch(template) for _ in range(20)], Ed(w, run)]
    for ed in eds:
        await ed.start()
    gate, derive, pool = threading.Event(), derivatives.derive, w.service.imaging.photos  # type: ignore[attr-defined]

    begun: list[bytes] = []

    def when_let(data: bytes, **more: Any) -> Any:
        begun.append(data)
        assert gate.wait(60)
        return derive(data, **more)

    monkeypatch.setattr(derivatives, "derive", when_let)
    photos = [images.jpeg(64 + number, 64) for number in range(len(eds))]
    tasks = []
    for number, (ed, data) in enumerate(zip(eds, photos, strict=True), 1):
        tasks.append(asyncio.create_task(ed.photo("s-ok", data)))
        async with asyncio.timeout(60):
            while pool.count_taken() < number:
                await asyncio.sleep(0)
    gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*tasks)] == [201] * len(eds)
    assert begun.index(photos[-1]) < 5, "the last to come, and the first of its organization"


async def test_large_pictures_of_one_organization_keep_no_small_one_waiting(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit's attack: 49 megapixels of nothing, 143 KB each, had all threads for seconds."""
    gate, derive, large = threading.Event(), derivatives.derive, w.service.imaging.large  # type: ignore[attr-defined]
    begun: list[bytes] = []

    def when_let(data: bytes, *, small_only: bool, **more: Any) -> Any:
        if not small_only:
            begun.append(data)
            assert gate.wait(PATIENCE)
        return derive(data, small_only=small_only, **more)

    monkeypatch.setattr(derivatives, "derive", when_let)
    monkeypatch.setattr(derivatives, "SMALL_PIXELS", 64 * 64)
    eves, body = [await started(w, OVERLAY) for _ in range(3)], {"name": "Theirs", "steps": [OVERLAY]}
    theirs = (await w.globex.post("/v1/templates", json=body)).json()["id"]
    ed = Ed(w, (await w.globex.post("/v1/runs", json={"template_id": theirs})).json()["run_id"])
    await ed.start()
    bombs = [asyncio.create_task(eve.photo("s-ok", images.jpeg(80 + n, 80))) for n, eve in enumerate(eves * 2)]
    async with asyncio.timeout(PATIENCE):
        while large.count_taken() < len(bombs) or not begun:
            await asyncio.sleep(0)
        assert (await ed.photo("s-ok", images.jpeg(64, 64))).status_code == 201
    assert len(begun) == 1, "one large picture at a time"
    own = asyncio.create_task(ed.photo("s-ok", images.jpeg(70, 70)))
    async with asyncio.timeout(PATIENCE):
        while large.count_taken() <= len(bombs):
            await asyncio.sleep(0)
    gate.set()
    assert (await own).status_code == 201
    assert [answer.status_code for answer in await asyncio.gather(*bombs)] == [201] * len(bombs)
    assert begun.index(images.jpeg(70, 70)) < 3, "large ones take turns, too"


async def test_what_belongs_to_a_photo_is_never_dropped_with_an_upload(w: World) -> None:
    ed = await started(w, OVERLAY)
    await ed.photo("s-ok", images.heic())
    numbers = await w.database.read(
        lambda tx: {row["number"] for row in tx.db.execute("SELECT number FROM files").fetchall()}
    )
    await w.database.write(files.remove_unfinished, numbers)
    assert (await count(w, "files"), await count(w, "chunks")) == (3, 3)


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"", {}, 422, "digest_mismatch"),
        (b"hello, I am a picture", {}, 422, "unreadable_image"),
        (b"GIF89a" + b"\0" * 100, {}, 422, "unreadable_image"),
        (images.jpeg()[:2000], {}, 422, "unreadable_image"),
        (images.jpeg()[:-2], {}, 422, "unreadable_image"),
        (images.png()[:300], {}, 422, "unreadable_image"),
        (images.jpeg()[:2000], digest(images.jpeg()), 422, "digest_mismatch"),
        (images.jpeg(), {"content-digest": "sha-256=:AAAA:"}, 422, "digest_mismatch"),
        (images.jpeg(), {"content-digest": "md5=:AAAA:"}, 422, "digest_mismatch"),
        (b"\0" * (15 * 1024 * 1024 + 1), {}, 413, "too_large"),
    ],
    ids=["empty", "text", "gif", "cut jpeg", "no end", "cut png", "altered", "bad digest", "md5", "too large"],
)
async def test_what_is_no_whole_picture_is_refused_and_never_stored(
    w: World, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    ed = await started(w, OVERLAY)
    response = await ed.photo("s-ok", data, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (await count(w, "photos"), await count(w, "files"), await count(w, "chunks")) == (0, 0, 0)


async def test_a_bomb_is_refused_before_it_is_decoded(w: World) -> None:
    ed = await started(w, OVERLAY)
    bomb = images.encoded(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(bomb) < 100_000
    response = await ed.photo("s-ok", bomb)
    assert (response.status_code, response.json()["code"]) == (422, "unreadable_image")


async def test_a_body_without_length_or_digest_is_refused(w: World) -> None:
    ed = await started(w, OVERLAY)

    async def pieces() -> Any:
        yield images.jpeg()

    response = await ed.photo("s-ok", pieces())  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (422, "digest_mismatch")
    response = await ed.photo("s-ok", pieces(), headers=digest(images.jpeg()))  # type: ignore[arg-type]
    assert response.status_code == 201


async def test_where_photos_do_not_belong(w: World) -> None:
    ed = await started(w, BOOLEAN)
    assert (await ed.photo("s-ok", images.jpeg())).status_code == 422
    assert (await ed.photo("s-none", images.jpeg())).status_code == 404
    bad = await ed.photo("s-ok", images.jpeg(), "ph-1")
    assert bad.json()["errors"][0]["pointer"] == "/photo_id"


async def test_a_photo_needs_a_started_open_run_but_a_lost_receipt_comes_again(w: World) -> None:
    ed = await w.dispatch(await w.template(OVERLAY))
    data, photo_id = images.jpeg(), new_photo_id()
    assert (await ed.photo("s-ok", data, photo_id)).json()["code"] == "not_started"
    await ed.start()
    first = await ed.photo("s-ok", data, photo_id)
    await ed.answer("s-ok", True)
    await ed.complete()
    again = await ed.photo("s-ok", data, photo_id)
    assert (again.status_code, again.json()) == (200, first.json())
    new = await ed.photo("s-ok", data)
    assert (new.status_code, new.json()["run_status"]) == (410, "completed")
    assert await count(w, "photos") == 1


async def test_media_addresses_are_signed_and_tell_nothing(w: World) -> None:
    ed = await started(w, OVERLAY)
    data = images.jpeg(2000, 1500)
    await ed.photo("s-ok", data)
    await ed.answer("s-ok", True)
    url = (await w.run(ed))["answers"]["s-ok"]["photos"][0]["url"]
    assert url.endswith(".jpg")
    assert ed.run_id not in url
    assert "s-ok" not in url
    assert (await w.run(ed))["answers"]["s-ok"]["photos"][0]["url"] == url, "stable"
    stranger = w.browser()
    token = url.rsplit("/", 1)[1]
    for forged in (token.replace(token[0], str(int(token[0]) + 1), 1), "1.jpg", token[:-5] + ".jpg", "x"):
        assert (await stranger.get(f"/media/{forged}")).status_code == 404
    whole = await stranger.get(url)
    assert whole.headers["cache-control"] == "private, max-age=3600"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-security-policy"] == "sandbox; default-src 'none'"
    for known in (whole.headers["etag"], f'"x", W/{whole.headers["etag"]}', "*"):
        assert (await stranger.get(url, headers={"if-none-match": known})).status_code == 304
    assert (await stranger.head(url)).headers["content-length"] == str(len(whole.content))


async def test_ranges(w: World) -> None:
    ed = await started(w, OVERLAY)
    data = images.encoded(Image.effect_noise((1700, 1700), 100).convert("RGB"), quality=95)
    assert len(data) > 1024 * 1024, "more than one chunk"
    receipt = (await ed.photo("s-ok", data)).json()
    for asked, status, expected in (
        ("bytes=0-9", 206, data[:10]),
        ("bytes=10-", 206, data[10:]),
        ("bytes=-7", 206, data[-7:]),
        ("bytes=0-999999999", 206, data),
        ("bytes=5-2", 200, data),
        ("bytes=0-1,4-5", 200, data),
        ("bytes=99999999-", 416, None),
        ("bytes=-0", 416, None),
        ("lines=1-2", 200, data),
    ):
        response = await w.browser().get(receipt["url"], headers={"range": asked})
        assert response.status_code == status, asked
        if expected is None:
            assert response.headers["content-range"] == f"bytes */{len(data)}"
        else:
            assert response.content == expected, asked


async def test_a_barcode_in_a_picture_is_read(w: World) -> None:

    ed = await started(w, {"id": "s-code", "type": "barcode", "label": "Scan"})
    barcode = zxingcpp.create_barcode("RUNDUN-42", zxingcpp.BarcodeFormat.Code128)
    image = Image.fromarray(zxingcpp.write_barcode_to_image(barcode, scale=4))
    response = await ed.call("POST", "/decode", content=images.encoded(image.convert("RGB"), "PNG"))
    assert (response.status_code, response.json()) == (200, {"text": "RUNDUN-42", "format": "code_128"})
    nothing = await ed.call("POST", "/decode", content=images.jpeg())
    assert (nothing.status_code, nothing.json()["code"]) == (422, "unreadable_image")


async def test_a_photo_that_finds_the_run_overdue_expires_it(w: World) -> None:
    ed = await started(w, OVERLAY, expires_in_hours=1)
    w.clock.forward(hours=30)
    refused = await ed.photo("s-ok", images.jpeg())
    assert (refused.status_code, refused.json()["run_status"]) == (410, "expired")
    assert refused.json()["closed_at"] == "2026-01-02T01:00:00Z", "the deadline, whenever it is noticed"
    record = await w.run(ed)
    assert (record["status"], record["expired_at"]) == ("expired", refused.json()["closed_at"])
    again = await ed.call("GET", "/state")
    assert again.json()["closed_at"] == refused.json()["closed_at"]
