"""/console/settings/people: who works here, and who is invited."""

from __future__ import annotations

from starlette.responses import Response

from rundun.actions import operators
from rundun.errors import Problem
from rundun.store.operators import Role
from rundun.web.console.session import ConsoleCall, route
from rundun.web.console.settings.account import parts


async def list_people(call: ConsoleCall) -> Response:
    """GET /console/settings/people."""
    return await _show(call)


async def invite(call: ConsoleCall) -> Response:
    """POST /console/settings/people/invitations: the answer shows the link, which nothing does again."""
    email = call.form.get("email", "")
    try:
        token = await call.write(operators.invite, email, _role(call))
    except Problem as problem:
        return await _refused(call, problem, email)
    return await _show(call, link=call.ctx.links.join(token), email=email)


async def take_back(call: ConsoleCall) -> Response:
    """POST /console/settings/people/invitations/{invitation_id}/remove."""
    await call.write(operators.take_back, call.path("invitation_id"))
    return call.redirect("/settings/people", "told_invitation_taken_back")


async def put_role(call: ConsoleCall) -> Response:
    """POST /console/settings/people/{operator_id}/role."""
    try:
        await call.write(operators.put_role, call.path("operator_id"), _role(call))
    except Problem as problem:
        return await _refused(call, problem)
    return call.redirect(_back(call), "told_role_changed")


async def remove(call: ConsoleCall) -> Response:
    """POST /console/settings/people/{operator_id}/remove: they are signed out at once."""
    try:
        await call.write(operators.remove, call.path("operator_id"))
    except Problem as problem:
        return await _refused(call, problem)
    return call.redirect(_back(call), "told_person_removed")


def _role(call: ConsoleCall) -> Role:
    return "owner" if call.form.get("role") == "owner" else "member"


def _back(call: ConsoleCall) -> str:
    """To the list, which is not for those any more who have just made a member of themselves."""
    return "/settings" if call.path("operator_id") == call.operator.operator_id else "/settings/people"


async def _refused(call: ConsoleCall, problem: Problem, email: str = "") -> Response:
    """The page again, with what was wrong."""
    if problem.code not in ("invalid", "wrong_status"):
        raise problem
    status = 422 if problem.code == "invalid" else 409
    return await _show(call, status, wrong=problem.detail, email=email)


async def _show(call: ConsoleCall, status: int = 200, link: str = "", email: str = "", wrong: str = "") -> Response:
    members, invitations = await call.read(operators.of_organization)
    return call.render(
        "people",
        status,
        parts=parts(call),
        people=members,
        invitations=invitations,
        link=link,
        email=email,
        wrong=wrong,
    )


ROUTES = [
    route("GET", "/settings/people", list_people, "owner"),
    route("POST", "/settings/people/invitations", invite, "owner"),
    route("POST", "/settings/people/invitations/{invitation_id}/remove", take_back, "owner"),
    route("POST", "/settings/people/{operator_id}/role", put_role, "owner"),
    route("POST", "/settings/people/{operator_id}/remove", remove, "owner"),
]
