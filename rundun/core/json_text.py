"""JSON texts of others, in which no object may have two members of one name: of these one reader takes the first,
another the last (RFC 8259 section 4).
"""

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
_ESCAPED_COLON = re.compile(rb"(?<!\\)(?:\\\\)*\\u003[aA]")  # behind no backslash that is itself escaped


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
    colons, left = text.count(b":"), to_json(value).count(b":")
    if left < colons or left < colons + len(_ESCAPED_COLON.findall(text)):
        read = json.loads(text.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str)
        raise Invalid(list(islice(_repeated(read), _LISTED)))
    return value


def _repeated(value: Any) -> Iterator[FieldError]:
    """Yield an error for each name that an object in `value` has twice."""
    # Each with its place: None, or the pair of its parent's place and the name or index there.
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
