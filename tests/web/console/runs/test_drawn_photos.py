"""The console shows a photo that was drawn on, and the photo as it was taken; from where and when photos are; and whose
clock was wrong.
"""

import io
import json
import re
import zipfile

from tests.helpers.console.console import operator, text_of
from tests.helpers.pictures import exif_pictures, images
from tests.helpers.pictures.exif_pictures import exif_block
from tests.helpers.pictures.photos import started
from tests.helpers.service import BOOLEAN, World, new_photo_id

STEP = {**BOOLEAN, "photo": {"min": 1, "max": 1, "annotate": True}}
PLAIN = images.jpeg(64, 64)
TAKEN = exif_pictures.jpeg_of(exif_block("2008:10:22 16:28:39", "+02:00"))


async def test_both_photos_are_shown_the_one_as_taken_behind_the_other(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, STEP)
    first, second = new_photo_id(), new_photo_id()
    drawn = images.jpeg(320, 240)
    for photo_id, data, said in ((first, TAKEN, {"source": "gallery"}), (second, drawn, {"annotated_from": first})):
        response = await ed.call("PUT", f"/steps/s-ok/photos/{photo_id}", content=data, params=said)
        assert response.status_code == 201
    await ed.answer("s-ok", True, photos=[second])
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert re.findall(r'id="open-(ph-[0-9a-f-]+)"', page) == [second, first]
    assert page.count("as taken, before it was drawn on") == 2, "below the picture, and in what is known of it"
    assert page.count("with drawing; the photo as taken is beside it") == 1
    assert "22 Oct 2008, 14:28:39" in page
    assert page.count("(the picture’s own data)") == 2
    assert "not part of" not in page
    with zipfile.ZipFile(io.BytesIO((await ann.get(f"/runs/{ed.run_id}/archive.zip")).content)) as archive:
        record = json.loads(archive.read("run.json"))
        paths = {photo_id: one["file"] for photo_id, one in record["files"]["photos"].items()}
        assert archive.read(paths[first]) == TAKEN
        assert archive.read(paths[second]) == drawn
        assert record["answers"]["s-ok"]["photos"][0]["undrawn"]["photo_id"] == first
        report = archive.read("report.html").decode()
    assert "as taken, before it was drawn on" in report
    assert report.index(paths[second]) < report.index(paths[first])


async def test_a_photo_of_the_gallery_says_so_and_when_it_was_taken_if_that_is_known(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, {**STEP, "photo": {"min": 1, "max": 4}})
    camera = {"source": "camera", "taken_at": "2026-01-01T00:00:00Z"}
    for data, said in ((images.jpeg(), camera), (TAKEN, {"source": "gallery"}), (PLAIN, {"source": "gallery"})):
        answer = await ed.call("PUT", f"/steps/s-ok/photos/{new_photo_id()}", content=data, params=said)
        assert answer.status_code == 201, answer.text
    assert (await ed.photo("s-ok", images.jpeg(32, 32))).status_code == 201, "and one of which nothing is known"
    await ed.answer("s-ok", True)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    captions = [text_of(each) for each in re.findall(r"<figcaption.*?</figcaption>", page, re.DOTALL)]
    received = "Received 1 Jan 2026, 00:00:00 +00:00"
    assert captions == [
        "1 Jan 2026, 00:00:00 +00:00",
        "From the gallery Taken 22 Oct 2008, 14:28:39 +00:00",
        f"From the gallery Time unknown · {received}",
        f"Time unknown · {received}",
    ]
    assert text_of(page).count("Taken Time unknown") == 2, "in what is known of them, too"


async def test_a_phone_whose_clock_is_off_is_named(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, STEP)
    assert "Phone’s clock" not in (await ann.get(f"/runs/{ed.run_id}")).text
    await ed.call("PUT", "/steps/s-ok", json={"value": True, "clock_skew_seconds": -34_560_000})
    said = text_of((await ann.get(f"/runs/{ed.run_id}")).text)
    assert "Phone’s clock The phone’s clock was 400 days behind. Times by it are corrected." in said
    assert said.count("clock was") == 1
