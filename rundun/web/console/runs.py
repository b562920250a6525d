"""/console/runs: all runs, filtered, the newest first; and what may be done to one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from rundun.actions import deliveries, runs, templates
from rundun.core import text
from rundun.core.run import STATUSES, Actor
from rundun.core.validation import cleaned, read
from rundun.store.pagination import END, PageRequest
from rundun.store.run_lists import RunFilter
from rundun.web.console import run_page
from rundun.web.console.session import ConsoleCall, route
from rundun.web.console.time_zone import Zone
from rundun.web.request_bodies import CancelBody, ExtendBody

LIMIT = 50
WORDS = ("open", "late", *STATUSES)  # what can be asked for as a status
DAYS = ("created", "closed")  # what happened on the days that are asked for
MATCHES = ("begins", "exact")
FIELDS = ("status", "template", "day", "from", "to", "ref", "match")


@dataclass(frozen=True, slots=True)
class RunFilterForm:
    """What the filter's form says: `given` as it was written, `wrong` the fields that can't be read."""

    given: dict[str, str]
    filter: RunFilter
    wrong: dict[str, bool]

    @property
    def query(self) -> str:
        """The filter as a query, without fields that filter nothing."""
        kept = {name: value for name, value in self.given.items() if value and name not in self.wrong}
        if "ref" not in kept or kept["match"] == MATCHES[0]:
            del kept["match"]
        if not kept.keys() & {"from", "to"} or kept["day"] == DAYS[0]:
            del kept["day"]
        return urlencode(kept)

    @property
    def moment(self) -> str:
        """Which of a run's moments the list shows."""
        if self.filter.is_by_end:
            return "closed_at"
        return "created_at" if self.filter.late_at is None else "expires_at"


def read_filter_form(call: ConsoleCall) -> RunFilterForm:
    """The filter of the query. Days are those of the organization's zone; what can't be read filters nothing."""
    params = call.request.query_params
    given = {name: params.get(name, "")[:300] for name in FIELDS}
    given["match"] = given["match"] if given["match"] in MATCHES else MATCHES[0]
    given["day"] = given["day"] if given["day"] in DAYS else DAYS[0]
    wrong = {name: True for name in ("from", "to") if given[name] and _day(given[name]) is None}
    if given["status"] not in ("", *WORDS):
        wrong["status"] = True
    is_late = given["status"] == "late"
    after, before = _begins(call.zone, _day(given["from"]), -1), _begins(call.zone, _day(given["to"], 1), 0)
    chosen = RunFilter(
        status=None if is_late or "status" in wrong else given["status"] or None,
        template_id=given["template"] or None,
        late_at=call.now if is_late else None,
    )
    if given["day"] == "closed":
        chosen = replace(chosen, closed_after=after, closed_before=before)
    else:
        chosen = replace(chosen, created_after=after, created_before=before)
    if reference := _reference(given["ref"]):
        if given["match"] == "exact":
            chosen = replace(chosen, executor_ref=reference)
        else:
            chosen = replace(chosen, executor_ref_prefix=reference)
    return RunFilterForm(given, chosen, wrong)


def _reference(given: str) -> str:
    """As references are kept; what can't be one finds nothing, and is left as it is."""
    try:
        return text.clean(given)
    except ValueError:
        return given


def _day(given: str, later: int = 0) -> date | None:
    """A day of the calendar, or the one some days `later`."""
    try:
        day = date.fromisoformat(given) + timedelta(days=later) if len(given) == 10 else None
    except (ValueError, OverflowError):
        return None
    return day if day and 1900 < day.year < 9999 else None


def _begins(zone: Zone, day: date | None, offset: int) -> int | None:
    return None if day is None else zone.day_begins(day) + offset


def _slice(call: ConsoleCall) -> PageRequest:
    match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", call.request.query_params.get("before", ""), re.ASCII)
    return PageRequest(LIMIT, (int(match[1]), int(match[2])) if match else (END, END))


async def list_runs(call: ConsoleCall) -> Response:
    """GET /console/runs."""
    wanted = read_filter_form(call)
    part = _slice(call)
    found = await call.read(runs.page, wanted.filter, part)
    choices = await call.read(templates.list_names)
    if wanted.filter.template_id and wanted.filter.template_id not in dict(choices):
        choices.append((wanted.filter.template_id, wanted.filter.template_id))
    older = None
    if found.next_before is not None:
        at, number = found.next_before
        older = "&".join(filter(None, [wanted.query, f"before={at}.{number}"]))
    return call.render(
        "runs",
        asked=wanted,
        rows=found.items,
        older=older,
        is_first=part.before == (END, END),
        templates=choices,
        statuses=WORDS,
        days=DAYS,
    )


# ---- what may be done to a run


async def cancel(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/cancel: `reason`."""

    async def act() -> None:
        reason = call.form.get("reason", "")
        given = read(CancelBody, {"reason": reason} if cleaned(reason) else {}).reason
        await call.write(runs.cancel_by_operator, call.path("run_id"), call.operator, given)

    return await run_page.act_or_explain(call, act(), "told_run_cancelled")


async def extend(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/extend: `hours` from now, or `never`."""

    async def act() -> None:
        hours = call.form.get("hours", "")
        number = float(hours) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", hours, re.ASCII) else hours
        wanted = read(ExtendBody, {"expires_in_hours": None if hours == "never" else number})
        actor = Actor("operator", call.operator.name)
        await call.write(runs.extend, call.path("run_id"), wanted.expires_in_hours, actor)

    return await run_page.act_or_explain(call, act(), "told_run_extended")


async def release(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/release: another device may go on with it."""
    act = call.write(runs.release, call.path("run_id"), Actor("operator", call.operator.name))
    return await run_page.act_or_explain(call, act, "told_run_released")


async def send_again(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/deliveries/{delivery_id}/retry."""
    act = call.write(deliveries.retry_of_run, call.path("run_id"), call.path("delivery_id"))
    return await run_page.act_or_explain(call, act, "told_delivery_sent_again")


ROUTES = [
    route("GET", "/runs", list_runs),
    route("POST", "/runs/{run_id}/cancel", cancel),
    route("POST", "/runs/{run_id}/extend", extend),
    route("POST", "/runs/{run_id}/release", release),
    route("POST", "/runs/{run_id}/deliveries/{delivery_id}/retry", send_again),
]
