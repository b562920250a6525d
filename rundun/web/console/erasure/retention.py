"""/console/settings/retention and /console/templates/{template_id}/retention: retention periods of runs' data."""

import re

from starlette.responses import Response

from rundun.actions.erasure import retention
from rundun.actions.erasure.retention import DueByRule
from rundun.actions.templates.templates import get_version
from rundun.core.erasure.retention import FOREVER, MAX_DAYS, Retention, TemplateRetention
from rundun.errors import Invalid
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import confirmation_status, is_confirmed

KEPT = ("photos_days", "runs_days", "attempts_days")
_WRONG = MAX_DAYS + 1  # refused as out of range
NOTHING = DueByRule(0, 0, is_shorter=False)


async def show(call: ConsoleCall) -> Response:
    """GET /console/settings/retention: show the organization's retention periods."""
    stored = await call.read(retention.get_of_organization)
    values = {"tells": "yes" if stored.tells else ""}
    for name in KEPT:
        values |= _form_fields(name, getattr(stored, name))
    return await _render_form(call, values)


async def put(call: ConsoleCall) -> Response:
    """POST /console/settings/retention: store the retention periods and redirect to the page, or show the form again:
    with errors (422), or with a field for the password (200, 422 after a wrong one). A shorter period needs it, even if
    nothing is old enough to be removed yet: some days later it would be.
    """
    days = {name: _read_days(call.form, name) for name in KEPT}
    new = Retention(**days, tells=bool(call.form.get("tells")))
    try:
        due = await call.read(retention.due_by_rule, new)
        if due.is_shorter and not await is_confirmed(call):
            return await _render_form(call, call.form, confirmation_status(call), due=due)
        await call.write(retention.put, new, call.actor)
    except Invalid as invalid:
        return await _render_form(call, call.form, 422, wrong=_wrong_fields(invalid))
    return call.redirect("/settings/retention", "retention_changed")


async def _render_form(
    call: ConsoleCall,
    values: dict[str, str],
    status: int = 200,
    wrong: frozenset[str] = frozenset(),
    due: DueByRule = NOTHING,
) -> Response:
    return await call.render("erasure/retention", status, values=values, wrong=wrong, due=due, max_days=MAX_DAYS)


async def show_of_template(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/retention: show the template's own retention periods."""
    stored = (await call.read(retention.get_of_template, call.path("template_id"))).template
    values = _form_fields("photos_days", stored.photos_days, own=True) | _form_fields(
        "runs_days", stored.runs_days, own=True
    )
    return await _render_template_form(call, values)


async def put_of_template(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/retention: store the template's periods and redirect to it, or show the
    form again: with errors (422), or, for a shorter period, with a field for the password (200, 422 after a wrong one).
    """
    template_id = call.path("template_id")
    new = TemplateRetention(_read_template_days(call.form, "photos_days"), _read_template_days(call.form, "runs_days"))
    try:
        due = await call.read(retention.due_by_template_rule, template_id, new)
        if due.is_shorter and not await is_confirmed(call):
            return await _render_template_form(call, call.form, confirmation_status(call), due=due)
        await call.write(retention.put_of_template, template_id, new, call.actor)
    except Invalid as invalid:
        return await _render_template_form(call, call.form, 422, wrong=_wrong_fields(invalid))
    return call.redirect(f"/templates/{template_id}", "retention_changed")


async def _render_template_form(
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


def _form_fields(name: str, days: int | None, *, own: bool = False) -> dict[str, str]:
    """Return the form fields of a period of `days`: the choice `<name>_how` (`days`; `forever`; `organization` for None
    if `own`), and the number of days `name`, "" if there is none.
    """
    how = ("organization" if own else "forever") if days is None else "forever" if days == FOREVER else "days"
    return {f"{name}_how": how, name: str(days) if how == "days" else ""}


def _read_days(form: dict[str, str], name: str) -> int | None:
    """Return the form's days, None for ever. Text that is no whole number from 1 becomes a number out of range."""
    if form.get(f"{name}_how") == "forever":
        return None
    typed = form.get(name, "").strip()
    return int(typed) if re.fullmatch(r"[1-9][0-9]{0,8}", typed, re.ASCII) else _WRONG


def _read_template_days(form: dict[str, str], name: str) -> int | None:
    """Return the form's days of a template, None for the organization's, `FOREVER` for ever."""
    if form.get(f"{name}_how") == "organization":
        return None
    days = _read_days(form, name)
    return FOREVER if days is None else days


def _wrong_fields(invalid: Invalid) -> frozenset[str]:
    return frozenset(error.pointer[1:] for error in invalid.errors)
