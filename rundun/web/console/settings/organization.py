"""/console/settings/organization and /usage: the organization's profile, logo, time zone, usage and credits."""

from datetime import date, timedelta

from starlette.responses import Response

from rundun.actions import overview
from rundun.actions.organizations import organizations
from rundun.errors import Invalid, Problem, refused
from rundun.store.organizations import organizations as organization_rows
from rundun.web.console.session import AccessDenied, ConsoleCall
from rundun.web.http.body import read_bytes
from rundun.web.pages.branding import branding_of
from rundun.wording import time_zone
from rundun.wording.console_words import N_
from rundun.wording.refusals import field_reasons

MAX_LOGO = 256 * 1024  # bytes
FIRST_COLOUR = "#2b4fc7"  # Rundun's own, shown until the organization chooses one
MONTHS = 12


async def put_profile(call: ConsoleCall) -> Response:
    """POST /console/settings/organization: store name, contact, time zone and colour; redirect, or show the errors."""
    form = call.form
    zone = form.get("time_zone", "")
    chosen = form.get("colour", "") if form.get("own_colour") else None
    try:
        if zone not in time_zone.list_zones():
            raise refused("/time_zone", "unknown_reference", "There is no such time zone.")
        await call.write(
            organizations.put_profile, form.get("name", ""), form.get("contact", ""), zone, chosen, call.actor
        )
    except Invalid as invalid:
        return await organization(call, 422, field_reasons(call.language, invalid), form)
    return call.redirect("/settings/organization", "organization_changed")


async def put_logo(call: ConsoleCall) -> Response:
    """POST /console/settings/organization/logo: store the picture that the page's script sends; return an empty 204."""
    picture = await read_bytes(call.request, MAX_LOGO)
    png = await call.ctx.imaging.logo(lambda: picture, call.operator.org_id)
    await call.write(organizations.put_logo, png, call.actor)
    return Response(status_code=204)


async def remove_logo(call: ConsoleCall) -> Response:
    """POST /console/settings/organization/logo/remove: remove the logo, and redirect to the form."""
    await call.write(organizations.put_logo, None, call.actor)
    return call.redirect("/settings/organization", "logo_removed")


async def organization(
    call: ConsoleCall, status: int = 200, wrong: dict[str, str] | None = None, form: dict[str, str] | None = None
) -> Response:
    """GET /console/settings/organization: show the form with the profile, or `form` with the errors `wrong`."""
    stored = call.organization
    branding = branding_of(stored, call.ctx.pages.assets, call.ctx.links)
    values = form or {
        "name": stored.name,
        "contact": stored.contact or "",
        "time_zone": stored.time_zone,
        "own_colour": "yes" if stored.colour else "",
        "colour": stored.colour or FIRST_COLOUR,
    }
    return await call.render(
        "settings/organization",
        status,
        values=values,
        wrong=wrong or {},
        zone_options=[(zone, zone.replace("_", " ")) for zone in time_zone.list_zones()],
        branding=branding,
        max_logo_bytes=MAX_LOGO,
    )


async def add_credits(call: ConsoleCall) -> Response:
    """POST /console/settings/usage/credits: add credits, or lift the limit, and redirect to the usage; an error is
    shown there. With several organizations, only the administrator may, at the command line.
    """
    if not await call.ctx.database.read(organization_rows.is_alone):
        raise AccessDenied(N_("This Rundun serves several organizations, so its administrator gives them credits."))
    try:
        await call.write(organizations.add_credits, _read_amount(call), call.actor)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await usage(call, 422, call.reason(problem))
    return call.redirect("/settings/usage", "credits_changed")


def _read_amount(call: ConsoleCall) -> int | None:
    """Return the credits to add, negative ones to take away, None for no limit; raises `invalid`."""
    if call.form.get("unlimited"):
        return None
    amount = call.form.get("amount", "").strip()
    if not amount.removeprefix("-").isascii() or not amount.removeprefix("-").isdigit() or len(amount) > 17:
        raise refused("/amount", "bad_format", "Write a whole number.")
    return int(amount)


def months_back(last: date, count: int) -> list[date]:
    """Return the first days of `count` months in ascending order; the last month is that of `last`."""
    at = last.year * 12 + last.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(at - count + 1, at + 1)]


async def usage(call: ConsoleCall, status: int = 200, wrong: str = "") -> Response:
    """GET /console/settings/usage: show the usage of up to 13 months, by month in the organization's time zone."""
    next_month = call.zone.today(call.now).replace(day=1) + timedelta(days=31)
    months = months_back(next_month, MONTHS + 2)
    usage_numbers = await call.read(overview.usage, [call.zone.day_begins(month) for month in months])
    rows = list(
        zip(
            [call.zone.month(month) for month in months[:-1]],
            usage_numbers.dispatched,
            usage_numbers.completed,
            usage_numbers.photos,
            strict=True,
        )
    )
    first = next((number for number, (_, *counts) in enumerate(rows) if any(counts)), len(rows) - 1)
    return await call.render(
        "settings/usage", status, rows=rows[first:][::-1], usage=usage_numbers, size=call.language.size, wrong=wrong
    )
