"""The executor's JSON: /r. Possession of the link is the right to do the run; no GET ever changes anything."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions.runs import execution, remarks
from rundun.actions.runs.state import RunState
from rundun.core.json_types.execution import EndedJson, RemarkedJson, StartedJson, StateJson, WrittenJson
from rundun.core.request_bodies import CancelBody, EmptyBody
from rundun.core.runs import job_json, record
from rundun.core.runs.run import Run
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.store.organizations.organizations import Organization
from rundun.store.runs import runs as run_rows
from rundun.web.context import context_of
from rundun.web.executor import endpoint
from rundun.web.executor.bodies import AnswerBody, RemarkBody, StartBody
from rundun.web.executor.device import device_of, set_device
from rundun.web.executor.endpoint import executor_router
from rundun.web.executor.state import pictures_json, remark_written, state_json, step_written
from rundun.web.http.body import LARGE, is_received, parse, read_json_bytes
from rundun.web.http.operation import Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import StateQuery, query
from rundun.web.origin import require_same_site

router = executor_router()

T = TypeVar("T")
MAX_BODY = LARGE
MAX_ANSWER = 256 * 1024


async def read_body(request: Request, take: Callable[[Any], T], max_bytes: int = MAX_BODY) -> T:
    """Return `take(body)` for a JSON body from our own page. Raises `cross_site`; for an unknown run NotFound, for an
    erased one `run_erased`, before waiting for a body and before any complaint about it, so that guessed links learn
    nothing. For a valid body that has been received already, and is not large, the run is not looked for.
    """
    require_same_site(request)
    ctx, run_id, was_here = context_of(request), request.path_params["run_id"], is_received(request)
    if not was_here:
        await ctx.database.read(run_rows.get, run_id)
    try:
        body = await read_json_bytes(request, min(max_bytes, ctx.settings.limits.body_bytes))
        if len(body) <= LARGE:
            return take(parse(body))
        run = await ctx.database.read(run_rows.get, run_id)
        return take(await ctx.turns.of_links(run.org_id).run(parse, body))
    except Problem:
        if was_here:
            await ctx.database.read(run_rows.get, run_id)
        raise


@router.route(
    "GET /state",
    {200: Success("The state.", StateJson), 304: Success("Nothing has happened since that revision.")},
    query=StateQuery,
    problems=("run_closed",),
)
async def get_state(request: Request) -> Response:
    """Read the run's state.

    The checklist, all answers and receipts: enough to resume on another device.
    """
    ctx = context_of(request)
    run_id, device = request.path_params["run_id"], device_of(request)
    asked = query(StateQuery, request)
    since, is_ours = asked.since, asked.generation in (None, ctx.generation)
    if since is not None and is_ours and await ctx.database.read(execution.is_unchanged, run_id, since, device):
        return Response(status_code=304, headers={"cache-control": "no-store"})

    def make(loaded: tuple[RunState, Organization, int]) -> Response:
        state, organization, now = loaded
        return Json(state_json(state, organization, ctx.links, now, ctx.generation))

    return await endpoint.read(request, make, execution.load_open, device)


@router.route(
    "POST /start",
    {200: Success("The run is under way.", StartedJson, headers=("Set-Cookie",))},
    body=StartBody,
    problems=("run_closed",),
)
async def start_run(request: Request) -> Response:
    """Start the run.

    A person has tapped Start. A repeated start keeps the name, address or number of the first.
    """
    ctx = context_of(request)
    start_input = await read_body(request, lambda body: read(StartBody, body).start())
    run_id = request.path_params["run_id"]
    run, version, token = await ctx.database.write(execution.start, run_id, start_input, device_of(request))
    assert run.assigned_to is not None  # it is started
    content: StartedJson = {
        "run": record.run_state_json(run, ctx.now()),
        "assigned_to": run.assigned_to,
        "job": job_json.job_json(run, version.template, run.language),
        "generation": ctx.generation,
        **pictures_json(run, version, ctx.links),
    }
    response = Json(content)
    set_device(request, response, token)
    return response


@router.route(
    "PUT /steps/{step_id}",
    {200: Success("The step as it stands.", WrittenJson)},
    body=AnswerBody,
    problems=("run_closed", "not_started", "skip_not_allowed", "too_many_photos", "answer_changed"),
)
async def answer_step(request: Request) -> Response:
    """Answer a step.

    A value, a skip, or “I can't do this”. The answer that arrives last counts; with `replaces` it is `answer_changed`
    if another one came meanwhile. It is accepted while its photos are still missing. An `answer_id` that was applied
    before, or the same content, changes nothing.
    """
    ctx = context_of(request)
    answer_input = await read_body(request, lambda body: read(AnswerBody, body).answer_input(), MAX_ANSWER)
    step_id, device = request.path_params["step_id"], device_of(request)
    state = await endpoint.write(request, execution.answer, step_id, answer_input, device)
    response = Json(step_written(state, step_id, ctx.links, ctx.generation))
    if device is None and not state.run.is_closed:  # a phone that joins a started run may see its end
        set_device(request, response, secrets.token_urlsafe(24))
    return response


@router.route(
    "PUT /steps/{step_id}/remark",
    {200: Success("The remark as it stands.", RemarkedJson)},
    body=RemarkBody,
    problems=("run_closed", "not_started", "too_many_photos", "answer_changed"),
)
async def put_remark(request: Request) -> Response:
    """Note a remark on a step.

    It stands beside the step's answer, if there is one; neither replaces the other. Without text and photos the remark
    is taken back. With `replaces` it is `answer_changed` if another one came meanwhile. A `remark_id` that was applied
    before, or the same content, changes nothing.
    """
    ctx = context_of(request)
    remark_input = await read_body(request, lambda body: read(RemarkBody, body).remark_input())
    step_id = request.path_params["step_id"]
    state = await endpoint.write(request, remarks.remark, step_id, remark_input, device_of(request))
    return Json(remark_written(state, step_id, ctx.generation))


@router.route(
    "POST /complete",
    {200: Success("The run is completed.", EndedJson)},
    body=EmptyBody,
    problems=("run_closed", "not_started", "steps_missing"),
)
async def complete_run(request: Request) -> Response:
    """Submit the run.

    Completes the run. If steps are missing, the problem lists all of them. Repeated on a completed run, it returns the
    same response.
    """
    ctx = context_of(request)
    await read_body(request, lambda body: read(EmptyBody, body))
    run = await endpoint.write(request, execution.complete, device_of(request))
    return Json(_ended(run, ctx.generation))


def _ended(run: Run, generation: int) -> EndedJson:
    """Return the content of the response about a closed run: its state, as `run`, and the database's `generation`."""
    return {"run": record.run_state_json(run, run.closed_at or 0), "generation": generation}


@router.route(
    "POST /cancel", {200: Success("The run is cancelled.", EndedJson)}, body=CancelBody, problems=("run_closed",)
)
async def give_up_run(request: Request) -> Response:
    """Give the run up.

    The executor stops for good. Repeated with the same reason, it returns the same response.
    """
    ctx = context_of(request)
    reason = (await read_body(request, lambda body: read(CancelBody, body))).reason
    run = await endpoint.write(request, execution.cancel_by_executor, reason, device_of(request))
    return Json(_ended(run, ctx.generation))
