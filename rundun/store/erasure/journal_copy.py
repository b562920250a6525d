"""The erasure journal's copy in the folder of the backups, for the day when the disk of the database is lost.

The folder may never answer, as on a dead server, so no request waits for the copy: the backups append to it once a
minute, and `check` counts the entries that it lacks. It is never replaced, since it is all there is where the journal
was lost.
"""

from pathlib import Path

from rundun.store.erasure import journal_file
from rundun.store.erasure.journal import missing_entries
from rundun.store.sqlite.transaction import JournalEntry

_Version = tuple[int, int, int] | None


class JournalCopy:
    """The copy in `folder` of the journal at `path`."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = folder / path.name
        self._journal = path
        self._compared: tuple[_Version, _Version] | None = None  # the versions of both files when no entry was missing

    def read(self) -> list[JournalEntry]:
        """List the entries of the copy; none without a file. Raises OSError."""
        return journal_file.read(self.path)

    def complete(self) -> None:
        """Append the journal's entries that the copy lacks; reads nothing unless a file has changed. Blocks; raises
        OSError.
        """
        journal = _version(self._journal)
        if self._compared == (journal, _version(self.path)):
            return
        if missing := self.find_missing()[1]:
            journal_file.append(self.path, missing, self.path.parent)
        self._compared = journal, _version(self.path)

    def find_missing(self) -> tuple[int, list[JournalEntry]]:
        """Return the number of the journal's entries, and those that the copy lacks. Raises OSError."""
        entries = journal_file.read(self._journal)
        return len(entries), missing_entries(entries, self.read())


def _version(path: Path) -> _Version:
    """Return inode, size and time of the last change, which differ for changed files; None without a file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
