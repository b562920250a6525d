"""Cells of CSV files (RFC 4180) that no spreadsheet evaluates as formulas."""

import re
from collections.abc import Iterable
from datetime import datetime

# Characters that a spreadsheet skips at the beginning of a cell: white space (except tabs and line ends, which may
# separate cells), controls, invisible characters, and quotation marks, which may look like those around the cell.
_SKIPPED = (
    r'"\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000'
    r"\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f"
)
# A spreadsheet may see a formula (its signs also in full width) at the beginning of a text, and after each separator
# except the comma: a comma is inside the quotation marks of its cell, other separators may split the cell.
_SIGN = r"[=+\-@＝＋－＠]"
_FORMULA = re.compile(rf"^(?=[\t\r\n]|[{_SKIPPED}]*{_SIGN})|([;\t\r\n][{_SKIPPED}]*)(?={_SIGN})")
# In a file with semicolons or tabs, a spreadsheet that splits at commas sees no quotation marks where cells begin.
_FORMULA_BESIDE_COMMAS = re.compile(_FORMULA.pattern.replace("([;", "([,;"))
_APOSTROPHE = re.compile(rf"^'(?=[\t\r\n]|[{_SKIPPED}]*{_SIGN})|([;\t\r\n][{_SKIPPED}]*)'(?={_SIGN})")


def safe_cell(value: object, separator: str = ",", decimal: str = ".") -> str:
    """Return a value as the text of a cell, "" for None; a text with an apostrophe before each sign that a spreadsheet
    could take for the start of a formula: at the beginning, or after a semicolon, tab or line end, where spreadsheets
    of other languages split cells. A comma splits none, as it stands in quotation marks, unless the `separator` of the
    file is another. Numbers have the mark `decimal`; days and times are as in ISO 8601,
    a time without zone to the minute and as spreadsheets read it.
    """
    match value:
        case None:
            return ""
        case str():
            pattern = _FORMULA if separator == "," else _FORMULA_BESIDE_COMMAS
            return pattern.sub(r"\1'", value)
        case datetime():
            return value.isoformat(timespec="seconds") if value.tzinfo else value.isoformat(" ", "minutes")
        case float():
            return str(value).replace(".", decimal)
    return str(value)


def plain_text(cell: str) -> str:
    """Return the text of a cell without apostrophes where `safe_cell` adds them, even if a person typed them."""
    return _APOSTROPHE.sub(r"\1", cell)


def csv_lines(rows: Iterable[Iterable[object]], separator: str = ",", decimal: str = ".") -> str:
    """Return rows as lines of CSV (RFC 4180), each value as a `safe_cell`."""
    # Not by `csv.writer`: of a row of 10 MB it holds the interpreter for 140 ms.
    return "".join([_line([safe_cell(value, separator, decimal) for value in row], separator) for row in rows])


def _line(cells: Iterable[str], separator: str) -> str:
    """Return a line of CSV; an empty one would be no row."""
    line = separator.join([_quoted(cell, separator) for cell in cells])
    return f"{line}\r\n" if line else '""\r\n'


def _quoted(cell: str, separator: str) -> str:
    if any(special in cell for special in (separator, '"', "\r", "\n")):
        return '"{}"'.format(cell.replace('"', '""'))
    return cell
