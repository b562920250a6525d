"""From a pointer to its place in the text, however the text is laid out; and where a text stops being JSON."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, strategies as some

from rundun.core import json_positions
from rundun.core.json_positions import MalformedJson
from rundun.core.validation import pointer
from rundun.errors import Invalid

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=5) | some.sampled_from(
    ["", "/", "~", "~1", '"', "\\", '\\"', "{", "],", "a/b", "ä😀", "\u2028", "\x85"]
)
DOCUMENTS = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def laid_out(value: Any, chance: random.Random) -> str:
    """The same JSON with white space wherever it may stand."""
    space = "".join(chance.choice(["", "", " ", "\n", "\t", "\r\n"]) for _ in range(2))
    again = "".join(chance.choice(["", "", " ", "\n"]) for _ in range(2))
    if isinstance(value, dict):
        members = [
            f"{space}{json.dumps(key, ensure_ascii=chance.random() < 0.5)}{again}:{laid_out(one, chance)}"
            for key, one in value.items()
        ]
        return f"{again}{{{','.join(members)}{space}}}{again}"
    if isinstance(value, list):
        return f"{space}[{','.join(laid_out(one, chance) for one in value)}{again}]{space}"
    return space + json.dumps(value, ensure_ascii=chance.random() < 0.5) + again


def walk(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    found = [(path, value)]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        found += walk(one, (*path, key))
    return found


@given(DOCUMENTS, some.randoms(use_true_random=False))
def test_everything_is_found_where_it_stands(document: Any, chance: random.Random) -> None:
    text = laid_out(document, chance)
    assert json_positions.read(text) == document
    everything = walk(document)
    found = json_positions.positions(text, [pointer(path) for path, _ in everything])
    assert set(found) == {pointer(path) for path, _ in everything}
    decoder = json.JSONDecoder()
    for path, value in everything:
        spot = found[pointer(path)]
        begun, end = decoder.raw_decode(text, spot.start)
        is_member = bool(path) and isinstance(path[-1], str)
        assert begun == (path[-1] if is_member else value)
        if not isinstance(value, dict | list):
            assert (
                decoder.decode(
                    text[spot.start : spot.end].partition(":")[2]
                    if is_member and ":" not in path[-1]
                    else json.dumps(value)
                )
                == value
            )
            assert text[spot.start : spot.end].strip().endswith(text[: spot.end].strip()[-1])
        else:
            assert spot.end <= len(text) and (end == spot.end if is_member else spot.end == spot.start + 1)
        line, column = json_positions.line_and_column(text, spot.start)
        assert text.split("\n")[line - 1][column - 1] == text[spot.start]
        assert sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1 == spot.start


@given(DOCUMENTS, some.lists(TEXT, max_size=3))
def test_what_is_missing_is_said_of_what_it_should_stand_in(document: Any, more: list[str]) -> None:
    text = json.dumps(document)
    for path, _ in walk(document):
        beyond = pointer([*path, "no such member", *more])
        found = json_positions.positions(text, [beyond])
        assert json_positions.nearest_span(found, beyond) == found[pointer(path)]
        assert json_positions.positions(text, [pointer(path)])[pointer(path)] == found[pointer(path)]


@given(DOCUMENTS, some.data())
def test_what_is_no_json_is_told_by_a_place_in_the_text(document: Any, data: some.DataObject) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1)
    place = data.draw(some.integers(0, len(text)))
    broken = text[:place] + data.draw(some.sampled_from(["{", "]", ",", '"', "\\", "ü", "\n", ""])) + text[place + 1 :]
    try:
        json_positions.read(broken)
    except MalformedJson as error:
        lines = broken.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert "line" not in str(error)
    except Invalid as twice:
        assert {error.code for error in twice.errors} == {"duplicate"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ('{"a": 1,\n "ä😀": x}', 2, 8),
        ('{"a": 1,\n\n}', 3, 1),
        ("[1,]", 1, 4),
        ("[1 2]", 1, 4),
        ('{"a":\n', 2, 1),
        ('{"a": NaN}', 1, 7),
        ('{"a": "\ud83d"}', 1, 8),
    ],
)
def test_where_reading_stopped(text: str, line: int, column: int) -> None:
    with pytest.raises(MalformedJson) as told:
        json_positions.read(text)
    assert (told.value.line, told.value.column) == (line, column)


def test_of_a_name_used_twice_the_last_is_where_it_is_refused() -> None:
    text = '{"a": 1, "a": 2}'
    with pytest.raises(Invalid) as refusal:
        json_positions.read(text)
    assert [error.pointer for error in refusal.value.errors] == ["/a"]
    assert json_positions.positions(text, ["/a"])["/a"].start == 9
