"""The template language in short, so that an assistant can draft valid checklists. A test compares it with `core/`."""

import json
from functools import cache
from pathlib import Path
from typing import Any, get_args

from rundun import paths
from rundun.core.templates.steps import Step

_FOLDER = Path(__file__).resolve().parent
_SAMPLES = ("types", "condition", "flags", "slots", "fields", "settings", "translations")
STEP_TYPES = tuple(get_args(step.model_fields["type"].annotation)[0] for step in get_args(get_args(Step)[0]))

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_STEPS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "label"],
        "properties": {
            "id": {"type": "string", "description": "s-…; needed where a condition names it"},
            "type": {"enum": list(STEP_TYPES)},
            "label": _TEXT,
            "hint": _TEXT,
            "required": {"type": "boolean", "default": True},
            "photo": {"description": "false, or {min, max, annotate}: photos beside the answer"},
            "geo": {"type": "boolean", "default": False},
            "condition": _OBJECT,
            "flag": _OBJECT,
            "config": {"type": "object", "description": "what belongs to the type"},
        },
    },
}
_SECTION = {
    "type": "object",
    "required": ["title", "steps"],
    "properties": {"title": _TEXT, "description": _TEXT, "steps": _STEPS},
}
# An outline for an assistant to fill in; the service decides whether a document is valid.
SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _TEXT,
        "description": _TEXT,
        "tags": {"type": "array", "items": _TEXT},
        "settings": _OBJECT,
        "execution": _OBJECT,
        "fields": {"type": "array", "items": _OBJECT},
        "sections": {"type": "array", "items": _SECTION},
        "steps": _STEPS,
        "translations": _OBJECT,
    },
}


@cache
def short_guide() -> str:
    """Return the short guide to the template language, with one example, as Markdown."""
    example = json.loads((_FOLDER / "example.json").read_text("utf-8"))
    text = (_FOLDER / "template_language.md").read_text("utf-8")
    return f"{text}\nA valid example:\n{json.dumps(example, ensure_ascii=False)}"


def full_guide() -> str:
    """Return the short guide to the template language and the documentation's sample templates, as Markdown."""
    folder = paths.templates() / "docs" / "samples"
    samples = [f"## {name}\n\n```json\n{(folder / f'{name}.json').read_text('utf-8')}```" for name in _SAMPLES]
    return "\n\n".join(["# The template language", short_guide(), *samples]) + "\n"
