"""/console/dispatch: dispatching one job by a form, or repeating a closed one."""

import uuid

from starlette.responses import Response

from rundun.actions.deliveries import default_webhooks
from rundun.actions.runs import repeats, runs
from rundun.actions.templates import templates
from rundun.core.actor import Actor
from rundun.errors import NotFound, Problem
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.web.console.dispatch import form as dispatch_form
from rundun.web.console.dispatch.due import SENT, due_choices
from rundun.web.console.dispatch.form import (
    AS_TYPED,
    EMPTY,
    EVENTS,
    RepeatedRun,
    field_inputs,
    host_of,
    prefill_inputs,
    read_body,
    repeat_values,
    repeated_run,
    with_choices,
)
from rundun.web.console.dispatch.message import language_choices
from rundun.web.console.session import ConsoleCall
from rundun.web.dispatch.reading import read_dispatch_body
from rundun.web.dispatch.warnings import destination_warnings
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.refusals import exact_field_reason

MAX_TEMPLATES = 500
REFUSALS = (
    "not_found",
    "invalid",
    "address_not_allowed",
    "insufficient_credits",
    "quota_exceeded",
    "template_archived",
)
# Names of the inputs that can show an error, besides those of the chosen template's fields and steps.
INPUTS = {*AS_TYPED, "due_at", "expires_in_hours", "url", "secret", "events"}


async def form(call: ConsoleCall) -> Response:
    """GET /console/dispatch: show the form. `?template_id=` chooses a template, `?again=` a closed run to repeat; an
    open one raises `wrong_status`.
    """
    params, values = call.request.query_params, dict(EMPTY)
    if again := params.get("again", ""):
        repeated, current = await _read_repeated(call, again)
        if not repeated.run.is_closed:
            raise Problem("wrong_status", "This run is not closed yet; only closed runs can be repeated.")
        values |= repeat_values(repeated, current, call.zone.today(call.now))
    else:
        values["template_id"] = params.get("template_id", "")[:100]
    return await _render_form(call, {**values, "once": str(uuid.uuid4())})


async def _read_repeated(call: ConsoleCall, run_id: str) -> tuple[RepeatedRun, TemplateVersion]:
    """Return a run, open or closed, as the `RepeatedRun` of the form, and the current version of its template. Raises
    NotFound, `run_erased`.
    """
    run, version = await call.read(runs.get_with_version, run_id)
    current = (await call.read(templates.get_version, run.template_id, None))[1]
    return repeated_run(run, version, current), current


async def _find_repeated(call: ConsoleCall, values: dict[str, str]) -> RepeatedRun | None:
    """Return the `RepeatedRun` of the form; None if it repeats none, or if another template was chosen. Raises
    NotFound, `run_erased`.
    """
    if not values.get("again"):
        return None
    repeated, _ = await _read_repeated(call, values["again"])
    return repeated if repeated.run.template_id == values.get("template_id") else None


async def _render_form(call: ConsoleCall, values: dict[str, str], problem: Problem | None = None) -> Response:
    repeated = await _find_repeated(call, values)
    tag = call.language.tag
    default = await call.read(default_webhooks.find, values.get("template_id", ""))
    chosen_id = values.get("template_id", "")
    listed = await call.read(templates.dispatch_choices, chosen_id, MAX_TEMPLATES, tag)
    choices = [(one.head.template_id, one.name) for one in listed]
    choices.sort(key=lambda choice: choice[1].casefold())
    tags = {language for one in listed for language in one.languages}
    is_known = any(one.head.template_id == chosen_id for one in listed)
    chosen = (await call.read(templates.get_version, chosen_id, None, tag))[1] if is_known else None
    fields = field_inputs(chosen, call.language) if chosen else []
    prefill = prefill_inputs(chosen, call.language) if chosen else []
    places = {*INPUTS, *(each.key for each in (*fields, *prefill))}
    numbers = {each.key for each in (*fields, *prefill) if each.kind == "number"}
    wrong: dict[str, str] = {}
    for error in problem.errors if problem else ():
        place = _input_name(error.pointer)
        if place == "template_id":
            wrong[place] = call.language.gettext("Choose a checklist.")
        elif place in numbers and error.code == "wrong_type":
            wrong.setdefault(place, call.language.gettext("Must be a number, such as 3 or 2.5."))
        elif place in places:
            wrong.setdefault(place, exact_field_reason(call.language, call.zone, error))
        else:
            wrong.setdefault(error.pointer, exact_field_reason(call.language, call.zone, error))
    status = PROBLEMS[problem.code].status if problem else 200
    return await call.render(
        "dispatch/dispatch",
        status,
        values=values,
        choices=choices,
        languages=language_choices(call, tags),
        due_choices=due_choices(call, SENT),
        events=EVENTS,
        fields=fields,
        prefill=prefill,
        max_prefilled=dispatch_form.MAX_PREFILLED,
        problem=problem,
        wrong=wrong,
        elsewhere={pointer: detail for pointer, detail in wrong.items() if pointer not in places},
        repeated=repeated,
        previous_host=host_of(repeated.webhook if repeated else None),
        default_host=host_of(default),
    )


def _input_name(pointer: str) -> str:
    """Return the key of the form input for the body value at `pointer`: the id of a field or a step, `events`, or the
    last part of the pointer.
    """
    first, *others = pointer[1:].split("/")
    if first in ("fields", "prefill") and others:
        return others[0]
    return "events" if others[:1] == ["events"] else (others or [first])[-1]


async def dispatch(call: ConsoleCall) -> Response:
    """POST /console/dispatch: dispatch a run, once per form, and redirect to the page of its link; show the form again
    with the errors of a refused one. With `choose`, show the form for the chosen template; a GET would put secrets into
    the address.
    """
    if call.form.get("choose"):
        return await _render_form(call, call.form)
    try:
        version = await chosen_version(call)
        body = read_body(call.form, version, call.zone)
        if version is None:
            body.pop("template_id", None)  # so that it is reported as missing, together with all other errors
        dispatch_request, destination = (
            await read_dispatch_body(call.ctx.database, call.operator.org_id, body)
        ).order()
        warnings = await destination_warnings(call.ctx.check_destination, destination, call.operator.org_id)
        dispatch_request = with_choices(dispatch_request, call.form, await _find_repeated(call, call.form))
        actor = Actor("operator", call.operator.name)
        run_id = await call.write_once("run_id", repeats.dispatch, dispatch_request, actor)
    except Problem as problem:
        if problem.code not in REFUSALS:
            raise
        return await _render_form(call, call.form, problem)
    return call.redirect(f"/dispatch/{run_id}{'?warned=webhook_unresolved' if warnings else ''}")


async def chosen_version(call: ConsoleCall) -> TemplateVersion | None:
    """Return the current version of the form's template, even of an archived one; None if the organization does not
    have it.
    """
    try:
        return (await call.read(templates.get_version, call.form.get("template_id", ""), None))[1]
    except NotFound:
        return None
