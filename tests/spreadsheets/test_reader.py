"""Spreadsheets in a process of their own: what their cells are as text, and what comes of hostile ones."""

import pytest

from rundun.core import csv_text
from rundun.errors import Problem
from rundun.spreadsheets import reader
from tests.helpers.console.languages import is_told_in_spanish
from tests.helpers.xlsx import number, rows, text, workbook

DAY = 46357.625  # 1 December 2026, 15:00, as spreadsheets count


async def refused(data: bytes) -> str:
    with pytest.raises(Problem) as refusal:
        await reader.read(data)
    assert is_told_in_spanish(refusal.value)
    return refusal.value.detail


async def test_cells_are_as_they_would_be_typed() -> None:
    cells = [
        *(text("A3", "Title"), text("B3", "0012"), number("C3", 12.0), number("D3", 12.5), number("E3", 34600123456)),
        *(number("F3", DAY, is_time=True), number("G3", int(DAY), is_time=True), number("H3", 0.1 + 0.2)),
        *('<c r="I3" t="b"><v>1</v></c>', text("J3", 'two\nlines "said"\t')),
        '<c r="K3" t="str"><f>IF(A1="","")</f><v></v></c><c r="L3"><f>1+1</f><v>2</v></c>',
    ]
    said = await reader.read(workbook(f'<row r="3">{"".join(cells)}</row><row r="5">{text("A5", "x")}</row>'))
    first, second, third, *others = said.split("\n", 2)
    assert (first, second, others) == ("", "", []), "rows keep their numbers"
    *plain, quoted, last = third.split("\t", 9)[:9], *third.split("\t", 9)[9].split('\t"\t')
    assert plain == [["Title", "0012", "12", "12.5", "34600123456", "2026-12-01 15:00", "2026-12-01", "0.3", "TRUE"]]
    assert quoted == '"two\nlines ""said""' and last == "\t2\n\nx"


async def test_every_minute_of_a_day_is_that_minute() -> None:
    cells = "".join(
        f'<row r="{minute + 1}">{number(f"A{minute + 1}", round(46357 + minute / 1440, 5), is_time=True)}</row>'
        for minute in range(1, 1000)
    )
    said = (await reader.read(workbook(cells))).split("\n")[1:]
    assert said == [f"2026-12-01 {minute // 60:02}:{minute % 60:02}" for minute in range(1, 1000)]


async def test_what_is_no_spreadsheet_is_text() -> None:
    assert await reader.read("Título;x\n".encode("cp1252")) == "Título;x\n"
    assert await reader.read(b"") == ""


FAR = f'<row r="1">{number("A1", 1)}</row><row r="1048576">{number("XFD1048576", 1)}</row>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (workbook(FAR), "can't be read"),
        (workbook(f'<row r="1">{text("A1", "a" * 270_000_000)}</row>'), "can't be read"),  # more than it may take
        (b"PK\x03\x04 and no more", "can't be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99, "can't be read"),
        (workbook("<row"), "can't be read"),
        (workbook('<row r="1"><c r="B1" t="e"><v>#N/A</v></c><c r="C1"><f>1</f></c></row>'), "not calculated: B1, C1."),
        (rows(*([["x"]] * 1002)), "more than 1,000 rows"),
        (workbook(f'<row r="1">{text("A1", "a" * 2_100_000)}</row>'), "2 MiB of text"),
        (b"x" * (csv_text.MAX_BYTES + 1), "more than 2 MiB"),
    ],
    ids=["far", "bomb", "cut", "old", "xml", "error", "rows", "text", "large"],
)
async def test_hostile_and_broken_files_end_only_their_own_process(data: bytes, why: str) -> None:
    assert len(data) <= csv_text.MAX_BYTES + 1
    assert why in await refused(data)
    assert await reader.read(rows(["a"])) == "a", "the next one is read"


async def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "TIMEOUT_SECONDS", 0)
    assert "can't be read" in await refused(rows(["a"]))
