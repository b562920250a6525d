"""/console/pictures: pictures uploaded in the editor."""

from starlette.responses import Response

from rundun.core.templates import pictures as template_pictures
from rundun.web.console.session import ConsoleCall
from rundun.web.http.problems import Json
from rundun.web.picture_uploads import store_picture


async def upload_picture(call: ConsoleCall) -> Response:
    """POST /console/pictures: store the picture sent by the editor's script; return its id, URLs and size as JSON."""
    picture, _ = await store_picture(call.ctx, call.request, call.operator.org_id)
    shown = template_pictures.shown_json({picture.picture_id: picture}, call.ctx.links)
    return Json({"picture_id": picture.picture_id, **shown[picture.picture_id]})
