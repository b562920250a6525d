"""Pictures of the samples, which come with Rundun; an organization that begins with samples gets the ones they name."""

import hashlib
from collections.abc import Collection
from functools import cache

from rundun import paths
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.pictures import NewPicture

SIZE = (640, 480)  # pixels of each picture


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
    """Return the samples' pictures whose ids are in `picture_ids`, in the samples' order; other ids are ignored."""
    return [picture for picture_id, picture in all_pictures().items() if picture_id in picture_ids]
