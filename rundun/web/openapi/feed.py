"""Deliveries and the event feed in the document."""

from __future__ import annotations

from rundun.web.deliveries import DeliveriesQuery, RetryBody
from rundun.web.openapi.answers_r import Delivery, Retried, Trial
from rundun.web.openapi.events import EventFeed
from rundun.web.openapi.lists import list_of
from rundun.web.openapi.operation import Answer, Operation, Subject
from rundun.web.openapi.samples import DELIVERY
from rundun.web.queries import EventsQuery, ListQuery
from rundun.web.shapes import EmptyBody
from rundun.web.trials import WebhookTestBody

DELIVERIES = Subject(
    "Deliveries",
    "A delivery is one event on its way to one webhook, an attempt one HTTP request of it.",
    [
        Operation(
            "GET /v1/deliveries",
            "listDeliveries",
            "List deliveries",
            "All of the organization, each with all its attempts, the newest first.",
            {200: Answer("A page of deliveries.", list_of(Delivery), headers=("Link",))},
            query=DeliveriesQuery,
        ),
        Operation(
            "GET /v1/runs/{run_id}/deliveries",
            "listRunDeliveries",
            "List a run's deliveries",
            "Each with all its attempts, the newest first.",
            {200: Answer("A page of deliveries.", list_of(Delivery), headers=("Link",))},
            query=ListQuery,
        ),
        Operation(
            "POST /v1/deliveries/{delivery_id}/retry",
            "retryDelivery",
            "Send a delivery again",
            "It goes out now, whatever became of it before; the `event_id` stays the same, and attempts count on.",
            {202: Answer("It is on its way.", Delivery, DELIVERY)},
            body=EmptyBody,
            example={},
        ),
        Operation(
            "POST /v1/deliveries/retry",
            "retryDeliveries",
            "Send all that have failed again",
            "Those made at or after `since`, and of one run, if you like.",
            {202: Answer("They are on their way.", Retried, {"retried": 12})},
            body=RetryBody,
            example={"status": "failed", "since": "2026-03-01T00:00:00Z"},
            problems=("not_found",),
        ),
        Operation(
            "POST /v1/webhooks/test",
            "testWebhook",
            "Try a webhook out",
            "Sends one signed `webhook.test` now and tells what came of it. At most ten a minute.",
            {200: Answer("What came of it.", Trial)},
            body=WebhookTestBody,
            example={"url": "https://hooks.example.com/rundun", "secret": "at least 12 characters"},
            problems=("address_not_allowed",),
        ),
    ],
)

_FEED = (
    "The oldest first, in the order in which they were committed, as the webhook's body without `delivery_attempt` and "
    "thumbnails. With `wait` the answer comes as soon as there is an event, or empty after that many seconds. Keep "
    "`next_cursor` once you have dealt with what came, and give it as `after` the next time: nothing is lost and "
    "nothing comes twice."
)

EVENTS = Subject(
    "Events",
    "The same events that webhooks receive, to be fetched: for systems that can't be reached from here, and to catch "
    "up with what was missed.",
    [
        Operation(
            "GET /v1/events",
            "listEvents",
            "Fetch events",
            _FEED,
            {200: Answer("Events behind the cursor.", EventFeed, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
        Operation(
            "GET /v1/runs/{run_id}/events",
            "listRunEvents",
            "Fetch a run's events",
            _FEED,
            {200: Answer("The run's events behind the cursor.", EventFeed, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
    ],
)
