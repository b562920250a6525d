"""Whether this process may reach a file, told by the first thing that it may not."""

import os
import pwd
from pathlib import Path

from rundun.errors import Problem


def denial(path: Path) -> str | None:
    """Say which folder on the way to a file this user may not enter, or that the file may not be read; None where it is
    not that. The file is not opened.
    """
    real = path.resolve()
    for folder in reversed(real.parents):
        if not _may(folder, os.F_OK):
            return None
        if not _may(folder, os.X_OK):
            return f"{path} can't be reached: {_user()} has no right to enter {folder}."
    if _may(real, os.F_OK) and not _may(real, os.R_OK):
        return f"{path} can't be opened: {_user()} has no right to read it."
    return None


def require_reachable(path: Path) -> None:
    """Refuse a file on the way to which is a folder that this user may not enter, or that may not be read."""
    if denied := denial(path):
        raise Problem("unavailable", denied)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _user() -> str:
    try:
        return f"the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:  # as in a container that knows no users
        return f"the user {os.geteuid()}"
