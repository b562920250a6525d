"""Passwords: hashed with Argon2id as RFC 9106 recommends, in threads of their own, a few at a time."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rundun.pool import BoundedPool

MIN_LENGTH, MAX_LENGTH = 10, 500  # characters
AT_ONCE = 2  # each takes 64 MiB and some 50 ms
MAX_WAITING = 20  # more than that many can't be people

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


async def hash_in_turn(password: str) -> str:
    """Hash a password as `hash_password` does, without holding anybody up; raises `Busy`."""
    return await _pool.run("", {"": MAX_WAITING}, hash_password, password)


async def check_in_turn(stored: str | None, password: str) -> bool:
    """Check a password as `verify` does, without holding anybody up; raises `Busy`."""
    return await _pool.run("", {"": MAX_WAITING}, verify, stored, password)
