"""Remarks at the console: on the run's page, in its history, and in its archive."""

import hashlib
import io
import json
import re
import uuid
import zipfile
from typing import Any

from tests.helpers.console.console import operator, text_of
from tests.helpers.pictures.images import jpeg
from tests.helpers.pictures.photos import started
from tests.helpers.service import BOOLEAN, TEXT, Ed, World, new_photo_id
from tests.web.console.runs.test_export import archive, table

MARKUP = "<b>Mould</b> & “damp”"


async def note(w: World, ed: Ed, step: str, text: str, *photos: str) -> None:
    """Note a remark, a second after all that was before."""
    w.clock.forward(seconds=1)
    body: dict[str, Any] = {"remark_id": str(uuid.uuid4()), "text": text, "photos": photos}
    assert (await ed.call("PUT", f"/steps/{step}/remark", json=body)).status_code == 200


async def test_a_remark_is_seen_with_its_photos(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, BOOLEAN, TEXT)
    here, extra = new_photo_id(), new_photo_id()
    for photo_id, data in ((here, jpeg()), (extra, jpeg(64, 48))):
        assert (await ed.photo("s-ok", data, photo_id, params={"remark": "1"})).status_code == 201
    await note(w, ed, "s-ok", MARKUP, here, new_photo_id())
    await note(w, ed, "s-why", "A draught")
    await note(w, ed, "s-why", "A draught")
    await note(w, ed, "s-why", "")

    page = (await ann.get(f"/runs/{ed.run_id}")).text
    card = text_of(page[page.index('id="s-ok"') : page.index('id="s-why"')])
    for words in ("Not answered", "Remark · Received 1 Jan 2026, 00:00:01", MARKUP, "Not part of the remark"):
        assert words in card, card
    assert "1 photo" in card, "one is still on its way"
    assert re.findall(r'alt="(Photo [^"]*)"', page[page.index('id="section-1"') :]) == [
        "Photo 1 of the remark on “All fine?”",
        "Photo 2 of the remark on “All fine?”",
    ]
    assert "Remark" not in text_of(page[page.index('id="s-why"') : page.index('id="timeline"')])
    timeline = text_of(page[page.index('id="timeline"') :])
    assert re.search(
        r"Photo received: All fine\?.* Remark noted: All fine\? – <b>Mould</b> & “damp” .*"
        r"Remark noted: Why not\? – A draught .*Remark removed: Why not\?",
        timeline,
    )
    assert timeline.count("A draught") == 1, "said twice is noted once"
    (path,) = re.findall(r'href="(/media/[^"]+)" download="[^"]*001-all-fine-remark-1.jpg"', page)
    assert (await w.browser().get(path)).content == jpeg()

    answer = await ann.get(f"/runs/{ed.run_id}/archive.zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    files = ["photos/001-all-fine-remark-1.jpg", "photos/001-all-fine-remark-2.jpg"]
    assert sorted(archive.namelist()) == [*files, "report.html", "run.json"]
    record = json.loads(archive.read("run.json"))
    assert record["remarks"]["s-ok"]["text"] == MARKUP
    assert record["files"]["photos"][here] == {
        "file": files[0],
        "sha256": hashlib.sha256(jpeg()).hexdigest(),
        "step_id": "s-ok",
    }
    report = archive.read("report.html").decode()
    assert MARKUP in text_of(report) and "<b>Mould" not in report
    assert [name for name in files if f'src="{name}"' in report] == files


async def test_remarks_stand_on_top_and_are_counted(w: World) -> None:
    ann = await operator(w)
    hidden = {**TEXT, "id": "s-hidden", "condition": {"when": {"step": "s-ok", "op": "eq", "value": False}}}
    ed = await started(w, BOOLEAN, TEXT, {**TEXT, "id": "s-more", "label": "More?"}, hidden)
    assert 'class="card noted"' not in (await ann.get(f"/runs/{ed.run_id}")).text
    await note(w, ed, "s-hidden", "Nobody asked")
    await note(w, ed, "s-ok", f"{MARKUP} in the corner\n{'damp ' * 100}the end")
    await note(w, ed, "s-why", "Taken back")
    await note(w, ed, "s-why", "")
    await note(w, ed, "s-more", "", new_photo_id(), new_photo_id())
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    (block,) = re.findall(r'<section class="card noted".*?</section>', page, re.DOTALL)
    said = text_of(block)
    assert said.startswith(f"Remarks (2) All fine? {MARKUP} in the corner damp damp"), said
    assert "the end" not in said and said.endswith("damp… More? 2 photos"), said
    assert re.findall(r'<a href="#([^"]+)">', block) == ["s-ok", "s-more"]
    assert page.index(block) < page.index(">Answers</h2>")
    report = text_of((await archive(ann, ed)).read("report.html").decode())
    assert f"{MARKUP} in the corner" in report and "the end" in report, "a report has it whole, at its step"
    await w.dispatch(await w.template(BOOLEAN))
    assert [row["remarks"] for row in await table(ann)] == ["0", "3"], "that on a step hidden now, too"


async def test_a_deleted_photo_of_a_remark_stands_in_the_history(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, BOOLEAN)
    photo_id = new_photo_id()
    await ed.photo("s-ok", jpeg(), photo_id, params={"remark": "1"})
    await note(w, ed, "s-ok", "", photo_id)
    assert (await ed.call("DELETE", f"/steps/s-ok/photos/{photo_id}")).status_code == 200
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "Photo deleted: All fine?" in text_of(page) and "/media/" not in page
