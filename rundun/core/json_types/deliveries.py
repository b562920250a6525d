"""Deliveries, and tests of webhooks."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types.base import At, Count, DeliveryId, EventId, Positive, RunId, Url


class AttemptJson(TypedDict):
    """One HTTP request."""

    number: Positive
    """Counted from 1; retries by hand count on."""
    trigger: Literal["automatic", "manual"]
    """`automatic`: the first attempt or a planned retry; `manual`: a retry by hand."""
    url: Url
    """The URL it was sent to."""
    started_at: At
    """When it began."""
    duration_ms: Count
    """Its duration in milliseconds."""
    status: int | None
    """The HTTP status of the answer; null = no answer."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it succeeded."""
    response_excerpt: str | None
    """The beginning of the answer; null where it may not be shown."""


class DeliveryJson(TypedDict):
    """One event on its way to one webhook."""

    delivery_id: DeliveryId
    """Its id."""
    run_id: RunId
    """The run."""
    event_id: EventId
    """The event's id, the same on every attempt."""
    event: str
    """The event's name."""
    seq: Positive
    """The event's number within its run."""
    status: Literal["pending", "delivered", "failed"]
    """`failed`: no further attempts are made."""
    created_at: At
    """When the event was committed."""
    next_attempt_at: At | None
    """When the next attempt is made; null = none is planned."""
    attempts: list[AttemptJson]
    """All attempts so far, the oldest first."""
    attempts_removed: NotRequired[Positive]
    """The number of earlier attempts that were deleted when their retention period ended."""


class RetriedJson(TypedDict):
    """The result of a retry by hand."""

    retried: Count
    """The number of deliveries that are sent again now."""


class TrialRequestJson(TypedDict):
    """The request of a webhook test, byte for byte."""

    method: Literal["POST"]
    """Always `POST`."""
    url: Url
    """The URL in its normalised form."""
    headers: dict[str, str]
    """The headers that prove the sender."""
    body: str
    """The event."""


class TrialResponseJson(TypedDict):
    """The answer to a webhook test."""

    excerpt: str | None
    """The beginning of the answer; null where it may not be shown."""


class TrialJson(TypedDict):
    """The result of a webhook test."""

    ok: bool
    """Whether a delivery would have succeeded."""
    status: int | None
    """The HTTP status of the answer; null = no answer."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it succeeded."""
    duration_ms: Count
    """Its duration in milliseconds."""
    event_id: EventId
    """The id of the test event."""
    request: TrialRequestJson
    """The request that was sent."""
    response: TrialResponseJson
    """The answer."""
