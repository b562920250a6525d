"""/console/settings/account/second-factor: switching the second factor on and off, and renewing recovery codes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer
from starlette.responses import Response

from rundun.actions.organizations import second_factor
from rundun.core import times
from rundun.core.organizations import one_time_code
from rundun.core.tokens import digest
from rundun.store.sqlite.transaction import Tx
from rundun.web.console.qr_code import qr_code
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import account, is_own_password, wrong_password_text
from rundun.web.console.sign_in.limits import code_guess, remember_browser

T = TypeVar("T")
SETUP_TTL_MS = 30 * 60 * times.SECOND  # leaves time to install an authenticator app


async def set_up(call: ConsoleCall) -> Response:
    """POST /console/settings/account/second-factor: show a new secret, given the password. The second factor is in
    force once a code of the secret is entered. A wrong password shows the account with the error (422); if a second
    factor is in force already, redirect there.
    """
    if not await is_own_password(call, call.form.get("password", "")):
        return await account(call, 422, {"setup_password": wrong_password_text(call)})
    if call.operator.has_second_factor:
        return _redirect_already_on(call)
    return await _show_setup(call, second_factor.new_secret())


async def _show_setup(call: ConsoleCall, secret: str, status: int = 200, wrong: bool = False) -> Response:
    service = f"Rundun ({urlsplit(call.ctx.settings.public_url).hostname})"
    return await call.render(
        "settings/second_factor",
        status,
        secret=one_time_code.grouped(secret),
        setup=_signer(call).sign(f"{secret}.{call.now}").decode(),
        qr_code=qr_code(one_time_code.setup_uri(secret, call.operator.email, service)),
        wrong=wrong,
    )


def _signer(call: ConsoleCall) -> Signer:
    """Return the signer of a secret not yet in force. It is stored only in the form, bound to the session."""
    return Signer(call.ctx.links.key, salt=f"second-factor.{digest(call.token).hex()}")


def _find_secret(call: ConsoleCall) -> str | None:
    try:
        secret, _, begun = _signer(call).unsign(call.form.get("setup", "")).decode().partition(".")
    except BadSignature:
        return None
    return secret if 0 <= call.now - int(begun) < SETUP_TTL_MS else None


async def switch_on(call: ConsoleCall) -> Response:
    """POST /console/settings/account/second-factor/on: put the second factor in force, given its first code, and show
    the recovery codes, this once. Show the secret again for a wrong code, and the account after half an hour; redirect
    there if it is in force already.
    """
    if call.operator.has_second_factor:  # the page with the recovery codes was reloaded
        return _redirect_already_on(call)
    secret = _find_secret(call)
    if secret is None:
        return await account(call, 422, {"setup_password": call.language.gettext("That took too long. Begin again.")})
    codes = await call.ctx.database.write(
        second_factor.switch_on, call.operator.operator_id, secret, _typed_code(call), call.token
    )
    if codes is None:
        return await _show_setup(call, secret, 422, wrong=True)
    shown = await call.render("settings/recovery_codes", codes=codes, is_new=True)
    remember_browser(call, shown, replace(call.operator, has_second_factor=True))
    return shown


def _redirect_already_on(call: ConsoleCall) -> Response:
    return call.redirect("/settings/account", "second_factor_is_on")


async def switch_off(call: ConsoleCall) -> Response:
    """POST /console/settings/account/second-factor/off: end the second factor, given the password and a code, and
    redirect to the account; errors are shown there.
    """

    async def done(_: bool) -> Response:
        told = call.redirect("/settings/account", "second_factor_off")
        remember_browser(call, told, replace(call.operator, has_second_factor=False))
        return told

    return await _run_with_code(call, second_factor.switch_off, done)


async def renew_recovery_codes(call: ConsoleCall) -> Response:
    """POST /console/settings/account/second-factor/recovery-codes: replace the recovery codes, given the password and a
    code, and show them, this once; errors are shown on the account page.
    """
    return await _run_with_code(
        call,
        second_factor.renew_recovery_codes,
        lambda codes: call.render("settings/recovery_codes", codes=codes, is_new=False),
    )


async def _run_with_code(
    call: ConsoleCall, action: Callable[[Tx, str, str], T | None], respond: Callable[[T], Awaitable[Response]]
) -> Response:
    """Check the password, run `action(tx, operator_id, code)` with the form's code, and return `respond` of its result.
    For a wrong password or a wrong code, for which `action` returns False or None, return the account page with an
    error. Raises the problems of `is_own_password`, and `rate_limited` after many wrong codes.
    """
    if not await is_own_password(call, call.form.get("password", "")):
        return await account(call, 422, {"proof_password": wrong_password_text(call)})
    guess = code_guess(call, call.operator)
    guess.count()
    outcome = await call.ctx.database.write(action, call.operator.operator_id, _typed_code(call))
    if not outcome:
        return await account(call, 422, {"proof_code": call.language.gettext("That code is wrong or has been used.")})
    guess.settle(is_right=True)
    return await respond(outcome)


def _typed_code(call: ConsoleCall) -> str:
    return call.form.get("code", "")
