"""The file of an erasure journal, one JSON line an entry.

Its entries are erased and revoked, so it is read only where it is a plain file that only its owner may write, and the
owner is the reading user, root, or the owner of its folder.
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from pydantic_core import from_json, to_json

from rundun.store.sqlite.database_file import OWNER_ONLY, sync_folder
from rundun.store.sqlite.transaction import JournalEntry, JournalWord

MAX_BYTES = 256 * 1024 * 1024  # some two million entries
MAX_ID = 200  # characters
_WORDS: Final = frozenset(get_args(JournalWord))
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # follows no link, and waits for no pipe


def read(path: Path) -> list[JournalEntry]:
    """List the entries of a journal; none without a file. Lines that are no entries, such as torn ones after a crash,
    are left out. Raises OSError, also for a file that other users may have written.
    """
    try:
        file = os.open(path, os.O_RDONLY | _SAFELY)
    except FileNotFoundError:
        return []
    with open(file, "rb") as opened:
        _require_trusted(path, file)
        return [entry for line in opened.read(MAX_BYTES).splitlines() if (entry := _entry(line))]


def append(path: Path, entries: Sequence[JournalEntry], beside: Path) -> None:
    """Append entries and wait for the disk. A new file gets the owner of `beside`, also where root makes it. Raises
    OSError, also for a file that other users may have written.
    """
    lines = b"".join(_line(one) for one in entries)
    is_new = not os.path.lexists(path)
    makes = os.O_CREAT | os.O_EXCL if is_new else 0
    file = os.open(path, os.O_RDWR | os.O_APPEND | makes | _SAFELY, OWNER_ONLY)
    try:
        if is_new and os.geteuid() == 0:
            owner = os.stat(beside)
            os.fchown(file, owner.st_uid, owner.st_gid)
        _require_trusted(path, file)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":  # torn by a crash, or by a full disk
            lines = b"\n" + lines
        while lines:
            lines = lines[os.write(file, lines) :]
        os.fsync(file)
    finally:
        os.close(file)
    if is_new:
        sync_folder(path.parent)


def _require_trusted(path: Path, file: int) -> None:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file")
    if found.st_uid not in (os.geteuid(), 0, path.parent.stat().st_uid):
        raise OSError(errno.EPERM, "it belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(errno.EPERM, "other users than its owner may write it")
    if found.st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, "it is too large for a journal")


def _entry(line: bytes) -> JournalEntry | None:
    """Return the entry of a line; None where it is no entry of this version."""
    try:
        found = from_json(line, allow_inf_nan=False)
        what, id_, at, by = found["what"], found["id"], found["at"], found.get("by")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    texts = [id_] if by is None else [id_, by]
    is_ours = isinstance(what, str) and what in _WORDS and type(at) is int and 0 <= at < 2**63
    is_ours = is_ours and all(isinstance(text, str) and 0 < len(text) <= MAX_ID for text in texts)
    if not is_ours or (what == "signing_key" and id_ != str(at)):
        return None
    return JournalEntry(what, id_, at, by)


def _line(entry: JournalEntry) -> bytes:
    said = {"what": entry.what, "id": entry.id, "at": entry.at}
    return to_json(said if entry.by is None else {**said, "by": entry.by}) + b"\n"
