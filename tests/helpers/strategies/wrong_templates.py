"""Templates with one thing wrong, and what is said of it."""

import itertools
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from rundun.core.templates import rules
from rundun.errors import Invalid

Places = list[tuple[str, str]]


def made() -> Callable[[str], str]:
    """Ids as the server makes them, only shorter."""
    count = itertools.count(1)
    return lambda prefix: f"{prefix}made{next(count)}"


def read(template: Any) -> Any:
    """The template as it is kept."""
    return from_json(rules.as_json(rules.read_template(template, made())))


def wrong(template: Any) -> Places:
    """Pointer and code of every wrong place; none for a valid template."""
    try:
        rules.read_template(template, made())
    except Invalid as invalid:
        assert all(place.detail for place in invalid.errors)
        return [(place.pointer, place.code) for place in invalid.errors]
    return []


def of(*steps: Any, **more: Any) -> dict[str, Any]:
    """A template with these steps."""
    return {"name": "Check", "steps": list(steps), **more}
