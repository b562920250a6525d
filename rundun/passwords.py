"""Passwords: hashed with Argon2id as RFC 9106 recommends, in a thread of their own, one at a time."""

from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rundun.pool import BoundedPool

MIN_LENGTH, MAX_LENGTH = 10, 500  # characters
AT_ONCE = 1  # each takes 64 MiB, some 50 ms, and four threads of its library
MAX_WAITING = 20  # of one kind; more can't be people
MAX_OF_ASKER = 10  # from one client; more can't be people

_hasher = PasswordHasher()
_dummy_hash = ""  # the hash of no password, made at its first use


class Busy(Exception):
    """Raised when too many passwords wait for their turn."""


_pool = BoundedPool(lambda why: Busy(), threads=AT_ONCE)


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, for storage."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password matches a stored hash. Without a hash the answer is False after the same time, so that
    the time does not tell whether an account exists.
    """
    global _dummy_hash
    if stored is None:
        _dummy_hash = _dummy_hash or _hasher.hash("")
    try:
        return _hasher.verify(stored or _dummy_hash, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of one password in the fair queue. Clients (`asker`) take turns, and few passwords of each client and
    kind may wait. Browsers that have signed in before are `known`, and never refused because of unknown ones.
    """

    asker: str
    kind: Literal["known", "unknown"]

    @property
    def limits(self) -> dict[str, int]:
        """Return how many passwords may be in the pool, by its owners: of this `kind`, and of this `asker` in it."""
        return {self.kind: MAX_WAITING, f"{self.kind} {self.asker}": MAX_OF_ASKER}


async def queue_hash(password: str, turn: Turn) -> str:
    """Return the Argon2id hash of a password, computed in the queue's thread; raise `Busy` if too many wait."""
    return await _pool.run(f"{turn.kind} {turn.asker}", turn.limits, hash_password, password)


async def queue_check(stored: str | None, password: str, turn: Turn) -> bool:
    """Tell whether a password matches the `stored` hash, False without one, after a check in the queue's thread; raise
    `Busy` if too many wait.
    """
    return await _pool.run(f"{turn.kind} {turn.asker}", turn.limits, verify, stored, password)
