"""Runs as ZIP archives with record, report, original photos and signatures, for console, API and command line."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, ParamSpec, TypeVar

from pydantic_core import from_json, to_json

from rundun.actions.runs.runs import RunDetail
from rundun.actions.templates.templates import template_json
from rundun.core import times
from rundun.core.runs import record as run_json
from rundun.core.runs.job_json import exportable_fields
from rundun.core.urls import Urls
from rundun.errors import NotFound
from rundun.store import files
from rundun.store.files import CHUNK
from rundun.web.http.turns import LongWork, Reads
from rundun.wording.file_names import FileNames, file_names, slug

P = ParamSpec("P")
T = TypeVar("T")
Report = Callable[[RunDetail, FileNames], bytes]  # returns the HTML report of an archive
IN_MEMORY = 2 * 1024 * 1024  # bytes of one file of an archive; a larger one is buffered on disk


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file of an archive: its bytes, or the number of a stored file."""

    name: str
    content: bytes | int


class StreamingZipBuffer(io.RawIOBase):
    """A buffer between a ZIP's writer and its client, emptied after each file. An archive of any size thus needs the
    space of its largest file, on disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0
        self._buffer: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115

    def write(self, data: Any) -> int:
        """Append data; return the number of bytes written."""
        return self._buffer.write(data)

    def tell(self) -> int:
        """Return the position in the whole archive."""
        return self._taken + self._buffer.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to `offset` of the whole archive, in the file being written; return the position in the buffer."""
        assert whence == 0 and offset >= self._taken
        return self._buffer.seek(offset - self._taken)

    def seekable(self) -> bool:
        """Return True: `zipfile` completes a file's header after its content."""
        return True

    def take(self) -> IO[bytes]:
        """Return the bytes written since the last call, as a file open at its beginning, which the caller closes."""
        full, self._buffer = self._buffer, SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._taken += full.seek(0, io.SEEK_END)
        full.seek(0)
        return full

    def close(self) -> None:
        """Close and delete the buffered bytes."""
        self._buffer.close()
        super().close()


async def run_entries(work: LongWork, detail: RunDetail, links: Urls, report: Report) -> AsyncIterator[ArchiveEntry]:
    """Yield the files of a run's archive: run.json, report.html, original photos, of HEIC also a JPEG, signatures."""
    names = file_names(detail)
    yield ArchiveEntry("run.json", await work.run(record_json, detail, names, links))
    yield ArchiveEntry("report.html", await work.run(report, detail, names))
    for entry in picture_entries(names):
        yield entry


def archive_name(detail: RunDetail) -> str:
    """Return the file name of a run's archive, such as run-1a2b3c4d.zip, with the first 8 digits of the run's id."""
    return f"run-{detail.state.run.run_id[2:10]}.zip"


def report_name(detail: RunDetail, suffix: str) -> str:
    """Return the file name of a run's report, such as beach-house-3.html, of its title or the name of its checklist."""
    name = slug(detail.state.run.job.title or detail.state.version.template.name)
    return f"{'report' if name == 'step' else name}.{suffix}"  # of a title without Latin letters nothing is left


async def zip_pieces(reads: Reads, entries: AsyncIterator[ArchiveEntry], at: datetime) -> AsyncIterator[bytes]:
    """Yield a ZIP archive of `entries` in pieces, its files dated `at`. Stored files deleted meanwhile are left out."""
    buffer = StreamingZipBuffer()
    try:
        with zipfile.ZipFile(buffer, "w") as zip_file:
            async for entry in entries:
                head = _zip_info(entry.name, at)
                if isinstance(entry.content, bytes):
                    await _write_bytes(zip_file, head, entry.content)
                else:
                    await _write_file(reads, zip_file, head, entry.content)
                for data in _read_pieces(buffer):
                    yield data
        for data in _read_pieces(buffer):
            yield data
    finally:
        buffer.close()


async def _write_bytes(zip_file: zipfile.ZipFile, head: zipfile.ZipInfo, content: bytes) -> None:
    """Compress in pieces, between which the event loop goes on: in a thread, it could outlive a download that ends."""
    head.compress_type, head.file_size = zipfile.ZIP_DEFLATED, len(content)
    with zip_file.open(head, "w") as writing:
        for start in range(0, len(content), CHUNK // 4):
            writing.write(content[start : start + CHUNK // 4])
            await asyncio.sleep(0)


async def _write_file(reads: Reads, zip_file: zipfile.ZipFile, head: zipfile.ZipInfo, number: int) -> None:
    try:
        file = await reads.read(files.get, number)
    except NotFound:
        return
    head.file_size = file.bytes
    with zip_file.open(head, "w") as writing:
        for part in range(-(-file.bytes // CHUNK)):
            writing.write(await reads.read_heavy(CHUNK, files.get_chunk, number, part))


def _read_pieces(buffer: StreamingZipBuffer) -> Iterator[bytes]:
    with buffer.take() as full:
        while data := full.read(CHUNK // 4):
            yield data


def _zip_info(name: str, at: datetime) -> zipfile.ZipInfo:
    head = zipfile.ZipInfo(name, (max(1980, at.year), at.month, at.day, at.hour, at.minute, at.second))
    head.external_attr = 0o644 << 16
    return head


def record_json(detail: RunDetail, names: FileNames, links: Urls) -> bytes:
    """Return a run's record as the bytes of a JSON object, indented, with its template, the paths of its photos, and
    the replaced answers and remarks of `detail`: newest answer, oldest remark first. Secret fields are left out.
    """
    state = detail.state
    head = run_json.full_json(state.run, state.step_states, state.evidence, links, detail.now)
    fields = exportable_fields(state.run.job, state.version.template)
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
    noted: dict[str, list[Any]] = {}
    for step_id, remark in detail.remarks:
        if remark.is_empty or remark != state.evidence.remarks.get(step_id):
            noted.setdefault(step_id, []).append(run_json.remark_state_json(remark))
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
        "replaced_remarks": noted,
        "files": {"made_at": times.wire(detail.now), "photos": photos},
    }
    return to_json(record, indent=2)


def picture_entries(names: FileNames, folder: str = "") -> Iterator[ArchiveEntry]:
    """Yield the photos and signatures in `names` as stored files, below a `folder` that ends in a slash."""
    for number, name in names.paths.items():
        yield ArchiveEntry(folder + name, number)
