"""/console/settings/people: who works here, and who is invited."""

from __future__ import annotations

from starlette.responses import Response

from rundun.actions import operators
from rundun.errors import Problem
from rundun.store.operators import Role
from rundun.web.console.session import Visit, page
from rundun.web.console.settings.account import parts


async def list_people(visit: Visit) -> Response:
    """GET /console/settings/people."""
    return await _show(visit)


async def invite(visit: Visit) -> Response:
    """POST /console/settings/people/invitations: the answer shows the link, which nothing does again."""
    email = visit.form.get("email", "")
    try:
        token = await visit.write(operators.invite, email, _role(visit))
    except Problem as problem:
        return await _refused(visit, problem, email)
    return await _show(visit, link=visit.ctx.links.join(token), email=email)


async def take_back(visit: Visit) -> Response:
    """POST /console/settings/people/invitations/{invitation_id}/remove."""
    await visit.write(operators.take_back, visit.path("invitation_id"))
    return visit.go("/settings/people", "told_invitation_taken_back")


async def put_role(visit: Visit) -> Response:
    """POST /console/settings/people/{operator_id}/role."""
    try:
        await visit.write(operators.put_role, visit.path("operator_id"), _role(visit))
    except Problem as problem:
        return await _refused(visit, problem)
    return visit.go(_back(visit), "told_role_changed")


async def remove(visit: Visit) -> Response:
    """POST /console/settings/people/{operator_id}/remove: they are signed out at once."""
    try:
        await visit.write(operators.remove, visit.path("operator_id"))
    except Problem as problem:
        return await _refused(visit, problem)
    return visit.go(_back(visit), "told_person_removed")


def _role(visit: Visit) -> Role:
    return "owner" if visit.form.get("role") == "owner" else "member"


def _back(visit: Visit) -> str:
    """To the list, which is not for those any more who have just made a member of themselves."""
    return "/settings" if visit.path("operator_id") == visit.operator.operator_id else "/settings/people"


async def _refused(visit: Visit, problem: Problem, email: str = "") -> Response:
    """The page again, with what was wrong."""
    if problem.code not in ("invalid", "wrong_status"):
        raise problem
    status = 422 if problem.code == "invalid" else 409
    return await _show(visit, status, wrong=problem.detail, email=email)


async def _show(
    visit: Visit, status: int = 200, link: str = "", email: str = "", wrong: str = ""
) -> Response:
    members, invitations = await visit.read(operators.of_organization)
    return visit.show(
        "people",
        status,
        parts=parts(visit),
        people=members,
        invitations=invitations,
        link=link,
        email=email,
        wrong=wrong,
    )


ROUTES = [
    page("GET", "/settings/people", list_people, "owner"),
    page("POST", "/settings/people/invitations", invite, "owner"),
    page("POST", "/settings/people/invitations/{invitation_id}/remove", take_back, "owner"),
    page("POST", "/settings/people/{operator_id}/role", put_role, "owner"),
    page("POST", "/settings/people/{operator_id}/remove", remove, "owner"),
]
