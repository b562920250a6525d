"""A checklist with a step of every type."""

from typing import Any

TEMPLATE: dict[str, Any] = {
    "name": "Every type",
    "description": "One of each.",
    "settings": {"signature_on_complete": True, "allow_skip": True, "est_minutes": 5},
    "execution": {"identity_required": "name"},
    "sections": [
        {"id": "g-in", "title": "Coming in", "steps": [
            {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "Ring first."}},
            {"id": "s-in", "type": "boolean", "label": "Are you inside?", "geo": True,
             "photo": {"min": 1, "max": 2}},
            {"id": "s-why", "type": "text", "label": "Why not?",
             "condition": {"when": {"step": "s-in", "op": "eq", "value": False}}},
            {"id": "s-way", "type": "choice", "label": "Which way?",
             "config": {"options": [{"id": "o-front", "label": "Front"}, {"id": "o-back", "label": "Back"}]}},
        ]},
        {"id": "g-work", "title": "Work", "steps": [
            {"id": "s-did", "type": "multi_choice", "label": "What did you do?",
             "config": {"min_selected": 1, "options": [
                 {"id": "o-clean", "label": "Clean"}, {"id": "o-fill", "label": "Refill"},
                 {"id": "o-other", "label": "Other"}]}},
            {"id": "s-other", "type": "text", "label": "What else?",
             "condition": {"when": {"step": "s-did", "op": "contains", "value": "o-other"}}},
            {"id": "s-meter", "type": "number", "label": "Meter", "config": {"decimals": 1, "unit": "kWh"}},
            {"id": "s-grade", "type": "rating", "label": "How was it?"},
            {"id": "s-pic", "type": "photo", "label": "The result", "config": {"min": 1, "max": 4}},
            {"id": "s-seen", "type": "text", "label": "What does it show?",
             "condition": {"when": {"step": "s-pic", "op": "answered"}}},
        ]},
        {"id": "g-out", "title": "Going out", "steps": [
            {"id": "s-key", "type": "barcode", "label": "The key's label"},
            {"id": "s-left", "type": "datetime", "label": "When did you leave?", "config": {"mode": "datetime"}},
            {"id": "s-tip", "type": "text", "label": "Anything else?", "required": False},
            {"id": "s-sign", "type": "signature", "label": "Your signature"},
        ]},
    ],
}  # fmt: skip
