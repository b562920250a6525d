"""Photos of named shots: their names in the archive, and what their captions say."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rundun.core.evidence import Photo
from rundun.web.console.file_names import FileNames, shot_label


@dataclass(slots=True)
class Shot(Photo):
    """A photo that says of which shot it is."""

    slot: str | None = None


def shot(slot: str | None) -> Shot:
    """A photo of a shot."""
    return Shot("ph-1", "s-pic", 1, 2, 3, "image/jpeg", 9, "0", 4, 3, None, None, 0, None, slot)


def test_a_photo_is_called_by_its_shot() -> None:
    step: Any = SimpleNamespace(config=SimpleNamespace(slots=[SimpleNamespace(id="p-front", label="Front / left")]))
    assert [shot_label(step, shot(slot)) for slot in ("p-front", "p-other", None)] == ["Front / left", None, None]
    plain: Any = SimpleNamespace()
    assert shot_label(plain, shot("p-front")) is None


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
