"""Passwords: hashed with Argon2id as RFC 9106 recommends, in threads of their own, a few at a time."""

from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rundun.pool import BoundedPool

MIN_LENGTH, MAX_LENGTH = 10, 500  # characters
AT_ONCE = 1  # each takes 64 MiB, some 50 ms, and four threads of its library
MAX_WAITING = 20  # more than that many can't be people
MAX_OF_ASKER = 10  # nor as many from one address

_hasher = PasswordHasher()
_nobody = ""  # the hash of no password, made when first needed


class Busy(Exception):
    """Raised when too many passwords wait for their turn."""


_pool = BoundedPool(lambda why: Busy(), threads=AT_ONCE)


def hash_password(password: str) -> str:
    """Return the hash that is stored of a password."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password is the one of a stored hash. Without a hash it takes as long to say no."""
    global _nobody
    if stored is None:
        _nobody = _nobody or _hasher.hash("")
    try:
        return _hasher.verify(stored or _nobody, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose password it is that waits: askers take turns, and of each kind so many may wait. Those who are `known`,
    having signed in before, are not refused because of any number of others.
    """

    asker: str
    kind: Literal["known", "unknown"]

    @property
    def limits(self) -> dict[str, int]:
        """Return how many may wait with this one."""
        return {self.kind: MAX_WAITING, f"{self.kind} {self.asker}": MAX_OF_ASKER}


async def hash_in_turn(password: str, turn: Turn) -> str:
    """Hash a password as `hash_password` does, without holding anybody up; raises `Busy`."""
    return await _pool.run(f"{turn.kind} {turn.asker}", turn.limits, hash_password, password)


async def check_in_turn(stored: str | None, password: str, turn: Turn) -> bool:
    """Check a password as `verify` does, without holding anybody up; raises `Busy`."""
    return await _pool.run(f"{turn.kind} {turn.asker}", turn.limits, verify, stored, password)
