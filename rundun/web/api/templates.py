"""Templates and their versions: /v1/templates."""

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.templates import templates
from rundun.actions.templates.templates import get_version, page_versions
from rundun.core.json_types.templates import TemplateCheckedJson
from rundun.store.sqlite.pagination import Page
from rundun.store.sqlite.transaction import VersionText
from rundun.store.templates.templates import TemplateHead, page_current
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
            "The stored template.",
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
    All mistakes are returned at once, each with its pointer. At most 512 KiB. A `required` field causes a warning:
    dispatches without it will be refused.
    """
    sent = await call.turns.run(templates.read_sent, await call.json())
    return await call.post(posts.create_template, sent)


@_reading.route(
    "POST /templates/check", {200: Success("It can become a template.", TemplateCheckedJson)}, body="TemplateDraft"
)
async def check_template(call: ApiCall) -> Response:
    """Check a template.

    Returns the result of `POST /v1/templates` with the same body: the warnings, or the same problem with all mistakes,
    each with its pointer. It stores nothing and may be repeated: an `Idempotency-Key` is ignored, and quotas don't
    matter. Pictures that steps name must be uploaded before; this check doesn't keep them any longer.
    """
    sent = await call.turns.run(templates.read_sent, await call.json())
    checked: TemplateCheckedJson = {"valid": True, "warnings": await call.read(templates.check, sent)}
    return Json(checked)


@router.route("GET /templates", {200: Success("A page of templates.", ListOf("TemplateRecord"))}, query=TemplatesQuery)
async def list_templates(call: ApiCall) -> Response:
    """List templates.

    Each in its current version, newest template first; archived ones only with `include_archived`.
    """
    params = query(TemplatesQuery, call.request)
    archived = params.include_archived
    page = await call.turns.read(page_current, call.org_id, params.page_request(), include_archived=archived)
    return await call.turns.run(_list_versions, call.request, page)


def _list_versions(request: Request, page: Page[tuple[TemplateHead, VersionText]]) -> Response:
    data = [templates.template_json(version, head.archived_at) for head, version in page.items]
    return list_json(request, page, data)


@router.route(
    "GET /templates/{template_id}",
    {200: Success("The template.", "TemplateRecord")},
    query=TemplateQuery,
    is_conditional=True,
)
async def get_template(call: ApiCall) -> Response:
    """Read a template.

    Its current version, or version `v`.
    """
    v = query(TemplateQuery, call.request).v
    head, version = await call.read(get_version, call.path("template_id"), v)
    tag = templates.etag(version, head.archived_at)
    if is_current(call.request, tag):
        return Response(status_code=304, headers={"etag": tag})
    return Json(templates.template_json(version, head.archived_at), headers={"etag": tag})


@router.route(
    "PUT /templates/{template_id}",
    {200: Success("The stored template.", "TemplateSaved", headers=("ETag",))},
    headers=("If-Match",),
    body="TemplateRevisionDraft",
    problems=("version_mismatch", "quota_exceeded"),
)
async def revise_template(call: ApiCall) -> Response:
    """Revise a template.

    Makes the next version, for runs dispatched from now on; an archived template is restored. The same content makes no
    version, and parts sent without ids keep their ids. To lose no other change, get the template, edit it, and put it
    back with `If-Match`.
    """
    sent = await call.turns.run(templates.read_sent, await call.json())
    if_match = call.request.headers.get("if-match")
    version = await call.write(templates.revise, call.path("template_id"), sent, if_match, call.actor)
    return Json(templates.saved_json(version), headers={"etag": templates.etag(version)})


@router.route("DELETE /templates/{template_id}", {204: Success("It is archived.")})
async def archive_template(call: ApiCall) -> Response:
    """Archive a template.

    No more runs can be dispatched from it. It can still be read, and a `PUT` restores it.
    """
    await call.write(templates.archive, call.path("template_id"), call.actor)
    return Response(status_code=204)


@router.route(
    "GET /templates/{template_id}/versions",
    {200: Success("A page of versions.", ListOf("TemplateRecord"))},
    query=ListQuery,
)
async def list_template_versions(call: ApiCall) -> Response:
    """List a template's versions.

    All of them, newest first.
    """
    page_request = query(ListQuery, call.request).page_request()
    page = await call.turns.read(page_versions, call.org_id, call.path("template_id"), page_request)
    return await call.turns.run(_list_versions, call.request, page)


router.routes += _reading.routes
