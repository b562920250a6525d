"""Pictures of the samples: they come with Rundun, and an organization that begins with a sample gets those it names."""

import hashlib
from collections.abc import Collection
from functools import cache

from rundun import paths
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.pictures import NewPicture

SIZE = (640, 480)  # of each


@cache
def all_pictures() -> dict[str, NewPicture]:
    """Return the pictures by id, as an upload would make them."""
    large = [path for path in sorted(paths.samples().glob("pictures/*.jpg")) if not path.stem.endswith(".thumbnail")]
    pictures = []
    for path in large:
        jpeg, thumbnail = path.read_bytes(), path.with_suffix(".thumbnail.jpg").read_bytes()
        picture_id = template_pictures.picture_id(hashlib.sha256(jpeg).hexdigest())
        pictures.append(NewPicture(picture_id, jpeg, thumbnail, *SIZE))
    return {picture.picture_id: picture for picture in pictures}


def among(picture_ids: Collection[str]) -> list[NewPicture]:
    """List those of the samples' pictures that are named here."""
    return [picture for picture_id, picture in all_pictures().items() if picture_id in picture_ids]
