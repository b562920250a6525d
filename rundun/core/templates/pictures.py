"""Pictures that the steps of a template show: what right looks like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rundun.core import times
from rundun.core.json_types.execution import ShownPictureJson
from rundun.core.json_types.templates import PictureJson
from rundun.core.templates.steps import StepBase
from rundun.core.urls import Urls

KEPT = 7 * times.DAY  # since its last upload, while no template names it


@dataclass(frozen=True, slots=True)
class TemplatePicture:
    """A picture that an organization has uploaded: `picture_id` is the digest of what was sent, `file` and `thumbnail`
    are file numbers, the size is that of the JPEG that is shown. `expires_at` is None once a template names it.
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
    """A picture to store: the JPEG that is shown, its size in pixels, and its thumbnail."""

    picture_id: str
    jpeg: bytes
    thumbnail: bytes
    width: int
    height: int


def picture_id(sha256: str) -> str:
    """Return the id of a picture by the SHA-256, in hex, of what was sent."""
    return f"pic-{sha256}"


def named_by(steps: Iterable[StepBase]) -> list[str]:
    """List the ids of all pictures that steps name, each once, in the steps' order."""
    return list(dict.fromkeys(picture for step in steps for picture in step.pictures))


def picture_json(picture: TemplatePicture, links: Urls) -> PictureJson:
    """Return a picture as its integrator gets it."""
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
    """Return pictures by id as the executor's page and the console show them: paths on this host."""
    return {
        picture.picture_id: {
            "url": links.media_path(picture.file, "image/jpeg"),
            "thumbnail_url": links.media_path(picture.thumbnail, "image/jpeg"),
            "width": picture.width,
            "height": picture.height,
        }
        for picture in pictures.values()
    }
