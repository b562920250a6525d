"""Photos in the archive: their numbers, the names of shots, what captions say, and which shots are missing."""

import json
import re
from typing import Any

from pydantic import TypeAdapter

from rundun.core.runs.evidence import Photo
from rundun.core.templates.steps import Step
from rundun.wording.file_names import FileNames, shot_label
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.console.console_runs import PICTURE
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import started
from tests.helpers.service import World, new_photo_id
from tests.web.console.runs.test_export import archive
from tests.web.console.runs.test_page import line


def shot(slot: str | None) -> Photo:
    """A photo of a shot."""
    sent = ("image/jpeg", 9, "0", 4, 3, None, None, None, None, 0, None)
    return Photo("ph-1", "s-pic", 1, 2, 3, *sent, is_remark=False, slot=slot)


def step(**config: Any) -> Any:
    """A photo step."""
    return TypeAdapter(Step).validate_python({"id": "s-pic", "type": "photo", "label": "Outside", "config": config})


def test_a_photo_is_called_by_its_shot() -> None:
    named = step(slots=[{"id": "p-front", "label": "Front / left"}])
    assert [shot_label(named, shot(slot)) for slot in ("p-front", "p-other", None)] == ["Front / left", None, None]
    assert shot_label(step(), shot("p-front")) is None


def test_names_of_shots_need_no_number_until_there_are_two() -> None:
    names = FileNames()
    for number, label in enumerate(("Front", None, "Front", "Front", None)):
        names.add(number, "photos", "002-outside", "jpg", label)
    assert list(names.paths.values()) == [
        "photos/002-outside-front.jpg",
        "photos/002-outside-1.jpg",
        "photos/002-outside-front-2.jpg",
        "photos/002-outside-front-3.jpg",
        "photos/002-outside-2.jpg",
    ]


async def test_shots_that_are_missing_are_named(w: World) -> None:
    labels = ("Front", "Rear", "Left <side>")
    slots = [{"id": f"p-{number}", "label": label} for number, label in enumerate(labels)]
    sides = {"id": "s-pic", "type": "photo", "label": "The sides", "config": {"slots": slots}}
    ann, ed = await operator(w), await started(w, sides)
    assert "Missing:" not in await shown(ann, f"/runs/{ed.run_id}"), "nothing was begun"
    photo_id = new_photo_id()
    stored = await ed.call("PUT", f"/steps/s-pic/photos/{photo_id}?slot=p-1", content=images.jpeg())
    assert stored.status_code == 201
    for _ in range(2):
        page = await shown(ann, f"/runs/{ed.run_id}")
        assert "Missing: Front , Left <side>" in text_of(line(page, "s-pic"))
        await ed.answer("s-pic", photos=[photo_id])
    w.clock.forward(hours=100)
    await w.sweep()
    assert "Missing: Front , Left <side>" in text_of(line(await shown(ann, f"/runs/{ed.run_id}"), "s-pic")), "expired"
    assert "Missing: Front , Left <side>" in text_of((await archive(ann, ed)).read("report.html").decode())
    unable = await started(w, sides)
    await unable.put("s-pic", {"unable": {"reason": "Dark"}})
    assert "Missing:" not in await shown(ann, f"/runs/{unable.run_id}")


async def test_a_file_has_the_number_of_its_photo(w: World) -> None:
    ann = await operator(w)
    ed = await started(w, PICTURE)
    ids = [new_photo_id() for _ in range(3)]
    for photo_id, picture in zip(ids, (images.jpeg(), images.jpeg(64, 48), images.heic()), strict=True):
        assert (await ed.photo("s-pic", picture, photo_id)).status_code == 201
    await ed.answer("s-pic", photos=[ids[1], ids[2]])
    found = await archive(ann, ed)
    record = json.loads(found.read("run.json"))["files"]["photos"]
    files = [record[photo_id]["file"] for photo_id in (ids[1], ids[2], ids[0])]
    assert files == [f"photos/001-the-door-{name}" for name in ("1.jpg", "2.heic", "3.jpg")]
    report = found.read("report.html").decode()
    assert re.findall(r'<a href="([^"]*)"><img [^>]* alt="Photo (\d) of', report) == [
        (name, str(number)) for number, name in enumerate(files, 1)
    ]
