"""What hypothesis makes of what templates, jobs and answers are made of: texts, numbers, times, dictionaries."""

import math
from functools import cache, lru_cache
from typing import Any

from hypothesis import strategies as some

from rundun.core import text

MAX_NUMBER = 2**53 - 1
Json = Any

_CHARACTERS = some.one_of(
    some.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    some.sampled_from('aäß漢😀e\u0301\u1100\u1161 \u00a0\u2003\ufeff/~"\\\n'),
)


@lru_cache(128)
def words(most: int, least: int = 1) -> some.SearchStrategy[str]:
    """Text in its one normal form: NFC, trimmed, `least` to `most` code points, no U+0000."""
    short = some.text(_CHARACTERS, min_size=least, max_size=min(most, 12))
    edge = some.just("x" * most)  # the longest that is allowed
    kept = some.one_of(short, short, short, edge).map(text.clean).map(lambda one: text.clean(one[:most]))
    return kept.filter(lambda one: len(one) >= least)


def numbers(least: float = -MAX_NUMBER, most: float = MAX_NUMBER) -> some.SearchStrategy[int | float]:
    """JSON numbers that are kept, whole ones also written as floats."""
    whole = some.integers(math.ceil(least), math.floor(most))
    return some.one_of(whole, some.floats(least, most, allow_nan=False), whole.map(float))


moments = some.datetimes().map(lambda one: one.replace(microsecond=0).isoformat() + "Z")
days = some.dates().map(lambda one: one.isoformat())
positions = some.fixed_dictionaries(
    {"lat": numbers(-90, 90), "lng": numbers(-180, 180)},
    optional={"accuracy": some.one_of(some.none(), numbers(0, 1000))},
)


@cache
def _chosen(names: tuple[str, ...]) -> some.SearchStrategy[set[str]]:
    return some.sets(some.sampled_from(names), max_size=4)


@some.composite
def some_of(draw: some.DrawFn, required: Json, optional: Json) -> dict[str, Any]:
    """A dictionary; `optional` members are often left out, so that small templates stay small."""
    chosen = draw(_chosen(tuple(sorted(optional)))) if optional else ()
    members = {**required, **{name: optional[name] for name in sorted(chosen)}}
    return {name: draw(one) for name, one in members.items()}
