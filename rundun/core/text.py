"""Text and numbers in one normal form; `static/executor/rules/values.js` has the same rules."""

import unicodedata
from collections.abc import Sequence
from typing import Any

# Unicode White_Space plus U+FEFF. `str.strip()` would also take U+001C–U+001F, which JavaScript's trim leaves.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
MAX_NUMBER = 2**53 - 1
MAX_MARKS = 30
MIB = 1024 * 1024
_STEP = 1_000_000  # characters
_NFC_STEP, _AROUND = 20_000, MAX_MARKS + 2  # characters: some 5 ms, and more than are composed to one


def encode(text: str) -> bytes:
    """Return a text in UTF-8, made in steps between which other threads run."""
    return b"".join([text[start : start + _STEP].encode() for start in range(0, len(text), _STEP)])


def trim(text: str) -> str:
    """Return a text without surrounding white space."""
    return text.strip(WHITE_SPACE)


def clean(text: str) -> str:
    """Return a text in NFC without surrounding white space; lengths are counted on the result, in code points.

    Raises ValueError for more than 30 combining marks in a row (up to 30 is stream-safe, UAX #15 section 13): sorting
    them takes time proportional to the square of their number, and no language has so many.
    """
    if text.isascii():
        return trim(text)
    if len(text) > MAX_MARKS and _has_long_mark_run(text):
        raise ValueError(f"has more than {MAX_MARKS} combining marks in a row")
    return trim(_nfc(text))


def capitals(text: str) -> str:
    """Return a clean text in capital letters (Unicode's full mapping, section 3.13, for all languages), in NFC."""
    return trim(unicodedata.normalize("NFC", text.upper()))


def _nfc(text: str) -> str:
    """Return a text without long runs of combining marks in NFC, made in steps between which other threads run."""
    pieces, start = [], 0
    while start + _NFC_STEP < len(text):
        end = start + _NFC_STEP
        while not _is_boundary(text, end):
            end += 1
        pieces.append(unicodedata.normalize("NFC", text[start:end]))
        start = end
    return "".join([*pieces, unicodedata.normalize("NFC", text[start:])])


def _is_boundary(text: str, index: int) -> bool:
    """Tell whether nothing in front of a place in a text is composed with, or sorted among, what follows it."""
    before, after = text[max(0, index - _AROUND) : index], text[index : index + _AROUND]
    apart = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", after)
    return unicodedata.normalize("NFC", before + after) == apart


def _has_long_mark_run(text: str) -> bool:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_MARKS:
            return True
    return False


def number(value: Any) -> int | float | None:
    """Return a JSON number (finite, |n| ≤ 2^53−1), a whole one as int; None for any other value, booleans included."""
    if type(value) is int:
        return value if -MAX_NUMBER <= value <= MAX_NUMBER else None
    if type(value) is float and -MAX_NUMBER <= value <= MAX_NUMBER:
        return int(value) if value.is_integer() else value
    return None


def integer(value: Any) -> int | None:
    """Return a whole JSON number, 4.0 included, as int; None for any other value."""
    as_number = number(value)
    return as_number if type(as_number) is int else None


def size(count: int) -> str:
    """Return a number of bytes as text, such as “1.5 MiB”."""
    for unit, bytes_of in (("GiB", 1024 * MIB), ("MiB", MIB), ("KiB", 1024)):
        if count >= bytes_of:
            return f"{count / bytes_of:.1f} {unit}"
    return f"{count} bytes"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun in English, such as “2 photos”: `one`, or `many`, by default `one` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def shorten(text: str, most: int) -> str:
    """Return a text of at most `most` characters; one that was cut ends with “…”."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def join_names(names: Sequence[str], most: int = 10) -> str:
    """Return up to `most` names separated by commas, and the number of further ones: “a, b and 3 more”."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
