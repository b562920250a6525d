"""Copies of the database that hold older states of it: backups in their folder, and what lies beside the file: the
snapshot taken before each upgrade, and the file that a restore has put aside.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rundun.core import times

KEPT_MS = 30 * times.DAY  # how long snapshots, and what a restore has put aside, are kept
BEFORE_RESTORE = ".before-restore-"  # and a stamp: the name of the file that a restore has put aside
_STAMP = r"\d{4}-\d{2}-\d{2}T\d{6}Z"
# Also what SQLite may have left beside such a file.
_BESIDE = re.compile(rf"\.schema-\d+|{re.escape(BEFORE_RESTORE)}({_STAMP})(?:-wal|-shm|-journal)?")

# What a restore or an upgrade that was killed has left: whole databases, maybe.
_UNFINISHED = re.compile(r"(?:\.restore|\.schema-\d+)\.part(?:-wal|-shm|-journal)?")

CopyKind = Literal["backup", "snapshot", "before_restore"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: its file, the bytes in it, and its time in milliseconds: the one in a backup's name, that of the last
    change of a snapshot, and that of the restore which put a file aside.
    """

    path: Path
    kind: CopyKind
    bytes: int
    at: int


def stamp(at: int) -> str:
    """Return a time as names of copies have it, such as `2026-11-26T161700Z`."""
    return times.wire(at)[:19].replace(":", "") + "Z"


def _from_stamp(text: str) -> int | None:
    return times.parse(f"{text[:13]}:{text[13:15]}:{text[15:]}")


def backup_path(folder: Path, database: Path, at: int) -> Path:
    """Return the path of a backup made on schedule at a time."""
    return folder / f"{database.resolve().stem}-{stamp(at)}.db"


def backups(database: Path, folder: Path) -> list[Copy]:
    """List the backups of `database` that were made on schedule into `folder`, the oldest first: files with names of
    theirs only. Raises OSError where the folder can't be read.
    """
    named = re.compile(rf"{re.escape(database.resolve().stem)}-({_STAMP})\.db")
    found = [
        Copy(path, "backup", size, at)
        for path, size, _ in _files(folder)
        if (match := named.fullmatch(path.name)) and size and (at := _from_stamp(match[1])) is not None
    ]
    return sorted(found, key=lambda copy: copy.at)


def beside(database: Path) -> list[Copy]:
    """List the snapshots of upgrades, and the files that restores have put aside, the oldest first."""
    real, found = database.resolve(), []
    for path, size, changed_at in _files(real.parent):
        name = path.name.removeprefix(real.name)
        if path.name.startswith(real.name) and (match := _BESIDE.fullmatch(name)):
            # A file that was renamed has the time at which it was last written, which may be long before.
            put_aside_at = (match[1] and _from_stamp(match[1])) or 0
            kind: CopyKind = "before_restore" if match[1] else "snapshot"
            found.append(Copy(path, kind, size, max(changed_at, put_aside_at)))
    return sorted(found, key=lambda copy: copy.at)


def remove_unfinished(database: Path) -> None:
    """Delete what restores and upgrades that were killed have left. Hold the `Lock`: then none is under way."""
    real = database.resolve()
    for path, _, _ in _files(real.parent):
        if path.name.startswith(real.name) and _UNFINISHED.fullmatch(path.name.removeprefix(real.name)):
            path.unlink(missing_ok=True)


def _under_way(database: Path, folder: Path) -> list[Copy]:
    """List the backups that have no name of their own yet, by the one that they get, with the time of their begin."""
    named = re.compile(rf"({re.escape(database.resolve().stem)}-({_STAMP})\.db)\.[0-9a-f]{{8}}\.rundun-part")
    return [
        Copy(folder / match[1], "backup", size, at)
        for path, size, _ in _files(folder)
        if (match := named.fullmatch(path.name)) and (at := _from_stamp(match[2])) is not None
    ]


def every_copy(database: Path, folder: Path | None) -> list[Copy]:
    """List all copies, the oldest first, also backups under way; `folder` is that of backups, if any. One that can't be
    read has none.
    """
    found = beside(database)
    if folder is not None:
        try:
            under_way = _under_way(database, folder)  # first: what is finished meanwhile is in both
            made = backups(database, folder)
            paths = {copy.path for copy in made}
            found += made + [copy for copy in under_way if copy.path not in paths]
        except OSError:
            pass
    return sorted(found, key=lambda copy: copy.at)


def last_good(found: Sequence[Copy], now: int) -> Copy | None:
    """Return the newest backup that is not from later than now, as those are of a clock that was ahead."""
    return max((copy for copy in found if copy.at <= now), key=lambda copy: copy.at, default=None)


def is_overdue(last: int, now: int, every: int) -> bool:
    """Tell whether another backup should have been made since the `last` one, half an interval ago or longer; all in
    milliseconds.
    """
    return now - last > every * 3 // 2


def remove_surplus(found: Sequence[Copy], keep: int, now: int) -> list[Copy]:
    """Delete all backups but the newest `keep`, and return them. Those from later than now go before all others."""
    ranked = sorted(found, key=lambda copy: (copy.at <= now, copy.at))
    return [_removed(copy) for copy in ranked[: max(0, len(ranked) - keep)]]


def remove_old(database: Path, now: int) -> list[Copy]:
    """Delete the snapshots, and what restores have put aside, that are older than `KEPT_MS`, and return them."""
    return [_removed(copy) for copy in beside(database) if copy.at < now - KEPT_MS]


def _removed(copy: Copy) -> Copy:
    copy.path.unlink(missing_ok=True)
    return copy


def _files(folder: Path) -> list[tuple[Path, int, int]]:
    """List the plain files of a folder with their sizes and the times of their last change, in milliseconds."""
    found: list[tuple[Path, int, int]] = []
    for path in folder.iterdir():
        try:
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                found.append((path, status.st_size, status.st_mtime_ns // 1_000_000))
        except OSError:  # deleted meanwhile
            continue
    return found
