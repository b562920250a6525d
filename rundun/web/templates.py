"""/v1/templates: the checklists of an integrator, in versions."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions import templates as actions
from rundun.actions.looking import template_at, templates_page, versions_page
from rundun.store.tx import Version
from rundun.web.body import read_json
from rundun.web.problems import Json
from rundun.web.queries import ListQuery, TemplateQuery, TemplatesQuery, is_current, list_json, query
from rundun.web.service import service


async def read_body(request: Request) -> Any:
    """The JSON body, within the settings' limit."""
    return await read_json(request, service(request).settings.limits.body_kibibytes * 1024)


def template_json(version: Version, archived_at: int | None = None) -> bytes:
    """A version as its author wrote it, with what the server says of it."""
    return to_json(actions.assigned(version, archived_at))[:-1] + b"," + version.body[1:]


def _answer(version: Version, status: int = 200, archived_at: int | None = None) -> Response:
    return Json(template_json(version, archived_at), status, {"etag": actions.etag(version)})


async def create(request: Request) -> Response:
    """POST /v1/templates: 201 with the template as it is kept."""
    house = service(request)
    org_id = await house.keys.organization(request)
    draft = await asyncio.to_thread(actions.draft, await read_body(request))
    return _answer(await house.database.write(actions.create, org_id, draft), 201)


async def list_current(request: Request) -> Response:
    """GET /v1/templates: current versions, the newest template first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    wanted = query(TemplatesQuery, request)
    page = await house.database.read(templates_page, org_id, wanted.slice(), wanted.include_archived)
    return list_json(
        request, page, [template_json(version, head.archived_at) for head, version in page.items]
    )


async def get(request: Request) -> Response:
    """GET /v1/templates/{template_id}, the current version or `?v=`."""
    house = service(request)
    org_id = await house.keys.organization(request)
    v = query(TemplateQuery, request).v
    head, version = await house.database.read(template_at, org_id, request.path_params["template_id"], v)
    tag = actions.etag(version)
    if is_current(request, tag):
        return Response(status_code=304, headers={"etag": tag})
    return _answer(version, archived_at=head.archived_at)


async def put(request: Request) -> Response:
    """PUT /v1/templates/{template_id}: the next version; `If-Match` guards against a change in between."""
    house = service(request)
    org_id = await house.keys.organization(request)
    draft = await asyncio.to_thread(actions.draft, await read_body(request))
    template_id, if_match = request.path_params["template_id"], request.headers.get("if-match")
    return _answer(await house.database.write(actions.revise, org_id, template_id, draft, if_match))


async def delete(request: Request) -> Response:
    """DELETE /v1/templates/{template_id}: archived, 204."""
    house = service(request)
    org_id = await house.keys.organization(request)
    await house.database.write(actions.archive, org_id, request.path_params["template_id"])
    return Response(status_code=204)


async def list_versions(request: Request) -> Response:
    """GET /v1/templates/{template_id}/versions, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    wanted = query(ListQuery, request).slice()
    page = await house.database.read(versions_page, org_id, request.path_params["template_id"], wanted)
    return list_json(
        request, page, [template_json(version, head.archived_at) for head, version in page.items]
    )


ROUTES = [
    Route("/v1/templates", create, methods=["POST"]),
    Route("/v1/templates", list_current, methods=["GET"]),
    Route("/v1/templates/{template_id}", get, methods=["GET"]),
    Route("/v1/templates/{template_id}", put, methods=["PUT"]),
    Route("/v1/templates/{template_id}", delete, methods=["DELETE"]),
    Route("/v1/templates/{template_id}/versions", list_versions, methods=["GET"]),
]
