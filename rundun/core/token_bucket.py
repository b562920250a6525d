"""Token buckets: how much somebody may ask for, and when there is more."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rundun.core import times


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests in `window` seconds: a bucket that holds so many and fills evenly in that time."""

    name: str
    quota: int
    window: int = 60


@dataclass(slots=True)
class Bucket:
    """What is left, as of `at` (milliseconds)."""

    tokens: float
    at: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What came of asking: whether it is `granted`, how many more are, the seconds until the bucket is full (`reset`)
    and, where it was not granted, until one is there (`wait`).
    """

    policy: Policy
    granted: bool
    remaining: int
    reset: int
    wait: int


def wait(policy: Policy, bucket: Bucket, now: int) -> int:
    """Seconds from `now` (milliseconds) until there is one in `bucket`; 0 when there is. Nothing is taken."""
    rate = policy.quota / policy.window / times.SECOND
    missing = 1 - bucket.tokens - max(0, now - bucket.at) * rate
    return max(1, _seconds(missing / rate)) if missing > 0 else 0


def take(policy: Policy, bucket: Bucket, now: int) -> Allowance:
    """Take one from `bucket` at `now` (milliseconds), if there is one. A clock set back fills nothing."""
    rate = policy.quota / policy.window / times.SECOND  # a millisecond
    bucket.tokens = min(policy.quota, bucket.tokens + max(0, now - bucket.at) * rate)
    bucket.at = now
    granted = bucket.tokens >= 1
    if granted:
        bucket.tokens -= 1
    return Allowance(
        policy,
        granted,
        int(bucket.tokens),
        _seconds((policy.quota - bucket.tokens) / rate),
        0 if granted else max(1, _seconds((1 - bucket.tokens) / rate)),
    )


def _seconds(milliseconds: float) -> int:
    return math.ceil(milliseconds / times.SECOND)
