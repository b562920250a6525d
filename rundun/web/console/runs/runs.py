"""/console/runs: the list of runs, and the actions on one run."""

import re
from collections.abc import Mapping
from datetime import date
from functools import partial

from babel import dates
from starlette.responses import Response

from rundun.actions import overview
from rundun.actions.deliveries import deliveries
from rundun.actions.overview import RunList
from rundun.actions.runs import patches, runs
from rundun.core import text
from rundun.core.actor import Actor
from rundun.core.request_bodies import CancelBody, ExtendBody
from rundun.core.runs.run import STATUSES
from rundun.core.validation import read
from rundun.store.organizations.statistics import MAX_COUNTED
from rundun.store.runs import search as run_search
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.console.dispatch.due import due_choices, read_due
from rundun.web.console.runs import page as run_page
from rundun.web.console.runs.filters import list_path, read_filter_form, tab_filters, tab_query
from rundun.web.console.runs.rows import SearchMatch, flag_photos, heading, moment
from rundun.web.console.session import ConsoleCall
from rundun.wording.answer_words import answer_line
from rundun.wording.console_words import format_count

LIMIT = 50


async def list_runs(call: ConsoleCall) -> Response:
    """GET /console/runs: list up to `LIMIT` runs of a tab, narrowed by search and filter; `?before=` is the cursor."""
    filter_form = read_filter_form(call)
    page_request, search = call.page_request(LIMIT), filter_form.values["q"]
    tabs = {} if filter_form.narrowing else tab_filters(call.now)
    counted = {tab: RunFilter(**of, q=search or None) for tab, of in tabs.items()}
    found = await _count_found(call, counted, search) if search else {}

    def show(listed: RunList) -> Response:
        page, choices = listed.page, listed.template_names
        if filter_form.filter.template_id and filter_form.filter.template_id not in dict(choices):
            choices.append((filter_form.filter.template_id, filter_form.filter.template_id))
        older = None
        if page.next_before is not None:
            at, number = page.next_before
            older = "&".join(filter(None, [filter_form.query(), f"before={at}.{number}"]))
        return call.page(
            "runs/list",
            filter_form=filter_form,
            rows=page.items,
            older=older,
            limit=LIMIT,
            is_first=page_request == PageRequest(LIMIT),
            templates=choices,
            tabs={tab: tab_query(tab, search) for tab in tab_filters(call.now)},
            whole_tab=tab_query(filter_form.values["tab"]),
            counts=found | {tab: format_count(call.language, number) for tab, number in listed.counts.items()},
            heading=heading,
            dues=due_choices(call),
            found=partial(SearchMatch, search),
            statuses=STATUSES,
            moment=partial(moment, call),
            say_answer=partial(answer_line, language=call.language, zone=call.zone),
            flag_photos=partial(flag_photos, call),
            say_day=lambda day: dates.format_skeleton("yMMMd", date.fromisoformat(day), locale=call.zone.locale),
        )

    rest = {} if search else counted
    return await call.read_and(show, overview.list_runs, filter_form.filter, page_request, rest, call.language.tag)


async def _count_found(call: ConsoleCall, tabs: Mapping[str, RunFilter], search: str) -> dict[str, str]:
    """Return by tab, as text, the number of matching runs; one above `MAX_COUNTED` only means “more”, and an unfinished
    count is a text like “1,234+”. Each short tab is counted in one read, all long ones together in another.
    """
    counts = {tab: await call.read(run_search.count, filters) for tab, filters in tabs.items()}
    if long := {tab: filters for tab, filters in tabs.items() if counts[tab] is None}:
        counts |= await call.read(run_search.count_together, long, search, MAX_COUNTED + 1)
    say = call.language.number
    return {
        tab: format_count(call.language, count.number)
        if count.is_all or count.number > MAX_COUNTED
        else f"{say(count.number)}+"
        for tab, count in counts.items()
        if count is not None
    }


# ---- actions on a run


async def cancel(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/cancel: cancel a run, for a `reason` if given; redirect to it or show a refusal."""

    async def act() -> None:
        reason = call.form.get("reason", "")
        body = read(CancelBody, {"reason": reason} if text.trim(reason) else {})
        await call.write(runs.cancel_by_operator, call.path("run_id"), call.operator, body.reason)

    return await run_page.act_or_explain(call, act(), "run_cancelled")


def read_hours(written: str) -> float | None:
    """Return the hours until a run shall expire, None for `never`; raises Invalid."""
    number = float(written) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", written, re.ASCII) else written
    return read(ExtendBody, {"expires_in_hours": None if written == "never" else number}).expires_in_hours


async def extend(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/extend: extend a run to `hours` from now, or `never`; redirect to it or show a
    refusal.
    """

    async def act() -> None:
        hours, actor = read_hours(call.form.get("hours", "")), Actor("operator", call.operator.name)
        await call.write(runs.extend, call.path("run_id"), hours, actor)

    return await run_page.act_or_explain(call, act(), "run_extended")


async def move_due(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/due: change the due time, and redirect to the page that the form was sent from, or
    show the refusal on the page of the run.
    """

    async def act() -> None:
        actor = Actor("operator", call.operator.name)
        await call.write(patches.patch, call.path("run_id"), read_due(call), actor)

    response = await run_page.act_or_explain(call, act(), "due_moved")
    is_from_list = response.status_code == 303 and call.form.keys() & {"to", "query"}
    return call.redirect(list_path(call), "due_moved") if is_from_list else response


async def release(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/release: let another device continue a run; redirect to it or show the refusal."""
    act = call.write(runs.release, call.path("run_id"), Actor("operator", call.operator.name))
    return await run_page.act_or_explain(call, act, "run_released")


async def retry_delivery(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/deliveries/{delivery_id}/retry: retry a delivery; redirect to its run or show a
    refusal.
    """
    act = call.write(deliveries.retry_of_run, call.path("run_id"), call.path("delivery_id"))
    return await run_page.act_or_explain(call, act, "delivery_sent_again")
