"""The pictures that templates show: /v1/pictures."""

from starlette.responses import Response

from rundun.core.json_types.templates import PictureJson
from rundun.core.templates import pictures as template_pictures
from rundun.store.templates import pictures as picture_rows
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.operation import PICTURE, Bytes, Success
from rundun.web.http.problems import Json
from rundun.web.picture_uploads import store_picture

router = api_router("Templates", reads_idempotency_key=False)

_PICTURE = Bytes(PICTURE, "The picture's bytes as they are, at most 15 MiB and 50 megapixels unless set otherwise.")


@router.route(
    "POST /pictures",
    {
        201: Success(
            "It is stored.",
            PictureJson,
            headers=("Location",),
            followed_by={"picture_id": "$response.body#/picture_id"},
        ),
        200: Success("These bytes were stored before; their week begins anew.", PictureJson),
    },
    headers=("Content-Digest",),
    body=_PICTURE,
    problems=("digest_mismatch", "unreadable_image", "quota_exceeded"),
)
async def upload_picture(call: ApiCall) -> Response:
    """Upload a picture for templates.

    For `pictures` of a step, which show how the result should look. The id is derived from the bytes, so the same bytes
    get the same id, and repeating needs no `Idempotency-Key`. The picture is shown as a JPEG of at most 1280 px without
    metadata; the uploaded file is not kept. Only templates of your organization can name it. It is deleted a week after
    its last upload unless a template names it by then.
    """
    picture, is_new = await store_picture(call.ctx, call.request, call.org_id)
    content = template_pictures.picture_json(picture, call.ctx.links)
    headers = {"location": f"/v1/pictures/{picture.picture_id}"} if is_new else {}
    return Json(content, 201 if is_new else 200, headers)


@router.route("GET /pictures/{picture_id}", {200: Success("The picture.", PictureJson)})
async def get_picture(call: ApiCall) -> Response:
    """Read about a picture of templates.

    Its addresses, by the id that a step names.
    """
    picture = await call.read(picture_rows.get, call.path("picture_id"))
    return Json(template_pictures.picture_json(picture, call.ctx.links))
