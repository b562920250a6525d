"""Photos and signatures: each byte that has a receipt, and no others."""

import hashlib
import sqlite3
from collections.abc import Iterator

from tests.crash.auditor import Look, check
from tests.crash.ledger import Picture

OF_NO_FILE = "SELECT file FROM chunks EXCEPT SELECT number FROM files"
OF_NOTHING = (
    "SELECT number FROM files WHERE is_whole EXCEPT SELECT original FROM photos EXCEPT SELECT derived FROM photos "
    "EXCEPT SELECT thumbnail FROM photos EXCEPT SELECT file FROM signatures EXCEPT SELECT logo FROM organizations "
    "EXCEPT SELECT file FROM pictures EXCEPT SELECT thumbnail FROM pictures"
)
TOO_SHORT = (
    "SELECT number FROM files WHERE is_whole AND removed_at IS NULL "
    "AND bytes != (SELECT coalesce(sum(length(bytes)), 0) FROM chunks WHERE file = files.number)"
)
UNFINISHED = "SELECT number FROM files WHERE NOT is_whole AND created_at > 0"  # 0: erased, and soon gone


@check
def no_file_is_half_there(look: Look) -> Iterator[str]:
    for what, query in (("chunks of no file", OF_NO_FILE), ("files of nothing", OF_NOTHING)):
        if found := look.rows(query):
            yield f"{what}: {[row[0] for row in found]}"
    if look.is_end:
        for what, query in (("unfinished", UNFINISHED), ("not all of its bytes", TOO_SHORT)):
            if found := look.rows(query):
                yield f"{what}: {[row[0] for row in found]}"


@check
def pictures_are_those_that_were_sent(look: Look) -> Iterator[str]:
    found = {
        (row["run_id"], row["photo_id"]): row
        for row in look.of_runs(
            "SELECT run_id, photo_id, original AS file, sha256 FROM photos JOIN files ON files.number = original "
            "WHERE run_id IN run_ids"
        )
    }
    signed = {
        (row["run_id"], row["sha256"]): row
        for row in look.of_runs(
            "SELECT run_id, file, sha256 FROM signatures JOIN files ON files.number = file WHERE run_id IN run_ids"
        )
    }
    for run_id, run in look.runs.items():
        for picture in run.pictures:
            if picture.photo_id:
                row = found.pop((run_id, picture.photo_id), None)
                yield from _photo(look, run_id, picture, row)
            else:  # a signature that no answer stands on gives way to newer ones
                row = signed.pop((run_id, picture.sha256), None)
            if row is not None:
                yield from _bytes(look, run_id, picture, row)
    for place in {*found, *signed}:
        yield f"nobody sent {place}"


def _photo(look: Look, run_id: str, picture: Picture, row: sqlite3.Row | None) -> Iterator[str]:
    deleted = picture.deleted
    if row is None and picture.put.is_told and not (deleted and deleted.may_be_done):
        yield f"{run_id} {picture.photo_id} has a receipt and is lost"
    if row is not None and deleted and deleted.is_told:
        yield f"{run_id} {picture.photo_id} was deleted and is there"


def _bytes(look: Look, run_id: str, picture: Picture, row: sqlite3.Row) -> Iterator[str]:
    if not picture.put.may_be_done:
        yield f"{run_id} {picture.photo_id}: refused, and kept"
    digest = hashlib.sha256()
    for chunk in look.rows("SELECT bytes FROM chunks WHERE file = ? ORDER BY part", row["file"]):
        digest.update(chunk["bytes"])
    if not digest.hexdigest() == row["sha256"] == picture.sha256:
        yield f"{run_id} {picture.photo_id}: {picture.sha256} was sent, and kept is {digest.hexdigest()}"


@check
def signatures_in_force_are_there(look: Look) -> Iterator[str]:
    sent = {picture.sha256: picture for run in look.runs.values() for picture in run.pictures if not picture.photo_id}
    for row in look.of_runs(
        "SELECT answers.run_id, sha256 FROM answers JOIN signatures ON signatures.number = answers.signature "
        "JOIN files ON files.number = file WHERE answers.run_id IN run_ids AND is_current"
    ):
        if row["sha256"] not in sent:
            yield f"{row['run_id']} is signed with {row['sha256']}, which nobody sent"
    for row in look.of_runs(
        "SELECT id, status, signature FROM runs WHERE id IN run_ids AND status = 'completed' AND signature IS NULL"
    ):
        if look.runs[row["id"]].dispatch.template.facts["is_signed"]:
            yield f"{row['id']} is completed and not signed"
