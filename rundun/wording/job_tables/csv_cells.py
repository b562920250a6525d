"""Values as cells of a table that a spreadsheet opens, of which it calculates none (RFC 4180)."""

import csv
import io
import re
from collections.abc import Iterable

# What a spreadsheet leaves out at the beginning of a cell: white space (but tabs and ends of lines, at which one may
# begin), controls, characters that can't be seen, and quotation marks, which it may take for those around the cell.
_SKIPPED = (
    r'"\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000'
    r"\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f"
)
# Where a spreadsheet may see a formula in a text (its signs also in Chinese and Japanese width): at the beginning, and
# behind each separator but the comma, at which a text stays in its quotation marks: elsewhere they stand in the middle.
_SIGN = r"[=+\-@＝＋－＠]"
_FORMULA = re.compile(rf"^(?=[\t\r\n]|[{_SKIPPED}]*{_SIGN})|([;\t\r\n][{_SKIPPED}]*)(?={_SIGN})")
_APOSTROPHE = re.compile(rf"^'(?=[\t\r\n]|[{_SKIPPED}]*{_SIGN})|([;\t\r\n][{_SKIPPED}]*)'(?={_SIGN})")


def safe_cell(value: object) -> str:
    """Return a value as a cell: what a spreadsheet would calculate in a text, whatever it takes for separators, gets an
    apostrophe in front.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    return _FORMULA.sub(r"\1'", value)


def plain_text(cell: str) -> str:
    """Return the text of a cell without the apostrophes that `safe_cell` puts into it."""
    return _APOSTROPHE.sub(r"\1", cell)


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Write rows as lines of CSV (RFC 4180), each value as a `safe_cell`."""
    text = io.StringIO()
    csv.writer(text).writerows(map(safe_cell, row) for row in rows)
    return text.getvalue()
