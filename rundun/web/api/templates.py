"""The checklists of an integrator, in versions: /v1/templates."""

import asyncio

from pydantic_core import to_json
from starlette.responses import Response

from rundun.actions import templates as actions
from rundun.actions.templates import get_version, page_current, page_versions
from rundun.store.idempotency import StoredResponse
from rundun.store.transaction import TemplateVersion
from rundun.web.api.endpoint import ApiCall, json_reply, route, to_response
from rundun.web.docs.openapi.operation import ListOf, Operation, Success
from rundun.web.query_params import ListQuery, TemplateQuery, TemplatesQuery, is_current, list_json, query


def template_json(version: TemplateVersion, archived_at: int | None = None) -> bytes:
    """Return a version as its author wrote it, with what the server assigned."""
    return to_json(actions.assigned_json(version, archived_at))[:-1] + b"," + version.body[1:]


def _template_response(
    version: TemplateVersion, status: int = 200, archived_at: int | None = None, **headers: str
) -> StoredResponse:
    tag = actions.etag(version, archived_at)
    return json_reply(template_json(version, archived_at), status, etag=tag, **headers)


async def create(call: ApiCall) -> Response:
    """Make a template and answer it as it is stored, 201: POST /v1/templates."""
    draft = await asyncio.to_thread(actions.draft, await call.json())
    return await call.write(_created, actions.create, draft)


def _created(version: TemplateVersion) -> StoredResponse:
    return _template_response(version, 201, location=f"/v1/templates/{version.template_id}")


async def list_current(call: ApiCall) -> Response:
    """List templates in their current versions, the newest template first: GET /v1/templates."""
    params = query(TemplatesQuery, call.request)
    page = await call.read(page_current, params.page_request(), params.include_archived)
    return list_json(call.request, page, [template_json(version, head.archived_at) for head, version in page.items])


async def get(call: ApiCall) -> Response:
    """Return a template in its current version or in `?v=`: GET /v1/templates/{template_id}."""
    v = query(TemplateQuery, call.request).v
    head, version = await call.read(get_version, call.path("template_id"), v)
    tag = actions.etag(version, head.archived_at)
    if is_current(call.request, tag):
        return Response(status_code=304, headers={"etag": tag})
    return to_response(_template_response(version, archived_at=head.archived_at))


async def put(call: ApiCall) -> Response:
    """Make a template's next version: PUT /v1/templates/{template_id}. `If-Match` guards against changes in between."""
    draft = await asyncio.to_thread(actions.draft, await call.json())
    if_match = call.request.headers.get("if-match")
    return await call.write(_revised, actions.revise, call.path("template_id"), draft, if_match)


def _revised(version: TemplateVersion) -> StoredResponse:
    return _template_response(version)


async def delete(call: ApiCall) -> Response:
    """Archive a template, 204: DELETE /v1/templates/{template_id}."""
    return await call.write(_archived, actions.archive, call.path("template_id"))


def _archived(_: None) -> StoredResponse:
    return json_reply(b"", 204)


async def list_versions(call: ApiCall) -> Response:
    """List a template's versions, the newest first: GET /v1/templates/{template_id}/versions."""
    page_request = query(ListQuery, call.request).page_request()
    page = await call.read(page_versions, call.path("template_id"), page_request)
    return list_json(call.request, page, [template_json(version, head.archived_at) for head, version in page.items])


ROUTES = [
    route(
        "POST",
        "/templates",
        create,
        Operation(
            "Templates",
            "createTemplate",
            "Make a template",
            "Either `sections` or `steps`, with at least one step. Ids of sections, steps and options may be left out. "
            "Whatever is wrong is answered at once, each place with its pointer. At most 512 KiB.",
            {
                201: Success(
                    "The template as it is kept.",
                    "TemplateRecord",
                    headers=("ETag", "Location"),
                    followed_by={"template_id": "$response.body#/id"},
                )
            },
            body="TemplateDraft",
        ),
    ),
    route(
        "GET",
        "/templates",
        list_current,
        Operation(
            "Templates",
            "listTemplates",
            "List templates",
            "Each in its current version, the newest template first.",
            {200: Success("A page of templates.", ListOf("TemplateRecord"), headers=("Link",))},
            query=TemplatesQuery,
        ),
    ),
    route(
        "GET",
        "/templates/{template_id}",
        get,
        Operation(
            "Templates",
            "getTemplate",
            "Read a template",
            "As it is now, or as it was in version `v`.",
            {200: Success("The template.", "TemplateRecord", headers=("ETag",))},
            query=TemplateQuery,
            is_conditional=True,
        ),
    ),
    route(
        "PUT",
        "/templates/{template_id}",
        put,
        Operation(
            "Templates",
            "reviseTemplate",
            "Revise a template",
            "Makes the next version, for runs dispatched from now on; an archived template comes back. The same "
            "content again makes none, and keeps the ids of what is sent without. Get it, edit it, and put it back "
            "with `If-Match`, and nobody's change is lost.",
            {200: Success("The template as it is kept.", "TemplateRecord", headers=("ETag",))},
            headers=("If-Match",),
            body="TemplateRevisionDraft",
            problems=("version_mismatch",),
        ),
    ),
    route(
        "DELETE",
        "/templates/{template_id}",
        delete,
        Operation(
            "Templates",
            "archiveTemplate",
            "Archive a template",
            "No more runs are dispatched from it. It can still be read, and a `PUT` brings it back.",
            {204: Success("It is archived.")},
        ),
    ),
    route(
        "GET",
        "/templates/{template_id}/versions",
        list_versions,
        Operation(
            "Templates",
            "listTemplateVersions",
            "List a template's versions",
            "All of them, the newest first.",
            {200: Success("A page of versions.", ListOf("TemplateRecord"), headers=("Link",))},
            query=ListQuery,
        ),
    ),
]
