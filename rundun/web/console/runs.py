"""/console/runs: all runs, filtered, the newest first; and what an operator may do to a run."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from rundun.actions import deliveries, runs, templates
from rundun.core import text
from rundun.core.run import STATUSES, Actor
from rundun.core.validation import clean_input, read
from rundun.store.pagination import PageRequest
from rundun.store.run_lists import RunFilter
from rundun.web.console import run_page
from rundun.web.console.session import ConsoleCall
from rundun.web.console.time_zone import Zone
from rundun.web.request_bodies import CancelBody, ExtendBody

LIMIT = 50
WORDS = ("open", "late", "missed", *STATUSES)  # what the filter takes as a status
DAYS = ("created", "closed")  # what happened on the days of the filter
MATCHES = ("begins", "exact")
FIELDS = ("status", "template", "day", "from", "to", "ref", "match", "due", "flagged")


@dataclass(frozen=True, slots=True)
class RunFilterForm:
    """The form of the filter: `values` as they were written, `wrong` the fields that can't be read."""

    values: dict[str, str]
    filter: RunFilter
    wrong: set[str]

    @property
    def query(self) -> str:
        """Return the filter as a query, without fields that filter nothing."""
        fields = {name: value for name, value in self.values.items() if value and name not in self.wrong}
        if "ref" not in fields or fields["match"] == MATCHES[0]:
            del fields["match"]
        if not fields.keys() & {"from", "to"} or fields["day"] == DAYS[0]:
            del fields["day"]
        return urlencode(fields)

    @property
    def time_shown(self) -> str:
        """Return the name of the run's attribute whose time the list shows."""
        if self.filter.is_by_end:
            return "closed_at"
        return "created_at" if self.filter.late_at is None else "late_after"


def read_filter_form(call: ConsoleCall) -> RunFilterForm:
    """Read the filter of the query. Days are those of the organization's zone; what can't be read filters nothing."""
    params = call.request.query_params
    values = {name: params.get(name, "")[:300] for name in FIELDS}
    values["match"] = values["match"] if values["match"] in MATCHES else MATCHES[0]
    values["day"] = values["day"] if values["day"] in DAYS else DAYS[0]
    values["flagged"] = "yes" if values["flagged"] else ""
    wrong = {name for name in ("from", "to", "due") if values[name] and _day(values[name]) is None}
    if values["status"] not in ("", *WORDS):
        wrong.add("status")
    status = None if "status" in wrong or values["status"] in ("late", "missed") else values["status"] or None
    day, reference_field = values["day"], "executor_ref" if values["match"] == "exact" else "executor_ref_prefix"
    chosen: dict[str, Any] = {
        "status": status,
        "template_id": values["template"] or None,
        "late_at": call.now if values["status"] == "late" else None,
        "is_missed": values["status"] == "missed",
        "is_flagged": values["flagged"] == "yes",
        "due_before": _begins(call.zone, _day(values["due"], 1), 0),
        f"{day}_after": _begins(call.zone, _day(values["from"]), -1),
        f"{day}_before": _begins(call.zone, _day(values["to"], 1), 0),
        reference_field: _reference(values["ref"]) or None,
    }
    return RunFilterForm(values, RunFilter(**chosen), wrong)


def _reference(value: str) -> str:
    """Return a reference as it is stored; what can't be one finds nothing, and is left as it is."""
    try:
        return text.clean(value)
    except ValueError:
        return value


def _day(value: str, later: int = 0) -> date | None:
    """Read a day of the calendar, and add some days; None where it is no day."""
    try:
        day = date.fromisoformat(value) + timedelta(days=later) if len(value) == 10 else None
    except (ValueError, OverflowError):
        return None
    return day if day and 1900 < day.year < 9999 else None


def _begins(zone: Zone, day: date | None, offset: int) -> int | None:
    return None if day is None else zone.day_begins(day) + offset


async def list_runs(call: ConsoleCall) -> Response:
    """GET /console/runs: list the runs that the filter leaves."""
    filter_form = read_filter_form(call)
    page_request = call.page_request(LIMIT)
    page = await call.read(runs.page, filter_form.filter, page_request)
    choices = await call.read(templates.list_names)
    if filter_form.filter.template_id and filter_form.filter.template_id not in dict(choices):
        choices.append((filter_form.filter.template_id, filter_form.filter.template_id))
    older = None
    if page.next_before is not None:
        at, number = page.next_before
        older = "&".join(filter(None, [filter_form.query, f"before={at}.{number}"]))
    return call.render(
        "runs",
        filter_form=filter_form,
        rows=page.items,
        older=older,
        is_first=page_request == PageRequest(LIMIT),
        templates=choices,
        statuses=WORDS,
        days=DAYS,
    )


# ---- what may be done to a run


async def cancel(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/cancel: cancel a run, with a `reason`."""

    async def act() -> None:
        reason = call.form.get("reason", "")
        body = read(CancelBody, {"reason": reason} if clean_input(reason) else {})
        await call.write(runs.cancel_by_operator, call.path("run_id"), call.operator, body.reason)

    return await run_page.act_or_explain(call, act(), "run_cancelled")


async def extend(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/extend: extend a run to `hours` from now, or `never`."""

    async def act() -> None:
        hours = call.form.get("hours", "")
        number = float(hours) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", hours, re.ASCII) else hours
        body = read(ExtendBody, {"expires_in_hours": None if hours == "never" else number})
        actor = Actor("operator", call.operator.name)
        await call.write(runs.extend, call.path("run_id"), body.expires_in_hours, actor)

    return await run_page.act_or_explain(call, act(), "run_extended")


async def release(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/release: release a run, so that another device may go on with it."""
    act = call.write(runs.release, call.path("run_id"), Actor("operator", call.operator.name))
    return await run_page.act_or_explain(call, act, "run_released")


async def send_again(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/deliveries/{delivery_id}/retry: send a delivery again."""
    act = call.write(deliveries.retry_of_run, call.path("run_id"), call.path("delivery_id"))
    return await run_page.act_or_explain(call, act, "delivery_sent_again")
