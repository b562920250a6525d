"""One HTTP request to a webhook, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXCERPT_BYTES = 4 * 1024  # of an answer, stored with the attempt


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A POST to make. `url` is normalised; `secret` is the whole HMAC secret, None for an unsigned request; `org_id` is
    the organization that the request is made for, "" for the administrator.
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

    `status` is None if no answer began; `error` is a sentence unless `ok`; `retry_after` is in seconds; `gone` is a
    410; `unreachable` means that there was no answer, or none in time. `excerpt` is the beginning of the answer; it and
    quotations in `error` come only from addresses that are public or in `webhooks.allow`, so that no integrator reads a
    private network. `headers` are those of the request, signatures included; empty if the URL was refused.
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
