"""The sample checklists that come with Rundun, and the pictures that they name."""

import hashlib
from collections.abc import Collection
from functools import cache
from typing import Any

from pydantic_core import from_json

from rundun import paths
from rundun.core.languages import translate
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.outdated import author_texts
from rundun.core.templates.pictures import NewPicture
from rundun.errors import NotFound

FIRST = ("turnover", "vehicle_handover")  # those that a first start makes, by the stems of their files
NAMES = (*FIRST, "vehicle_return", "pre_trip_inspection", "cleaning_audit", "meter_reading")
SIZE = (640, 480)  # pixels of each picture


@cache
def read(name: str) -> Any:
    """Return the template of a sample as JSON, in English with its translations; raises NotFound."""
    if name not in NAMES:
        raise NotFound("sample")
    return from_json((paths.samples() / f"{name}.json").read_bytes())


def read_in(name: str, language: str) -> dict[str, Any]:
    """Return the template of a sample as JSON, as if it was written in `language`, with the others as its translations;
    in English if it has no translation into that. Raises NotFound.
    """
    sample = read(name)
    if language not in sample["translations"]:
        return dict(sample)
    english: dict[str, dict[str, str]] = {}
    for (part_id, member), words in author_texts(sample).items():
        english.setdefault(part_id, {})[member] = words
    others = {"en": english, **sample["translations"]}
    del others[language]
    return {**translate(sample, language), "translations": others}


def read_thumbnail(name: str) -> bytes:
    """Return the JPEG thumbnail of a sample's first picture; raises NotFound."""
    return all_pictures()[_picture_ids(name)[0]].thumbnail


def _picture_ids(name: str) -> list[str]:
    steps = [step for section in read(name)["sections"] for step in section["steps"]]
    return [picture_id for step in steps for picture_id in step.get("pictures", ())]


@cache
def all_pictures() -> dict[str, NewPicture]:
    """Return the samples' pictures by id, each as a `NewPicture` like that of an upload."""
    large = [path for path in sorted(paths.samples().glob("pictures/*.jpg")) if not path.stem.endswith(".thumbnail")]
    pictures = []
    for path in large:
        jpeg, thumbnail = path.read_bytes(), path.with_suffix(".thumbnail.jpg").read_bytes()
        picture_id = template_pictures.picture_id(hashlib.sha256(jpeg).hexdigest())
        pictures.append(NewPicture(picture_id, jpeg, thumbnail, *SIZE))
    return {picture.picture_id: picture for picture in pictures}


def select_pictures(picture_ids: Collection[str]) -> list[NewPicture]:
    """Return the samples' pictures that `picture_ids` names, sorted by file; ids of other pictures are ignored."""
    return [picture for picture_id, picture in all_pictures().items() if picture_id in picture_ids]


def first_pictures() -> list[NewPicture]:
    """Return the pictures of the samples that a first start makes."""
    return select_pictures({picture_id for name in FIRST for picture_id in _picture_ids(name)})
