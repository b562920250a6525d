"""The process that reads one spreadsheet from standard input, and writes its text or a refusal as JSON. Its memory is
limited: a file of 1.4 KB with a cell in the last row and column makes the reader allocate 400 GB, and crash.
"""

import io
import json
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

from rundun.core.csv_text import MAX_BYTES, MAX_ROWS, write
from rundun.subprocess_environment import set_limits

MEMORY_BYTES = 256 * 1024 * 1024  # of address space; Python with the reader takes 20 MB
CPU_SECONDS = 5
_SHEET_BYTES = 64 * 1024 * 1024  # of a sheet's XML, searched for cells without a value
_ERROR = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]* t="e"')
_NOT_CALCULATED = re.compile(  # a formula without a value; one with an empty text as its value has t="str"
    rb'<c r="([A-Z]{1,3}[0-9]{1,7})"(?![^>]* t="str")[^>]*>\s*'
    rb"<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)


class _RefusalError(Exception):
    """Raised for a spreadsheet that is not read; the text is a word that the service knows."""


def main() -> None:
    """Read a spreadsheet within limits of memory and time, which apply to this process alone."""
    set_limits({resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_CORE: 0, resource.RLIMIT_AS: MEMORY_BYTES})
    data = sys.stdin.buffer.read()
    try:
        answer = {"text": _read_text(data)}
    except _RefusalError as refusal:
        answer = {"refusal": str(refusal)}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def _read_text(data: bytes) -> str:
    import python_calamine  # after the limits are set

    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = workbook.get_sheet_by_index(0)
    except python_calamine.PasswordError:
        raise _RefusalError("password") from None
    if empty := _cells_without_value(data, workbook.sheet_names[0]):
        raise _RefusalError(f"no_value {' '.join(empty)}")
    rows: list[list[str]] = []
    count = size = 0
    for row in sheet.iter_rows() if sheet.start is not None else ():
        cells = [_cell_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        rows.append(cells)
        count += bool(cells)
        size += sum(map(len, cells)) + 1
        if count > MAX_ROWS + 1:
            raise _RefusalError("rows")
        if size > MAX_BYTES:
            raise _RefusalError("large")
    return write(rows)


def _cell_text(cell: Any) -> str:
    """Return a cell as a person would type it: 5 without a point, 2026-01-31 09:00, 26:30 for a duration, TRUE."""
    match cell:
        case bool():
            return str(cell).upper()
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else format(cell, ".15g")
        case datetime():
            # Stored as days with a fraction, 11:20 may come out a little less.
            return (cell + timedelta(seconds=0.5)).isoformat(" ", "minutes")
        case date():
            return cell.isoformat()
        case time():
            return cell.isoformat("minutes")
        case timedelta():
            return f"{int(cell.total_seconds()) // 3600}:{int(cell.total_seconds()) // 60 % 60:02}"
    return str(cell)


def _cells_without_value(data: bytes, name: str) -> list[str]:
    """List at most ten cells of the first sheet, such as B7, that show an error or a formula without its result: the
    reader takes these for empty cells. Empty for a file that is no usual XLSX.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = archive.read("xl/workbook.xml").decode()
            relations = archive.read("xl/_rels/workbook.xml.rels").decode()
            sheet = re.search(r"<(?:\w+:)?sheet [^>]*?r:id=\"([^\"]+)\"", book)
            if not sheet:
                return []
            (relation,) = re.findall(rf'<Relationship [^>]*\bId="{re.escape(sheet[1])}"[^>]*>', relations)
            (target,) = re.findall(r'Target="/?(?:xl/)?([^"]+)"', relation)
            with archive.open(f"xl/{target}") as part:
                cells = part.read(_SHEET_BYTES)
    except (KeyError, ValueError, zipfile.BadZipFile, NotImplementedError, OSError):
        return []  # another format, or another way of writing it
    return [cell.decode() for each in (_ERROR, _NOT_CALCULATED) for cell in each.findall(cells)][:10]


if __name__ == "__main__":
    main()
