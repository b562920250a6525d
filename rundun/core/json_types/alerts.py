"""Alerts: what the administrator is told, by a POST to the setting `alerts.url`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from rundun.core.json_types import base


class WhoJson(TypedDict):
    """Whose delivery it is."""

    id: base.OrganizationId
    """The organization."""
    name: str
    """Its name."""


class DeliveryFailedAlertJson(TypedDict):
    """A delivery has failed for good. For the administrator: posted to the setting `alerts.url`, signed with
    `alerts.secret` as webhooks are, at most ten a minute."""

    alert: Literal["delivery.failed"]
    """What it is."""
    public_url: str
    """Which service it is of: where its links begin."""
    delivery_id: base.DeliveryId
    """The delivery."""
    organization: WhoJson
    """Whose it is."""
    run: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    """The first 8 digits of the run's id, which as a whole is its link."""
    event: str
    """The event that did not arrive."""
    event_id: base.EventId
    """Its id."""
    destination: str
    """Scheme, host and port of the receiver."""
    attempts: base.Positive
    """How often it was tried."""
    status: int | None
    """What was answered last; null = nothing."""
    error: str | None
    """Why nothing was."""
    last_attempt_at: base.At
    """When."""
    left_out: base.Count
    """How many more deliveries have failed that this one stands for."""


class QuotaNearAlertJson(TypedDict):
    """An organization has used 80 % of its quota. For the administrator: posted to the setting `alerts.url`, signed
    with `alerts.secret` as webhooks are; once, and again only after it has used less."""

    alert: Literal["quota.near"]
    """What it is."""
    public_url: str
    """Which service it is of: where its links begin."""
    organization: WhoJson
    """Whose quota it is."""
    bytes_used: base.Count
    """About what all that is stored of it takes."""
    bytes_quota: base.Positive
    """How much may be stored. From there on new runs and templates are refused, and from 120 % on answers, and changes
    of runs, too."""


class BackupMissedAlertJson(TypedDict):
    """No backup could be made when one was due, or the last one is older than one and a half times
    `backup.every_hours`. For the administrator: posted to the setting `alerts.url`, signed with `alerts.secret` as
    webhooks are; once, and again only after one was made."""

    alert: Literal["backup.missed"]
    """What it is."""
    public_url: str
    """Which service it is of: where its links begin."""
    missed_at: base.At
    """When that was noticed."""
    last_backup_at: base.At | None
    """When the last good one in the folder was made; null = there is none."""
    error: str | None
    """Why there is none since; null = the service was restarted, and has not tried again yet."""


class AlertTestJson(TypedDict):
    """Nothing has happened: somebody tries out with `rundun check --alert` how alerts arrive. Posted to the setting
    `alerts.url`, signed with `alerts.secret` as webhooks are; once, whatever comes of it."""

    alert: Literal["alert.test"]
    """What it is."""
    public_url: str
    """Which service it is of: where its links begin."""
    sent_at: base.At
    """When it was sent."""
