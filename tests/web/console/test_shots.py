"""Photos of named shots: their names in the archive, and what their captions say."""

from typing import Any

from pydantic import TypeAdapter

from rundun.core.evidence import Photo
from rundun.core.steps import Step
from rundun.web.console.file_names import FileNames, shot_label


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
