"""Telling the operator which deliveries have failed for good: one alert for each, or one for many."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import to_json

from rundun.core import times
from rundun.core.json_types.events import DeliveryFailedAlertJson
from rundun.store import deliveries, organizations
from rundun.store.transaction import Tx

MOST_TOLD = 5000  # failed deliveries that one alert can stand for


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told: the body of the POST, and the numbers of the deliveries that are then told of."""

    delivery_id: str
    body: bytes
    numbers: tuple[int, ...]


def is_any(tx: Tx) -> bool:
    """True when there is something to tell."""
    return bool(deliveries.to_tell(tx, 1))


def next_alert(tx: Tx, *, for_all: bool) -> Alert:
    """What is to be told next, of one delivery; `for_all` adds how many others have failed, which are then left out.
    A run goes by the first digits of its id, which is its link.
    """
    numbers = deliveries.to_tell(tx, MOST_TOLD if for_all else 1)
    delivery = deliveries.get(tx, numbers[0])
    last = delivery.attempts[-1]
    organization = organizations.get(tx, delivery.org_id)
    content: DeliveryFailedAlertJson = {
        "alert": "delivery.failed",
        "delivery_id": delivery.delivery_id,
        "organization": {"id": organization.org_id, "name": organization.name},
        "run": delivery.run_id.removeprefix("r-")[:8],
        "event": delivery.event,
        "event_id": delivery.event_id,
        "destination": delivery.destination.partition(" ")[2],
        "attempts": len(delivery.attempts),
        "status": last.status,
        "error": last.error,
        "last_attempt_at": times.wire(last.started_at),
        "left_out": len(numbers) - 1,
    }
    return Alert(delivery.delivery_id, to_json(content), tuple(numbers))


def put_told(tx: Tx, alert: Alert) -> None:
    """The alert has arrived."""
    deliveries.put_told(tx, alert.numbers)
