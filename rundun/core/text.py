"""Text and numbers in one normal form; `static/executor/rules/values.js` has the rules a second time."""

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


def clean(text: str) -> str:
    """Return a text in NFC without surrounding white space; lengths are counted on the result, in code points.

    Raises ValueError for more than 30 combining marks in a row (UAX #15 section 13 calls less stream-safe): putting
    them in order takes the square of their number, and no language has them.
    """
    if text.isascii():
        return text.strip(WHITE_SPACE)
    if len(text) > MAX_MARKS and _has_heap_of_marks(text):
        raise ValueError(f"has more than {MAX_MARKS} combining marks in a row")
    return unicodedata.normalize("NFC", text).strip(WHITE_SPACE)


def capitals(text: str) -> str:
    """Return a text that is clean in capital letters, by Unicode's full mapping (section 3.13) and so the same in every
    language, in NFC again.
    """
    return unicodedata.normalize("NFC", text.upper()).strip(WHITE_SPACE)


def _has_heap_of_marks(text: str) -> bool:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_MARKS:
            return True
    return False


def number(value: Any) -> int | float | None:
    """Return a value that is a JSON number we keep (finite, |n| ≤ 2^53−1), whole as int; else None. True is no 1."""
    if type(value) is int:
        return value if -MAX_NUMBER <= value <= MAX_NUMBER else None
    if type(value) is float and -MAX_NUMBER <= value <= MAX_NUMBER:
        return int(value) if value.is_integer() else value
    return None


def integer(value: Any) -> int | None:
    """Return a value that is a whole JSON number, 4.0 included, as int; else None."""
    as_number = number(value)
    return as_number if type(as_number) is int else None


def size(count: int) -> str:
    """Write a number of bytes as people say it."""
    for unit, bytes_of in (("GiB", 1024 * MIB), ("MiB", MIB), ("KiB", 1024)):
        if count >= bytes_of:
            return f"{count / bytes_of:.1f} {unit}"
    return f"{count} bytes"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun in English: `one`, or else `many`, which has an s behind it if left out."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Write names one after the other, at most so many, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
