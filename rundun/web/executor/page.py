"""The executor's page, or the page of a closed run: /r/{run_id}."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions.runs import execution, state as run_state
from rundun.actions.runs.state import RunState
from rundun.core import languages, times
from rundun.errors import NotFound, Problem
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.transaction import Tx
from rundun.web.context import Context, context_of
from rundun.web.executor.device import device_of
from rundun.web.executor.endpoint import rate_limited
from rundun.web.executor.state import state_json
from rundun.web.pages.branding import branding_of
from rundun.web.pages.pages import Handler, compress

T = TypeVar("T")


async def page(request: Request) -> Response:
    """Serve the executor's page, or the page of a run that is closed, erased, unknown or another phone's: GET
    /r/{run_id}. Robots and link previews change nothing by it.
    """
    ctx = context_of(request)

    def render(loaded: tuple[RunState, Organization, int, Mapping[str, int | None]]) -> Response:
        state, organization, now, days_shown = loaded
        return ctx.pages.render_run(
            state_json(state, organization, ctx.links, now, ctx.generation, in_page=True),
            preferred_languages(request, state.run.language),
            branding_of(organization, ctx.pages.assets, ctx.links),
            ctx.settings.limits.photo_bytes,
            days_shown=days_shown,
            has_report=ctx.makes_pdf and state.version.template.settings.executor_report,
        )

    try:
        return await _render_in_turn(request, render, execution.load_page)
    except NotFound:
        return compress(request, ctx.pages.render_closed("unknown", preferred_languages(request, None)))
    except Problem as problem:
        if problem.code == "run_erased":
            return await _erased_page(request, ctx)
        if problem.code not in ("run_closed", "other_device"):
            raise
        return await _closed_page(request, ctx, problem)


async def _render_in_turn(
    request: Request, render: Callable[[T], Response], load: Callable[[Tx, str, str | None], T]
) -> Response:
    """Return the page that `render` makes of what `load` returns for the run of the path and the phone, in a fair turn
    of the organization's links, compressed if the client accepts gzip. Raises NotFound, and `rate_limited` when the
    queue is full.
    """
    ctx, run_id = context_of(request), request.path_params["run_id"]
    known = await ctx.known_runs.find(run_id)
    if known is None:
        raise NotFound("run")
    turns = ctx.turns.of_links(known.org_id)
    return await turns.read_and(lambda loaded: compress(request, render(loaded)), load, run_id, device_of(request))


async def _closed_page(request: Request, ctx: Context, problem: Problem) -> Response:
    """Respond with the page of a closed run, or of a run that belongs to another phone."""
    device = device_of(request)

    def render(loaded: tuple[RunState, Organization, bool]) -> Response:
        state, organization, is_executor = loaded
        run = state.run
        kind = "other_device" if problem.code == "other_device" else run.status
        run_facts = {
            "run_id": run.run_id,
            # Only for the phone that did the run: to others the link tells only that it is over.
            "title": run.job.title if run.device is not None and run.device == device else None,
            "closed_at": times.wire_or_none(run.closed_at),
            "progress": dict(run.progress),
            "template": state.version.template.model_dump(
                mode="json", include={"name", "translations"}, exclude_unset=True
            ),
        }
        contact = {"name": organization.name, "contact": organization.contact}
        branding = branding_of(organization, ctx.pages.assets, ctx.links)
        preferred = preferred_languages(request, run.language)
        receipt = _receipt(state, organization, ctx) if is_executor and kind == "completed" else None
        reason = run_state.cancel_reason(run, is_executor=is_executor)
        return ctx.pages.render_closed(kind, preferred, contact, run_facts, branding, receipt, reason, ctx.generation)

    return await _render_in_turn(request, render, execution.load_closed)


async def _erased_page(request: Request, ctx: Context) -> Response:
    """Respond with the page of an erased run: its id, the time and the organization's contact."""
    erased, organization = await ctx.database.read(execution.load_erased, request.path_params["run_id"])
    closed_at = times.wire(erased.erased_at)
    run_facts: dict[str, Any] = {
        "run_id": erased.run_id,
        "title": None,
        "closed_at": closed_at,
        "progress": None,
        "template": {},
    }
    contact = {"name": organization.name, "contact": organization.contact}
    branding = branding_of(organization, ctx.pages.assets, ctx.links)
    page = ctx.pages.render_closed("erased", preferred_languages(request, None), contact, run_facts, branding)
    return compress(request, page)


def _receipt(state: RunState, organization: Organization, ctx: Context) -> dict[str, Any]:
    """Return the state from which static/executor/end/closed.js makes the receipt: `run`, `organization`, `template`,
    `answers`, `remarks`, the title of the `job`, whether the phone `has_report`, and in `signed` the ids of signed
    steps, "" for the run as a whole.
    """
    whole = state_json(state, organization, ctx.links, ctx.now(), ctx.generation)
    kept = {name: whole[name] for name in ("run", "organization", "template", "answers", "remarks")}
    has_report = ctx.makes_pdf and execution.has_report(state, ctx.now())
    signed = list(whole["signatures"])
    return {**kept, "job": {"title": state.run.job.title}, "has_report": has_report, "signed": signed}


def preferred_languages(request: Request, run_language: str | None) -> list[str]:
    """List valid language tags, the most preferred first: the one chosen on the page, the run's, the browser's."""
    chosen = request.query_params.get("lang", "")
    own = [tag for tag in (chosen, run_language) if tag and languages.is_tag(tag)]
    return [*own, *languages.accepted_tags(request.headers.get("accept-language", ""))]


def with_error_page(handler: Handler) -> Handler:
    """Return `handler`, with a page instead of JSON if it raises `rate_limited` and `Accept` names text/html."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            if problem.code != "rate_limited" or "text/html" not in request.headers.get("accept", ""):
                raise
            request.scope["rundun.code"] = problem.code
            response = context_of(request).pages.render_closed("throttled", preferred_languages(request, None))
            response.headers["retry-after"] = str(problem.retry_after)
            return response

    return endpoint


ROUTES = [Route("/r/{run_id}", with_error_page(rate_limited(page)), methods=["GET"])]
