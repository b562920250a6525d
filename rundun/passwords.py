"""Passwords: hashed with Argon2id as RFC 9106 recommends, in threads of their own, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
SHORTEST, LONGEST = 10, 500  # characters
AT_ONCE = 2  # each takes 64 MiB and some 50 ms
MOST_WAITING = 20  # more than that many can't be people

_hasher = PasswordHasher()
_nobody = ""  # the hash of no password, made when first needed
_waiting = 0
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")


class Busy(Exception):
    """Too many wait."""


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
    return await _in_turn(hashed, password)


async def check_in_turn(kept: str | None, password: str) -> bool:
    """As `is_right`, without holding anybody up; raises `Busy`."""
    return await _in_turn(is_right, kept, password)


async def _in_turn(function: Callable[[*Ts], T], *args: *Ts) -> T:
    global _waiting
    if _waiting >= MOST_WAITING:
        raise Busy
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, function, *args)
    finally:
        _waiting -= 1
