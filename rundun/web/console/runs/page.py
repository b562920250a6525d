"""/console/runs/{run_id}: a run from dispatch to end, each answer in the language and wording of its time."""

import io
from collections.abc import Awaitable, Sequence

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.core import times
from rundun.core.runs.run import Run
from rundun.core.templates import pictures
from rundun.errors import NotFound, Problem
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite import service_state
from rundun.web.console.dispatch.due import due_choices
from rundun.web.console.erasure.run import show_erased
from rundun.web.console.session import ConsoleCall
from rundun.web.pages.pages import HEADERS
from rundun.wording.console_words import N_
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.run_view import RunView, page_values

HOURS = {
    "2": N_("2 hours from now"),
    "24": N_("1 day from now"),
    "48": N_("2 days from now"),
    "72": N_("3 days from now"),
    "168": N_("1 week from now"),
    "720": N_("30 days from now"),
    "never": N_("without end"),
}


async def show_run(call: ConsoleCall, status: int = 200, wrong: Problem | None = None) -> Response:
    """GET /console/runs/{run_id}: show a run, or the remaining data of an erased one (410). `wrong` is the refusal
    of an action on it. `?past=` names the step whose past answers are all shown, up to their maximum number.
    """
    past = call.request.query_params.get("past", "")
    try:
        detail = await call.read(runs.get_detail, call.path("run_id"), past, call.language.tag)
    except Problem as problem:
        if problem.code != "run_erased":
            raise
        return await show_erased(call)
    ctx = call.ctx.database.env
    view = RunView(detail, call.language, call.zone, ctx.links.media_path, (past,))
    run = detail.state.run
    is_pinned = detail.state.version.template.execution.scope == "first_device" and run.device is not None
    return await call.render(
        "runs/run",
        status,
        wrong=wrong,
        hours=extension_choices(call, [run]),
        dues=due_choices(call),
        link=ctx.links.run(run.run_id),
        pictures=pictures.shown_json(detail.state.version.pictures, ctx.links),
        deadline=run.deadline(ctx.grace),
        can_release=is_pinned and not run.is_closed,
        is_held=await call.ctx.database.read(service_state.find_held_since) is not None,
        will_change=any(delivery.status == "pending" for delivery in detail.deliveries.items),
        past=past,
        reason=call.form.get("reason", ""),
        **await call.turns.run(page_values, view),
    )


def extension_choices(call: ConsoleCall, chosen: Sequence[Run]) -> list[tuple[str, str]]:
    """Return the choices of `HOURS` that extend at least one of the runs: pairs of value and label, which ends with the
    new time if there is one. Empty if all runs are closed or never expire.
    """
    ends = [run.expires_at for run in chosen if not run.is_closed and run.expires_at is not None]
    choices = []
    for hours, words in HOURS.items() if ends else ():
        said = call.language.gettext(words)
        if hours == "never":
            choices.append((hours, said))
        elif (at := call.now + int(hours) * times.HOUR) > min(ends):
            choices.append((hours, f"{said} · {call.zone.short_time(at)}"))
    return choices


async def act_or_explain(call: ConsoleCall, act: Awaitable[object], flash: str) -> Response:
    """Await an action on a run and redirect to its page with `flash`; if it is refused, show the reason there, but
    raise NotFound.
    """
    try:
        await act
    except NotFound:
        raise
    except Problem as problem:
        if problem.code == "would_shorten":
            problem = await _localise_would_shorten(call, problem)
        return await show_run(call, PROBLEMS[problem.code].status, problem)
    return call.redirect(f"/runs/{call.path('run_id')}", flash)


async def _localise_would_shorten(call: ConsoleCall, problem: Problem) -> Problem:
    """Return the problem `would_shorten` in the page's language, with the run's end in the organization's time zone."""
    run = await call.read(run_rows.get_of_org, call.path("run_id"))
    if run.expires_at is None:
        return Problem(problem.code, call.language.gettext("That would shorten the job: it never expires as it is."))
    told = call.language.gettext(
        "That would shorten the job: it is open until {at} as it is.", at=call.zone.short_time(run.expires_at)
    )
    return Problem(problem.code, told)


async def qr_code(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/link.svg: return the QR code of the run's link as SVG."""
    import segno  # lazy: only pages with a code need it

    run = await call.read(run_rows.get_of_org, call.path("run_id"))
    picture = io.BytesIO()
    link = call.ctx.links.run(run.run_id)
    segno.make(link, error="m", micro=False).save(picture, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return Response(picture.getvalue(), headers=HEADERS, media_type="image/svg+xml")
