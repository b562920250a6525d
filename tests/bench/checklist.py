"""The checklist that is measured with: ten steps, and two answers to each, so that one can always replace the other."""

from typing import Any

STEPS: list[dict[str, Any]] = [
    {"id": "s-doors", "type": "boolean", "label": "Doors and windows locked?"},
    {"id": "s-keys", "type": "number", "label": "How many keys?", "config": {"min": 0, "max": 9, "decimals": 0}},
    {"id": "s-note", "type": "text", "label": "Anything broken?"},
    {"id": "s-clean", "type": "rating", "label": "How clean is it?"},
    {
        "id": "s-fuel",
        "type": "choice",
        "label": "Fuel",
        "config": {"options": [{"id": "o-full", "label": "Full"}, {"id": "o-half", "label": "Half"}]},
    },
    {
        "id": "s-linen",
        "type": "multi_choice",
        "label": "Linen changed",
        "config": {"options": [{"id": "o-bed", "label": "Beds"}, {"id": "o-bath", "label": "Bath"}]},
    },
    {"id": "s-code", "type": "barcode", "label": "Key box"},
    {"id": "s-next", "type": "datetime", "label": "Next guests", "config": {"mode": "date"}},
    {"id": "s-heat", "type": "boolean", "label": "Heating down?"},
    {"id": "s-lamp", "type": "boolean", "label": "Lights off?"},
]
VALUES: dict[str, tuple[Any, Any]] = {
    "s-doors": (True, False),
    "s-keys": (2, 3),
    "s-note": ("The blue chair in the hall", "Nothing"),
    "s-clean": (4, 5),
    "s-fuel": ("o-full", "o-half"),
    "s-linen": (["o-bed"], ["o-bed", "o-bath"]),
    "s-code": ("4006381333931", "5901234123457"),
    "s-next": ("2026-01-31", "2026-02-01"),
    "s-heat": (True, False),
    "s-lamp": (True, False),
}
