"""Pictures that a template's steps show as examples of the right result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rundun.core import times
from rundun.core.json_types.execution import ShownPictureJson
from rundun.core.json_types.templates import PictureJson
from rundun.core.templates.steps import StepBase
from rundun.core.urls import Urls

KEPT = 7 * times.DAY  # milliseconds from its last upload until a picture is removed that no template names


@dataclass(frozen=True, slots=True)
class TemplatePicture:
    """A picture that an organization has uploaded. `picture_id` contains the SHA-256 of the upload, `file` and
    `thumbnail` are file numbers, `width`, `height` and `bytes` are those of the displayed JPEG, `expires_at` is in
    milliseconds, None once a template names the picture.
    """

    picture_id: str
    file: int
    thumbnail: int
    width: int
    height: int
    bytes: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture to store: the displayed JPEG, its size in pixels, and its thumbnail (a JPEG)."""

    picture_id: str
    jpeg: bytes
    thumbnail: bytes
    width: int
    height: int


def picture_id(sha256: str) -> str:
    """Return the id of the picture whose upload has this SHA-256 (in hex)."""
    return f"pic-{sha256}"


def picture_ids(steps: Iterable[StepBase]) -> list[str]:
    """List the ids of the pictures that the steps name, without duplicates, in the steps' order."""
    return list(dict.fromkeys(picture for step in steps for picture in step.pictures))


def picture_json(picture: TemplatePicture, links: Urls) -> PictureJson:
    """Return a picture as a dict for integrators: id, absolute URLs, sizes and expiry."""
    return {
        "picture_id": picture.picture_id,
        "url": links.media(picture.file, "image/jpeg"),
        "thumbnail_url": links.media(picture.thumbnail, "image/jpeg"),
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.bytes,
        "expires_at": times.wire_or_none(picture.expires_at),
    }


def shown_json(pictures: Mapping[str, TemplatePicture], links: Urls) -> dict[str, ShownPictureJson]:
    """Return pictures as dicts by id for the executor's page and the console: size, and URLs as paths on this host."""
    return {
        picture.picture_id: {
            "url": links.media_path(picture.file, "image/jpeg"),
            "thumbnail_url": links.media_path(picture.thumbnail, "image/jpeg"),
            "width": picture.width,
            "height": picture.height,
        }
        for picture in pictures.values()
    }
