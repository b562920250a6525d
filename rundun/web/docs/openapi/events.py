"""Events in the OpenAPI document: the body of each webhook, and each entry of the feed."""

from typing import Any

from rundun.actions.deliveries import alerts
from rundun.core.json_types import events as types
from rundun.core.json_types.alerts import (
    AlertTestJson,
    BackupMissedAlertJson,
    DeliveryFailedAlertJson,
    QuotaNearAlertJson,
)
from rundun.core.json_types.events import EventJson, WebhookTestEventJson
from rundun.core.runs import event
from rundun.web.docs.openapi.schemas import REF, Schema, schema_name

ALERTS: dict[str, type] = {
    "delivery.failed": DeliveryFailedAlertJson,
    "quota.near": QuotaNearAlertJson,
    "backup.missed": BackupMissedAlertJson,
    alerts.TEST: AlertTestJson,
}
# By event: the type of its data, and its description.
DATA: dict[str, tuple[type, str]] = {
    "run.started": (types.RunStartedDataJson, "The executor tapped Start. Sent only to webhooks that name it."),
    "run.changed": (
        types.RunChangedDataJson,
        "The job of an open run, or its `executor_ref`, was changed. Sent only to webhooks that name it.",
    ),
    "run.erased": (
        types.RunErasedDataJson,
        "Everything in the run was erased, including its other events. Sent only to webhooks that name it.",
    ),
    "step.completed": (
        types.StepCompletedDataJson,
        "A step became done, or a done one got another value or other photos.",
    ),
    "step.skipped": (types.StepDataJson, "A step that is not required was skipped."),
    "run.completed": (types.RunCompletedDataJson, "The executor submitted the run."),
    "run.cancelled": (types.RunCancelledDataJson, "The run was ended before its time."),
    "run.expired": (types.RunExpiredDataJson, "The run's time ran out; it has the answers so far."),
}
IN_FEED: dict[str, type] = {"step.completed": types.StepFetchedDataJson}  # events with other data in the feed
WEBHOOKS = (*DATA, event.TEST, *ALERTS)
TYPES = {*(data for data, _ in DATA.values()), *(*IN_FEED.values(), EventJson, WebhookTestEventJson, *ALERTS.values())}
_ALONE = {event.TEST: schema_name(WebhookTestEventJson), **{name: schema_name(body) for name, body in ALERTS.items()}}


def sent_name(name: str) -> str:
    """Return the schema name of a webhook's body by the event's name: `RunStartedEvent` for `run.started`."""
    return _ALONE.get(name) or _camel(name) + "Event"


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("."))


def add_events(schemas: dict[str, Schema]) -> None:
    """Replace the schema `Event` by two schemas for each event: its webhook body and its feed entry."""
    common = schemas.pop("Event")
    del schemas["StepStoredData"]  # the stored part of a step's data, which an attempt completes
    attempt = {"type": "integer", "minimum": 1, "description": "Which attempt this is."}
    cursor = {"type": "string", "description": "Give it as `after` to go on behind this event."}
    entries = {}
    for name, (data, description) in DATA.items():
        fetched = IN_FEED.get(name, data)
        schemas[sent_name(name)] = _event(common, name, description, data, {"delivery_attempt": attempt})
        schemas[_camel(name) + "Entry"] = _event(common, name, description, fetched, {"cursor": cursor})
        entries[name] = f"{REF}{_camel(name)}Entry"
    schemas["EventFeed"]["properties"]["data"]["items"] = {
        "discriminator": {"mapping": entries, "propertyName": "event"},
        "oneOf": [{"$ref": entry} for entry in entries.values()],
    }


def _event(common: Schema, name: str, description: str, data: type, more: dict[str, Any]) -> Schema:
    members = common["properties"]
    own = {
        "event": {**members["event"], "const": name},
        "data": {"$ref": REF + schema_name(data), "description": members["data"]["description"]},
        **more,
    }
    return {
        **common,
        "description": description,
        "properties": {**members, **own},
        "required": [*common["required"], *more],
    }


HOW_IT_ARRIVES = (
    " Posted to `webhook.url` at once, and again after 30 seconds, 2 minutes, 10 minutes and an hour until it is "
    "taken. It arrives at least once and not always in order: `event_id` is the same on every attempt, `seq` counts "
    "a run's events."
)
_GONE = "Never again: this delivery has failed, later events of the run get one attempt each."


def receiver_responses(name: str) -> dict[str, Any]:
    """Return the possible responses of a receiver by status, as OpenAPI responses, with their effect."""
    is_event, is_test = name in DATA, name in (event.TEST, alerts.TEST)
    again = "" if is_test else "; it is sent again" if is_event else "; it is sent again after a minute"
    return {
        "2XX": {"description": "Taken, if it comes within 10 seconds. The body does not matter."},
        **({"410": {"description": _GONE}} if is_event else {}),
        "default": {"description": f"Not taken{again}. Redirects are not followed."},
    }
