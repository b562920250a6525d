"""/console/settings and /account: the operator's own password, language and second factor."""

from dataclasses import replace

from starlette.responses import Response

from rundun import passwords
from rundun.actions.organizations import operators
from rundun.core.token_bucket import Policy
from rundun.errors import Problem
from rundun.store.organizations import operators as operator_rows, second_factors
from rundun.web.console.session import ConsoleCall
from rundun.web.console.sign_in.limits import keep_browser, password_turn
from rundun.web.console.sign_in.sign_in import hash_new_password, require_capacity

GUESSES = Policy("old-password", 10, 900)  # of one operator, in seconds


async def settings(call: ConsoleCall) -> Response:
    """GET /console/settings: redirect to the first settings page that this operator may open."""
    return call.redirect("/settings/organization" if call.operator.role == "owner" else "/settings/account")


async def account(call: ConsoleCall, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
    """GET /console/settings/account: show the forms for password, language and second factor. `wrong` has error
    messages by field id.
    """
    left = await call.ctx.database.read(second_factors.count_recovery_codes, call.operator.operator_id)
    languages = call.ctx.pages.console_words.names
    return await call.render(
        "settings/account", status, wrong=wrong or {}, recovery_codes_left=left, languages=languages
    )


async def put_language(call: ConsoleCall) -> Response:
    """POST /console/settings/account/language: store the language, "" for the browser's; redirect to the account."""
    chosen = call.form.get("language") or None
    if chosen is not None and chosen not in call.ctx.pages.console_words.names:
        raise Problem("invalid", "There is no such language.")
    await call.ctx.database.write(operator_rows.put_language, call.operator.operator_id, chosen)
    return call.redirect("/settings/account", "language_changed")


async def is_own_password(call: ConsoleCall, typed: str) -> bool:
    """Tell whether `typed` is the signed-in operator's password; raises `rate_limited` after many wrong ones, and
    `unavailable` if the queue of checks is full.
    """
    call.ctx.rate_limiter.count(call.request, GUESSES, call.operator.operator_id)
    typed = typed[: passwords.MAX_LENGTH]
    is_right = await require_capacity(passwords.queue_check(call.operator.password_hash, typed, password_turn(call)))
    if is_right:
        call.ctx.rate_limiter.give_back(GUESSES, call.operator.operator_id)
    return is_right


def wrong_password_text(call: ConsoleCall) -> str:
    """Return the error message for a wrong password."""
    return call.language.gettext("That is not your password.")


async def is_confirmed(call: ConsoleCall) -> bool:
    """Tell whether the form's field `old` is the operator's password; raises the problems of `is_own_password`. The
    field is missing until it was asked for: then False.
    """
    return "old" in call.form and await is_own_password(call, call.form["old"])


def confirmation_status(call: ConsoleCall) -> int:
    """Return the status of a page that asks for the password: 200 the first time, 422 after a wrong one."""
    return 422 if "old" in call.form else 200


async def ask_for_password(call: ConsoleCall, heading: str, text: str, back: str, subject: str) -> Response:
    """Render a page that sends the form again with the password. `heading` and `text` describe the action, `subject` is
    the person or thing it affects, and `back` the path below /console for giving up.
    """
    fields = {name: value for name, value in call.form.items() if name != "old"}
    wrong = wrong_password_text(call) if "old" in call.form else ""
    return await call.render(
        "confirm",
        confirmation_status(call),
        heading=heading,
        text=text,
        subject=subject,
        action=call.request.url.path,
        fields=fields,
        back=f"/console{back}",
        wrong=wrong,
    )


async def change_password(call: ConsoleCall) -> Response:
    """POST /console/settings/account/password: change the password, given the old one, end all other sessions, and
    redirect to the account; errors are shown there.
    """
    if not await is_own_password(call, call.form.get("old", "")):
        return await account(call, 422, {"old": wrong_password_text(call)})
    try:
        password = await hash_new_password(call)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await account(call, 422, {"password": call.language.gettext("At least 10 characters.")})
    await call.ctx.database.write(
        operators.change_password, call.operator.operator_id, password, call.token, call.actor
    )
    changed = call.redirect("/settings/account", "password_changed")
    keep_browser(call, changed, call.operator, replace(call.operator, password_hash=password))
    return changed
