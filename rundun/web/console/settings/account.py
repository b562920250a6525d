"""/console/settings: what there is to set, and one's own password."""

from __future__ import annotations

from starlette.responses import Response

from rundun import passwords
from rundun.actions import operators
from rundun.core.token_bucket import Policy
from rundun.errors import Problem
from rundun.web.console.session import Visit, page
from rundun.web.console.sign_in import in_turn, new_password

PARTS = (  # path, word, who may
    ("keys", "api_keys", "owner"),
    ("people", "people", "owner"),
    ("organization", "organization", "owner"),
    ("usage", "usage", "member"),
    ("webhooks", "webhooks", "member"),
    ("health", "health", "member"),
    ("account", "account", "member"),
)
GUESSES = Policy("old-password", 10, 900)  # of one operator in a quarter of an hour


def parts(visit: Visit) -> list[tuple[str, str]]:
    """Path and word of each page of the settings that this operator may see."""
    return [
        (f"/console/settings/{path}", word)
        for path, word, may in PARTS
        if may == "member" or visit.operator.role == "owner"
    ]


async def settings(visit: Visit) -> Response:
    """GET /console/settings."""
    return visit.show("settings", parts=parts(visit))


async def account(visit: Visit) -> Response:
    """GET /console/settings/account."""
    return visit.show("account", parts=parts(visit), wrong={})


async def change_password(visit: Visit) -> Response:
    """POST /console/settings/account/password: the old one is asked for; all other browsers are signed out."""
    visit.ctx.rate_limiter.count(visit.request, GUESSES, visit.operator.operator_id)
    old = visit.form.get("old", "")[: passwords.MAX_LENGTH]
    if not await in_turn(passwords.check_in_turn(visit.operator.password, old)):
        return visit.show("account", 422, parts=parts(visit), wrong={"old": "old_password_wrong"})
    try:
        password = await new_password(visit)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return visit.show("account", 422, parts=parts(visit), wrong={"password": "password_hint"})
    change = visit.ctx.database.write
    await change(operators.change_password, visit.operator.operator_id, password, visit.token)
    return visit.go("/settings/account", "told_password_changed")


ROUTES = [
    page("GET", "/settings", settings),
    page("GET", "/settings/account", account),
    page("POST", "/settings/account/password", change_password),
]
