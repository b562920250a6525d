"""Where in a JSON text something stands: from a pointer, or from what makes it no JSON, to line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from rundun.core.validation import pointer as pointer_of

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_AT = re.compile(r" at line (\d+) column (\d+)$")


class MalformedJson(ValueError):
    """The text is no JSON (RFC 8259); `line` and `column` say where reading stopped."""

    def __init__(self, detail: str, line: int, column: int) -> None:
        super().__init__(detail)
        self.line = line
        self.column = column


def read(text: str) -> Any:
    """What the text says; raises `MalformedJson`."""
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        raise MalformedJson("half of a character", *line_and_column(text, error.start)) from None
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        found = _AT.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        lines = body.split(b"\n")
        before = lines[min(line, len(lines)) - 1][: max(0, column - 1)]  # counted in bytes there
        raise MalformedJson(_AT.sub("", str(error)), line, len(before.decode(errors="ignore")) + 1) from None


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets in code points: of a member's name, or of an element; with its value where that is a plain one."""

    start: int
    end: int


@dataclass(slots=True)
class _Frame:
    """An object or an array that has begun; `pointer` is None where nobody asked for anything in it."""

    pointer: str | None
    is_object: bool
    index: int = 0
    name: str | None = None  # as it is written
    name_at: Span = field(default_factory=lambda: Span(0, 0))

    def begin(self, start: int, end: int) -> tuple[str | None, Span]:
        """The pointer of the value that begins here, and what shows where it is."""
        name, self.name, self.index = self.name, None, self.index + 1
        if self.pointer is None:
            return None, Span(start, end)
        if self.is_object:
            return self.pointer + pointer_of([json.loads(name or '""', strict=False)]), self.name_at
        return f"{self.pointer}/{self.index - 1}", Span(start, end)


def positions(text: str, wanted: Iterable[str]) -> dict[str, Span]:
    """Where `wanted` RFC 6901 pointers, and all that they stand in, are in a text that is JSON; of a name used twice,
    the last. What is not there is left out.
    """
    near = {""}
    for pointer in wanted:
        while pointer not in near:
            near.add(pointer)
            pointer = pointer.rpartition("/")[0]
    found: dict[str, Span] = {}
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
        here, spot = top.begin(start, end) if top else ("", Span(start, end))
        here = here if here in near else None
        if mark in "{[":
            frames.append(_Frame(here, mark == "{"))
        else:
            spot = Span(spot.start, end)
        if here is not None:
            found[here] = spot
    return found


def nearest(found: dict[str, Span], pointer: str) -> Span:
    """The spot of `pointer`, or of what it should stand in."""
    while pointer not in found and pointer:
        pointer = pointer.rpartition("/")[0]
    return found[pointer]


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both from 1, in code points; lines end in LF."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
