"""/v1: what an integrator's backend calls. The table at the end is the contents page."""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions import dispatching, steering
from rundun.actions import templates as template_actions
from rundun.actions.looking import about, deliveries_of, template_at, templates_page, versions_page, whole_run
from rundun.core import record, times
from rundun.core.destination import Destination
from rundun.core.run import STATUSES, Run
from rundun.core.shape import read
from rundun.errors import Invalid, Place, Problem
from rundun.store import runs
from rundun.store.deliveries import Delivery
from rundun.store.runs import Filter
from rundun.store.tx import Version
from rundun.web.body import known_parameters, list_json, read_json, wanted_slice
from rundun.web.problems import Json
from rundun.web.service import Service, service
from rundun.web.shapes import CancelBody, DispatchBody, EmptyBody, ExtendBody


async def _body(request: Request) -> Any:
    return await read_json(request, service(request).settings.limits.body_kibibytes * 1024)


async def dispatch(request: Request) -> Response:
    """POST /v1/runs: a new run and its link, 201."""
    house = service(request)
    org_id = await house.keys.organization(request)
    order, destination = read(DispatchBody, await _body(request)).order()
    warnings = [*_link_warnings(house.settings.public_url)]
    if destination:
        warnings += await _destination_warnings(house, destination)
    run = await house.database.write(dispatching.dispatch, org_id, order)
    link = house.database.house.links.run(run.run_id)
    content = {
        "run_id": run.run_id,
        "link": link,
        "expires_at": times.wire_or_none(run.expires_at),
        "assigned_to": None,
        "warnings": warnings,
    }
    return Json(content, 201, {"location": f"/v1/runs/{run.run_id}"})


@cache  # the public URL is the same for as long as the process lives
def _link_warnings(public_url: str) -> list[dict[str, str]]:
    url = urlsplit(public_url)
    warnings = []
    if url.scheme != "https":
        detail = "The link is not https: phones will refuse to share their position."
        warnings.append({"code": "link_not_https", "detail": detail})
    if _is_loopback(url.hostname or ""):
        detail = "The link only opens on this machine: set server.public_url."
        warnings.append({"code": "link_loopback", "detail": detail})
    return warnings


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _destination_warnings(house: Service, destination: Destination) -> list[dict[str, str]]:
    verdict = await house.check_destination(destination)
    if verdict is None:
        return []
    kind, detail = verdict
    if kind == "forbidden":
        raise Problem("address_not_allowed", detail, [Place("/webhook/url", "address_not_allowed", detail)])
    return [{"code": "webhook_unresolved", "detail": detail}]


async def get_run(request: Request) -> Response:
    """GET /v1/runs/{run_id}: the whole record."""
    house = service(request)
    org_id = await house.keys.organization(request)
    sheet, now = await house.database.read(whole_run, org_id, request.path_params["run_id"])
    tag = f'"{sheet.run.revision}{"-late" if sheet.run.is_late(now) else ""}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    links = house.database.house.links
    head = to_json(record.full_json(sheet.run, sheet.standings, sheet.evidence, links, now))
    content = head[:-1] + b',"template":' + _template_json(sheet.version) + b"}"
    return Json(content, headers={"etag": tag, "cache-control": "no-store"})


def _template_json(version: Version) -> bytes:
    return to_json(template_actions.assigned(version))[:-1] + b"," + version.body[1:]


async def list_runs(request: Request) -> Response:
    """GET /v1/runs: without templates and answers, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    known_parameters(request, {*Filter.__dataclass_fields__, "limit", "cursor"})
    page = await house.database.read(runs.page, org_id, _filter(request), wanted_slice(request))
    now = house.database.house.clock()
    return list_json(request, page, [_summary(house, run, now) for run in page.items])


def _filter(request: Request) -> Filter:
    given = request.query_params
    places = []
    if given.get("status") is not None and given["status"] not in STATUSES:
        places.append(Place("/status", "not_allowed", f"must be one of {', '.join(STATUSES)}"))
    moments = {
        name: times.parse(given[name]) for name in ("created_after", "created_before") if name in given
    }
    for name, moment in moments.items():
        if moment is None:
            detail = "must be an RFC 3339 time such as 2026-01-31T09:00:00Z"
            places.append(Place(f"/{name}", "bad_format", detail))
    if places:
        raise Invalid(places)
    return Filter(given.get("status"), given.get("template_id"), given.get("executor_ref"), **moments)


def _summary(house: Service, run: Run, now: int) -> dict[str, Any]:
    return record.run_json(run, house.database.house.links, now)


async def cancel_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/cancel."""
    house = service(request)
    org_id = await house.keys.organization(request)
    reason = read(CancelBody, await _body(request)).reason
    return await _steered(house, steering.cancel_for_org, org_id, request.path_params["run_id"], reason)


async def extend_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/extend."""
    house = service(request)
    org_id = await house.keys.organization(request)
    hours = read(ExtendBody, await _body(request)).expires_in_hours
    return await _steered(house, steering.extend, org_id, request.path_params["run_id"], hours)


async def release_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/release."""
    house = service(request)
    org_id = await house.keys.organization(request)
    read(EmptyBody, await _body(request))
    return await _steered(house, steering.release, org_id, request.path_params["run_id"])


async def _steered(house: Service, action: Any, *args: Any) -> Response:
    run = await house.database.write(action, *args)
    return Json(_summary(house, run, house.database.house.clock()))


async def list_run_deliveries(request: Request) -> Response:
    """GET /v1/runs/{run_id}/deliveries: each with its attempts, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    known_parameters(request, {"limit", "cursor"})
    page = await house.database.read(
        deliveries_of, org_id, request.path_params["run_id"], wanted_slice(request)
    )
    return list_json(request, page, [_delivery_json(one) for one in page.items])


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "run_id": delivery.run_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "seq": delivery.seq,
        "status": delivery.status,
        "created_at": times.wire(delivery.created_at),
        "next_attempt_at": times.wire_or_none(delivery.next_attempt_at),
        "attempts": [
            {
                "number": attempt.number,
                "trigger": attempt.trigger,
                "url": attempt.url,
                "started_at": times.wire(attempt.started_at),
                "duration_ms": attempt.duration_ms,
                "status": attempt.status,
                "error": attempt.error,
                "response_excerpt": attempt.excerpt,
            }
            for attempt in delivery.attempts
        ],
    }


async def create_template(request: Request) -> Response:
    """POST /v1/templates: 201 with the template as it is kept."""
    house = service(request)
    org_id = await house.keys.organization(request)
    version = await house.database.write(template_actions.create, org_id, await _body(request))
    return _template(version, 201)


def _template(version: Version, status: int = 200) -> Response:
    return Json(_template_json(version), status, {"etag": template_actions.etag(version)})


async def list_templates(request: Request) -> Response:
    """GET /v1/templates: current versions, the newest template first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    known_parameters(request, {"include_archived", "limit", "cursor"})
    archived = request.query_params.get("include_archived", "false")
    if archived not in ("true", "false"):
        raise Invalid([Place("/include_archived", "not_allowed", "must be true or false")])
    page = await house.database.read(templates_page, org_id, wanted_slice(request), archived == "true")
    return list_json(request, page, [_listed(version, head.archived_at) for head, version in page.items])


def _listed(version: Version, archived_at: int | None) -> dict[str, Any]:
    written = version.template.model_dump(mode="json", exclude_unset=True)
    return {**template_actions.assigned(version), **written, "archived_at": times.wire_or_none(archived_at)}


async def get_template(request: Request) -> Response:
    """GET /v1/templates/{template_id}, the current version or `?v=`."""
    house = service(request)
    org_id = await house.keys.organization(request)
    known_parameters(request, {"v"})
    v = request.query_params.get("v")
    if v is not None and not re.fullmatch(r"[1-9]\d{0,8}", v, re.ASCII):
        raise Invalid([Place("/v", "bad_format", "must be the number of a version")])
    version = await house.database.read(
        template_at, org_id, request.path_params["template_id"], None if v is None else int(v)
    )
    tag = template_actions.etag(version)
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return _template(version)


async def put_template(request: Request) -> Response:
    """PUT /v1/templates/{template_id}: the next version; `If-Match` guards against a change in between."""
    house = service(request)
    org_id = await house.keys.organization(request)
    body = await _body(request)
    version = await house.database.write(
        template_actions.revise,
        org_id,
        request.path_params["template_id"],
        body,
        request.headers.get("if-match"),
    )
    return _template(version)


async def delete_template(request: Request) -> Response:
    """DELETE /v1/templates/{template_id}: archived, 204."""
    house = service(request)
    org_id = await house.keys.organization(request)
    await house.database.write(template_actions.archive, org_id, request.path_params["template_id"])
    return Response(status_code=204)


async def list_versions(request: Request) -> Response:
    """GET /v1/templates/{template_id}/versions, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    known_parameters(request, {"limit", "cursor"})
    page = await house.database.read(
        versions_page, org_id, request.path_params["template_id"], wanted_slice(request)
    )
    return list_json(request, page, [_listed_version(version) for version in page.items])


def _listed_version(version: Version) -> dict[str, Any]:
    written = version.template.model_dump(mode="json", exclude_unset=True)
    return {**template_actions.assigned(version), **written}


async def get_organization(request: Request) -> Response:
    """GET /v1/organization: whose key this is, and what is left."""
    house = service(request)
    org_id = await house.keys.organization(request)
    return Json(await house.database.read(about, org_id))


Method = Literal["GET", "POST", "PUT", "DELETE"]


def _route(method: Method, path: str, endpoint: Any) -> Route:
    return Route(f"/v1{path}", endpoint, methods=[method])


ROUTES = [
    _route("POST", "/runs", dispatch),
    _route("GET", "/runs", list_runs),
    _route("GET", "/runs/{run_id}", get_run),
    _route("POST", "/runs/{run_id}/cancel", cancel_run),
    _route("POST", "/runs/{run_id}/extend", extend_run),
    _route("POST", "/runs/{run_id}/release", release_run),
    _route("GET", "/runs/{run_id}/deliveries", list_run_deliveries),
    _route("POST", "/templates", create_template),
    _route("GET", "/templates", list_templates),
    _route("GET", "/templates/{template_id}", get_template),
    _route("PUT", "/templates/{template_id}", put_template),
    _route("DELETE", "/templates/{template_id}", delete_template),
    _route("GET", "/templates/{template_id}/versions", list_versions),
    _route("GET", "/organization", get_organization),
]
