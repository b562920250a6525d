"""Limits on guessing passwords and codes at sign-in, by address and by operator.

Right guesses do not count. A known browser, in which the operator has signed in or set a password by an owner's link,
has its own allowance (“device cookies”, as OWASP names them), so guesses elsewhere do not lock it out.

An address may belong to operators of several organizations, and any owner may have added it, with a password of the
owner's choice. So an attempt to sign in is counted twice: by the typed address, with a limit that the response shows,
and by each operator tried, which the response does not show, as it would reveal the other organizations. An attempt
with the right password of one operator is a wrong guess at the others; those over their limit are not tried. A person
with different passwords in two organizations can sign in to the first any number of times, as right guesses are given
back. After more than ten times in a quarter of an hour, though, a browser at that network address that the second
organization does not know has to wait to sign in to the second.
"""

import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer
from starlette.responses import Response

from rundun.core.token_bucket import Policy
from rundun.core.tokens import digest
from rundun.passwords import Turn
from rundun.store.organizations.operators import Operator
from rundun.store.organizations.organizations import Organization
from rundun.web.console import cookies
from rundun.web.console.session import ConsoleCall
from rundun.web.http.rate_limit import address_of

Candidate = tuple[Operator, Organization]
# Counts and seconds.
GUESSES = Policy("sign-in", 10, 900)  # at one e-mail address, from one network address
ALL_GUESSES = Policy("sign-in-all", 100, 900)  # at one e-mail address: too few to find one, too many to type
OPERATOR_GUESSES = Policy("sign-in-operator", 10, 900)  # at one operator's password, from one network address
ALL_OPERATOR_GUESSES = Policy("sign-in-operator-all", 100, 900)  # at one operator's password
KNOWN_GUESSES = Policy("sign-in-known", 10, 900)  # of one known browser
CODES = Policy("second-factor", 10, 3600)  # wrong codes of one operator, from unknown browsers
KNOWN_CODES = Policy("second-factor-known", 10, 3600)  # of one known browser
ALL_KNOWN_CODES = Policy("second-factor-known-all", 30, 3600)  # of all known browsers of one operator


def password_turn(call: ConsoleCall) -> Turn:
    """Return the `Turn` for work on a password: of the signed-in operator, `known`, else of the address, `unknown`."""
    return Turn(call.operator.operator_id, "known") if call.signed_in else Turn(address_of(call.request), "unknown")


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess at a password or a code. It is counted before it is checked, since checking is expensive."""

    call: ConsoleCall
    counts: tuple[tuple[Policy, str], ...]
    is_known: bool

    @property
    def turn(self) -> Turn:
        """Return the `Turn` for checking the password: of a known browser, the operator, or the address."""
        return Turn(self.counts[0][1], "known") if self.is_known else password_turn(self.call)

    def count(self) -> None:
        """Count the guess; raises `rate_limited`."""
        if not self.is_known:
            self.call.ctx.rate_limiter.refuse_guesser(self.call.request)
        for policy, owner in self.counts:
            self.call.ctx.rate_limiter.count(self.call.request, policy, owner)

    def settle(self, *, is_right: bool) -> None:
        """Give back the count of a right guess, or count a failure of the address; raises `rate_limited`."""
        if not is_right and not self.is_known:
            self.call.ctx.rate_limiter.count_failure(self.call.request)
        for policy, owner in self.counts if is_right else ():
            self.call.ctx.rate_limiter.give_back(policy, owner)


@dataclass(frozen=True, slots=True)
class OperatorGuess:
    """A guess at one operator's password, counted without any trace in the response."""

    call: ConsoleCall
    counts: tuple[tuple[Policy, str], ...]

    def take(self) -> bool:
        """Count the guess before it is checked; return False if the limit is reached: then do not check it."""
        return all(self.call.ctx.rate_limiter.take(policy, owner) for policy, owner in self.counts)

    def give_back(self) -> None:
        """Give back the count of a right guess."""
        for policy, owner in self.counts:
            self.call.ctx.rate_limiter.give_back(policy, owner)


def sign_in_guess(call: ConsoleCall, email: str, candidates: list[Candidate]) -> tuple[Candidate | None, Guess]:
    """Return the candidate known to this browser, or None, and the guess by which an attempt to sign in is counted:
    with the known browser's allowance, else with the typed address's.
    """
    for candidate in candidates:
        if browser := _known_browser(call, candidate[0]):
            return candidate, Guess(call, ((KNOWN_GUESSES, browser),), is_known=True)
    counts = ((GUESSES, f"{email} {address_of(call.request)}"), (ALL_GUESSES, email))
    return None, Guess(call, counts, is_known=False)


def operator_guess(call: ConsoleCall, operator: Operator, *, is_known: bool) -> OperatorGuess:
    """Return the guess at one candidate's password in an attempt. It has no counts if the operator `is_known`, since
    `sign_in_guess` has counted it.
    """
    if is_known:
        return OperatorGuess(call, ())
    by_address = f"{operator.operator_id} {address_of(call.request)}"
    return OperatorGuess(call, ((OPERATOR_GUESSES, by_address), (ALL_OPERATOR_GUESSES, operator.operator_id)))


def code_guess(call: ConsoleCall, operator: Operator) -> Guess:
    """Return the guess at a code of `operator` after the right password; a known browser has its own allowance."""
    if browser := _known_browser(call, operator):
        counts = ((KNOWN_CODES, browser), (ALL_KNOWN_CODES, operator.operator_id))
        return Guess(call, counts, is_known=True)
    return Guess(call, ((CODES, operator.operator_id),), is_known=False)


def _signer(call: ConsoleCall, operator: Operator) -> Signer:
    """Return the signer of an operator's known-browser cookies. They end with a change of the password or the second
    factor: anyone with the old ones may have made any number of browsers known.
    """
    proof = digest(f"{operator.password_hash} {operator.has_second_factor}").hex()
    return Signer(call.ctx.links.key, salt=f"known-browser.{operator.operator_id}.{proof}")


def _known_browser(call: ConsoleCall, operator: Operator) -> str | None:
    """Return this browser's random name from its valid known-browser cookie for `operator`, else None."""
    try:
        return _signer(call, operator).unsign(cookies.find(call.ctx, call.request, cookies.KNOWN)).decode()
    except BadSignature:
        return None


def remember_browser(call: ConsoleCall, response: Response, operator: Operator) -> None:
    """Set the known-browser cookie after `operator` has signed in or used a password link."""
    _put(call, response, operator, _known_browser(call, operator) or secrets.token_urlsafe(16))


def keep_browser(call: ConsoleCall, response: Response, before: Operator, after: Operator) -> None:
    """Renew a known-browser cookie after a change of password. A browser that was not known `before` stays unknown,
    since the password can be changed any number of times.
    """
    if browser := _known_browser(call, before):
        _put(call, response, after, browser)


def _put(call: ConsoleCall, response: Response, operator: Operator, browser: str) -> None:
    signed = _signer(call, operator).sign(browser).decode()
    cookies.put(call.ctx, response, cookies.KNOWN, signed, cookies.KNOWN_SECONDS)
