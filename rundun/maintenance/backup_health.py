"""Findings about backups, the journal's copy, and a log that another program checkpoints."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.text import MIB, size
from rundun.pool import call_within
from rundun.store import housekeeping
from rundun.store.backups import copies
from rundun.store.erasure.journal import journal_path
from rundun.store.erasure.journal_copy import JournalCopy
from rundun.store.housekeeping import DiskSpace

HELD = "after a restore nothing is written there before “rundun live”."
GROWN, LARGE = 256 * MIB, 1024 * MIB  # bytes of a log without checkpoints: a note, and wrong

COPIED_WITHIN_MS = 120 * times.SECOND  # in which entries reach the journal's copy, completed once a minute
FOLDER_SECONDS = 5.0  # for which the folder of backups may not answer

State = Literal["good", "note", "wrong"]
Result = tuple[str, State, str]  # the check's name, its state and a sentence


def judge(
    settings: ServiceSettings,
    missed_at: int | None,
    file_bytes: int,
    disk: DiskSpace,
    now: int,
    *,
    is_held: bool = False,
) -> Iterator[Result]:
    """Yield (name, state, sentence) of the findings about the folder of backups and, if another program makes the
    checkpoints, about its log; with neither, a note. `missed_at` is since when backups fail or are overdue, in
    milliseconds, None for not; while deliveries are held (`is_held`), that is a note only. Blocks.
    """
    if settings.backup.folder is not None:
        yield from _folder(settings, settings.backup.folder, missed_at, file_bytes, now, is_held=is_held)
    elif not settings.database.external_checkpoints:
        yield "backup", "note", "No backups are scheduled: set backup.folder, best to another disk."
    if settings.database.external_checkpoints:
        yield "checkpoints", *_log(disk)


def _folder(
    settings: ServiceSettings, folder: Path, missed_at: int | None, file_bytes: int, now: int, *, is_held: bool
) -> list[Result]:
    """Return the findings about the backups and about the journal's copy in the folder; only one, `wrong`, where its
    disk does not answer within `FOLDER_SECONDS`.
    """

    def look() -> list[Result]:
        backup = _backups(settings, folder, missed_at, file_bytes, now, is_held=is_held)
        return [("backup", *backup), ("journal", *_journal(settings.database.path, folder, now, is_held=is_held))]

    try:
        return call_within(FOLDER_SECONDS, look)
    except TimeoutError:
        text = f"{folder} does not answer within {FOLDER_SECONDS:g} seconds: is its disk away?"
        return [("backup", "wrong", text)]


def _journal(database: Path, folder: Path, now: int, *, is_held: bool) -> tuple[State, str]:
    """Return the state and sentence about the journal's copy in the folder of backups."""
    try:
        folder.stat()  # raises for a missing folder, whose copy would count as empty
        count, missing = JournalCopy(journal_path(database), folder).find_missing()
    except OSError as error:
        return "wrong", f"The erasure journal can't be compared with its copy in {folder}: {error.strerror}."
    told = f"Of {count} erasures and revocations {len(missing)} are not in {folder}"
    if missing and is_held:
        return "note", f"{told} yet: {HELD}"
    if any(now - entry.at >= COPIED_WITHIN_MS for entry in missing):
        reasons = "it is not running, a hold has only just ended, or its log says why"
        return "wrong", f"{told}, although the service adds them once a minute: {reasons}."
    if missing:
        return "note", f"{told} yet: the service adds them once a minute."
    if count == 1:
        return "good", f"1 erasure or revocation is copied to {folder}."
    return "good", f"{count} erasures and revocations are copied to {folder}."


def _backups(
    settings: ServiceSettings, folder: Path, missed_at: int | None, file_bytes: int, now: int, *, is_held: bool
) -> tuple[State, str]:
    try:
        found = copies.list_backups(settings.database.path, folder)
        free = housekeeping.read_disk_space(folder / "any").free_bytes
    except OSError as error:
        return "wrong", f"{folder} can't be read: {error.strerror}."
    last = copies.find_last_good(found, now)
    told = "None has been made yet"
    if last is not None:
        in_all = "there is 1" if len(found) == 1 else f"there are {len(found)}"
        told = f"The last was made at {times.wire(last.at)}, {_age(now - last.at)} ago; {in_all} in all"
    is_overdue = last is not None and copies.is_overdue(last.at, now, settings.backup.every)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return "wrong", f"{told}. No other can be made: this user may not write into {folder}."
    if is_held and (missed_at is not None or is_overdue or last is None):
        return "note", f"{told}. No other is made yet: {HELD}"
    if missed_at is not None:
        return "wrong", f"{told}. Since {times.wire(missed_at)} none could be made; the log says why."
    if is_overdue:
        return "wrong", f"{told}. The next is overdue: either the service is not running, or its log says why."
    if free < file_bytes:
        return "note", f"{told}. The next takes about {size(file_bytes)}, and {size(free)} are free for it."
    return ("note" if last is None else "good"), f"{told}."


def _age(milliseconds: int) -> str:
    hours = milliseconds / times.HOUR
    if hours < 2:
        minutes = round(hours * 60)
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def _log(disk: DiskSpace) -> tuple[State, str]:
    """Return the state and sentence about a log that another program checkpoints."""
    told = f"Another program makes them; the log beside the file has {size(disk.log_bytes)}."
    if disk.log_bytes < GROWN:
        return "good", told
    state: State = "wrong" if disk.log_bytes >= LARGE else "note"
    return state, f"{told} It grows: is that program (Litestream, say) running?"
