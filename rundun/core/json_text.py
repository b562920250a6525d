"""Where in a JSON text something stands: from a pointer, or from what makes it no JSON, to line and column."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_AT = re.compile(r" at line (\d+) column (\d+)$")


class Broken(ValueError):
    """The text is no JSON (RFC 8259); `line` and `column` say where reading stopped."""

    def __init__(self, detail: str, line: int, column: int) -> None:
        super().__init__(detail)
        self.line = line
        self.column = column


def read(text: str) -> Any:
    """What the text says; raises `Broken`."""
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        raise Broken("half of a character", *line_and_column(text, error.start)) from None
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        found = _AT.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        lines = body.split(b"\n")
        before = lines[min(line, len(lines)) - 1][: max(0, column - 1)]  # counted in bytes there
        raise Broken(_AT.sub("", str(error)), line, len(before.decode(errors="ignore")) + 1) from None


@dataclass(frozen=True, slots=True)
class Spot:
    """Offsets in code points: of a member's name, or of an element; with its value where that is a plain one."""

    start: int
    end: int


@dataclass(slots=True)
class _Frame:
    pointer: str
    is_object: bool
    index: int = 0
    name: str | None = None
    name_at: Spot = field(default_factory=lambda: Spot(0, 0))

    def begin(self, start: int, end: int) -> tuple[str, Spot]:
        """The pointer of the value that begins here, and what shows where it is."""
        if self.is_object:
            name, self.name = self.name or "", None
            return f"{self.pointer}/{name.replace('~', '~0').replace('/', '~1')}", self.name_at
        self.index += 1
        return f"{self.pointer}/{self.index - 1}", Spot(start, end)


def spots(text: str) -> dict[str, Spot]:
    """Where everything stands in a text that is JSON, by RFC 6901 pointer; of a name used twice, the last."""
    found: dict[str, Spot] = {}
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
            top.name, top.name_at = json.loads(token[0], strict=False), Spot(start, end)
            continue
        pointer, spot = top.begin(start, end) if top else ("", Spot(start, end))
        if mark in "{[":
            found[pointer] = spot
            frames.append(_Frame(pointer, mark == "{"))
        else:
            found[pointer] = Spot(spot.start, end)
    return found


def nearest(found: dict[str, Spot], pointer: str) -> Spot:
    """The spot of `pointer`, or of what it should stand in."""
    while pointer not in found and pointer:
        pointer = pointer.rpartition("/")[0]
    return found[pointer]


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both from 1, in code points; lines end in LF."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
