"""/console/runs.csv and …/archive.zip: a filtered list of runs as a table, and a run with all its evidence."""

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from pydantic_core import from_json, to_json
from starlette.responses import Response, StreamingResponse

from rundun.actions import runs
from rundun.actions.runs import ListedRun, RunDetail
from rundun.core import run_json, times
from rundun.core.run import Run
from rundun.errors import NotFound
from rundun.store import files
from rundun.store.files import CHUNK
from rundun.store.pagination import PageRequest
from rundun.web.api.templates import template_json
from rundun.web.console.file_names import FileNames, file_names
from rundun.web.console.job_view import field_views, without_secrets
from rundun.web.console.run_page import page_values
from rundun.web.console.run_view import RunView
from rundun.web.console.runs import read_filter_form
from rundun.web.console.session import ConsoleCall

MAX_ROWS = 100_000
PAGE = 200  # runs read at once: the loop has others to serve
IN_MEMORY = 2 * 1024 * 1024  # bytes of one file of an archive; what is larger waits in a temporary file
# What makes a spreadsheet take a text for a formula, in Chinese and Japanese width, too.
_FORMULA = re.compile(
    "^[\\s\\x00-\\x1f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff]*[=+\\-@＝＋－＠]|^[\t\r\n]"
)
# Where the decimal mark is a comma, it takes a semicolon for the end of a cell.
_SPLIT = re.compile(r"(?<=.)([;\t])(?=[=+\-@＝＋－＠])")


def safe_cell(value: object) -> str:
    """Return a value as a cell: what a spreadsheet would calculate in a text gets an apostrophe in front."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    value = _SPLIT.sub(r"\1'", value)
    return f"'{value}" if _FORMULA.match(value) else value


async def table(call: ConsoleCall) -> Response:
    """GET /console/runs.csv: export the filtered list, at most 100,000 runs (RFC 4180, in UTF-8 with its mark)."""
    day = call.zone.today(call.now).isoformat()
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="runs-{day}.csv"'}
    return StreamingResponse(_lines(call), headers=headers, media_type="text/csv; charset=utf-8; header=present")


async def _lines(call: ConsoleCall) -> AsyncIterator[bytes]:
    yield ("\ufeff" + _csv([COLUMNS])).encode()
    run_filter, before, left = read_filter_form(call).filter, PageRequest().before, MAX_ROWS
    while left > 0:
        page = await call.read(runs.page, run_filter, PageRequest(min(PAGE, left), before))
        yield _csv([safe_cell(cell(call, row, row.run)) for cell in _CELLS.values()] for row in page.items).encode()
        if page.next_before is None:
            return
        before, left = page.next_before, left - len(page.items)


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _time(call: ConsoleCall, milliseconds: int | None) -> str | None:
    return None if milliseconds is None else call.zone.at(milliseconds).isoformat(timespec="seconds")


def _fields(row: ListedRun) -> str:
    """Return the values of the template's fields but secrets, as “label: value; label: value”."""
    views = [each for each in field_views(row.run.job, row.template) if not each.is_secret]
    return "; ".join(safe_cell(f"{each.field.label}: {each.value}") for each in views)


_CELLS: dict[str, Callable[[ConsoleCall, ListedRun, Run], object]] = {
    "run_id": lambda call, row, run: run.run_id,
    "status": lambda call, row, run: run.status,
    "late": lambda call, row, run: "yes" if run.is_late(call.now) else "no",
    "template": lambda call, row, run: row.template.name,
    "template_id": lambda call, row, run: run.template_id,
    "template_v": lambda call, row, run: run.template_v,
    "reference": lambda call, row, run: run.executor_ref,
    "created_at": lambda call, row, run: _time(call, run.created_at),
    "started_at": lambda call, row, run: _time(call, run.started_at),
    "closed_at": lambda call, row, run: _time(call, run.closed_at),
    "expires_at": lambda call, row, run: _time(call, run.expires_at),
    "executor": lambda call, row, run: run.identity.name or run.identity.email or run.identity.phone,
    "executor_id": lambda call, row, run: run.assigned_to,
    "steps": lambda call, row, run: run.progress["total"],
    "answered": lambda call, row, run: run.progress["answered"],
    "skipped": lambda call, row, run: run.progress["skipped"],
    "unable": lambda call, row, run: run.progress["unable"],
    "duration_seconds": lambda call, row, run: run.duration_seconds,
    "cancelled_by": lambda call, row, run: run.cancellation and run.cancellation.by,
    "cancel_reason": lambda call, row, run: run.cancellation and run.cancellation.reason,
    "link": lambda call, row, run: call.ctx.links.run(run.run_id),
    "title": lambda call, row, run: run.job.title,
    "due_at": lambda call, row, run: _time(call, run.job.due_at),
    "missed": lambda call, row, run: "yes" if run.is_missed else "no",
    "flagged": lambda call, row, run: run.flagged,
    "fields": lambda call, row, run: _fields(row),
    "clock_skew_seconds": lambda call, row, run: run.clock_skew_seconds,
    "remarks": lambda call, row, run: row.remarks,
}
COLUMNS = tuple(_CELLS)


# ---- one run with all its evidence


class StreamingZipBuffer(io.RawIOBase):
    """A buffer that a ZIP is written into and taken from file by file: of what was taken only the length is remembered,
    so that an archive of any size costs no more than its largest file, and that on disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0
        self._buffer: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115

    def write(self, data: Any) -> int:
        """Write behind what is there."""
        return self._buffer.write(data)

    def tell(self) -> int:
        """Return the position in the archive, with all that was taken."""
        return self._taken + self._buffer.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position of the archive, in the file that is being written."""
        assert whence == 0 and offset >= self._taken
        return self._buffer.seek(offset - self._taken)

    def seekable(self) -> bool:
        """Tell whether seeking works: in the file that is being written, whose head is completed at its end."""
        return True

    def take(self) -> IO[bytes]:
        """Return all that was written since the last call."""
        full, self._buffer = self._buffer, SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._taken += full.seek(0, io.SEEK_END)
        full.seek(0)
        return full

    def close(self) -> None:
        """Delete what was written."""
        self._buffer.close()
        super().close()


async def archive(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/archive.zip: export run.json, report.html, the original photos and the signatures."""
    detail = await call.read(runs.get_detail, call.path("run_id"))
    run = detail.state.run
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="run-{run.run_id[2:10]}.zip"'}
    return StreamingResponse(_archive(call, detail), headers=headers, media_type="application/zip")


async def _archive(call: ConsoleCall, detail: RunDetail) -> AsyncIterator[bytes]:
    names, buffer = file_names(detail), StreamingZipBuffer()
    at = call.zone.at(detail.now)
    try:
        with zipfile.ZipFile(buffer, "w") as zip_file:
            record, report = _json(call, detail, names), _report(call, detail, names)
            zip_file.writestr(_entry("run.json", at), record, zipfile.ZIP_DEFLATED)
            zip_file.writestr(_entry("report.html", at), report, zipfile.ZIP_DEFLATED)
            for data in _pieces(buffer):
                yield data
            for number, name in names.paths.items():
                try:
                    file = await call.ctx.database.read(files.get, number)
                except NotFound:  # the executor has deleted it meanwhile
                    continue
                entry = _entry(name, at)
                entry.file_size = file.bytes
                with zip_file.open(entry, "w") as writing:
                    for part in range(-(-file.bytes // CHUNK)):
                        writing.write(await call.ctx.database.read_heavy(CHUNK, files.get_chunk, number, part))
                for data in _pieces(buffer):
                    yield data
        for data in _pieces(buffer):
            yield data
    finally:
        buffer.close()


def _pieces(buffer: StreamingZipBuffer) -> Iterator[bytes]:
    with buffer.take() as full:
        while data := full.read(CHUNK // 4):
            yield data


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (max(1980, at.year), at.month, at.day, at.hour, at.minute, at.second))
    entry.external_attr = 0o644 << 16
    return entry


def _json(call: ConsoleCall, detail: RunDetail, names: FileNames) -> bytes:
    """Return the record as integrators read it, with the names of the files beside it, and the replaced answers."""
    state, links = detail.state, call.ctx.links
    head = run_json.full_json(state.run, state.step_states, state.evidence, links, detail.now)
    fields = without_secrets(state.run.job, state.version.template)
    replaced = {
        step_id: [
            {
                "value": answer.value,
                "skipped": answer.skipped,
                "unable": None if answer.unable is None else {"reason": answer.unable},
                "at": times.wire(answer.at),
                "answered_at": times.wire_or_none(answer.answered_at),
                "geo": answer.geo,
                "photos": answer.photos,
            }
            for answer in past
        ]
        for step_id, past in detail.replaced.items()
    }
    photos = {
        photo.photo_id: {"file": names.paths[photo.original], "sha256": photo.sha256, "step_id": step_id}
        for step_id, photos in (*state.evidence.photos.items(), *state.evidence.remark_photos.items())
        for photo in photos.values()
    }
    record = {
        **head,
        "fields": fields,
        "template": from_json(template_json(state.version)),
        "replaced_answers": replaced,
        "files": {"made_at": times.wire(detail.now), "photos": photos},
    }
    return to_json(record, indent=2)


def _report(call: ConsoleCall, detail: RunDetail, names: FileNames) -> bytes:
    """Render the run as a page that needs nothing but the photos and signatures beside it."""
    view = RunView(detail, call.language.say, call.zone, names.archive_path, detail.replaced)
    values = {**page_values(view), "deadline": None, "organization": call.organization}
    return bytes(call.render("run_report", **values).body)
