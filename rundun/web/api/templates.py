"""The checklists of an integrator, in versions: /v1/templates."""

from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.templates import templates as actions
from rundun.actions.templates.templates import get_version, page_current, page_versions
from rundun.core.json_types.templates import TemplateCheckedJson
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.operation import ListOf, Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import ListQuery, TemplateQuery, TemplatesQuery, is_current, list_json, query

router = api_router("Templates")
_reading = api_router("Templates", reads_idempotency_key=False)


@router.route(
    "POST /templates",
    {
        201: Success(
            "The template as it is kept.",
            "TemplateSaved",
            headers=("ETag", "Location"),
            followed_by={"template_id": "$response.body#/id"},
        )
    },
    body="TemplateDraft",
    problems=("quota_exceeded",),
)
async def create_template(call: ApiCall) -> Response:
    """Make a template.

    Either `sections` or `steps`, with at least one step. Ids of sections, steps, options and fields may be left out.
    Whatever is wrong is answered at once, each place with its pointer. At most 512 KiB. A field that is `required`
    is warned of: dispatches without it will be refused.
    """
    draft = await call.turns.run(actions.read_draft, await call.json())
    return await call.post(posts.create_template, draft)


@_reading.route(
    "POST /templates/check", {200: Success("It can become a template.", TemplateCheckedJson)}, body="TemplateDraft"
)
async def check_template(call: ApiCall) -> Response:
    """Check a template.

    Answers what `POST /v1/templates` would say of the same body: the warnings, or the same problem with all that is
    wrong, each place with its pointer. Keeps nothing, so it may be sent as often as you like: an `Idempotency-Key` is
    ignored, and a quota that is used up doesn't matter. Pictures that steps name must be uploaded, and are not kept any
    longer for being named here.
    """
    draft = await call.turns.run(actions.read_draft, await call.json())
    checked: TemplateCheckedJson = {"valid": True, "warnings": await call.read(actions.check, draft)}
    return Json(checked)


@router.route("GET /templates", {200: Success("A page of templates.", ListOf("TemplateRecord"))}, query=TemplatesQuery)
async def list_templates(call: ApiCall) -> Response:
    """List templates.

    Each in its current version, the newest template first.
    """
    params = query(TemplatesQuery, call.request)
    page = await call.turns.read(page_current, call.org_id, params.page_request(), params.include_archived)
    return list_json(
        call.request, page, [actions.template_json(version, head.archived_at) for head, version in page.items]
    )


@router.route(
    "GET /templates/{template_id}",
    {200: Success("The template.", "TemplateRecord")},
    query=TemplateQuery,
    is_conditional=True,
)
async def get_template(call: ApiCall) -> Response:
    """Read a template.

    As it is now, or as it was in version `v`.
    """
    v = query(TemplateQuery, call.request).v
    head, version = await call.read(get_version, call.path("template_id"), v)
    tag = actions.etag(version, head.archived_at)
    if is_current(call.request, tag):
        return Response(status_code=304, headers={"etag": tag})
    return Json(actions.template_json(version, head.archived_at), headers={"etag": tag})


@router.route(
    "PUT /templates/{template_id}",
    {200: Success("The template as it is kept.", "TemplateSaved", headers=("ETag",))},
    headers=("If-Match",),
    body="TemplateRevisionDraft",
    problems=("version_mismatch", "quota_exceeded"),
)
async def revise_template(call: ApiCall) -> Response:
    """Revise a template.

    Makes the next version, for runs dispatched from now on; an archived template comes back. The same content again
    makes none, and keeps the ids of what is sent without. Get it, edit it, and put it back with `If-Match`, and
    nobody's change is lost.
    """
    draft = await call.turns.run(actions.read_draft, await call.json())
    if_match = call.request.headers.get("if-match")
    version = await call.write(actions.revise, call.path("template_id"), draft, if_match, call.actor)
    return Json(actions.saved_json(version), headers={"etag": actions.etag(version)})


@router.route("DELETE /templates/{template_id}", {204: Success("It is archived.")})
async def archive_template(call: ApiCall) -> Response:
    """Archive a template.

    No more runs are dispatched from it. It can still be read, and a `PUT` brings it back.
    """
    await call.write(actions.archive, call.path("template_id"), call.actor)
    return Response(status_code=204)


@router.route(
    "GET /templates/{template_id}/versions",
    {200: Success("A page of versions.", ListOf("TemplateRecord"))},
    query=ListQuery,
)
async def list_template_versions(call: ApiCall) -> Response:
    """List a template's versions.

    All of them, the newest first.
    """
    page_request = query(ListQuery, call.request).page_request()
    page = await call.turns.read(page_versions, call.org_id, call.path("template_id"), page_request)
    return list_json(
        call.request, page, [actions.template_json(version, head.archived_at) for head, version in page.items]
    )


router.routes += _reading.routes
