"""One HTTP request to a webhook, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXCERPT_BYTES = 4 * 1024  # kept of an answer


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A POST to make. `url` is normalised, `secret` all of the HMAC secret or None for a request that is not signed;
    `org_id` is the organization that wants it, "" where the administrator does.
    """

    url: str
    secret: str | None
    body: bytes
    event_id: str
    event: str
    org_id: str = ""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt.

    `status` is there once an answer began, `error` is a sentence unless `ok`, `retry_after` is in seconds, `gone` is
    a 410, `unreachable` means that no answer could be had at all or in time. `excerpt` is the beginning of the answer;
    it, and what `error` quotes, is only from addresses that are public or named in `webhooks.allow`: nobody reads a
    private network with them.
    `headers` are those of the request, signatures included; none where the URL goes nowhere.
    """

    ok: bool
    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    gone: bool = False
    unreachable: bool = False
    duration_ms: int = 0
    excerpt: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
