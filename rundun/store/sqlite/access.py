"""Checks whether this process may reach a file, with the missing right in words."""

import os
import pwd
from pathlib import Path

from rundun.errors import Problem


def find_denial(path: Path) -> str | None:
    """Return a sentence on the first folder of the path that this user may not enter, or on a file that it may not
    read; None where no right is missing, also for a missing file. The file is not opened.
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
    """Raise `unavailable` where this user lacks the right to reach or read the file."""
    if denied := find_denial(path):
        raise Problem("unavailable", denied)


def require_no_others(path: Path) -> None:
    """Raise `invalid` where root opens another user's file, such as the service's: its owner could not open the files
    that root makes beside it, such as the lock, a socket or an erasure journal. SQLite's own have the right owner.
    """
    if os.geteuid() != 0 or not path.exists():
        return
    if (owner := path.stat().st_uid) != 0:
        user = user_name(owner)
        why = f"{path} belongs to {user}, who could not open what root leaves beside it"
        raise Problem("invalid", f"{why}: {runuser_advice(user)}")


def runuser_advice(user: str) -> str:
    """Return the advice to call a command as another user."""
    return f"call this as that user, by runuser -u {user} -- …"


def user_name(user: int) -> str:
    """Return the name of the user with this number, or the number itself where it has none, as in some containers."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _user() -> str:
    return f"the user {user_name(os.geteuid())}"
