"""The output of commands: one JSON document, or lines in which control characters are replaced, since text of other
people could otherwise command the terminal.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

# Controls of C0 and C1 with DEL, line separators, and marks that change the direction of the following text.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a command: a `document` for programs, or `lines` for people with `notes` on standard error, and the
    exit code. `nothing` is the note for an empty list. Only a terminal gets the `heading` of a list, and calls
    `besides` at the end. `raw` is a file, written unchanged unless to a terminal.
    """

    document: Any
    lines: Sequence[str]
    notes: Sequence[str] = ()
    besides: Callable[[], None] | None = None
    exit_code: int = 0
    heading: str = ""
    nothing: str = ""
    raw: str = ""


def replace_controls(text: str) -> str:
    """Return a text as one line that is safe to print: each control character is replaced by U+FFFD."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def print_line(text: str, *, err: bool = False) -> None:
    """Print a line with its control characters replaced."""
    click.echo(replace_controls(text), err=err)


def align_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def listing(document: Any, rows: Sequence[Sequence[str]], *, heading: Sequence[str], nothing: str) -> Output:
    """Return the output of a list: rows in aligned columns below a heading, or the note `nothing`."""
    first, *lines = align_columns([heading, *rows])
    return Output(document, lines, heading=first, nothing=nothing)


def printable_name(file: str) -> str:
    """Return a file name as text; bytes that are not UTF-8 become U+FFFD."""
    return file.encode(errors="surrogateescape").decode(errors="replace")


def as_json(document: Any) -> str:
    """Return a document as JSON text, indented by two, without a last line break; control characters and marks of
    direction are escaped, other characters are not.
    """
    lines = json.dumps(document, ensure_ascii=False, indent=2).split("\n")  # JSON escapes those of texts
    return "\n".join(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in lines)
