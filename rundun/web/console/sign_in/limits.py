"""Limits on guessing passwords and codes at sign-in, by address and by operator.

What turns out right does not count. A browser that this operator has signed in with before, or used an owner's link in
that sets a new password, has an allowance of its own (“device cookies”, as OWASP names them): whoever guesses elsewhere
does not lock it out.

An address may be in several organizations, and whoever owns one may have put it there, with a password of their choice.
So an attempt to sign in counts twice: by the address that was typed, which the answer tells, and by each operator whose
password is tried, of which the answer tells nothing: it would tell who has the address elsewhere. An attempt that fits
one operator is a wrong guess at all others, who are not tried any more once theirs were too many. Who has different
passwords in two organizations goes on signing in to the first however often, since what fitted is given back there;
more than ten times in a quarter of an hour, and a browser at the same network address that the second does not know
waits for that one.
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
GUESSES = Policy("sign-in", 10, 900)  # at one person's password, from one address, in a quarter of an hour
ALL_GUESSES = Policy("sign-in-all", 100, 900)  # from wherever: few enough to find none, too many to lock out by hand
OPERATOR_GUESSES = Policy("sign-in-operator", 10, 900)  # the same two by operator, whatever else the address fits
ALL_OPERATOR_GUESSES = Policy("sign-in-operator-all", 100, 900)
KNOWN_GUESSES = Policy("sign-in-known", 10, 900)  # of one browser that the operator has signed in with before
CODES = Policy("second-factor", 10, 3600)  # wrong ones of one operator, from wherever, in an hour
KNOWN_CODES = Policy("second-factor-known", 10, 3600)  # of one known browser
ALL_KNOWN_CODES = Policy("second-factor-known-all", 30, 3600)  # of all known browsers of one operator


def turn_of(call: ConsoleCall) -> Turn:
    """Return in whose turn a password is worked on: the operator's who is signed in, or the address's."""
    return Turn(call.operator.operator_id, "known") if call.signed_in else Turn(address_of(call.request), "unknown")


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess at a password or a code, counted before it is checked, which is work."""

    call: ConsoleCall
    counts: tuple[tuple[Policy, str], ...]
    is_known: bool

    @property
    def turn(self) -> Turn:
        """Return in whose turn the password is checked."""
        return Turn(self.counts[0][1], "known") if self.is_known else turn_of(self.call)

    def count(self) -> None:
        """Count the guess; raises `rate_limited`."""
        if not self.is_known:
            self.call.ctx.rate_limiter.refuse_guesser(self.call.request)
        for policy, owner in self.counts:
            self.call.ctx.rate_limiter.count(self.call.request, policy, owner)

    def settle(self, *, is_right: bool) -> None:
        """Take back the count of what was right, or count a failure of the address; raises `rate_limited`."""
        if not is_right and not self.is_known:
            self.call.ctx.rate_limiter.count_failure(self.call.request)
        for policy, owner in self.counts if is_right else ():
            self.call.ctx.rate_limiter.give_back(policy, owner)


@dataclass(frozen=True, slots=True)
class OperatorGuess:
    """One guess at one operator's password, of which no response tells."""

    call: ConsoleCall
    counts: tuple[tuple[Policy, str], ...]

    def take(self) -> bool:
        """Count the guess before it is checked; False where there were too many, and it must not be checked."""
        return all(self.call.ctx.rate_limiter.take(policy, owner) for policy, owner in self.counts)

    def give_back(self) -> None:
        """Take back the count of a guess that was right."""
        for policy, owner in self.counts:
            self.call.ctx.rate_limiter.give_back(policy, owner)


def attempt_of(call: ConsoleCall, email: str, candidates: list[Candidate]) -> tuple[Candidate | None, Guess]:
    """Return how an attempt to sign in counts: for the candidate who has signed in with this browser before, or, where
    there is none, for the address that was typed.
    """
    for candidate in candidates:
        if browser := _known_browser(call, candidate[0]):
            return candidate, Guess(call, ((KNOWN_GUESSES, browser),), is_known=True)
    counts = ((GUESSES, f"{email} {address_of(call.request)}"), (ALL_GUESSES, email))
    return None, Guess(call, counts, is_known=False)


def guess_at(call: ConsoleCall, operator: Operator, *, is_known: bool) -> OperatorGuess:
    """Return the guess at one operator's password in an attempt; it has been counted for who is known."""
    if is_known:
        return OperatorGuess(call, ())
    by_address = f"{operator.operator_id} {address_of(call.request)}"
    return OperatorGuess(call, ((OPERATOR_GUESSES, by_address), (ALL_OPERATOR_GUESSES, operator.operator_id)))


def code_of(call: ConsoleCall, operator: Operator) -> Guess:
    """Return a guess at a code of an operator who has given the right password."""
    if browser := _known_browser(call, operator):
        counts = ((KNOWN_CODES, browser), (ALL_KNOWN_CODES, operator.operator_id))
        return Guess(call, counts, is_known=True)
    return Guess(call, ((CODES, operator.operator_id),), is_known=False)


def _signer(call: ConsoleCall, operator: Operator) -> Signer:
    """Return a signer for as long as the password and the second factor stay: who knew the one before may have made any
    number of browsers known.
    """
    proof = digest(f"{operator.password} {operator.has_second_factor}").hex()
    return Signer(call.ctx.links.key, salt=f"known-browser.{operator.operator_id}.{proof}")


def _known_browser(call: ConsoleCall, operator: Operator) -> str | None:
    """Return the name that this browser got when the operator signed in with it, None for one that is not known."""
    try:
        return _signer(call, operator).unsign(cookies.find(call.ctx, call.request, cookies.KNOWN)).decode()
    except BadSignature:
        return None


def remember_browser(call: ConsoleCall, response: Response, operator: Operator) -> None:
    """Set the cookie of a browser that the operator has signed in with, or used an owner's link in."""
    _put(call, response, operator, _known_browser(call, operator) or secrets.token_urlsafe(16))


def keep_browser(call: ConsoleCall, response: Response, before: Operator, after: Operator) -> None:
    """Keep a browser known through a change of password; one that was not known `before` does not become so, since the
    password can be changed any number of times.
    """
    if browser := _known_browser(call, before):
        _put(call, response, after, browser)


def _put(call: ConsoleCall, response: Response, operator: Operator, browser: str) -> None:
    signed = _signer(call, operator).sign(browser).decode()
    cookies.put(call.ctx, response, cookies.KNOWN, signed, cookies.KNOWN_SECONDS)
