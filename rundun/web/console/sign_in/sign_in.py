"""/console/sign-in, /sign-out and /join: signing in and out, and joining by an invitation link."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import Response

from rundun import passwords
from rundun.actions.organizations import operators, second_factor
from rundun.actions.organizations.operators import SetUp
from rundun.actions.organizations.organizations import UNNAMED
from rundun.errors import FieldError, NotFound, Problem
from rundun.store.organizations import operators as operator_rows, organizations as organization_rows
from rundun.store.organizations.operators import Invitation, Operator
from rundun.store.organizations.organizations import Organization
from rundun.web.console import session
from rundun.web.console.cookies import begin_session, end_session
from rundun.web.console.session import ConsoleCall, ask_to_sign_in
from rundun.web.console.sign_in import limits, pending as pending_sign_in
from rundun.web.console.sign_in.limits import Candidate
from rundun.wording.refusals import field_reasons
from rundun.wording.time_zone import list_zones

T = TypeVar("T")
MAX_PATH = 500
JOIN_FIELDS = ("organization", "time_zone", "name", "email")
MIN_CHECKS = 2  # passwords checked at each sign-in, if there are several organizations


async def sign_in_form(call: ConsoleCall) -> Response:
    """GET /console/sign-in: show the form; redirect a signed-in operator to the console."""
    if call.signed_in:
        return call.redirect("")
    return await ask_to_sign_in(call, next_path=_local_path(call.request.query_params.get("next", "")))


async def sign_in(call: ConsoleCall) -> Response:
    """POST /console/sign-in: begin a session and go to the destination, ask for the second factor or the organization,
    or show the form again. An unknown address takes as long as a wrong password.
    """
    if pending_sign_in.FIELD in call.form:
        return await _continue_sign_in(call)
    email = call.form.get("email", "").strip().lower()[:254]
    password = call.form.get("password", "")[: passwords.MAX_LENGTH]
    try:
        matching = await _find_matching(call, email, password)
    except Problem as problem:
        if problem.code != "rate_limited":
            raise
        return await _show_again(call, 429, email=email, wait=problem.retry_after or 1)
    if not matching:
        return await _show_again(
            call, email=email, wrong=call.language.gettext("The e-mail address or the password is wrong.")
        )
    if len(matching) > 1:
        choices = [
            (pending_sign_in.field_value(call, operator), organization.name) for operator, organization in matching
        ]
        return await call.render("sign_in/organization", 200, choices=choices, **_destination(call))
    return await _accept_password(call, matching[0][0])


async def _find_matching(call: ConsoleCall, email: str, password: str) -> list[Candidate]:
    """Return the operators with that address, given in lower case, and password, each with the organization, without
    those over their own limit of guesses; raises `rate_limited`, and `unavailable` if the queue of checks is full.

    All candidates are checked, and at least `MIN_CHECKS`, so the duration reveals neither the matching one nor whether
    an address of one organization is in a second one as well. An address in three organizations takes longer.
    """
    candidates = await call.ctx.database.read(operators.list_candidates, email)
    known, attempt = limits.sign_in_guess(call, email, candidates)
    attempt.count()
    matching: list[Candidate] = []
    for candidate in candidates:
        guess = limits.operator_guess(call, candidate[0], is_known=candidate is known)
        stored = candidate[0].password_hash if guess.take() else None
        if await require_capacity(passwords.queue_check(stored, password, attempt.turn)):
            guess.give_back()
            matching.append(candidate)
    is_alone = await call.ctx.database.read(organization_rows.is_alone)
    for _ in range(len(candidates), 1 if is_alone else MIN_CHECKS):
        await require_capacity(passwords.queue_check(None, password, attempt.turn))
    attempt.settle(is_right=known in matching if known else bool(matching))
    return matching


def _destination(call: ConsoleCall) -> dict[str, str]:
    """Return `next_path`, the path to go to after signing in, and `then`, the form to be sent there; "" for none."""
    return {"next_path": _local_path(call.form.get("next", "")), "then": call.form.get("then", "")}


async def _show_again(
    call: ConsoleCall, status: int = 422, *, email: str = "", wrong: str = "", wait: int = 0
) -> Response:
    """Render the sign-in form again, with the error message `wrong`, or with the seconds to `wait`."""
    page = await ask_to_sign_in(call, status, email=email, wait=wait, wrong=wrong, **_destination(call))
    return _set_retry_after(page, wait)


async def _restart(call: ConsoleCall) -> Response:
    return await _show_again(
        call, wrong=call.language.gettext("That took too long, or something has changed meanwhile. Sign in again.")
    )


def _set_retry_after(page: Response, wait: int) -> Response:
    if wait:
        page.headers["retry-after"] = str(wait)
    return page


async def _accept_password(call: ConsoleCall, operator: Operator) -> Response:
    """Return the response to an operator's right password: it begins the session, or asks for the second factor, or
    shows the form again if the operator has changed meanwhile.
    """
    if operator.has_second_factor:
        return await _ask_for_code(call, operator)
    try:
        token = await call.ctx.database.write(operators.sign_in, operator.operator_id, operator.password_hash)
    except NotFound:
        return await _restart(call)
    return await _finish_sign_in(call, operator, token)


async def _continue_sign_in(call: ConsoleCall) -> Response:
    """Return the response to the organization or the code of a pending sign-in: it begins the session, asks for the
    code, again after a wrong one, or shows the form if none is pending. A wrong code is refused without a reason.
    """
    operator = await pending_sign_in.find_operator(call)
    if operator is None:
        return await _restart(call)
    if "code" not in call.form:
        return await _accept_password(call, operator)
    guess = limits.code_guess(call, operator)
    try:
        guess.count()
    except Problem as problem:
        return await _ask_for_code(call, operator, 429, wait=problem.retry_after or 1)
    try:
        token = await call.ctx.database.write(
            second_factor.sign_in, operator.operator_id, operator.password_hash, call.form["code"]
        )
    except NotFound:
        return await _restart(call)
    if token is None:
        guess.settle(is_right=False)
        return await _ask_for_code(call, operator, 422, wrong=True)
    guess.settle(is_right=True)
    return await _finish_sign_in(call, operator, token)


async def _ask_for_code(
    call: ConsoleCall, operator: Operator, status: int = 200, wrong: bool = False, wait: int = 0
) -> Response:
    pending = call.form.get(pending_sign_in.FIELD) or pending_sign_in.field_value(call, operator)
    shown = {"email": operator.email, "pending": pending, "wrong": wrong, "wait": wait}
    page = await call.render("sign_in/code", status, **shown, **_destination(call))
    return _set_retry_after(page, wait)


async def _finish_sign_in(call: ConsoleCall, operator: Operator, token: str) -> Response:
    """Return the response that begins the session `token` and makes the browser a known one: a redirect to the
    destination, or the form to be sent there.
    """
    target = _destination(call)
    if target["then"]:
        session.rebind_csrf(call, token)
        page = await session.resubmit(call, 200, target["next_path"], session.read_fields(target["then"].encode()))
    else:
        page = call.redirect(target["next_path"])
    limits.remember_browser(call, page, operator)
    return begin_session(call.ctx, page, token)


def _local_path(path: str) -> str:
    """Return `path`, or "" if it is no path of this site, is over `MAX_PATH` long, or has unprintable characters."""
    is_ours = len(path) <= MAX_PATH and path.startswith("/") and path.isprintable()
    return path if is_ours and not path.startswith(("//", "/\\")) else ""


async def sign_out(call: ConsoleCall) -> Response:
    """POST /console/sign-out: end the session, and redirect to signing in."""
    await call.ctx.database.write(operators.sign_out, call.token)
    return end_session(call.ctx, call.redirect("/sign-in", "signed_out"))


async def sign_out_everywhere(call: ConsoleCall) -> Response:
    """POST /console/sign-out-everywhere: end all sessions of this operator, even this one; redirect to signing in."""
    await call.ctx.database.write(operator_rows.remove_sessions, call.operator.operator_id)
    return end_session(call.ctx, call.redirect("/sign-in", "signed_out"))


async def join_form(call: ConsoleCall) -> Response:
    """GET /console/join/{token}: show the invitation. Showing it does not use up the link."""
    return await _show_join(call, await _get_invitation(call))


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
        zones=list_zones(),
    )


async def join(call: ConsoleCall) -> Response:
    """POST /console/join/{token}: make an operator and begin a session, or show the invitation with the errors."""
    found = await _get_invitation(call)
    email, name = call.form.get("email", ""), call.form.get("name", "")
    try:
        set_up = _read_setup(call) if found[2] and "organization" in call.form else None
        password = await hash_new_password(call)
        operator, token = await call.ctx.database.write(
            operators.join_and_sign_in, call.path("token"), email, name, password, set_up
        )
    except NotFound:
        raise
    except Problem as problem:
        return await _show_join(call, found, problem)
    return await _finish_sign_in(call, operator, token)


def _read_setup(call: ConsoleCall) -> SetUp:
    """Return the organization's name, not checked yet, and time zone, as typed by its first owner; raises `invalid` for
    an unknown time zone only.
    """
    zone = call.form.get("time_zone", "")
    if zone not in list_zones():
        detail = "There is no such time zone."
        raise Problem("invalid", detail, [FieldError("/time_zone", "unknown_reference", detail)])
    return SetUp(call.form.get("organization", ""), zone)


async def _get_invitation(call: ConsoleCall) -> tuple[Invitation, Organization, bool]:
    """Return an invitation, its organization, and whether joining sets up the organization. Raises NotFound, which
    counts as a failure of the network address, and `rate_limited` after many.
    """
    try:
        return await call.ctx.database.read(operators.get_invitation_to_show, call.path("token"))
    except NotFound:
        call.ctx.rate_limiter.count_failure(call.request)
        raise


async def require_capacity(work: Awaitable[T]) -> T:
    """Return the result of queued work on a password; raises `unavailable` if the queue is full."""
    try:
        return await work
    except passwords.Busy:
        raise Problem("unavailable", "Too many sign-ins are waiting; try again.", retry_after=5) from None


async def hash_new_password(call: ConsoleCall) -> str:
    """Return the hash of the form's `password`; raises `invalid` for a wrong length, and `unavailable` if the queue is
    full.
    """
    password = call.form.get("password", "")
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        detail = f"A password has at least {passwords.MIN_LENGTH} characters."
        raise Problem("invalid", detail, [FieldError("/password", "too_short", detail)])
    return await require_capacity(passwords.queue_hash(password, limits.password_turn(call)))
