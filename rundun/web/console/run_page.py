"""/console/runs/{run_id}: one run, from dispatch to end, with every answer as it read then."""

from __future__ import annotations

import io
from collections.abc import Awaitable
from typing import Any

from starlette.responses import Response

from rundun.actions import runs
from rundun.actions.runs import RunDetail
from rundun.errors import NotFound, Problem
from rundun.store import runs as run_rows
from rundun.web.console.run_history import moments
from rundun.web.console.run_view import Teller
from rundun.web.console.session import Visit, page
from rundun.web.i18n import Say
from rundun.web.pages import HEADERS
from rundun.web.problems import TABLE

HOURS = ("24", "72", "168", "720", "never")


async def show_run(visit: Visit) -> Response:
    """GET /console/runs/{run_id}."""
    return await shown(visit)


async def shown(visit: Visit, status: int = 200, wrong: Problem | None = None) -> Response:
    """The page, with what went `wrong` when something was to be done to the run. `?past=` names the step of which all
    past answers are shown, at most as many as one may give.
    """
    past = visit.request.query_params.get("past", "")
    watched = await visit.read(runs.detail, visit.path("run_id"), past)
    ctx = visit.ctx.database.env
    teller = Teller(watched, visit_say(visit), visit.zone, ctx.links.media_path, (past,))
    run = watched.state.run
    is_pinned = watched.state.version.template.execution.scope == "first_device" and run.device is not None
    return visit.show(
        "run",
        status,
        wrong=wrong,
        hours=HOURS,
        link=ctx.links.run(run.run_id),
        deadline=run.deadline(ctx.grace),
        can_release=is_pinned and not run.is_closed,
        will_change=any(one.status == "pending" for one in watched.deliveries.items),
        past=past,
        reason=visit.form.get("reason", ""),
        **telling(teller),
    )


def telling(teller: Teller) -> dict[str, Any]:
    """What a page or a report of a run shows."""
    watched: RunDetail = teller.watched
    steps = {step.id: step.label for step in watched.state.version.steps}
    return {
        "run": watched.state.run,
        "template": watched.state.version.template,
        "now": watched.now,
        "labels": steps,
        "parts_of_run": teller.parts(),
        "signature": teller.signature(),
        "moments": moments(watched),
        "deliveries": watched.deliveries.items,
        "has_more_deliveries": watched.deliveries.next_before is not None,
    }


def visit_say(visit: Visit) -> Say:
    """The words of the reader's language."""
    first = visit.request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    return visit.ctx.pages.console_words.language([first or "en"]).say


async def done_or_said(visit: Visit, act: Awaitable[object], told: str) -> Response:
    """Do it and show the run; or show the run, and why it can't be done."""
    try:
        await act
    except NotFound:
        raise
    except Problem as problem:
        if problem.code == "would_shorten":
            problem = await _in_our_zone(visit, problem)
        return await shown(visit, TABLE[problem.code][0], problem)
    return visit.go(f"/runs/{visit.path('run_id')}", told)


async def _in_our_zone(visit: Visit, problem: Problem) -> Problem:
    """The same with the time as it is here."""
    run, say = await visit.read(run_rows.get_of_org, visit.path("run_id")), visit_say(visit)
    if run.expires_at is None:
        return Problem(problem.code, say("would_shorten_never"))
    return Problem(problem.code, say("would_shorten", at=visit.zone.say(run.expires_at)))


async def qr_code(visit: Visit) -> Response:
    """GET /console/runs/{run_id}/link.svg: the run's link, to be scanned."""
    import segno  # when first needed

    run = await visit.read(run_rows.get_of_org, visit.path("run_id"))
    picture = io.BytesIO()
    link = visit.ctx.links.run(run.run_id)
    segno.make(link, error="m", micro=False).save(
        picture, kind="svg", scale=8, border=4, dark="#000", light="#fff"
    )
    return Response(picture.getvalue(), headers=HEADERS, media_type="image/svg+xml")


ROUTES = [
    page("GET", "/runs/{run_id}", show_run),
    page("GET", "/runs/{run_id}/link.svg", qr_code),
]
