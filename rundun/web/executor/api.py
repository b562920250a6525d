"""The executor's JSON: /r. Possession of the link is the right to do the run; no GET ever changes anything."""

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions import execution
from rundun.core import run_json
from rundun.core.json_types.execution import EndedJson, StartedJson, StateJson, WrittenJson
from rundun.core.run import Run
from rundun.core.validation import read
from rundun.errors import NotFound, Problem
from rundun.store import runs as run_rows
from rundun.web.body import is_here, read_json
from rundun.web.context import context_of
from rundun.web.docs.openapi.operation import ApiRoute, Method, Operation, Success
from rundun.web.executor.device import device_of, set_device
from rundun.web.executor.page import page, preferred_languages
from rundun.web.executor.state import state_json, step_written
from rundun.web.origin import refuse_cross_site
from rundun.web.pages import Handler, compressed
from rundun.web.problems import Json
from rundun.web.query_params import StateQuery, query
from rundun.web.request_bodies import AnswerBody, CancelBody, EmptyBody, StartBody

T = TypeVar("T")
MAX_ID = len("r-00000000-0000-4000-8000-000000000000")
MAX_BODY = 64 * 1024  # bytes
MAX_ANSWER = 256 * 1024


async def read_body(request: Request, parse: Callable[[Any], T], max_bytes: int = MAX_BODY) -> T:
    """Read and `parse` a JSON body from our own page, for a run that exists: nothing is waited for from those who try
    links, nor do they hear what is wrong with a body that is here.
    """
    refuse_cross_site(request)
    ctx, run_id, was_here = context_of(request), request.path_params["run_id"], is_here(request)
    if not was_here:
        await ctx.database.read(run_rows.get, run_id)
    try:
        return parse(await read_json(request, min(max_bytes, ctx.settings.limits.body_kibibytes * 1024)))
    except Problem:
        if was_here:
            await ctx.database.read(run_rows.get, run_id)
        raise


async def state(request: Request) -> Response:
    """Return the state of a run: GET /r/{run_id}/state; `?since=<revision>` answers 304 while nothing has changed."""
    ctx = context_of(request)
    run_id, device = request.path_params["run_id"], device_of(request)
    since = query(StateQuery, request).since
    if since is not None and await ctx.database.read(execution.is_unchanged, run_id, since, device):
        return Response(status_code=304, headers={"cache-control": "no-store"})
    state, organization, now = await ctx.database.read(execution.load_open, run_id, device)
    content = state_json(state, organization, ctx.links, now)
    return Json(content)


async def start(request: Request) -> Response:
    """Start a run, since a human tapped Start: POST /r/{run_id}/start."""
    ctx = context_of(request)
    start_input = await read_body(request, lambda body: read(StartBody, body).start())
    run_id = request.path_params["run_id"]
    run, token = await ctx.database.write(execution.start, run_id, start_input, device_of(request))
    assert run.assigned_to is not None  # since it is started
    content: StartedJson = {"run": run_json.run_state_json(run, ctx.now()), "assigned_to": run.assigned_to}
    response = Json(content)
    set_device(request, response, token)
    return response


async def answer(request: Request) -> Response:
    """Answer a step: PUT /r/{run_id}/steps/{step_id}."""
    ctx = context_of(request)
    answer_input = await read_body(request, lambda body: read(AnswerBody, body).answer_input(), MAX_ANSWER)
    run_id, step_id = request.path_params["run_id"], request.path_params["step_id"]
    state = await ctx.database.write(execution.answer, run_id, step_id, answer_input, device_of(request))
    return Json(step_written(state, step_id, ctx.links))


async def complete(request: Request) -> Response:
    """Complete a run: POST /r/{run_id}/complete."""
    ctx = context_of(request)
    await read_body(request, lambda body: read(EmptyBody, body))
    run = await ctx.database.write(execution.complete, request.path_params["run_id"], device_of(request))
    return Json(_ended(run))


def _ended(run: Run) -> EndedJson:
    return {"run": run_json.run_state_json(run, run.closed_at or 0)}


async def cancel(request: Request) -> Response:
    """Give a run up for good: POST /r/{run_id}/cancel."""
    ctx = context_of(request)
    reason = (await read_body(request, lambda body: read(CancelBody, body))).reason
    run_id = request.path_params["run_id"]
    run = await ctx.database.write(execution.cancel_by_executor, run_id, reason, device_of(request))
    return Json(_ended(run))


def with_error_page(handler: Handler) -> Handler:
    """Answer a browser that asks too often with a page instead of JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            if problem.code != "rate_limited" or "text/html" not in request.headers.get("accept", ""):
                raise
            request.scope["rundun.code"] = problem.code
            response = context_of(request).pages.closed("throttled", preferred_languages(request, None))
            response.headers["retry-after"] = str(problem.retry_after)
            return response

    endpoint.__doc__ = handler.__doc__
    endpoint.__name__ = handler.__name__
    return endpoint


def route(method: Method, path: str, handler: Handler, operation: Operation) -> ApiRoute:
    """Return a route of /r/{run_id} with the `operation` that the OpenAPI document describes."""
    return ApiRoute(method, f"/r/{{run_id}}{path}", rate_limited(handler), operation)


def rate_limited(handler: Handler) -> Handler:
    """Limit the requests to `handler` for each run, and for each address that tries links."""

    async def endpoint(request: Request) -> Response:
        rate_limiter = context_of(request).rate_limiter
        rate_limiter.count_request(request, request.path_params["run_id"][:MAX_ID])
        try:
            response = await handler(request)
        except NotFound:
            rate_limiter.count_failure(request)
            raise
        if response.status_code == 404:
            rate_limiter.count_failure(request)
        return response

    endpoint.__doc__ = handler.__doc__
    endpoint.__name__ = handler.__name__
    return endpoint


ROUTES = [
    Route("/r/{run_id}", with_error_page(rate_limited(compressed(page))), methods=["GET"]),
    route(
        "GET",
        "/state",
        state,
        Operation(
            "Executor",
            "getState",
            "Read where the run stands",
            "The checklist, all answers and receipts: enough to resume on another device.",
            {200: Success("The state.", StateJson), 304: Success("Nothing has happened since that revision.")},
            query=StateQuery,
            problems=("run_closed",),
        ),
    ),
    route(
        "POST",
        "/start",
        start,
        Operation(
            "Executor",
            "startRun",
            "Start the run",
            "A human has tapped Start. Again: the same person, whose first name, address or number is kept.",
            {200: Success("The run is under way.", StartedJson, headers=("Set-Cookie",))},
            body=StartBody,
            problems=("run_closed",),
        ),
    ),
    route(
        "PUT",
        "/steps/{step_id}",
        answer,
        Operation(
            "Executor",
            "answerStep",
            "Answer a step",
            "A value, a skip, or “I can't do this”. The newest to arrive counts; it is accepted while its photos are "
            "still missing. An `answer_id` that was applied before, or the same content, changes nothing.",
            {200: Success("The step as it stands.", WrittenJson)},
            body=AnswerBody,
            problems=("run_closed", "not_started", "skip_not_allowed", "too_many_photos"),
        ),
    ),
    route(
        "POST",
        "/complete",
        complete,
        Operation(
            "Executor",
            "completeRun",
            "Submit the run",
            "All is done. What is still missing is answered all at once. Again on a completed run: the same answer.",
            {200: Success("The run is completed.", EndedJson)},
            body=EmptyBody,
            problems=("run_closed", "not_started", "steps_missing"),
        ),
    ),
    route(
        "POST",
        "/cancel",
        cancel,
        Operation(
            "Executor",
            "giveUpRun",
            "Give the run up",
            "The executor stops for good. Again with the same words: the same answer.",
            {200: Success("The run is cancelled.", EndedJson)},
            body=CancelBody,
            problems=("run_closed",),
        ),
    ),
]
