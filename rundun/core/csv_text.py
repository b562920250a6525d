"""Tables as text: CSV files and clipboard texts of spreadsheets are read, tables for the clipboard write."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rundun.errors import Problem, WrongTable

MAX_ROWS = 1000  # below the heading
MAX_COLUMNS = 200
MAX_BYTES = 2 * 1024 * 1024  # of a file, and characters of its text
SEPARATORS = (",", ";", "\t", "|")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))  # byte order marks
_SAMPLE = 2000  # bytes in which UTF-16 without its mark is detected
_END = "\N{SYMBOL FOR END OF TEXT}\N{SYMBOL FOR END OF TEXT}"  # appended as a last line, see `_records`
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?\n', re.IGNORECASE)  # Excel's first line that names the separator


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the cells of the first line with text (`heading`), and those of each further such line, with their row
    numbers as a spreadsheet shows them. If there are too many rows, `rows` has one more than `MAX_ROWS`.
    """

    heading: Sequence[str]
    heading_row: int
    rows: Sequence[tuple[int, Sequence[str]]]


def decode(data: bytes) -> str:
    """Return the text, without a byte order mark, of a file in UTF-8 or UTF-16, else in Windows-1252 or Latin-1. Raises
    `invalid` for a file that has a byte order mark, or zero bytes like UTF-16, and is not valid.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding)
    sample = data[:_SAMPLE]
    zeros = sample[::2].count(0), sample[1::2].count(0)
    if max(zeros) > len(sample) / 4:  # Latin letters have a zero byte each
        return _decode(data, "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Problem("invalid", "The file begins as Unicode text, but is not valid Unicode.") from None


def read(text: str, score: Callable[[Sequence[str]], int]) -> Table:
    """Return the table in a text: its heading, and at most `MAX_ROWS` + 1 further lines with text, with their row
    numbers and with cells without surrounding white space. The separator is the one that a first line `sep=…` names,
    else the one with which the heading has the highest `score`, then the most cells. Raises `invalid` for a text
    without a table, for an unclosed quotation mark, for a far too long cell, and for too many columns.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    separators: Sequence[str] = SEPARATORS
    if said := _SEPARATOR_LINE.match(text):  # spreadsheets do not show this line
        separators, text = (said[1],), text[said.end() :]
    headings = {each: next(_lines(text, each), (1, []))[1][:MAX_COLUMNS] for each in separators}
    separator = max(separators, key=lambda each: (score(headings[each]), len(headings[each])))
    lines = _cut_columns(_lines(text, separator))
    heading_row, heading = next(lines, (1, []))
    if not heading:
        raise Problem("invalid", "There is no table: the first line has the names of the columns.")
    return Table(heading, heading_row, list(islice(lines, MAX_ROWS + 1)))


def _cut_columns(lines: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, cells) of each line, cut to `MAX_COLUMNS` cells; raise `invalid` if a cell beyond has text."""
    for number, cells in lines:
        if any(cells[MAX_COLUMNS:]):
            raise WrongTable("Row {row} has more than {most} columns.", row=number, most=MAX_COLUMNS)
        yield number, cells[:MAX_COLUMNS]


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number from 1, cells without surrounding white space) of each row with text. Rows without text count,
    too; a line break in quotation marks begins no row.
    """
    for number, record in enumerate(_records(text, separator), 1):
        cells = [cell.strip() for cell in record]
        if any(cells):
            yield number, cells


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """Yield the cells of each line, [] for an empty one; raise `invalid` for a cell that is far too long, and for an
    unclosed quote, which swallows the appended line.
    """
    records = csv.reader(_lines_with_end(text), delimiter=separator)
    number, is_whole = 0, False
    try:
        for record in records:
            number += 1
            is_whole = record == [_END]
            if not is_whole:
                if record and _END in record[-1]:
                    break
                yield record
    except csv.Error:
        raise WrongTable("Row {row} has a cell that is far too long.", row=number + 1) from None
    if not is_whole:
        raise WrongTable("In row {row} a quotation mark begins a cell, and no other one ends it.", row=number)


def _lines_with_end(text: str) -> Iterator[str]:
    for line in re.finditer(r"[^\n]*\n", text + "\n"):  # one by one: a list of a million lines takes 60 MB
        yield line[0]
    yield _END


def write(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as text for the clipboard: tabs between cells, line feeds between rows; cells with tabs, line breaks
    or quotation marks are quoted.
    """
    return "\n".join("\t".join(map(_quoted, row)) for row in rows)


def _quoted(cell: str) -> str:
    """Return a cell, in quotation marks if it has tabs, line breaks or quotation marks, which are doubled."""
    if not re.search(r'[\t\r\n"]', cell):
        return cell
    return '"{}"'.format(cell.replace('"', '""'))
