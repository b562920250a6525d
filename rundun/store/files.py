"""Stored files in chunks of 1 MiB, and the rows of photos and signatures that refer to them."""

import io
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, NamedTuple

from pydantic_core import from_json, to_json

from rundun.core.json_types.base import PositionJson
from rundun.core.picture import NO_EXIF, Exif, TimeSource
from rundun.core.runs.evidence import Photo, Signature
from rundun.core.runs.run import Run
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, stored or to be stored; `bytes` is its size, `sha256` in hex."""

    number: int
    content_type: str
    bytes: int
    sha256: str


class Piece(NamedTuple):
    """The `part`th MiB of a file, to be stored."""

    file: StoredFile
    part: int
    data: bytes


def get(tx: Tx, number: int) -> StoredFile:
    """Return a complete file's number, type, size and SHA-256; raises NotFound, also where its bytes were removed."""
    query = "SELECT number, content_type, bytes, sha256 FROM files WHERE number = ? AND is_whole AND removed_at IS NULL"
    return StoredFile(*tx.get_row("file", query, number))


def get_chunk(tx: Tx, number: int, part: int) -> bytes:
    """Return the bytes of a file's MiB number `part`, counted from 0; raises NotFound."""
    return bytes(tx.get_row("file", "SELECT bytes FROM chunks WHERE file = ? AND part = ?", number, part)["bytes"])


def read_all(tx: Tx, number: int) -> bytes:
    """Return all bytes of a complete file; b"" where there is none, also where its bytes were removed."""
    rows = tx.db.execute(
        "SELECT c.bytes FROM files JOIN chunks AS c ON file = number"
        " WHERE number = ? AND is_whole AND removed_at IS NULL ORDER BY part",
        (number,),
    )
    return b"".join(row["bytes"] for row in rows.fetchall())


def count_bytes(tx: Tx, numbers: Sequence[int]) -> int:
    """Return the sizes of files together, each counted as often as it is named, in bytes."""
    sql = "SELECT coalesce(sum(bytes), 0) AS bytes FROM json_each(?) JOIN files ON number = value"
    return int(tx.db.execute(sql, (json.dumps([*numbers]),)).fetchone()["bytes"])


def new_number() -> int:
    """Return a random number for a new file. It is part of the file's URL, where a counter would tell how many files
    there are. Two of 2^62 are as unlikely to be equal as two UUIDs. Files that belong together may take the numbers
    after it, and are then stored side by side.
    """
    return 1 + secrets.randbits(62)


def split_pieces(file: StoredFile, opened: IO[bytes]) -> Iterator[Piece]:
    """Yield the pieces of a file, of a MiB each and numbered from 0; its bytes are read from `opened`."""
    for part, data in enumerate(iter(partial(opened.read, CHUNK), b"")):
        yield Piece(file, part, data)


def add_pieces(tx: Tx, pieces: Iterable[Piece]) -> None:
    """Store pieces, and with a file's first piece its row, which is not read before `mark_complete`."""
    for file, part, data in pieces:
        if part == 0:
            tx.insert(
                "files",
                number=file.number,
                content_type=file.content_type,
                bytes=file.bytes,
                sha256=file.sha256,
                is_whole=False,
                created_at=tx.now,
            )
        tx.insert("chunks", file=file.number, part=part, bytes=data)


def mark_complete(tx: Tx, numbers: Iterable[int]) -> None:
    """Mark files as complete, so that they can be read."""
    tx.db.executemany("UPDATE files SET is_whole = 1 WHERE number = ?", [(number,) for number in numbers])


def add_small(tx: Tx, content_type: str, data: bytes, sha256: str, number: int = 0) -> int:
    """Store a complete file of at most a few MiB, under `number` or a new one, and return its number."""
    file = StoredFile(number or new_number(), content_type, len(data), sha256)
    add_pieces(tx, split_pieces(file, io.BytesIO(data)))
    mark_complete(tx, [file.number])
    return file.number


def remove(tx: Tx, number: int) -> None:
    """Delete a file and its bytes."""
    tx.db.execute("DELETE FROM chunks WHERE file = ?", (number,))
    tx.db.execute("DELETE FROM files WHERE number = ?", (number,))


def mark_erased(tx: Tx, numbers: Iterable[int]) -> None:
    """Mark files as erased: they can't be read from now on, and their bytes are deleted piece by piece. They are stored
    as incomplete uploads from the beginning of time.
    """
    tx.db.executemany("UPDATE files SET is_whole = 0, created_at = 0 WHERE number = ?", [(each,) for each in numbers])


def find_erased(tx: Tx) -> int | None:
    """Find the number of a file that is marked as erased and not yet deleted; None without one."""
    row = tx.db.execute("SELECT number FROM files WHERE NOT is_whole AND created_at = 0 LIMIT 1").fetchone()
    return None if row is None else int(row["number"])


def remove_parts(tx: Tx, number: int, limit: int) -> bool:
    """Delete at most `limit` MiB of a file, with the last one the file itself; return whether more is left."""
    last = "SELECT part FROM chunks WHERE file = :file ORDER BY part DESC LIMIT :limit"
    tx.db.execute(f"DELETE FROM chunks WHERE file = :file AND part IN ({last})", {"file": number, "limit": limit})  # noqa: S608
    if tx.number("SELECT EXISTS (SELECT 1 FROM chunks WHERE file = ?)", number):
        return True
    remove(tx, number)
    return False


def list_unfinished(tx: Tx, before: int | None = None) -> list[int]:
    """List the numbers of files that are neither complete nor erased, of those begun before `before`, in milliseconds,
    or of all for None.
    """
    query = (
        "SELECT number FROM files WHERE NOT is_whole AND created_at > 0 AND created_at < coalesce(?, created_at + 1)"
    )
    return [row["number"] for row in tx.db.execute(query, (before,)).fetchall()]


def remove_unfinished(tx: Tx, numbers: Iterable[int]) -> None:
    """Delete those of the files that are incomplete, with their bytes. A complete one belongs to a photo and stays: the
    client may have gone away while the last pieces were stored.
    """
    for number in numbers:
        if tx.number("SELECT EXISTS (SELECT 1 FROM files WHERE number = ? AND NOT is_whole)", number):
            remove(tx, number)


_PHOTOS = (  # in the order of Photo's fields
    "SELECT photo_id, step_id, original, derived, thumbnail, content_type, bytes, sha256, width, height, source, "
    "taken_at, taken_at_from, annotated_from, received_at, geo, is_remark, slot, removed_at "
    "FROM photos JOIN files ON files.number = photos.original "
)


def _photo(row: sqlite3.Row) -> Photo:
    *plain, geo, is_remark, slot, removed_at = row
    fields: list[Any] = [*plain, geo and from_json(geo), bool(is_remark), slot, removed_at]
    return Photo(*fields)


PhotosByStep = dict[str, dict[str, Photo]]  # by step and id, in order of arrival


def list_photos(tx: Tx, run_id: str) -> tuple[PhotosByStep, PhotosByStep, PhotosByStep]:
    """Return a run's photos as three dicts, each {step id: {photo id: photo}} in order of arrival: those of answers,
    those of remarks, and, in the third alone, those of both whose bytes retention has deleted.
    """
    of_answers: PhotosByStep = {}
    of_remarks: PhotosByStep = {}
    removed: PhotosByStep = {}
    for row in tx.db.execute(_PHOTOS + "WHERE run_id = ? ORDER BY photos.number", (run_id,)).fetchall():
        photo = _photo(row)
        by_step = of_remarks if photo.is_remark else of_answers
        if photo.removed_at is not None:
            by_step = removed
        by_step.setdefault(photo.step_id, {})[photo.photo_id] = photo
    return of_answers, of_remarks, removed


def list_signatures(tx: Tx, run_id: str) -> dict[int, Signature]:
    """Return all signatures of a run by number, in order of arrival."""
    rows = tx.db.execute(
        "SELECT signatures.number, step_id, file, typed_name, bytes, sha256, received_at FROM signatures "
        "JOIN files ON files.number = signatures.file WHERE run_id = ? ORDER BY signatures.number",
        (run_id,),
    ).fetchall()
    return {row[0]: Signature(*row) for row in rows}


def find_photo(tx: Tx, run_id: str, step_id: str, photo_id: str) -> Photo | None:
    """Find a photo of a step's answer or remark by its id, also one whose bytes were deleted; None without one."""
    row = tx.db.execute(
        _PHOTOS + "WHERE run_id = ? AND step_id = ? AND photo_id = ?", (run_id, step_id, photo_id)
    ).fetchone()
    return None if row is None else _photo(row)


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """The phone's statements about a photo: its source, time and the origin of that time, position, slot, and the photo
    that it was drawn on. `exif` has the original's values for those that the phone does not state.
    """

    source: str | None = None
    taken_at: int | None = None
    taken_at_from: TimeSource | None = None
    geo: PositionJson | None = None
    slot: str | None = None
    annotated_from: str | None = None
    exif: Exif = NO_EXIF


@dataclass(frozen=True, slots=True)
class PhotoFiles:
    """The files of a photo, and the size of the derived picture in pixels; `derived` is `original` where that is shown
    as it is.
    """

    original: StoredFile
    derived: StoredFile
    thumbnail: StoredFile
    width: int
    height: int

    @property
    def numbers(self) -> set[int]:
        """Return the numbers of the photo's files."""
        return {self.original.number, self.derived.number, self.thumbnail.number}


def add_photo(
    tx: Tx,
    run: Run,
    step_id: str,
    photo_id: str,
    files: PhotoFiles,
    metadata: PhotoMetadata,
    received_at: int,
    *,
    is_remark: bool,
) -> None:
    """Store the row of a photo whose files are complete, and count its bytes."""
    geo = metadata.geo and to_json(metadata.geo).decode()
    tx.insert(
        "photos",
        run_id=run.run_id,
        step_id=step_id,
        photo_id=photo_id,
        original=files.original.number,
        derived=files.derived.number,
        thumbnail=files.thumbnail.number,
        width=files.width,
        height=files.height,
        source=metadata.source,
        taken_at=metadata.taken_at,
        taken_at_from=metadata.taken_at_from,
        annotated_from=metadata.annotated_from,
        geo=geo,
        slot=metadata.slot,
        received_at=received_at,
        is_remark=is_remark,
    )
    stored = sum(file.bytes for file in {files.original, files.derived, files.thumbnail})
    tx.grow(run.org_id, quotas.PHOTO + stored + len(geo or ""))


def remove_photo(tx: Tx, run_id: str, photo: Photo) -> None:
    """Delete a photo's row and files."""
    tx.db.execute(
        "DELETE FROM photos WHERE run_id = ? AND step_id = ? AND photo_id = ?", (run_id, photo.step_id, photo.photo_id)
    )
    for number in {photo.original, photo.derived, photo.thumbnail}:
        remove(tx, number)


def add_signature(
    tx: Tx, run: Run, step_id: str, file: int, typed_name: str | None, size: int, received_at: int
) -> int:
    """Store a signature with a file of `size` bytes; return the signature's number. Earlier ones of the step stay."""
    tx.grow(run.org_id, quotas.SIGNATURE + size + len((typed_name or "").encode()))
    values = {"step_id": step_id, "file": file, "typed_name": typed_name, "received_at": received_at}
    return tx.insert("signatures", run_id=run.run_id, **values)


def remove_signature(tx: Tx, signature: Signature) -> None:
    """Delete a signature's row and file."""
    tx.db.execute("DELETE FROM signatures WHERE number = ?", (signature.number,))
    remove(tx, signature.file)


def find_latest_signature(tx: Tx, run_id: str, step_id: str) -> int | None:
    """Find the number of a step's newest signature; None without one."""
    query = "SELECT max(number) FROM signatures WHERE run_id = ? AND step_id = ?"
    number: int | None = tx.db.execute(query, (run_id, step_id)).fetchone()[0]
    return number
