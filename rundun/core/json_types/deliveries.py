"""Deliveries, and webhooks that are tried out."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types.base import At, Count, DeliveryId, EventId, Positive, RunId, Url


class AttemptJson(TypedDict):
    """One HTTP request."""

    number: Positive
    """Counted from 1; retries by hand count on."""
    trigger: Literal["automatic", "manual"]
    """What caused it: the plan of retries, or somebody by hand."""
    url: Url
    """Where it went."""
    started_at: At
    """When."""
    duration_ms: Count
    """How long it took."""
    status: int | None
    """What was answered; null = nothing."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it did not."""
    response_excerpt: str | None
    """How the answer began, where it may be shown."""


class DeliveryJson(TypedDict):
    """One event on its way to one webhook."""

    delivery_id: DeliveryId
    """Its id."""
    run_id: RunId
    """The run."""
    event_id: EventId
    """The event, the same on every attempt."""
    event: str
    """Its name."""
    seq: Positive
    """Its place in the run."""
    status: Literal["pending", "delivered", "failed"]
    """`failed` = given up."""
    created_at: At
    """When the event was committed."""
    next_attempt_at: At | None
    """When it is tried again."""
    attempts: list[AttemptJson]
    """All requests so far, the oldest first."""
    attempts_removed: NotRequired[Positive]
    """How many more there were, deleted because they had been kept for as long as was set."""


class RetriedJson(TypedDict):
    """How many go out now."""

    retried: Count
    """Deliveries."""


class TrialRequestJson(TypedDict):
    """What was sent, byte for byte."""

    method: Literal["POST"]
    """Always."""
    url: Url
    """In its normalised form."""
    headers: dict[str, str]
    """Those that prove who sent it."""
    body: str
    """The event."""


class TrialResponseJson(TypedDict):
    """What came back."""

    excerpt: str | None
    """How it began, where it may be shown."""


class TrialJson(TypedDict):
    """What came of a webhook that was tried out."""

    ok: bool
    """Whether a delivery would have been taken."""
    status: int | None
    """What was answered; null = nothing."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it did not."""
    duration_ms: Count
    """How long it took."""
    event_id: EventId
    """Of the event that was sent."""
    request: TrialRequestJson
    """What was sent."""
    response: TrialResponseJson
    """What came back."""
