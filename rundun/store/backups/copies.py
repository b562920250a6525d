"""Copies of the database with older states: backups in their folder; and beside the file the snapshot that precedes
each upgrade, and the database that a restore has replaced.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rundun.core import times

KEPT_MS = 30 * times.DAY  # after which snapshots and replaced databases are deleted
BEFORE_RESTORE = ".before-restore-"  # and a stamp: the end of the name of a replaced database
_STAMP = r"\d{4}-\d{2}-\d{2}T\d{6}Z"
# Includes files that SQLite may have left beside such a file.
_BESIDE = re.compile(rf"\.schema-\d+|{re.escape(BEFORE_RESTORE)}({_STAMP})(?:-wal|-shm|-journal)?")

# Files that a killed restore or upgrade has left, which may be complete databases.
_UNFINISHED = re.compile(r"(?:\.restore|\.schema-\d+)\.part(?:-wal|-shm|-journal)?")

CopyKind = Literal["backup", "snapshot", "before_restore"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: its file, its bytes, and its time in milliseconds: of a backup the time in its name, of a snapshot that
    of its last change, of a replaced database that of the restore.
    """

    path: Path
    kind: CopyKind
    bytes: int
    at: int


def stamp(at: int) -> str:
    """Return a time, in milliseconds, in the form that names of copies have, such as `2026-11-26T161700Z`."""
    return times.wire(at)[:19].replace(":", "") + "Z"


def _from_stamp(text: str) -> int | None:
    return times.parse(f"{text[:13]}:{text[13:15]}:{text[15:]}")


def backup_path(folder: Path, database: Path, at: int) -> Path:
    """Return the path of the scheduled backup of `database` at `at`, in milliseconds."""
    return folder / f"{database.resolve().stem}-{stamp(at)}.db"


def list_backups(database: Path, folder: Path) -> list[Copy]:
    """List the scheduled backups of `database` in `folder`, recognised by their names, without empty files, the oldest
    first. Raises OSError where the folder can't be read.
    """
    named = re.compile(rf"{re.escape(database.resolve().stem)}-({_STAMP})\.db")
    found = [
        Copy(path, "backup", size, at)
        for path, size, _ in _files(folder)
        if (match := named.fullmatch(path.name)) and size and (at := _from_stamp(match[1])) is not None
    ]
    return sorted(found, key=lambda copy: copy.at)


def list_beside(database: Path) -> list[Copy]:
    """List the snapshots of upgrades and the replaced databases beside the file, each file that SQLite left beside a
    replaced one as well, the oldest first. Raises OSError.
    """
    real, found = database.resolve(), []
    for path, size, changed_at in _files(real.parent):
        name = path.name.removeprefix(real.name)
        if path.name.startswith(real.name) and (match := _BESIDE.fullmatch(name)):
            # A renamed file keeps the time of its last change, which may be long before the restore.
            replaced_at = (match[1] and _from_stamp(match[1])) or 0
            kind: CopyKind = "before_restore" if match[1] else "snapshot"
            found.append(Copy(path, kind, size, max(changed_at, replaced_at)))
    return sorted(found, key=lambda copy: copy.at)


def remove_unfinished(database: Path) -> None:
    """Delete the files that killed restores and upgrades have left. The caller has the `Lock`, so none is under way."""
    real = database.resolve()
    for path, _, _ in _files(real.parent):
        if path.name.startswith(real.name) and _UNFINISHED.fullmatch(path.name.removeprefix(real.name)):
            path.unlink(missing_ok=True)


def _under_way(database: Path, folder: Path) -> list[Copy]:
    """List the backups under way, and those that a killed process has left, in any order, as copies with the paths
    they were to get, their bytes so far, and the times of their begin. Raises OSError where the folder can't be read.
    """
    named = re.compile(rf"({re.escape(database.resolve().stem)}-({_STAMP})\.db)\.[0-9a-f]{{8}}\.rundun-part")
    return [
        Copy(folder / match[1], "backup", size, at)
        for path, size, _ in _files(folder)
        if (match := named.fullmatch(path.name)) and (at := _from_stamp(match[2])) is not None
    ]


def list_all(database: Path, folder: Path | None) -> list[Copy]:
    """List the scheduled backups, also those under way, the snapshots and the replaced databases, the oldest first.
    `folder` is the folder of backups, None without one; a folder of backups that can't be read counts as empty.
    """
    found = list_beside(database)
    if folder is not None:
        try:
            under_way = _under_way(database, folder)  # first: a backup finished meanwhile is in both lists
            made = list_backups(database, folder)
            paths = {copy.path for copy in made}
            found += made + [copy for copy in under_way if copy.path not in paths]
        except OSError:
            pass
    return sorted(found, key=lambda copy: copy.at)


def find_last_good(found: Sequence[Copy], now: int) -> Copy | None:
    """Find the newest of these backups that is not from after `now`, when the clock was ahead; None without one."""
    return max((copy for copy in found if copy.at <= now), key=lambda copy: copy.at, default=None)


def is_overdue(last: int, now: int, every: int) -> bool:
    """Tell whether the next backup is late by more than half an interval; `last` is the time of the last one, `every`
    the interval, both in milliseconds.
    """
    return now - last > every * 3 // 2


def remove_surplus(found: Sequence[Copy], keep: int, now: int) -> list[Copy]:
    """Delete all of these backups but the newest `keep`, and return the deleted ones. Those from after `now` count as
    older than all others.
    """
    ranked = sorted(found, key=lambda copy: (copy.at <= now, copy.at))
    return [_remove(copy) for copy in ranked[: max(0, len(ranked) - keep)]]


def remove_old(database: Path, now: int) -> list[Copy]:
    """Delete the snapshots and replaced databases that are older than `KEPT_MS`, and return them."""
    return [_remove(copy) for copy in list_beside(database) if copy.at < now - KEPT_MS]


def _remove(copy: Copy) -> Copy:
    copy.path.unlink(missing_ok=True)
    return copy


def _files(folder: Path) -> list[tuple[Path, int, int]]:
    """List (path, bytes, time of the last change in milliseconds) of the plain files of a folder."""
    found: list[tuple[Path, int, int]] = []
    for path in folder.iterdir():
        try:
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                found.append((path, status.st_size, status.st_mtime_ns // 1_000_000))
        except OSError:  # deleted meanwhile
            continue
    return found
