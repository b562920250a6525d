"""/console/settings/organization: what executors see of it, and the zone times are shown in; what it has used."""

from __future__ import annotations

from datetime import date

from babel import dates
from starlette.responses import Response

from rundun.actions import dashboard, organizations
from rundun.errors import Invalid, Problem
from rundun.web.body import read_bytes
from rundun.web.branding import branding_of
from rundun.web.console import time_zone
from rundun.web.console.session import Visit, page
from rundun.web.console.settings.account import parts

MAX_LOGO = 256 * 1024  # bytes
FIRST_COLOUR = "#2b4fc7"  # ours, for those who have not chosen one
MONTHS = 12


async def organization(visit: Visit) -> Response:
    """GET /console/settings/organization."""
    return _show(visit)


async def put_profile(visit: Visit) -> Response:
    """POST /console/settings/organization."""
    form = visit.form
    zone = form.get("time_zone", "")
    chosen = form.get("colour", "") if form.get("own_colour") else None
    try:
        if zone not in time_zone.zones():
            raise Problem("invalid", "There is no such time zone.")
        await visit.write(
            organizations.put_profile, form.get("name", ""), form.get("contact", ""), zone, chosen
        )
    except Invalid as invalid:
        wrong = {place.pointer.removeprefix("/"): place.detail for place in invalid.errors}
        return _show(visit, 422, wrong, form)
    return visit.go("/settings/organization", "told_organization_changed")


async def put_logo(visit: Visit) -> Response:
    """POST /console/settings/organization/logo: the picture itself, from the page's script; 204."""
    picture = await read_bytes(visit.request, MAX_LOGO)
    png = await visit.ctx.imaging.logo(lambda: picture, visit.operator.org_id)
    await visit.write(organizations.put_logo, png)
    return Response(status_code=204)


async def remove_logo(visit: Visit) -> Response:
    """POST /console/settings/organization/logo/remove."""
    await visit.write(organizations.put_logo, None)
    return visit.go("/settings/organization", "told_logo_removed")


def _show(
    visit: Visit, status: int = 200, wrong: dict[str, str] | None = None, given: dict[str, str] | None = None
) -> Response:
    kept = visit.organization
    branding = branding_of(kept, visit.ctx.pages.assets, visit.ctx.links)
    values = given or {
        "name": kept.name,
        "contact": kept.contact or "",
        "time_zone": kept.time_zone,
        "own_colour": "yes" if kept.colour else "",
        "colour": kept.colour or FIRST_COLOUR,
    }
    return visit.show(
        "organization",
        status,
        parts=parts(visit),
        values=values,
        wrong=wrong or {},
        zone_options=[(zone, zone.replace("_", " ")) for zone in time_zone.zones()],
        branding=branding,
        largest=MAX_LOGO,
    )


async def usage(visit: Visit) -> Response:
    """GET /console/settings/usage: month by month, in the organization's zone."""
    return await _show_usage(visit)


async def add_credits(visit: Visit) -> Response:
    """POST /console/settings/usage/credits: so many more, or no limit any more."""
    try:
        await visit.write(organizations.add_credits, _amount(visit))
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await _show_usage(visit, 422, problem.detail)
    return visit.go("/settings/usage", "told_credits_changed")


def _amount(visit: Visit) -> int | None:
    """How many are added, None for no limit; raises `invalid`."""
    if visit.form.get("unlimited"):
        return None
    given = visit.form.get("amount", "").strip()
    if not given.removeprefix("-").isascii() or not given.removeprefix("-").isdigit() or len(given) > 17:
        raise Problem("invalid", "Write a whole number.")
    return int(given)


def months_back(last: date, count: int) -> list[date]:
    """The first days of `count` months, that of `last` at last."""
    at = last.year * 12 + last.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(at - count + 1, at + 1)]


async def _show_usage(visit: Visit, status: int = 200, wrong: str = "") -> Response:
    months = months_back(visit.zone.today(visit.now), MONTHS + 1)
    after = months_back(date(months[-1].year + months[-1].month // 12, months[-1].month % 12 + 1, 1), 1)
    begins = [visit.zone.day_begins(month) for month in [*months, *after]]
    found = await visit.read(dashboard.usage, begins)
    rows = zip(
        [dates.format_date(month, "MMMM y", locale=time_zone.LOCALE) for month in months],
        found.dispatched,
        found.completed,
        found.photos,
        strict=True,
    )
    return visit.show(
        "usage", status, parts=parts(visit), rows=list(rows)[::-1], credits=found.credits, wrong=wrong
    )


ROUTES = [
    page("GET", "/settings/organization", organization, "owner"),
    page("POST", "/settings/organization", put_profile, "owner"),
    page("POST", "/settings/organization/logo", put_logo, "owner"),
    page("POST", "/settings/organization/logo/remove", remove_logo, "owner"),
    page("GET", "/settings/usage", usage),
    page("POST", "/settings/usage/credits", add_credits, "owner"),
]
