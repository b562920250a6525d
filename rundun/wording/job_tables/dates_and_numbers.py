"""Dates, times and numbers, read as people write them."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from functools import cache

from babel import dates

from rundun.core.runs.search_text import fold
from rundun.wording.console_words import ConsoleLanguage

MAX_LENGTH = 80  # characters of a text with a day and a time
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_NUMBERS = re.compile(r"(\d\d?)([./-])(\d\d?)(?:\2(\d{4}|\d\d)?)?", re.ASCII)  # 31.12.2026, 31/12/26, or 31.12.
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_BESIDE = {"de", "del", "do", "of", "the", "le", "den", "st", "nd", "rd", "th", "er"}  # words ignored in a date
_TIME = re.compile(  # 15:00, 15:00:30.5, 3:00 p. m., 3pm, 15h, 15h30
    r"(\d\d?)(?:[:h](\d\d)(?::(\d\d)(?:\.\d+)?)?| ?h|(?= ?[ap]))(?: ?([ap])\.? ?m\.?)?", re.ASCII
)
_COULD_BE_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}")  # ambiguous: a separator of thousands or a decimal comma


def possible_days(text: str, language: ConsoleLanguage, today: date) -> Sequence[date]:
    """Return the days that `text` may mean, in numbers or in words of `language` or English: none, one, or two, as
    “1/2” in English may be 1 February or 2 January. Without a year it is the one closest to `today`.
    """
    text = fold(text[: MAX_LENGTH + 1])
    if len(text) > MAX_LENGTH:
        return ()
    if iso := _ISO.fullmatch(text):
        year, month, day = map(int, iso.groups())
        named: Sequence[tuple[int, int, int | None]] = [(day, month, year)]
    elif numbers := _NUMBERS.fullmatch(text):
        first, second, given = int(numbers[1]), int(numbers[3]), int(numbers[4]) if numbers[4] else None
        if given is None and numbers[2] != "/" and not text.endswith("."):
            return ()  # “3.5” and “10-12” are ambiguous
        is_any_first = language.is_english and numbers[2] != "."
        named = [(first, second, given), *([(second, first, given)] if is_any_first else [])]
    else:
        named = _read_worded_date(text, language)
    return list(dict.fromkeys(found for each in named if (found := _make_date(*each, today))))


def _make_date(day: int, month: int, year: int | None, today: date) -> date | None:
    """Return the date, None if it does not exist. A year of two digits is in the 2000s; without a year it is the date
    closest to `today`.
    """
    if year is None:
        years: Sequence[int] = (today.year - 1, today.year, today.year + 1)
    else:
        years = (year if year > 99 else 2000 + year,)
    found = []
    for each in years:
        with suppress(ValueError, OverflowError):
            found.append(date(each, month, day))
    return min(found, key=lambda each: abs(each - today), default=None)


def read_time(text: str) -> time | None:
    """Return the time of day that a whole text such as 15:00, 15h or 3 pm means, in whole seconds; None for others."""
    found = _TIME.fullmatch(fold(text))
    if not found:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    if half := found[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def _read_worded_date(text: str, language: ConsoleLanguage) -> Sequence[tuple[int, int, int | None]]:
    """Return (day, month, year) of a text such as “30 nov. 2026”, in `language` or in English, unchecked, as the
    only item of a list, with None as a missing year; an empty list for other text.
    """
    parts = _WORDS.findall(text)
    numbers = [part for part in parts if part.isdecimal()]
    for locale in (language.locale, "en"):
        months, days = _month_names(locale)
        words = [part for part in parts if not part.isdecimal() and part not in _BESIDE and part not in days]
        if len(words) == 1 and len(numbers) in (1, 2) and (month := months.get(words[0])):
            day, *year = reversed(numbers) if len(numbers[0]) == 4 else numbers
            return [(int(day), month, int(year[0]) if year else None)]
    return ()


@cache
def _month_names(locale: str) -> tuple[Mapping[str, int], frozenset[str]]:
    """Return the numbers of months by their names and unambiguous beginnings, and the set of words for weekdays."""
    months: dict[str, set[int]] = {}
    days: set[str] = set()
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for month, name in dates.get_month_names(width, context, locale).items():
                name = fold(name).strip(".")
                for end in range(min(3, len(name)), len(name) + 1):
                    months.setdefault(name[:end], set()).add(month)
            for name in dates.get_day_names(width, context, locale).values():
                days.update(_WORDS.findall(fold(name)))
    return {name: min(found) for name, found in months.items() if len(found) == 1}, frozenset(days)


def parse_number(typed: str) -> float | int | str:
    """Return a number, a float where it has a decimal point or comma, else an int; any other text, and “1,234”, which
    may mean thousands, stripped, for a later check to refuse.
    """
    plain = typed.strip()
    if not _COULD_BE_THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"-?\d{1,16}(\.\d{1,9})?", plain, re.ASCII):
        return typed.strip()
    return float(plain) if "." in plain else int(plain)
