"""What commands print: lines for people, in which others' words are only shown, since a terminal obeys what it reads,
or one JSON document.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

# Controls of C0 and C1 with DEL, line separators, and what turns the direction of all that follows.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command has to show: a `document` for programs, `lines` for people with `notes` for standard error, what
    people at a terminal get `besides` and as `heading` of what is listed, what is said where `nothing` is, and the exit
    code. `raw` is a file that goes out as it is where no terminal obeys it.
    """

    document: Any
    lines: Sequence[str]
    notes: Sequence[str] = ()
    besides: Callable[[], None] | None = None
    exit_code: int = 0
    heading: str = ""
    nothing: str = ""
    raw: str = ""


def visible(text: str) -> str:
    """Return a text as one line that a terminal only shows: what it would obey is U+FFFD, the replacement character."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str, *, err: bool = False) -> None:
    """Print a line that has others' words in it."""
    click.echo(visible(text), err=err)


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows as lines, one column below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def listing(document: Any, rows: Sequence[Sequence[str]], *, heading: Sequence[str], nothing: str) -> Shown:
    """Show rows in columns below a heading; what people are told where there is `nothing` to list is no line of it."""
    first, *lines = in_columns([heading, *rows])
    return Shown(document, lines, heading=first, nothing=nothing)


def printable(file: str) -> str:
    """Return the name of a file, which need not be UTF-8, as text."""
    return file.encode(errors="surrogateescape").decode(errors="replace")


def as_json(document: Any) -> str:
    """Write a document as indented JSON; what a terminal would obey is escaped in it, as JSON has it."""
    lines = json.dumps(document, ensure_ascii=False, indent=2).split("\n")  # the only newlines are our own
    return "\n".join(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in lines)
