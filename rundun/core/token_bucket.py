"""Token buckets: how many requests are allowed, and when there are more."""

import math
from dataclasses import dataclass, replace

from rundun.core import times


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit of `quota` requests in `window` seconds: a bucket that holds so many and fills evenly in that time."""

    name: str
    quota: int
    window: int = 60


@dataclass(slots=True)
class Bucket:
    """The tokens that are left, as of `at` (milliseconds)."""

    tokens: float
    at: int


@dataclass(slots=True)
class Allowance:
    """The decision on one request: whether it is `granted`, how many more are, the seconds until the bucket is full
    (`reset`) and, where it was not granted, until a token is there (`wait`).
    """

    policy: Policy
    granted: bool
    remaining: int
    reset: int
    wait: int


def wait(policy: Policy, bucket: Bucket, now: int) -> int:
    """Return the seconds from `now` (milliseconds) until a token is there; 0 when there is. Nothing is taken."""
    return take(policy, replace(bucket), now).wait


def take(policy: Policy, bucket: Bucket, now: int) -> Allowance:
    """Take a token at `now` (milliseconds), if there is one. A clock set back fills nothing."""
    return describe(policy, bucket, draw(policy, bucket, now))


def draw(policy: Policy, bucket: Bucket, now: int) -> bool:
    """Take a token as `take` does, and tell only whether there was one."""
    tokens = bucket.tokens + max(0, now - bucket.at) * policy.quota / (policy.window * times.SECOND)
    bucket.tokens = min(policy.quota, tokens)
    bucket.at = now
    if bucket.tokens < 1:
        return False
    bucket.tokens -= 1
    return True


def describe(policy: Policy, bucket: Bucket, granted: bool) -> Allowance:
    """Describe what `draw` has left."""
    rate = policy.quota / policy.window / times.SECOND  # a millisecond
    return Allowance(
        policy,
        granted,
        int(bucket.tokens),
        _seconds((policy.quota - bucket.tokens) / rate),
        0 if granted else max(1, _seconds((1 - bucket.tokens) / rate)),
    )


def give_back(policy: Policy, bucket: Bucket) -> None:
    """Put back a token that was taken for what, as it turned out, does not count."""
    bucket.tokens = min(policy.quota, bucket.tokens + 1)


def _seconds(milliseconds: float) -> int:
    return math.ceil(milliseconds / times.SECOND)
