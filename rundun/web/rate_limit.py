"""Who asks too often: token buckets in memory, for keys, for runs, and for addresses that keep guessing.

A depot's phones share one address, so addresses are counted for what failed only.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from rundun.core import token_bucket
from rundun.core.token_bucket import Allowance, Bucket, Policy
from rundun.errors import Problem
from rundun.store.transaction import Clock

MAX_REMEMBERED = 50_000  # of a policy; who has not been seen for longest is forgotten, and has a full one again


class RateLimiter:
    """The buckets of a running service."""

    def __init__(self, clock: Clock, *, requests_per_minute: int, failures_per_minute: int) -> None:
        self._clock = clock
        self._requests = Policy("default", requests_per_minute)
        self._failures = Policy("failures", failures_per_minute)
        # By policy, so that nobody fills with made-up links what remembers who has guessed passwords.
        self._buckets: defaultdict[str, OrderedDict[str | bytes, Bucket]] = defaultdict(OrderedDict)

    def count_request(self, request: Request, who: str | bytes) -> None:
        """One request of a key or on a run; raises `rate_limited`."""
        self.count(request, self._requests, who)

    def count_failure(self, request: Request) -> None:
        """One request from this address with a key or a link that does not exist; raises `rate_limited`."""
        self.count(request, self._failures, address_of(request))

    def refuse_guesser(self, request: Request) -> None:
        """Raise `rate_limited` for an address that has failed too often, before anything is worked out for it."""
        kept = self._buckets[self._failures.name].get(address_of(request))
        wait = token_bucket.wait(self._failures, kept, self._clock()) if kept else 0
        if wait:
            raise _refused(self._failures, wait)

    def count(self, request: Request, policy: Policy, who: str | bytes) -> None:
        """One request that falls under `policy`, whose answer will say what is left; raises `rate_limited`."""
        if not policy.quota:
            return
        allowance = self._take(policy, who)
        request.scope["rundun.allowance"] = allowance
        if not allowance.granted:
            raise _refused(policy, allowance.wait)

    def _take(self, policy: Policy, who: str | bytes) -> Allowance:
        now, buckets = self._clock(), self._buckets[policy.name]
        kept = buckets.get(who)
        if kept is None:
            kept = buckets[who] = Bucket(policy.quota, now)
            if len(buckets) > MAX_REMEMBERED:
                buckets.popitem(last=False)
        else:
            buckets.move_to_end(who)
        return token_bucket.take(policy, kept, now)


def _refused(policy: Policy, wait: int) -> Problem:
    detail = f"More than {policy.quota} in {policy.window} seconds; try again in {wait} s."
    return Problem("rate_limited", detail, retry_after=wait)


def headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4)."""
    policy = allowance.policy
    return [
        (b"ratelimit-policy", f'"{policy.name}";q={policy.quota};w={policy.window}'.encode()),
        (b"ratelimit", f'"{policy.name}";r={allowance.remaining};t={allowance.reset}'.encode()),
    ]


def address_of(request: Request) -> str:
    """Where `request` came from; of IPv6 the network that one customer has, a /64."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return host
