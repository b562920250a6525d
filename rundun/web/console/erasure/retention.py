"""/console/settings/retention and /console/templates/{template_id}/retention: how long what belongs to runs is kept."""

import re

from starlette.responses import Response

from rundun.actions.erasure import retention
from rundun.actions.erasure.retention import DueByRule
from rundun.actions.templates.templates import get_version
from rundun.core.erasure.retention import FOREVER, MAX_DAYS, Retention, TemplateRetention
from rundun.errors import Invalid
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import is_confirmed, status_of_asking

KEPT = ("photos_days", "runs_days", "attempts_days")
_WRONG = MAX_DAYS + 1  # refused as any number too large
NOTHING = DueByRule(0, 0, is_shorter=False)


async def show(call: ConsoleCall) -> Response:
    """GET /console/settings/retention: show how long the organization keeps what it has."""
    stored = await call.read(retention.get_of_organization)
    values = {"tells": "yes" if stored.tells else ""}
    for name in KEPT:
        values |= _shown(name, getattr(stored, name))
    return await _form(call, values)


async def put(call: ConsoleCall) -> Response:
    """POST /console/settings/retention: store it. What is to be kept for a shorter time is asked for once more, with
    the password, also where nothing is old enough yet: days later it would be.
    """
    days = {name: _days(call.form, name) for name in KEPT}
    new = Retention(**days, tells=bool(call.form.get("tells")))
    try:
        due = await call.read(retention.due_by_rule, new)
        if due.is_shorter and not await is_confirmed(call):
            return await _form(call, call.form, status_of_asking(call), due=due)
        await call.write(retention.put, new, call.actor)
    except Invalid as invalid:
        return await _form(call, call.form, 422, wrong=_wrong(invalid))
    return call.redirect("/settings/retention", "retention_changed")


async def _form(
    call: ConsoleCall,
    values: dict[str, str],
    status: int = 200,
    wrong: frozenset[str] = frozenset(),
    due: DueByRule = NOTHING,
) -> Response:
    return await call.render("erasure/retention", status, values=values, wrong=wrong, due=due, max_days=MAX_DAYS)


async def show_of_template(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/retention: show what a template has of its own."""
    stored = (await call.read(retention.get_of_template, call.path("template_id"))).template
    values = _shown("photos_days", stored.photos_days, own=True) | _shown("runs_days", stored.runs_days, own=True)
    return await _form_of_template(call, values)


async def put_of_template(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/retention: store it, as for the organization."""
    template_id = call.path("template_id")
    new = TemplateRetention(_own_days(call.form, "photos_days"), _own_days(call.form, "runs_days"))
    try:
        due = await call.read(retention.due_by_template_rule, template_id, new)
        if due.is_shorter and not await is_confirmed(call):
            return await _form_of_template(call, call.form, status_of_asking(call), due=due)
        await call.write(retention.put_of_template, template_id, new, call.actor)
    except Invalid as invalid:
        return await _form_of_template(call, call.form, 422, wrong=_wrong(invalid))
    return call.redirect(f"/templates/{template_id}", "retention_changed")


async def _form_of_template(
    call: ConsoleCall,
    values: dict[str, str],
    status: int = 200,
    wrong: frozenset[str] = frozenset(),
    due: DueByRule = NOTHING,
) -> Response:
    head, version = await call.read(get_version, call.path("template_id"), None)
    return await call.render(
        "erasure/template_retention",
        status,
        head=head,
        name=version.template.name,
        of_organization=await call.read(retention.get_of_organization),
        values=values,
        wrong=wrong,
        due=due,
        max_days=MAX_DAYS,
    )


def _shown(name: str, days: int | None, *, own: bool = False) -> dict[str, str]:
    """Return the fields of a form for so many days: how, and how many."""
    how = ("organization" if own else "forever") if days is None else "forever" if days == FOREVER else "days"
    return {f"{name}_how": how, name: str(days) if how == "days" else ""}


def _days(form: dict[str, str], name: str) -> int | None:
    """Read days, None for ever; what is no number becomes one that is refused."""
    if form.get(f"{name}_how") == "forever":
        return None
    typed = form.get(name, "").strip()
    return int(typed) if re.fullmatch(r"[1-9][0-9]{0,8}", typed, re.ASCII) else _WRONG


def _own_days(form: dict[str, str], name: str) -> int | None:
    """Read days that a template has of its own, None for as the organization has it."""
    if form.get(f"{name}_how") == "organization":
        return None
    days = _days(form, name)
    return FOREVER if days is None else days


def _wrong(invalid: Invalid) -> frozenset[str]:
    return frozenset(error.pointer[1:] for error in invalid.errors)
