"""The erasure journal's copy in the folder of the backups, for the day when the disk of the database is lost.

The folder may hang for ever, as that of a dead server does, so no request waits for the copy: the backups add to it
once a minute, and `check` counts the entries that it lacks. It is added to, never replaced, since it has all that there
is to know where the journal itself was lost.
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
        self._compared: tuple[_Version, _Version] | None = None  # both files, when nothing was missing

    def read(self) -> list[JournalEntry]:
        """List the entries of the copy. Raises OSError."""
        return journal_file.read(self.path)

    def complete(self) -> None:
        """Append the journal's entries that the copy lacks. Both are only read if one of them has changed. Blocks;
        raises OSError.
        """
        journal = _version(self._journal)
        if self._compared == (journal, _version(self.path)):
            return
        if missing := self.find_missing()[1]:
            journal_file.append(self.path, missing, self.path.parent)
        self._compared = journal, _version(self.path)

    def find_missing(self) -> tuple[int, list[JournalEntry]]:
        """Count the journal's entries, and list those that the copy lacks. Raises OSError."""
        entries = journal_file.read(self._journal)
        return len(entries), missing_entries(entries, self.read())


def _version(path: Path) -> _Version:
    """Return what changes whenever the file does; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
