"""/v1: what an integrator's backend calls. The table at the end is the contents page."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions import dispatching, steering
from rundun.actions.looking import about, deliveries_of, whole_run
from rundun.core import record, times
from rundun.core.destination import Destination
from rundun.core.run import Run
from rundun.core.shape import read
from rundun.errors import Place, Problem
from rundun.store import runs
from rundun.store.deliveries import Delivery
from rundun.web.problems import Json
from rundun.web.queries import ListQuery, RunsQuery, is_current, list_json, query
from rundun.web.service import Service, service
from rundun.web.shapes import CancelBody, DispatchBody, EmptyBody, ExtendBody
from rundun.web.templates import read_body, template_json


async def dispatch(request: Request) -> Response:
    """POST /v1/runs: a new run and its link, 201."""
    house = service(request)
    org_id = await house.keys.organization(request)
    order, destination = read(DispatchBody, await read_body(request)).order()
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
    if is_current(request, tag):
        return Response(status_code=304, headers={"etag": tag})
    links = house.database.house.links
    head = to_json(record.full_json(sheet.run, sheet.standings, sheet.evidence, links, now))
    content = head[:-1] + b',"template":' + template_json(sheet.version) + b"}"
    return Json(content, headers={"etag": tag})


async def list_runs(request: Request) -> Response:
    """GET /v1/runs: without templates and answers, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    wanted = query(RunsQuery, request)
    page = await house.database.read(runs.page, org_id, wanted.filter(), wanted.slice())
    now = house.database.house.clock()
    return list_json(request, page, [to_json(_summary(house, run, now)) for run in page.items])


def _summary(house: Service, run: Run, now: int) -> dict[str, Any]:
    return record.run_json(run, house.database.house.links, now)


async def cancel_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/cancel."""
    house = service(request)
    org_id = await house.keys.organization(request)
    reason = read(CancelBody, await read_body(request)).reason
    return await _steered(house, steering.cancel_for_org, org_id, request.path_params["run_id"], reason)


async def extend_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/extend."""
    house = service(request)
    org_id = await house.keys.organization(request)
    hours = read(ExtendBody, await read_body(request)).expires_in_hours
    return await _steered(house, steering.extend, org_id, request.path_params["run_id"], hours)


async def release_run(request: Request) -> Response:
    """POST /v1/runs/{run_id}/release."""
    house = service(request)
    org_id = await house.keys.organization(request)
    read(EmptyBody, await read_body(request))
    return await _steered(house, steering.release, org_id, request.path_params["run_id"])


async def _steered(house: Service, action: Any, *args: Any) -> Response:
    """The run without its template."""
    sheet = await house.database.write(action, *args)
    links, now = house.database.house.links, house.database.house.clock()
    return Json(record.full_json(sheet.run, sheet.standings, sheet.evidence, links, now))


async def list_run_deliveries(request: Request) -> Response:
    """GET /v1/runs/{run_id}/deliveries: each with its attempts, the newest first."""
    house = service(request)
    org_id = await house.keys.organization(request)
    wanted = query(ListQuery, request).slice()
    page = await house.database.read(deliveries_of, org_id, request.path_params["run_id"], wanted)
    return list_json(request, page, [to_json(_delivery_json(one)) for one in page.items])


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
    _route("GET", "/organization", get_organization),
]
