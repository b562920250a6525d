"""/console/settings: the list of settings, and the operator's own password."""

from starlette.responses import Response

from rundun import passwords
from rundun.actions import operators
from rundun.core.token_bucket import Policy
from rundun.errors import Problem
from rundun.web.console.session import ConsoleCall
from rundun.web.console.sign_in import new_password, require_capacity

GUESSES = Policy("old-password", 10, 900)  # of one operator in a quarter of an hour


async def settings(call: ConsoleCall) -> Response:
    """GET /console/settings: list the pages."""
    return call.render("settings")


async def account(call: ConsoleCall) -> Response:
    """GET /console/settings/account: show the form to change the password."""
    return call.render("account", wrong={})


async def change_password(call: ConsoleCall) -> Response:
    """POST /console/settings/account/password: change the password, given the old; sign all other browsers out."""
    call.ctx.rate_limiter.count(call.request, GUESSES, call.operator.operator_id)
    old = call.form.get("old", "")[: passwords.MAX_LENGTH]
    if not await require_capacity(passwords.check_in_turn(call.operator.password, old)):
        return call.render("account", 422, wrong={"old": "old_password_wrong"})
    try:
        password = await new_password(call)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return call.render("account", 422, wrong={"password": "password_hint"})
    await call.ctx.database.write(operators.change_password, call.operator.operator_id, password, call.token)
    return call.redirect("/settings/account", "told_password_changed")
