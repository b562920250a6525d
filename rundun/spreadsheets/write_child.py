"""The process that writes one spreadsheet: rows as lines of JSON from standard input, XLSX to standard output."""

import json
import resource
import sys
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from rundun.subprocess_environment import set_limits

LIMITS = {  # address space in bytes, processor time in seconds
    resource.RLIMIT_AS: 512 * 1024 * 1024,
    resource.RLIMIT_CPU: 1800,
    resource.RLIMIT_CORE: 0,
}
MAX_TEXT = 32_767  # characters of a cell; xlsxwriter leaves a longer text out
MAX_LINKS = 65_000  # of a sheet, below Excel's own limit; further ones are numbers alone


def main() -> None:
    """Write a spreadsheet within limits of memory and time, with its rows in the folder that the command line names."""
    set_limits(LIMITS)
    options = {"constant_memory": True, "tmpdir": sys.argv[1], "remove_timezone": True}
    with Workbook(sys.stdout.buffer, options) as book:
        sheet, links = book.add_worksheet(), 0
        formats = {
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            "link": book.get_default_url_format(),
        }
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 16_383, 16)  # letters wide, enough for a time
        for row, line in enumerate(sys.stdin.buffer):
            for column, value in enumerate(json.loads(line)):
                links += _write(sheet, row, column, value, formats, bold if row == 0 else None, links < MAX_LINKS)


def _write(sheet: Worksheet, row: int, column: int, value: Any, formats: Any, bold: Any, has_links: bool) -> bool:
    """Write a cell, never as a formula; return True for a link."""
    match value:
        case None | "":
            return False
        case str():
            text = value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
            sheet.write_string(row, column, text, bold)
        case ["date", day]:
            sheet.write_datetime(row, column, date.fromisoformat(day), formats["date"])
        case ["time", moment]:
            sheet.write_datetime(row, column, datetime.fromisoformat(moment), formats["time"])
        case ["link", count, url]:
            if has_links:
                sheet.write_url(row, column, url)
            sheet.write_number(row, column, count, formats["link"] if has_links else None)
            return has_links
        case _:
            sheet.write_number(row, column, value)
    return False


if __name__ == "__main__":
    main()
