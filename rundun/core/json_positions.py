"""Line and column in a JSON text: of the value at a pointer, or of a syntax error."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rundun.core import json_text
from rundun.core.validation import pointer as pointer_of

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_AT = re.compile(r" at line (\d+) column (\d+)$")


class MalformedJson(ValueError):
    """Raised for a text that is no JSON (RFC 8259); `line` and `column` are the position where reading stopped."""

    def __init__(self, detail: str, line: int, column: int) -> None:
        super().__init__(detail)
        self.line = line
        self.column = column


def read(text: str) -> Any:
    """Return the parsed value of a JSON text; raise `MalformedJson`, or `Invalid` for duplicate members."""
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        raise MalformedJson("half of a character", *line_and_column(text, error.start)) from None
    try:
        return json_text.parse(body)
    except ValueError as error:
        match = _AT.search(str(error))
        line, column = (int(match[1]), int(match[2])) if match else (1, 1)
        lines = body.split(b"\n")
        before = lines[min(line, len(lines)) - 1][: max(0, column - 1)]  # counted in bytes there
        raise MalformedJson(_AT.sub("", str(error)), line, len(before.decode(errors="ignore")) + 1) from None


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets in code points, from the start of a member's name or of an element, plain values included."""

    start: int
    end: int


@dataclass(slots=True)
class _Frame:
    """An object or array that is being read; `pointer` is None if none of the wanted pointers leads into it."""

    pointer: str | None
    is_object: bool
    index: int = 0
    name: str | None = None  # as it is written
    name_at: Span = field(default_factory=lambda: Span(0, 0))

    def begin(self, start: int, end: int) -> tuple[str | None, Span]:
        """Go on to the value with its first token from `start` to `end`; return the value's pointer, None if `self` has
        none, and the value's span: that of the token, or of a member's name.
        """
        name, self.name, self.index = self.name, None, self.index + 1
        if self.pointer is None:
            return None, Span(start, end)
        if self.is_object:
            return self.pointer + pointer_of([json.loads(name or '""', strict=False)]), self.name_at
        return f"{self.pointer}/{self.index - 1}", Span(start, end)


def positions(text: str, pointers: Iterable[str]) -> dict[str, Span]:
    """Return the spans of the values at these RFC 6901 pointers and of their parents, by pointer, in a valid JSON text.
    A span goes from the value, or its member's name, to the value's end, but of an object or array it is only the name,
    or the opening bracket without one. Pointers without a value are left out; of duplicate members the last counts.
    """
    needed = {""}
    for pointer in pointers:
        while pointer not in needed:
            needed.add(pointer)
            pointer = pointer.rpartition("/")[0]
    spans: dict[str, Span] = {}
    frames: list[_Frame] = []
    for token in _TOKEN.finditer(text):
        start, end, mark = token.start(), token.end(), text[token.start()]
        top = frames[-1] if frames else None
        if mark in ",:":
            continue
        if mark in "}]":
            frames.pop()
            continue
        if top and top.is_object and top.name is None:
            top.name, top.name_at = token[0], Span(start, end)
            continue
        here, span = top.begin(start, end) if top else ("", Span(start, end))
        here = here if here in needed else None
        if mark in "{[":
            frames.append(_Frame(here, mark == "{"))
        else:
            span = Span(span.start, end)
        if here is not None:
            spans[here] = span
    return spans


def nearest_span(spans: dict[str, Span], pointer: str) -> Span:
    """Return the span of the value at `pointer`, or of its closest existing parent."""
    while pointer not in spans and pointer:
        pointer = pointer.rpartition("/")[0]
    return spans[pointer]


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset, both from 1, in code points; lines end in LF."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
