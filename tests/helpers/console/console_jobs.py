"""A template that asks of each run what its job is, and a job with a word in every place that can be searched for."""

from typing import Any

from tests.helpers.service import BOOLEAN

FIELDS: list[dict[str, Any]] = [
    {"id": "f-unit", "label": "Unit", "kind": "text", "required": True, "show": "start"},
    {"id": "f-guests", "label": "Guests", "kind": "number"},
    {"id": "f-out", "label": "Check-out", "kind": "date"},
    {"id": "f-phone", "label": "Guest’s phone", "kind": "phone"},
    {"id": "f-where", "label": "Where", "kind": "address"},
    {"id": "f-web", "label": "Listing", "kind": "url"},
    {"id": "f-door", "label": "Door code", "kind": "secret"},
    {"id": "f-price", "label": "Price", "kind": "text", "show": "office"},
]
STEPS: list[dict[str, Any]] = [
    {**BOOLEAN, "config": {"true_label": "Fine", "false_label": "Broken"}},
    {"id": "s-odo", "type": "number", "label": "Odometer"},
    {"id": "s-fuel", "type": "choice", "label": "Fuel", "config": {"options": [{"id": "o-full", "label": "Full"}]}},
    {"id": "s-stars", "type": "rating", "label": "Stars"},
    {"id": "s-when", "type": "datetime", "label": "When", "config": {"mode": "datetime"}},
    {"id": "s-say", "type": "text", "label": "Say", "config": {"multiline": True}},
    {"id": "s-pic", "type": "photo", "label": "Picture"},
    {"id": "s-sign", "type": "signature", "label": "Sign"},
]
SECRET = "7431-canary"
VALUES: dict[str, Any] = {
    "f-unit": "Beach house 3",
    "f-guests": 4,
    "f-out": "2026-01-02",
    "f-phone": "+34 600 000 003",
    "f-where": "Calle Larios 3, Málaga",
    "f-web": "https://example.com/3",
    "f-door": SECRET,
    "f-price": "office-price-120",
}
JOB: dict[str, Any] = {
    "title": "Beach house 3 · check-out 11:00",
    "note": "note-line one\nThe key is under the mat.",
    "due_at": "2026-01-02T14:00:00Z",
    "fields": VALUES,
    "prefill": {"s-odo": 42150},
}
