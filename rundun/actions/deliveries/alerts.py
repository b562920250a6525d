"""Alerts to the administrator: deliveries that have failed for good, quotas almost used up, and missed backups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json

from rundun.actions.backups import backups, going_live
from rundun.core import times
from rundun.core.json_types.alerts import (
    AlertTestJson,
    BackupMissedAlertJson,
    DeliveryFailedAlertJson,
    QuotaNearAlertJson,
)
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.organizations import organizations as organization_rows, quotas as quota_rows
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

TEST: Final = "alert.test"  # sent on request
MAX_DELIVERIES = 5000  # failed deliveries that one alert can stand for


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: name, id and body of its POST, and its subject: numbers of failed deliveries, or an organization."""

    name: str
    alert_id: str
    body: bytes
    numbers: tuple[int, ...] = ()
    org_id: str | None = None


def has_alert(tx: Tx) -> bool:
    """Tell whether there is an alert to send; none while deliveries are held after a restore."""
    if service_state.find_held_since(tx) is not None:
        return False
    return bool(
        backups.awaits_alert(tx) or delivery_rows.list_awaiting_alert(tx, 1) or quota_rows.list_awaiting_alert(tx)
    )


def make_next_alert(tx: Tx, *, for_all: bool, backup_error: str | None = None) -> Alert | None:
    """Return the next alert, of a missed backup first, then of a quota, then of the oldest failed delivery; None if
    there is none. `for_all`: it counts the next failed deliveries, up to `MAX_DELIVERIES`, which then get no alerts.
    `backup_error` is this process's reason for the missing backup, if known. Nothing is stored before `mark_alerted`; a
    hold is checked by `has_alert`.
    """
    if backups.awaits_alert(tx):
        return _backup_missed_alert(tx, backup_error)
    if near := quota_rows.list_awaiting_alert(tx):
        return _quota_near_alert(tx, near[0])
    numbers = delivery_rows.list_awaiting_alert(tx, MAX_DELIVERIES if for_all else 1)
    return _delivery_failed_alert(tx, numbers) if numbers else None


def test_alert(tx: Tx) -> Alert:
    """Return an alert for testing; raises `held` while a restore holds outgoing requests."""
    going_live.require_not_held(tx)
    content: AlertTestJson = {"alert": TEST, "public_url": tx.links.public_url, "sent_at": times.wire(tx.now)}
    return Alert(TEST, tx.new_id("alert"), to_json(content))


def _backup_missed_alert(tx: Tx, error: str | None) -> Alert:
    content: BackupMissedAlertJson = {
        "alert": "backup.missed",
        "public_url": tx.links.public_url,
        "missed_at": times.wire(backups.missed_at(tx) or 0),
        "last_backup_at": times.wire_or_none(backups.last_at(tx)),
        "error": error,
    }
    return Alert("backup.missed", tx.new_id("alert"), to_json(content))


def _quota_near_alert(tx: Tx, use: StorageUse) -> Alert:
    organization = organization_rows.get(tx, use.org_id)
    assert use.quota is not None
    content: QuotaNearAlertJson = {
        "alert": "quota.near",
        "public_url": tx.links.public_url,
        "organization": {"id": organization.org_id, "name": organization.name},
        "bytes_used": use.used,
        "bytes_quota": use.quota,
    }
    return Alert("quota.near", tx.new_id("alert"), to_json(content), org_id=use.org_id)


def _delivery_failed_alert(tx: Tx, numbers: Sequence[int]) -> Alert:
    """Return the alert of the first of these failed deliveries, with the number of the others. It names the run by the
    first digits of its id, as the whole id is the run's link.
    """
    delivery = delivery_rows.get(tx, numbers[0])
    last = delivery.attempts[-1] if delivery.attempts else None  # retention may have removed the attempts
    organization = organization_rows.get(tx, delivery.org_id)
    content: DeliveryFailedAlertJson = {
        "alert": "delivery.failed",
        "public_url": tx.links.public_url,
        "delivery_id": delivery.delivery_id,
        "organization": {"id": organization.org_id, "name": organization.name},
        "run": delivery.run_id.removeprefix("r-")[:8],
        "event": delivery.event,
        "event_id": delivery.event_id,
        "destination": delivery.destination.partition(" ")[2],
        "attempts": delivery.attempts_made,
        "status": last.status if last else None,
        "error": last.error if last else None,
        "last_attempt_at": times.wire(last.started_at if last else delivery.settled_at or delivery.created_at),
        "left_out": len(numbers) - 1,
    }
    return Alert("delivery.failed", delivery.delivery_id, to_json(content), tuple(numbers))


def mark_alerted(tx: Tx, alert: Alert) -> None:
    """Mark the subject of an alert as alerted, once the alert has arrived, so that it is not sent twice."""
    delivery_rows.put_alerted(tx, alert.numbers)
    if alert.name == "backup.missed":
        backups.mark_alerted(tx)
    if alert.org_id is not None:
        quota_rows.put_alerted(tx, alert.org_id)
