"""/console/runs: the list of runs; and what an operator may do to one."""

import re
from datetime import date
from functools import partial

from babel import dates
from starlette.responses import Response

from rundun.actions import deliveries, runs, templates
from rundun.core.run import STATUSES, Actor
from rundun.core.validation import clean_input, read
from rundun.store.pagination import PageRequest
from rundun.store.run_lists import RunFilter
from rundun.web.console import run_page
from rundun.web.console.dashboard import format_count
from rundun.web.console.run_filter import ALL, read_filter_form, tab_filters
from rundun.web.console.run_rows import heading, moment
from rundun.web.console.session import ConsoleCall
from rundun.web.request_bodies import CancelBody, ExtendBody

LIMIT = 50


async def list_runs(call: ConsoleCall) -> Response:
    """GET /console/runs: list the runs of a tab that the search and the filter leave."""
    filter_form = read_filter_form(call)
    page_request = call.page_request(LIMIT)
    page = await call.read(runs.page, filter_form.filter, page_request)
    choices = await call.read(templates.list_names)
    if filter_form.filter.template_id and filter_form.filter.template_id not in dict(choices):
        choices.append((filter_form.filter.template_id, filter_form.filter.template_id))
    tabs = tab_filters(call.now)
    counts = (
        {}
        if filter_form.is_narrowed
        else await call.read(runs.count_each, {tab: RunFilter(**of) for tab, of in tabs.items()})
    )
    older = None
    if page.next_before is not None:
        at, number = page.next_before
        older = "&".join(filter(None, [filter_form.query(), f"before={at}.{number}"]))
    return await call.render(
        "runs",
        filter_form=filter_form,
        rows=page.items,
        older=older,
        limit=LIMIT,
        is_first=page_request == PageRequest(LIMIT),
        templates=choices,
        tabs={tab: "" if tab == ALL else f"?tab={tab}" for tab in tabs},
        counts={tab: format_count(call.language, count) for tab, count in counts.items()},
        heading=heading,
        statuses=STATUSES,
        moment=partial(moment, call),
        say_day=lambda day: dates.format_skeleton("yMMMd", date.fromisoformat(day), locale=call.zone.locale),
    )


# ---- what may be done to a run


async def cancel(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/cancel: cancel a run, with a `reason`."""

    async def act() -> None:
        reason = call.form.get("reason", "")
        body = read(CancelBody, {"reason": reason} if clean_input(reason) else {})
        await call.write(runs.cancel_by_operator, call.path("run_id"), call.operator, body.reason)

    return await run_page.act_or_explain(call, act(), "run_cancelled")


def read_hours(written: str) -> float | None:
    """Read for how many hours from now a run is to be open, None for `never`; raises Invalid."""
    number = float(written) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", written, re.ASCII) else written
    return read(ExtendBody, {"expires_in_hours": None if written == "never" else number}).expires_in_hours


async def extend(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/extend: extend a run to `hours` from now, or `never`."""

    async def act() -> None:
        hours, actor = read_hours(call.form.get("hours", "")), Actor("operator", call.operator.name)
        await call.write(runs.extend, call.path("run_id"), hours, actor)

    return await run_page.act_or_explain(call, act(), "run_extended")


async def release(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/release: release a run, so that another device may go on with it."""
    act = call.write(runs.release, call.path("run_id"), Actor("operator", call.operator.name))
    return await run_page.act_or_explain(call, act, "run_released")


async def send_again(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/deliveries/{delivery_id}/retry: send a delivery again."""
    act = call.write(deliveries.retry_of_run, call.path("run_id"), call.path("delivery_id"))
    return await run_page.act_or_explain(call, act, "delivery_sent_again")
