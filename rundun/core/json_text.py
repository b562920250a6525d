"""JSON texts from outside. Duplicate members are refused: readers differ on which one counts (RFC 8259 section 4)."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.validation import pointer
from rundun.errors import FieldError, Invalid, Problem

MAX_VALUES = 100_000  # the largest template has some 60,000
_LISTED = 100


class _Members(tuple[tuple[str, Any], ...]):
    """All members of an object, in their order."""

    __slots__ = ()


def _read_members(pairs: list[tuple[str, Any]]) -> _Members:
    return _Members(pairs)  # a function of Python, in which other threads may have their turn


def parse(text: bytes) -> Any:
    """Return the parsed value of a JSON text (RFC 8259; UTF-8, no lone surrogates, at most 200 levels deep). Raises
    ValueError if it is no JSON, `too_large` for more than `MAX_VALUES`, lists and objects included, or `Invalid` with
    its duplicate members, at most 100.
    """
    if _count_values(text) > MAX_VALUES:  # it would hold the interpreter, and so all requests
        raise Problem("too_large", f"A JSON text may have at most {MAX_VALUES} values, lists and objects included.")
    value = from_json(text, allow_inf_nan=False)
    # Written again, the value has each name once in an object. Fewer colons than before, some of which may have been
    # escaped, show that names were duplicate. This takes a microsecond for a dispatch; `object_pairs_hook` takes two.
    colons, left = text.count(b":"), to_json(value).count(b":")
    if left < colons or left < colons + _count_escaped_colons(text):
        # A function of Python, in which other threads may have their turn.
        read = json.loads(
            text.decode(), object_pairs_hook=lambda pairs: _Members(pairs), parse_int=str, parse_float=str
        )
        raise Invalid(list(islice(_duplicate_errors(read), _LISTED)))
    return value


def _count_escaped_colons(text: bytes) -> int:
    r"""Return the number of colons in a JSON text that are written as `\u003a`. Escaped backslashes are removed first:
    `\\u003a` is no colon.
    """
    plain = text.replace(rb"\\", b"")
    return plain.count(rb"\u003a") + plain.count(rb"\u003A")


def _count_values(text: bytes) -> int:
    """Count what separates or contains values, one more than there are at most."""
    count = _count_marks(text)
    if count <= MAX_VALUES:
        return count
    # What stands in strings does not count. Each string needs a mark behind it, or stands for a name.
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"")
    if plain.count(b'"') > 4 * MAX_VALUES:
        return count
    return _count_marks(b"".join(plain.split(b'"')[::2]))


def _count_marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


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
