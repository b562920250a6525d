"""/console/reset/{token}: an operator sets a new password by an owner's link."""

from dataclasses import replace

from starlette.responses import Response

from rundun.actions.organizations import password_resets
from rundun.errors import NotFound, Problem
from rundun.store.organizations.operators import Operator
from rundun.store.organizations.organizations import Organization
from rundun.web.console.session import ConsoleCall
from rundun.web.console.sign_in.limits import remember_browser
from rundun.web.console.sign_in.sign_in import hash_new_password


async def show_form(call: ConsoleCall, status: int = 200, wrong: str = "") -> Response:
    """GET /console/reset/{token}: show the form, which does not use up the link. Raises NotFound for an invalid one."""
    operator, organization = await _get_operator(call)
    return await call.render("sign_in/reset", status, email=operator.email, organization=organization, wrong=wrong)


async def set_password(call: ConsoleCall) -> Response:
    """POST /console/reset/{token}: set the password, make the browser a known one, and redirect to signing in, or show
    the form with the error.
    """
    await _get_operator(call)
    try:
        password = await hash_new_password(call)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await show_form(call, 422, call.reason(problem))
    before = await call.ctx.database.write(password_resets.use, call.path("token"), password)
    page = call.redirect("/sign-in", "password_set")
    remember_browser(call, page, replace(before, password_hash=password))
    return page


async def _get_operator(call: ConsoleCall) -> tuple[Operator, Organization]:
    try:
        return await call.ctx.database.read(password_resets.get_operator, call.path("token"))
    except NotFound:
        call.ctx.rate_limiter.count_failure(call.request)
        raise
