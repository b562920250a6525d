"""Tables as text, whatever has saved them."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from rundun.core import csv_text
from rundun.errors import Problem
from tests.helpers.console.languages import is_told_in_spanish

KNOWN = ("title", "due", "note")
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff"), max_size=20)
LINES = st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=6)


def score(heading: Sequence[str]) -> int:
    return sum(name.casefold() in KNOWN for name in heading)


def lines_of(text: str) -> list[tuple[int, list[str]]]:
    table = csv_text.read(text, score)
    return [(table.heading_row, list(table.heading)), *((number, list(cells)) for number, cells in table.rows)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", csv_text.SEPARATORS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_separator_and_end_of_line_is_told(encoding: str, separator: str, end: str) -> None:
    text = end.join(["Title|Due|Ünit", '"Flat; 1, ""A"""|2|Málaga', "", "||", 'x|"two', 'lines"|z']).replace(
        "|", separator
    )
    assert lines_of(csv_text.decode(text.encode(encoding))) == [
        (1, ["Title", "Due", "Ünit"]),
        (2, ['Flat; 1, "A"', "2", "Málaga"]),
        (5, ["x", "two\nlines", "z"]),
    ]


def test_columns_that_are_known_tell_the_separator() -> None:
    assert lines_of("Title;a,b,c,d\nx;1,5")[0] == (1, ["Title", "a,b,c,d"])
    assert lines_of("sep=|\nTitle|a;b;c\n") == [(1, ["Title", "a;b;c"])]
    assert lines_of("\n\n Title \nx") == [(3, ["Title"]), (4, ["x"])]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no table"),
        ("\n \n", "no table"),
        ('Title\n"a\nb', "In row 2 a quotation mark"),
        ('Title\n"' + "x" * 140_000, "too long"),
        ("Title" + ",x" * 200, "Row 1 has more than 200 columns"),
        ("Title\n\nx" + "," * 300 + "y", "Row 3 has more than 200 columns"),
    ],
)
def test_what_is_no_table_says_why(text: str, why: str) -> None:
    with pytest.raises(Problem) as refusal:
        csv_text.read(text, score)
    assert why in refusal.value.detail and is_told_in_spanish(refusal.value)


def test_empty_cells_are_no_columns() -> None:
    (_, heading), (_, cells) = lines_of("Title" + "\tx" * 199 + "\nx" + "\t" * 16_000)
    assert (len(heading), cells[0], any(cells[1:])) == (200, "x", False)


def test_of_a_million_rows_those_are_read_that_tell_it_is_too_many() -> None:
    text = "Title\n" + "ab\n" * 700_000
    tracemalloc.start()
    try:
        rows = csv_text.read(text, score).rows
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(rows), rows[-1][0]) == (csv_text.MAX_ROWS + 1, csv_text.MAX_ROWS + 2)
    assert most < 8 * len(text), "what the text takes, and its copies"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    try:
        lines_of(csv_text.decode(data))
    except Problem as problem:
        assert problem.code == "invalid"


@given(LINES)
def test_what_is_written_is_read_again(lines: list[list[str]]) -> None:
    said = [(number, [cell.strip() for cell in line]) for number, line in enumerate(lines, 1)]
    said = [(number, line) for number, line in said if any(line)]
    text = csv_text.write([["title", "x"], *lines])
    assert lines_of(text)[1:] == [(number + 1, line) for number, line in said]
