"""Passwords: hashed with Argon2id as RFC 9106 recommends, in threads of their own, a few at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 500  # characters
AT_ONCE = 2  # each takes 64 MiB and some 50 ms

_hasher = PasswordHasher()
_nobody = ""  # the hash of no password, made when first needed
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")


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
    """As `hashed`, without holding anybody up."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hashed, password)


async def check_in_turn(kept: str | None, password: str) -> bool:
    """As `is_right`, without holding anybody up."""
    return await asyncio.get_running_loop().run_in_executor(_threads, is_right, kept, password)
