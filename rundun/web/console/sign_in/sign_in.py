"""/console/sign-in, /sign-out and /join: signing in and out, and the links that make operators."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import Response

from rundun import passwords
from rundun.actions.organizations import operators, second_factor
from rundun.actions.organizations.operators import SetUp
from rundun.actions.organizations.organizations import UNNAMED
from rundun.errors import FieldError, NotFound, Problem
from rundun.store.organizations import operators as operator_rows
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.operators import Invitation, Operator
from rundun.store.organizations.organizations import Organization
from rundun.web.console import session
from rundun.web.console.cookies import begin_session, end_session
from rundun.web.console.session import ConsoleCall, ask_to_sign_in
from rundun.web.console.sign_in import limits
from rundun.web.console.sign_in import pending as pending_sign_in
from rundun.web.console.sign_in.limits import Candidate
from rundun.wording.refusals import field_reasons
from rundun.wording.time_zone import zones

T = TypeVar("T")
MAX_PATH = 500
JOIN_FIELDS = ("organization", "time_zone", "name", "email")
MIN_CHECKS = 2  # passwords checked at each sign-in, where there are several organizations


async def sign_in_form(call: ConsoleCall) -> Response:
    """GET /console/sign-in: show the form."""
    if call.signed_in:
        return call.redirect("")
    return await ask_to_sign_in(call, next_path=_local(call.request.query_params.get("next", "")))


async def sign_in(call: ConsoleCall) -> Response:
    """POST /console/sign-in: begin a session, ask for the second factor, or show the form again. An unknown address
    takes as long as a wrong password.
    """
    if pending_sign_in.FIELD in call.form:
        return await _go_on(call)
    email = call.form.get("email", "").strip().lower()[:254]
    password = call.form.get("password", "")[: passwords.MAX_LENGTH]
    try:
        fitting = await _find_fitting(call, email, password)
    except Problem as problem:
        if problem.code != "rate_limited":
            raise
        return await _ask_again(call, 429, email=email, wait=problem.retry_after or 1)
    if not fitting:
        return await _ask_again(
            call, email=email, wrong=call.language.gettext("The e-mail address or the password is wrong.")
        )
    if len(fitting) > 1:
        choices = [(pending_sign_in.begin(call, operator), organization.name) for operator, organization in fitting]
        return await call.render("sign_in/organization", 200, choices=choices, **_onward(call))
    return await _with_password(call, fitting[0][0])


async def _find_fitting(call: ConsoleCall, email: str, password: str) -> list[Candidate]:
    """Find the operators with that address and password; raises `rate_limited`.

    All are checked, and no fewer than `MIN_CHECKS`, so that how long it takes tells neither whose password it was nor
    whether an address that is in one organization is in another one, too. Who is in three takes longer.
    """
    candidates = await call.ctx.database.read(operators.of_email, email)
    known, attempt = limits.attempt_of(call, email, candidates)
    attempt.count()
    fitting: list[Candidate] = []
    for candidate in candidates:
        guess = limits.guess_at(call, candidate[0], is_known=candidate is known)
        stored = candidate[0].password if guess.take() else None
        if await require_capacity(passwords.queue_check(stored, password, attempt.turn)):
            guess.give_back()
            fitting.append(candidate)
    is_alone = await call.ctx.database.read(organization_rows.is_alone)
    for _ in range(len(candidates), 1 if is_alone else MIN_CHECKS):
        await require_capacity(passwords.queue_check(None, password, attempt.turn))
    attempt.settle(is_right=known in fitting if known else bool(fitting))
    return fitting


def _onward(call: ConsoleCall) -> dict[str, str]:
    """Return where signing in leads on to, and the form that is sent there."""
    return {"next_path": _local(call.form.get("next", "")), "then": call.form.get("then", "")}


async def _ask_again(
    call: ConsoleCall, status: int = 422, *, email: str = "", wrong: str = "", wait: int = 0
) -> Response:
    """Show the form again: with what was `wrong`, or for how many seconds to `wait`."""
    page = await ask_to_sign_in(call, status, email=email, wait=wait, wrong=wrong, **_onward(call))
    return _with_wait(page, wait)


async def _ask_once_more(call: ConsoleCall) -> Response:
    return await _ask_again(
        call, wrong=call.language.gettext("That took too long, or something has changed meanwhile. Sign in again.")
    )


def _with_wait(page: Response, wait: int) -> Response:
    if wait:
        page.headers["retry-after"] = str(wait)
    return page


async def _with_password(call: ConsoleCall, operator: Operator) -> Response:
    """Let in who has given the right password, or ask for the second factor."""
    if operator.has_second_factor:
        return await _ask_for_code(call, operator)
    try:
        token = await call.ctx.database.write(operators.sign_in, operator.operator_id, operator.password)
    except NotFound:
        return await _ask_once_more(call)
    return await _begin(call, operator, token)


async def _go_on(call: ConsoleCall) -> Response:
    """Let in who has given the right password before, and now a code; a wrong one is told without saying why."""
    operator = await pending_sign_in.operator_of(call)
    if operator is None:
        return await _ask_once_more(call)
    if "code" not in call.form:
        return await _with_password(call, operator)
    guess = limits.code_of(call, operator)
    try:
        guess.count()
    except Problem as problem:
        return await _ask_for_code(call, operator, 429, wait=problem.retry_after or 1)
    try:
        token = await call.ctx.database.write(
            second_factor.sign_in, operator.operator_id, operator.password, call.form["code"]
        )
    except NotFound:
        return await _ask_once_more(call)
    if token is None:
        guess.settle(is_right=False)
        return await _ask_for_code(call, operator, 422, wrong=True)
    guess.settle(is_right=True)
    return await _begin(call, operator, token)


async def _ask_for_code(
    call: ConsoleCall, operator: Operator, status: int = 200, wrong: bool = False, wait: int = 0
) -> Response:
    pending = call.form.get(pending_sign_in.FIELD) or pending_sign_in.begin(call, operator)
    shown = {"email": operator.email, "pending": pending, "wrong": wrong, "wait": wait}
    page = await call.render("sign_in/code", status, **shown, **_onward(call))
    return _with_wait(page, wait)


async def _begin(call: ConsoleCall, operator: Operator, token: str) -> Response:
    """Begin the session of `token`, and lead on to where the operator wanted to be."""
    onward = _onward(call)
    if onward["then"]:
        session.rebind_csrf(call, token)
        page = await session.resume(call, 200, onward["next_path"], session.read_fields(onward["then"].encode()))
    else:
        page = call.redirect(onward["next_path"])
    limits.remember_browser(call, page, operator)
    return begin_session(call.ctx, page, token)


def _local(path: str) -> str:
    """Return the path to go on to, "" for one that leads to another site."""
    is_ours = len(path) <= MAX_PATH and path.startswith("/") and path.isprintable()
    return path if is_ours and not path.startswith(("//", "/\\")) else ""


async def sign_out(call: ConsoleCall) -> Response:
    """POST /console/sign-out: end the session."""
    await call.ctx.database.write(operators.sign_out, call.token)
    return end_session(call.ctx, call.redirect("/sign-in", "signed_out"))


async def sign_out_everywhere(call: ConsoleCall) -> Response:
    """POST /console/sign-out-everywhere: end all sessions of this operator, this one too."""
    await call.ctx.database.write(operator_rows.remove_sessions, call.operator.operator_id)
    return end_session(call.ctx, call.redirect("/sign-in", "signed_out"))


async def join_form(call: ConsoleCall) -> Response:
    """GET /console/join/{token}: show the invitation; looking does not use the link up."""
    return await _show_join(call, await _invitation(call))


async def _show_join(
    call: ConsoleCall, found: tuple[Invitation, Organization, bool], problem: Problem | None = None
) -> Response:
    invitation, organization, sets_up = found
    wrong = {} if problem is None else field_reasons(call.language, problem)
    is_named = organization.name != UNNAMED
    first = {"organization": organization.name if is_named else "", "time_zone": organization.time_zone}
    return await call.render(
        "sign_in/join",
        200 if problem is None else 422,
        values={name: call.form.get(name, first.get(name, "")) for name in JOIN_FIELDS},
        fixed=invitation.email,
        wrong=wrong,
        general="" if problem is None or wrong else call.reason(problem),
        organization=organization,
        sets_up=sets_up,
        guesses_zone=sets_up and not call.form,
        zones=zones(),
    )


async def join(call: ConsoleCall) -> Response:
    """POST /console/join/{token}: make an operator, and sign in."""
    found = await _invitation(call)
    email, name = call.form.get("email", ""), call.form.get("name", "")
    try:
        set_up = _set_up(call) if found[2] and "organization" in call.form else None
        password = await new_password(call)
        operator, token = await call.ctx.database.write(
            operators.join_and_sign_in, call.path("token"), email, name, password, set_up
        )
    except NotFound:
        raise
    except Problem as problem:
        return await _show_join(call, found, problem)
    return await _begin(call, operator, token)


def _set_up(call: ConsoleCall) -> SetUp:
    """Read what the first owner says of the organization; raises `invalid`."""
    zone = call.form.get("time_zone", "")
    if zone not in zones():
        detail = "There is no such time zone."
        raise Problem("invalid", detail, [FieldError("/time_zone", "unknown_reference", detail)])
    return SetUp(call.form.get("organization", ""), zone)


async def _invitation(call: ConsoleCall) -> tuple[Invitation, Organization, bool]:
    """Return an invitation, whose it is, and whether who joins sets the organization up; raises NotFound."""
    try:
        return await call.ctx.database.read(operators.invitation_to_show, call.path("token"))
    except NotFound:
        call.ctx.rate_limiter.count_failure(call.request)
        raise


async def require_capacity(work: Awaitable[T]) -> T:
    """Return the result of work on a password; raises `unavailable` where too many wait for theirs."""
    try:
        return await work
    except passwords.Busy:
        raise Problem("unavailable", "Too many sign in at this moment; try again.", retry_after=5) from None


async def new_password(call: ConsoleCall) -> str:
    """Return the hash of the password that a form chose; raises `invalid`."""
    password = call.form.get("password", "")
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        detail = f"A password has at least {passwords.MIN_LENGTH} characters."
        raise Problem("invalid", detail, [FieldError("/password", "too_short", detail)])
    return await require_capacity(passwords.queue_hash(password, limits.turn_of(call)))
