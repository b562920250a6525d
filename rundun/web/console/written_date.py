"""Days and times as people write them in the cells of a table."""

import re
from collections.abc import Mapping
from datetime import date, time
from functools import cache

from babel import dates

from rundun.core.search_text import fold
from rundun.web.console_words import ConsoleLanguage

MAX_LENGTH = 80  # characters of a day and a time
MONTHS = 12
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_NUMBERS = re.compile(r"(\d\d?)([./-])(\d\d?)\2(\d{4}|\d\d)", re.ASCII)  # 31.12.2026, or 31/12/26
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_BESIDE = {"de", "del", "do", "of", "the", "le", "den"}  # what stands beside day, month and year
_TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?: ?([ap])\.? ?m\.?)?", re.ASCII)


def read_day(text: str, language: ConsoleLanguage) -> date | None:
    """Return the day that a text names in numbers or words of the language; None where it names none, or may name two:
    whoever reads English may write 1/2 for the second of January.
    """
    text = fold(text[: MAX_LENGTH + 1])
    if len(text) > MAX_LENGTH:
        return None
    if iso := _ISO.fullmatch(text):
        year, month, day = map(int, iso.groups())
    elif numbers := _NUMBERS.fullmatch(text):
        first, second, year = (int(numbers[group]) for group in (1, 3, 4))
        day, month = first, second
        if language.is_english and numbers[2] != "." and first != second and first <= MONTHS:
            if second <= MONTHS:
                return None
            day, month = second, first
    elif named := _in_words(text, language):
        day, month, year = named
    else:
        return None
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except (ValueError, OverflowError):
        return None


def read_time(text: str) -> time | None:
    """Return the time of a day that a text names, by 24 or by 12 hours; None where it names none."""
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


def _in_words(text: str, language: ConsoleLanguage) -> tuple[int, int, int] | None:
    """Return day, month and year of a text such as “30 nov. 2026”, in the language or in English."""
    parts = _WORDS.findall(text)
    numbers = [part for part in parts if part.isdecimal()]
    for locale in (language.locale, "en"):
        months, days = _names(locale)
        words = [part for part in parts if not part.isdecimal() and part not in _BESIDE and part not in days]
        if len(words) == 1 and len(numbers) == 2 and (month := months.get(words[0])):
            day, year = reversed(numbers) if len(numbers[0]) == 4 else numbers
            return int(day), month, int(year)
    return None


@cache
def _names(locale: str) -> tuple[Mapping[str, int], frozenset[str]]:
    """Return the months by their names, and by what begins one month's only, and the words of the days of the week."""
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
