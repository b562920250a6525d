"""Alerts to the administrator, by a POST to the setting `alerts.url`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from rundun.core.json_types import base


class WhoJson(TypedDict):
    """An organization in an alert."""

    id: base.OrganizationId
    """Its id."""
    name: str
    """Its name."""


class DeliveryFailedAlertJson(TypedDict):
    """A delivery has failed for good. For the administrator: posted to the setting `alerts.url`, signed with
    `alerts.secret` as webhooks are, at most ten a minute."""

    alert: Literal["delivery.failed"]
    """The kind of alert."""
    public_url: str
    """The service: the beginning of its links."""
    delivery_id: base.DeliveryId
    """The delivery."""
    organization: WhoJson
    """The organization of the run."""
    run: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    """The first 8 digits of the run's id; the whole id would be its link."""
    event: str
    """The name of the event that did not arrive."""
    event_id: base.EventId
    """The id of that event."""
    destination: str
    """Scheme, host and port of the receiver."""
    attempts: base.Positive
    """The number of attempts."""
    status: int | None
    """The HTTP status of the last attempt; null = no answer."""
    error: str | None
    """The reason why the last attempt failed."""
    last_attempt_at: base.At
    """The time of the last attempt."""
    left_out: base.Count
    """The number of further failed deliveries that this alert stands for."""


class QuotaNearAlertJson(TypedDict):
    """An organization has used 80 % of its quota. For the administrator: posted to the setting `alerts.url`, signed
    with `alerts.secret` as webhooks are; once, and again only after its use has fallen below that."""

    alert: Literal["quota.near"]
    """The kind of alert."""
    public_url: str
    """The service: the beginning of its links."""
    organization: WhoJson
    """The organization with that quota."""
    bytes_used: base.Count
    """About the size of all data stored of it."""
    bytes_quota: base.Positive
    """The quota. From there on new runs and templates are refused, from 120 % on also answers and changes of runs."""


class BackupMissedAlertJson(TypedDict):
    """No backup could be made when one was due, or the last one is older than one and a half times
    `backup.every_hours`. For the administrator: posted to the setting `alerts.url`, signed with `alerts.secret` as
    webhooks are; once, and again only after a backup was made."""

    alert: Literal["backup.missed"]
    """The kind of alert."""
    public_url: str
    """The service: the beginning of its links."""
    missed_at: base.At
    """When the service noticed it."""
    last_backup_at: base.At | None
    """When the last good backup in the folder was made; null = there is none."""
    error: str | None
    """Why none was made since; null = the service was restarted, and has not tried again yet."""


class AlertTestJson(TypedDict):
    """A test by `rundun check --alert`; nothing has happened. Posted to the setting `alerts.url`, signed with
    `alerts.secret` as webhooks are; once, even if it does not arrive."""

    alert: Literal["alert.test"]
    """The kind of alert."""
    public_url: str
    """The service: the beginning of its links."""
    sent_at: base.At
    """When it was sent."""
