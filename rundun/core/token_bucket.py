"""Token buckets: limits of requests in a window of time."""

import math
from dataclasses import dataclass, replace

from rundun.core import times


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit of `quota` requests in `window` seconds: a bucket of `quota` tokens that fills evenly in that time."""

    name: str
    quota: int
    window: int = 60


@dataclass(slots=True)
class Bucket:
    """The tokens left at the time `at` (milliseconds)."""

    tokens: float
    at: int


@dataclass(slots=True)
class Allowance:
    """The decision on one request: whether it is `granted`, the number of tokens `remaining`, the seconds until the
    bucket is full (`reset`), and the seconds until the next token (`wait`, 0 if granted).
    """

    policy: Policy
    granted: bool
    remaining: int
    reset: int
    wait: int


def wait(policy: Policy, bucket: Bucket, now: int) -> int:
    """Return the whole seconds from `now` (milliseconds) until there is a token, 0 if there is one; take nothing."""
    return take(policy, replace(bucket), now).wait


def take(policy: Policy, bucket: Bucket, now: int) -> Allowance:
    """Take a token at `now` (milliseconds), if there is one; return the `Allowance`. A clock set back adds none."""
    return describe(policy, bucket, draw(policy, bucket, now))


def draw(policy: Policy, bucket: Bucket, now: int) -> bool:
    """Take a token at `now` (milliseconds), if there is one; return whether there was one."""
    tokens = bucket.tokens + max(0, now - bucket.at) * policy.quota / (policy.window * times.SECOND)
    bucket.tokens = min(policy.quota, tokens)
    bucket.at = now
    if bucket.tokens < 1:
        return False
    bucket.tokens -= 1
    return True


def describe(policy: Policy, bucket: Bucket, granted: bool) -> Allowance:
    """Return the `Allowance` of a request for which `draw` returned `granted`, with the bucket's tokens and times."""
    rate = policy.quota / policy.window / times.SECOND  # a millisecond
    return Allowance(
        policy,
        granted,
        int(bucket.tokens),
        _ceil_seconds((policy.quota - bucket.tokens) / rate),
        0 if granted else max(1, _ceil_seconds((1 - bucket.tokens) / rate)),
    )


def give_back(policy: Policy, bucket: Bucket) -> None:
    """Put back a token that was taken for a request that does not count after all."""
    bucket.tokens = min(policy.quota, bucket.tokens + 1)


def _ceil_seconds(milliseconds: float) -> int:
    return math.ceil(milliseconds / times.SECOND)
