"""/console/pictures: pictures uploaded in the editor, and the list of them in its form."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from rundun.core.json_types.execution import ShownPictureJson
from rundun.core.templates import pictures as template_pictures
from rundun.store.templates import pictures as picture_rows
from rundun.web.console.session import ConsoleCall
from rundun.web.http.problems import Json
from rundun.web.picture_uploads import store_picture

MAX_LISTED = 50  # the most recent uploads; they are looked up each time the form is shown again


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """A picture uploaded in this editor: its id, its file name, and its JSON for pages."""

    picture_id: str
    name: str
    shown: ShownPictureJson


async def upload_picture(call: ConsoleCall) -> Response:
    """POST /console/pictures: store the picture sent by the editor's script; return its id, URLs and size as JSON."""
    picture, _ = await store_picture(call.ctx, call.request, call.operator.org_id)
    shown = template_pictures.shown_json({picture.picture_id: picture}, call.ctx.links)
    return Json({"picture_id": picture.picture_id, **shown[picture.picture_id]})


async def uploaded_pictures(call: ConsoleCall) -> list[UploadedPicture]:
    """Return the pictures, at most `MAX_LISTED`, that the editor's form lists as uploaded and the organization still
    has.
    """
    names = _names(call.form.get("uploaded", ""))
    found = await call.read(picture_rows.list_by_id, list(names)) if names else {}
    shown = template_pictures.shown_json(found, call.ctx.links)
    return [UploadedPicture(picture_id, names[picture_id], each) for picture_id, each in shown.items()]


def _names(text: str) -> dict[str, str]:
    """Return the file names by picture id from the form's field `uploaded`, JSON pairs of both; {} if unreadable."""
    try:
        pairs: Any = from_json(text)
    except ValueError:
        return {}
    listed = pairs[:MAX_LISTED] if isinstance(pairs, list) else []
    return {str(pair[0]): str(pair[1]) for pair in listed if isinstance(pair, list) and len(pair) == 2}
