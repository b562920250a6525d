"""No text that anybody typed is calculated by a spreadsheet that opens a table of ours, whatever its separators."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as some

import rundun
from rundun.wording.job_tables import csv_cells

SEPARATORS = (",", ";", "\t")
FORMULA = "=+-@＝＋－＠"
PIECES = (*SEPARATORS, *FORMULA, *" \n\r\"'a|", *"\u00a0\u200b\u2060\ufeff\u00ad\u061c\u3000\u0085\x1f")
ANY = some.text(some.characters(exclude_categories=["Cs"]), max_size=12)
NASTY = some.lists(some.sampled_from(PIECES), max_size=8).map("".join)
TEXT = some.one_of(NASTY, some.tuples(ANY, NASTY, ANY).map("".join))


def is_skipped(character: str) -> bool:
    """White space, what can't be seen, and quotes, as a spreadsheet may leave them out at the beginning of a cell."""
    return character.isspace() or character == '"' or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def is_calculated(cell: str) -> bool:
    first = next((character for character in cell if not is_skipped(character)), "")
    return first != "" and first in FORMULA


def cells_of(table: str) -> Iterator[str]:
    """Every cell there may be, by each separator; where that is not our own, without quotes, too."""
    for separator in SEPARATORS:
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            if (separator, quoting) != (",", csv.QUOTE_NONE):
                lines = csv.reader(io.StringIO(table, newline=""), delimiter=separator, quoting=quoting)
                yield from (cell for line in lines for cell in line)


@given(TEXT)
@example(";=cmd|' /C calc'!A0;x")
@example("a; =1")
@example("x;\u00a0=1")
@example("x;\u200b=1")
@example('a,;"=1')
@example("a\n=1")
@example("\t=1")
@example("\u00ad=1")
@example(";" + "\x1f" * 4000)
def test_no_text_is_calculated(text: str) -> None:
    table = csv_cells.csv_lines([[text, "x", text], [text, text]])
    calculated = [cell for cell in cells_of(table) if is_calculated(cell)]
    assert calculated == []


@given(TEXT)
def test_every_text_can_be_read(text: str) -> None:
    ((cell,),) = csv.reader(io.StringIO(csv_cells.csv_lines([[text]]), newline=""))
    assert cell.replace("'", "") == text.replace("'", ""), "apostrophes are all that is put in"
    if not any(is_calculated(part) for part in re.split(r"[;\t\r\n]", text)) and text[:1] not in ("\t", "\r", "\n"):
        assert cell == text


@given(TEXT)
@example("Bring:\n- towels")
@example("Code 12; +34 600")
@example("\t=1")
def test_every_text_comes_back_in_a_table(text: str) -> None:
    plain = text.replace("'", "")
    assert csv_cells.plain_text(csv_cells.safe_cell(plain)) == plain


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@x", " =1", "\u200b=1", "＝1", "\tx", "\rx", "\nx"])
def test_no_cell_begins_a_formula(value: str) -> None:
    assert csv_cells.safe_cell(value) == f"'{value}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("Ed;=A1;+1\t@x; -1", "Ed;'=A1;'+1\t'@x; '-1"),
        (";=cmd|' /C calc'!A0;x", ";'=cmd|' /C calc'!A0;x"),
        ("Bring:\n- towels\n- soap", "Bring:\n'- towels\n'- soap"),
        ("\t=1", "'\t'=1"),
        ('a,;"=1', "a,;\"'=1"),
        ("a;\u00a0 =1", "a;\u00a0 '=1"),
    ],
)
def test_nor_does_what_another_country_takes_for_a_cell(value: str, cell: str) -> None:
    assert csv_cells.safe_cell(value) == cell


@pytest.mark.parametrize(
    "value", ["", "a=1", "1-1", "x@y", "(=1)", "’=1", "a; b, c", "Ed, +34 600", "Flat 1-2; ann@example.com"]
)
def test_plain_cells_stay_as_they_are(value: str) -> None:
    assert csv_cells.safe_cell(value) == value
    assert csv_cells.safe_cell(-1) == "-1"


def test_all_tables_are_written_in_one_place() -> None:
    modules = Path(rundun.__file__).parent.rglob("*.py")
    writers = [module.name for module in modules if re.search(r"csv\.(D|w)\w*riter\b", module.read_text("utf-8"))]
    assert writers == ["csv_cells.py"]
