"""JSON texts of others, in which no object may have two members of one name: of these one reader takes the first,
another the last (RFC 8259 section 4).
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.validation import pointer
from rundun.errors import FieldError, Invalid

_LISTED = 100


class _Members(tuple[tuple[str, Any], ...]):
    """All members of an object, in their order."""

    __slots__ = ()


def parse(text: bytes) -> Any:
    """Parse JSON (RFC 8259; UTF-8, no lone surrogates, at most 200 levels deep). Raises ValueError for what is no JSON,
    and `Invalid` with each member that is there twice.
    """
    value = from_json(text, allow_inf_nan=False)
    # What is written again has each name once in an object: with fewer colons than before, of which some may have been
    # escaped, names were there twice. That takes a microsecond for a dispatch; `object_pairs_hook` takes twice that.
    if to_json(value).count(b":") < text.count(b":") + text.count(b"\\u003a") + text.count(b"\\u003A"):
        read = json.loads(text.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str)
        if errors := list(islice(_repeated(read, None), _LISTED)):
            raise Invalid(errors)
    return value


def _repeated(value: Any, place: Any) -> Iterator[FieldError]:
    """Yield an error for each name that an object in `value` has twice. `place` is where `value` stands: None, or the
    pair of its parent's place and the name or index there.
    """
    if isinstance(value, _Members):
        names: dict[str, int] = {}
        for name, inner in value:
            names[name] = names.get(name, 0) + 1
            if names[name] == 2:
                yield FieldError(_pointer((place, name)), "duplicate", "is there twice")
            if inner and isinstance(inner, (list, _Members)):
                yield from _repeated(inner, (place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if inner and isinstance(inner, (list, _Members)):
                yield from _repeated(inner, (place, index))


def _pointer(place: Any) -> str:
    parts: list[str | int] = []
    while place:
        place, part = place
        parts.append(part)
    return pointer(parts[::-1])
