"""JSON texts from outside. Duplicate members are refused: readers differ on which one counts (RFC 8259 section 4)."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.validation import pointer
from rundun.errors import FieldError, Invalid

_LISTED = 100
_ESCAPED_COLON = re.compile(rb"(?<!\\)(?:\\\\)*\\u003[aA]")  # not behind an escaped backslash


class _Members(tuple[tuple[str, Any], ...]):
    """All members of an object, in their order."""

    __slots__ = ()


def parse(text: bytes) -> Any:
    """Return the parsed value of a JSON text (RFC 8259; UTF-8, no lone surrogates, at most 200 levels deep). Raises
    ValueError if it is no JSON, or `Invalid` with its duplicate members, at most 100.
    """
    value = from_json(text, allow_inf_nan=False)
    # Written again, the value has each name once in an object. Fewer colons than before, some of which may have been
    # escaped, show that names were duplicate. This takes a microsecond for a dispatch; `object_pairs_hook` takes two.
    colons, left = text.count(b":"), to_json(value).count(b":")
    if left < colons or left < colons + len(_ESCAPED_COLON.findall(text)):
        read = json.loads(text.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str)
        raise Invalid(list(islice(_duplicate_errors(read), _LISTED)))
    return value


def _duplicate_errors(value: Any) -> Iterator[FieldError]:
    """Yield an error for each duplicate name of an object in `value`."""
    # Each container with its place: None, or the pair of its parent's place and the name or index there.
    left: list[tuple[Any, Any]] = [(value, None)]
    while left:
        container, place = left.pop()
        members = container if isinstance(container, _Members) else tuple(enumerate(container))
        if isinstance(container, _Members):
            counts = Counter(name for name, _ in members)
            if len(counts) < len(members):
                for name in (name for name, count in counts.items() if count > 1):
                    yield FieldError(_pointer((place, name)), "duplicate", "is there twice")
        for name, inner in reversed(members):
            if inner and isinstance(inner, (list, _Members)):
                left.append((inner, (place, name)))


def _pointer(place: Any) -> str:
    parts: list[str | int] = []
    while place:
        place, part = place
        parts.append(part)
    return pointer(parts[::-1])
