"""Rate limits: token buckets in memory, for keys, operators, runs, for organizations, and for addresses that guess.

A depot's phones share one address, so addresses are counted for what failed only.
"""

from collections import OrderedDict, defaultdict
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from rundun.core import token_bucket
from rundun.core.token_bucket import Allowance, Bucket, Policy
from rundun.errors import Problem
from rundun.store.sqlite.transaction import Clock

LINKS = 4  # times as many requests as the API keys of an organization may make, all its phones together may
OF_LINK = 60  # requests on one run in a minute that are refused for no number of others
MAX_REMEMBERED = 50_000  # buckets of a policy; the least recently used is deleted, and its owner has a full one again


class RateLimiter:
    """The buckets of a running service."""

    def __init__(
        self,
        clock: Clock,
        *,
        requests_per_minute: int,
        organization_requests_per_minute: int | None,
        failures_per_minute: int,
    ) -> None:
        self._clock = clock
        self._requests = Policy("default", requests_per_minute)
        of_organization = organization_requests_per_minute
        if of_organization is None:
            of_organization = 4 * requests_per_minute
        self._calls = Policy("organization", of_organization)
        self._pages = Policy("console", of_organization)
        self._visits = Policy("links", LINKS * of_organization)
        self._own = Policy("link", OF_LINK)
        self._failures = Policy("failures", failures_per_minute)
        # By policy, so that nobody fills with made-up links what remembers who has guessed passwords.
        self._buckets: defaultdict[str, OrderedDict[str | bytes, Bucket]] = defaultdict(OrderedDict)

    def count_call(self, request: Request, key_id: str, org_id: str) -> None:
        """Count one request of a key, and of all keys of its organization together: keys are had for nothing. Raises
        `rate_limited`.
        """
        # In bytes, as operators are, so that no link that somebody makes up counts as this key.
        self._count_both(request, key_id.encode(), self._calls, org_id)

    def count_page(self, request: Request, operator_id: str, org_id: str) -> None:
        """Count one request of an operator, and of all operators of its organization together: sessions are had for
        nothing. Raises `rate_limited`.
        """
        self._count_both(request, operator_id.encode(), self._pages, org_id)

    def count_visit(self, request: Request, run_id: str, org_id: str | None) -> None:
        """Count one request on a run, and, beyond the first `OF_LINK` of a minute, on all runs of its organization
        together, None where there is no such run; raises `rate_limited`.
        """
        if org_id is None or self.take(self._own, run_id):
            self.count(request, self._requests, run_id)
        else:
            self._count_both(request, run_id, self._visits, org_id)

    def _count_both(self, request: Request, client: str | bytes, of_organization: Policy, org_id: str) -> None:
        """Count one request of a client, and, unless that has made too many, of its organization. The response tells
        of the limit that is nearer.
        """
        now, granted, nearer = self._clock(), True, None
        for policy, owner in ((self._requests, client), (of_organization, org_id)):
            if policy.quota and granted:
                bucket = self._bucket(policy, owner, now)
                granted = token_bucket.draw(policy, bucket, now)
                if nearer is None or not granted or bucket.tokens < nearer[1].tokens:
                    nearer = policy, bucket
        if nearer:
            _tell(request, token_bucket.describe(*nearer, granted))

    def count_failure(self, request: Request) -> None:
        """Count one request from an address with a key or a link that does not exist; raises `rate_limited`."""
        self.count(request, self._failures, address_of(request))

    def refuse_guesser(self, request: Request) -> None:
        """Raise `rate_limited` for an address that has failed too often, before anything is worked out for it."""
        bucket = self._buckets[self._failures.name].get(address_of(request))
        wait = token_bucket.wait(self._failures, bucket, self._clock()) if bucket else 0
        if wait:
            raise _refused(self._failures, wait)

    def count(self, request: Request, policy: Policy, owner: str | bytes) -> None:
        """Count one request that falls under `policy`; the response will say what is left. Raises `rate_limited`."""
        if not policy.quota:
            return
        now = self._clock()
        _tell(request, token_bucket.take(policy, self._bucket(policy, owner, now), now))

    def take(self, policy: Policy, owner: str | bytes) -> bool:
        """Count one request that falls under `policy` and tell no response of it; False where none is left."""
        now = self._clock()
        return token_bucket.draw(policy, self._bucket(policy, owner, now), now)

    def give_back(self, policy: Policy, owner: str | bytes) -> None:
        """Take back the count of a request that, as it turned out, does not fall under `policy`."""
        if bucket := self._buckets[policy.name].get(owner):
            token_bucket.give_back(policy, bucket)

    def _bucket(self, policy: Policy, owner: str | bytes, now: int) -> Bucket:
        buckets = self._buckets[policy.name]
        bucket = buckets.get(owner)
        if bucket is None:
            bucket = buckets[owner] = Bucket(policy.quota, now)
            if len(buckets) > MAX_REMEMBERED:
                buckets.popitem(last=False)
        else:
            buckets.move_to_end(owner)
        return bucket


def _tell(request: Request, allowance: Allowance) -> None:
    """Note what the response says is left; raises `rate_limited` where nothing was."""
    request.scope["rundun.allowance"] = allowance
    if not allowance.granted:
        raise _refused(allowance.policy, allowance.wait)


_WHOSE = {
    "organization": " by all keys of this organization",
    "console": " by all operators of this organization",
    "links": " on all runs of this organization",
}


def _refused(policy: Policy, wait: int) -> Problem:
    whose = _WHOSE.get(policy.name, "")
    detail = f"More than {policy.quota} in {policy.window} seconds{whose}; try again in {wait} s."
    return Problem("rate_limited", detail, retry_after=wait)


def headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4)."""
    policy = allowance.policy
    return [
        (b"ratelimit-policy", f'"{policy.name}";q={policy.quota};w={policy.window}'.encode()),
        (b"ratelimit", f'"{policy.name}";r={allowance.remaining};t={allowance.reset}'.encode()),
    ]


def address_of(request: Request) -> str:
    """Return the address that `request` came from; of IPv6 the network that one customer has, a /64."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return host
