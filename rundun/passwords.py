"""Passwords: hashed with Argon2id as RFC 9106 recommends, in threads of their own, a few at a time."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rundun.pool import BoundedPool

MIN_LENGTH, MAX_LENGTH = 10, 500  # characters
AT_ONCE = 2  # each takes 64 MiB and some 50 ms
MAX_WAITING = 20  # more than that many can't be people

_hasher = PasswordHasher()
_nobody = ""  # the hash of no password, made when first needed


class Busy(Exception):
    """Too many wait."""


_pool = BoundedPool(lambda why: Busy(), threads=AT_ONCE)


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether that is the password. Without one that is kept it takes as long to say no."""
    global _nobody
    if kept is None:
        _nobody = _nobody or _hasher.hash("")
    try:
        return _hasher.verify(kept or _nobody, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


async def hash_in_turn(password: str) -> str:
    """As `hashed`, without holding anybody up; raises `Busy`."""
    return await _pool.run("", {"": MAX_WAITING}, hashed, password)


async def check_in_turn(kept: str | None, password: str) -> bool:
    """As `is_right`, without holding anybody up; raises `Busy`."""
    return await _pool.run("", {"": MAX_WAITING}, is_right, kept, password)
