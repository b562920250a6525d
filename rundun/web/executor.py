"""/r: the executor's side. Possession of the link is the right to do the run; no GET ever changes anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions import doing, looking
from rundun.actions.sheet import Sheet
from rundun.core import language, record, times
from rundun.core.links import Links
from rundun.core.run import Run
from rundun.core.shape import read
from rundun.errors import NotFound, Problem
from rundun.store import runs
from rundun.store.organizations import Organization
from rundun.web.body import is_here, read_json
from rundun.web.brand import brand_of
from rundun.web.pages import Handler, compressed
from rundun.web.problems import Json
from rundun.web.queries import StateQuery, query
from rundun.web.service import Service, service
from rundun.web.shapes import AnswerBody, CancelBody, EmptyBody, StartBody

T = TypeVar("T")
COOKIE = "rundun_device"
LONGEST_ID = len("r-00000000-0000-4000-8000-000000000000")
COOKIE_SECONDS = 365 * 24 * 3600
LARGEST_BODY = 64 * 1024  # bytes
LARGEST_ANSWER = 256 * 1024


def refuse_cross_site(request: Request) -> None:
    """Another site's page must not write with this phone's cookie (fetch metadata, RFC 6454 origins)."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise Problem("cross_site", "Writes must come from this site's own page.")
    origin = request.headers.get("origin")
    if origin is None:
        return
    ours = {request.headers.get("host", ""), urlsplit(service(request).settings.public_url).netloc}
    if _host_of(origin) not in ours - {""}:
        raise Problem("cross_site", "Writes must come from this site's own page.")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def device_of(request: Request) -> str | None:
    """The token in this run's signed cookie, None without one or with one that we did not make."""
    signed = request.cookies.get(COOKIE)
    if signed is None:
        return None
    try:
        return _signer(request).unsign(signed).decode()
    except (BadSignature, UnicodeError):
        return None


def _signer(request: Request) -> Signer:
    return Signer(service(request).database.house.links.key, salt=f"device.{request.path_params['run_id']}")


def _set_device(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        COOKIE,
        _signer(request).sign(token).decode(),
        max_age=COOKIE_SECONDS,
        path=f"/r/{request.path_params['run_id']}",
        secure=service(request).settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


async def read_body(request: Request, understood: Callable[[Any], T], largest: int = LARGEST_BODY) -> T:
    """What is `understood` by a JSON body from our own page, for a run that there is: nothing is waited for from those
    who try links, nor do they hear what is wrong with a body that is here.
    """
    refuse_cross_site(request)
    house, run_id, was_here = service(request), request.path_params["run_id"], is_here(request)
    if not was_here:
        await house.database.read(runs.get, run_id)
    try:
        return understood(await read_json(request, min(largest, house.settings.limits.body_kibibytes * 1024)))
    except Problem:
        if was_here:
            await house.database.read(runs.get, run_id)
        raise


def run_brief(run: Run) -> dict[str, Any]:
    """What every write tells of the run."""
    return {
        "status": run.status,
        "expires_at": times.wire_or_none(run.expires_at),
        "progress": dict(run.progress),
        "revision": run.revision,
    }


def run_state(run: Run, now: int) -> dict[str, Any]:
    """What the page knows of the run itself."""
    return {
        "run_id": run.run_id,
        "late": run.is_late(now),
        "created_at": times.wire(run.created_at),
        "started_at": times.wire_or_none(run.started_at),
        "closed_at": times.wire_or_none(run.closed_at),
        "language": run.language,
        "assigned_to": run.assigned_to,
        "identity": run.identity.as_json(run.assigned_to),
        **run_brief(run),
    }


def state_json(sheet: Sheet, organization: Organization, links: Links, now: int) -> dict[str, Any]:
    """Enough to resume on another device."""
    newest = {one.step_id: one for one in sheet.evidence.signatures.values()}
    return {
        "run": run_state(sheet.run, now),
        "organization": {"name": organization.name, "contact": organization.contact},
        "template_id": sheet.run.template_id,
        "template_v": sheet.run.template_v,
        "template": sheet.version.template.model_dump(mode="json", exclude_unset=True),
        "answers": {
            step_id: record.step_json(standing, sheet.evidence, links)
            for step_id, standing in sheet.standings.items()
            if standing.answer is not None
        },
        "photos": {
            step_id: [record.receipt(photo, links) for photo in photos.values()]
            for step_id, photos in sheet.evidence.photos.items()
        },
        "signatures": {step_id: record.signature_receipt(one, links) for step_id, one in newest.items()},
        "server_time": times.wire(now),
    }


def step_written(sheet: Sheet, step_id: str, links: Links) -> dict[str, Any]:
    """What a write on a step answers."""
    step = {"step_id": step_id, **record.step_json(sheet.standings[step_id], sheet.evidence, links)}
    return {"run": run_brief(sheet.run), "step": step}


async def page(request: Request) -> Response:
    """GET /r/{run_id}: the page, neutral to robots and previews; a clear word where there is nothing to do."""
    house = service(request)
    run_id = request.path_params["run_id"]
    try:
        sheet, organization, now = await house.database.read(looking.for_executor, run_id, device_of(request))
    except NotFound:
        return house.pages.closed("unknown", _wanted(request, None))
    except Problem as problem:
        if problem.code not in ("run_closed", "other_device"):
            raise
        return await _closed_page(request, house, problem)
    state = state_json(sheet, organization, house.database.house.links, now)
    brand = brand_of(organization, house.pages.assets, house.database.house.links)
    return house.pages.run(state, _wanted(request, sheet.run.language), brand=brand)


async def _closed_page(request: Request, house: Service, problem: Problem) -> Response:
    run, version, organization = await house.database.read(looking.epitaph, request.path_params["run_id"])
    kind = "other_device" if problem.code == "other_device" else run.status
    told = {
        "run_id": run.run_id,
        "closed_at": times.wire_or_none(run.closed_at),
        "progress": dict(run.progress),
        "template": version.template.model_dump(
            mode="json", include={"name", "translations"}, exclude_unset=True
        ),
    }
    contact = {"name": organization.name, "contact": organization.contact}
    brand = brand_of(organization, house.pages.assets, house.database.house.links)
    return house.pages.closed(kind, _wanted(request, run.language), contact, told, brand)


def _wanted(request: Request, run_language: str | None) -> list[str]:
    """The languages to answer in, the dearest first: chosen on the page, the run's own, the browser's."""
    asked = request.query_params.get("lang", "")
    own = [tag for tag in (asked, run_language) if tag and language.is_tag(tag)]
    return [*own, *language.accepted(request.headers.get("accept-language", ""))]


async def state(request: Request) -> Response:
    """GET /r/{run_id}/state; `?since=<revision>` answers 304 while nothing has changed."""
    house = service(request)
    run_id, device = request.path_params["run_id"], device_of(request)
    since = query(StateQuery, request).since
    if since is not None and await house.database.read(looking.is_unchanged, run_id, since, device):
        return Response(status_code=304, headers={"cache-control": "no-store"})
    sheet, organization, now = await house.database.read(looking.for_executor, run_id, device)
    content = state_json(sheet, organization, house.database.house.links, now)
    return Json(content)


async def start(request: Request) -> Response:
    """POST /r/{run_id}/start: a human tapped Start."""
    house = service(request)
    given = await read_body(request, lambda body: read(StartBody, body).start())
    run, token = await house.database.write(
        doing.start, request.path_params["run_id"], given, device_of(request)
    )
    content = {"run": run_state(run, house.database.house.clock()), "assigned_to": run.assigned_to}
    response = Json(content)
    _set_device(request, response, token)
    return response


async def answer(request: Request) -> Response:
    """PUT /r/{run_id}/steps/{step_id}."""
    house = service(request)
    given = await read_body(request, lambda body: read(AnswerBody, body).given(), LARGEST_ANSWER)
    step_id = request.path_params["step_id"]
    sheet = await house.database.write(
        doing.answer, request.path_params["run_id"], step_id, given, device_of(request)
    )
    return Json(step_written(sheet, step_id, house.database.house.links))


async def complete(request: Request) -> Response:
    """POST /r/{run_id}/complete."""
    house = service(request)
    await read_body(request, lambda body: read(EmptyBody, body))
    run = await house.database.write(doing.complete, request.path_params["run_id"], device_of(request))
    return Json({"run": run_state(run, run.closed_at or 0)})


async def cancel(request: Request) -> Response:
    """POST /r/{run_id}/cancel: the executor stops for good."""
    house = service(request)
    reason = (await read_body(request, lambda body: read(CancelBody, body))).reason
    run = await house.database.write(doing.give_up, request.path_params["run_id"], reason, device_of(request))
    return Json({"run": run_state(run, run.closed_at or 0)})


def readable(handler: Handler) -> Handler:
    """The same page, which is a page also for who asks too often."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            if problem.code != "rate_limited" or "text/html" not in request.headers.get("accept", ""):
                raise
            request.scope["rundun.code"] = problem.code
            response = service(request).pages.closed("throttled", _wanted(request, None))
            response.headers["retry-after"] = str(problem.retry_after)
            return response

    endpoint.__doc__ = handler.__doc__
    endpoint.__name__ = handler.__name__
    return endpoint


def route(method: str, path: str, handler: Handler) -> Route:
    """A route of /r/{run_id}."""
    return Route(f"/r/{{run_id}}{path}", limited(handler), methods=[method])


def limited(handler: Handler) -> Handler:
    """The same within the limits for each run, and for each address that tries links."""

    async def endpoint(request: Request) -> Response:
        quotas = service(request).quotas
        quotas.count_request(request, request.path_params["run_id"][:LONGEST_ID])
        try:
            response = await handler(request)
        except NotFound:
            quotas.count_failure(request)
            raise
        if response.status_code == 404:
            quotas.count_failure(request)
        return response

    endpoint.__doc__ = handler.__doc__
    endpoint.__name__ = handler.__name__
    return endpoint


ROUTES = [
    Route("/r/{run_id}", readable(limited(compressed(page))), methods=["GET"]),
    route("GET", "/state", state),
    route("POST", "/start", start),
    route("PUT", "/steps/{step_id}", answer),
    route("POST", "/complete", complete),
    route("POST", "/cancel", cancel),
]
