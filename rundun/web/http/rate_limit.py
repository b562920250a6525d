"""Rate limits: token buckets in memory for API keys, operators, runs, organizations, and guessing addresses.

All phones of a depot share one network address, so only failures are counted by address.
"""

from collections import OrderedDict, defaultdict

from starlette.requests import Request

from rundun.core import token_bucket
from rundun.core.client_address import customer_of
from rundun.core.token_bucket import Allowance, Bucket, Policy
from rundun.errors import Problem
from rundun.store.sqlite.transaction import Clock

LINKS = 4  # the limit of all an organization's phones, as a multiple of the one of its API keys
OF_LINK = 60  # requests a minute on one run that do not count towards the organization's limit
# Key in the scope: the organization of a request, by which the server bounds what is unsent; without one, as for signed
# pictures and static files, it does so by the client's address.
OWNER = "rundun.owner"
MAX_REMEMBERED = 50_000  # buckets of a policy; the least recently used is dropped: its owner starts with a full one


class RateLimiter:
    """The token buckets of a running service."""

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
        # By policy, so that requests with invented links cannot push out the buckets of guessed passwords.
        self._buckets: defaultdict[str, OrderedDict[str | bytes, Bucket]] = defaultdict(OrderedDict)

    def count_call(self, request: Request, key_id: str, org_id: str) -> None:
        """Count a request of an API key, and of all keys of its organization together, as any number of keys can be
        created. Raises `rate_limited`.
        """
        request.scope[OWNER] = org_id
        # Keys and operators count as bytes, runs as text: an invented link cannot use up a key's bucket.
        self._count_both(request, key_id.encode(), self._calls, org_id)

    def count_page(self, request: Request, operator_id: str, org_id: str) -> None:
        """Count a request of an operator, and of all operators of its organization together, as any number of sessions
        can be begun. Raises `rate_limited`.
        """
        request.scope[OWNER] = org_id
        self._count_both(request, operator_id.encode(), self._pages, org_id)

    def count_visit(self, request: Request, run_id: str, org_id: str | None) -> None:
        """Count a request on a run, and, beyond the first `OF_LINK` in a minute, on all runs of its organization
        together. `org_id` is None if the run does not exist. Raises `rate_limited`.
        """
        request.scope[OWNER] = org_id
        if org_id is None or self.take(self._own, run_id):
            self.count(request, self._requests, run_id)
        else:
            self._count_both(request, run_id, self._visits, org_id)

    def _count_both(self, request: Request, client: str | bytes, of_organization: Policy, org_id: str) -> None:
        """Count a request of a client, and of its organization unless the client's limit is reached. The response tells
        the limit with fewer requests left.
        """
        now, granted, nearer = self._clock(), True, None
        for policy, owner in ((self._requests, client), (of_organization, org_id)):
            if policy.quota and granted:
                bucket = self._bucket(policy, owner, now)
                granted = token_bucket.draw(policy, bucket, now)
                if nearer is None or not granted or bucket.tokens < nearer[1].tokens:
                    nearer = policy, bucket
        if nearer:
            _set_allowance(request, token_bucket.describe(*nearer, granted))

    def count_failure(self, request: Request) -> None:
        """Count a request with an unknown key or link by its address; raises `rate_limited`."""
        self.count(request, self._failures, address_of(request))

    def refuse_guesser(self, request: Request) -> None:
        """Raise `rate_limited` if the request's address has failed very often, before any work is done for it."""
        bucket = self._buckets[self._failures.name].get(address_of(request))
        wait = token_bucket.wait(self._failures, bucket, self._clock()) if bucket else 0
        if wait:
            raise _rate_limited(self._failures, wait)

    def count(self, request: Request, policy: Policy, owner: str | bytes) -> None:
        """Count a request of `owner` towards `policy`, and tell the response the rest; raises `rate_limited`."""
        if not policy.quota:
            return
        now = self._clock()
        _set_allowance(request, token_bucket.take(policy, self._bucket(policy, owner, now), now))

    def take(self, policy: Policy, owner: str | bytes) -> bool:
        """Count a request towards `policy` without telling the response; return whether it is within the limit."""
        now = self._clock()
        return token_bucket.draw(policy, self._bucket(policy, owner, now), now)

    def give_back(self, policy: Policy, owner: str | bytes) -> None:
        """Take back the count of a request that turned out not to fall under `policy`."""
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


def _set_allowance(request: Request, allowance: Allowance) -> None:
    """Set the allowance that the response tells; raises `rate_limited` if it was not granted."""
    request.scope["rundun.allowance"] = allowance
    if not allowance.granted:
        raise _rate_limited(allowance.policy, allowance.wait)


_OWNERS = {
    "organization": " by all keys of this organization",
    "console": " by all operators of this organization",
    "links": " on all runs of this organization",
}


def _rate_limited(policy: Policy, wait: int) -> Problem:
    owners = _OWNERS.get(policy.name, "")
    detail = f"More than {policy.quota} in {policy.window} seconds{owners}; try again in {wait} s."
    return Problem("rate_limited", detail, retry_after=wait)


def headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return the headers `RateLimit-Policy` and `RateLimit` as pairs of name and value
    (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4).
    """
    policy = allowance.policy
    return [
        (b"ratelimit-policy", f'"{policy.name}";q={policy.quota};w={policy.window}'.encode()),
        (b"ratelimit", f'"{policy.name}";r={allowance.remaining};t={allowance.reset}'.encode()),
    ]


def address_of(request: Request) -> str:
    """Return the address by which a client is known (`customer_of`), "" without a client."""
    return customer_of(request.client.host) if request.client else ""
