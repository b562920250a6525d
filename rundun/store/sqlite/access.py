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


def require_no_others(path: Path) -> None:
    """Refuse root a file of another user, as the service's, who could not open what root makes beside it: the lock, a
    socket, an erasure journal. What SQLite makes it gives to the file's owner itself.
    """
    if os.geteuid() != 0 or not path.exists():
        return
    if (owner := path.stat().st_uid) != 0:
        user = user_name(owner)
        why = f"{path} belongs to {user}, who could not open what root leaves beside it"
        raise Problem("invalid", f"{why}: {as_user(user)}")


def as_user(user: str) -> str:
    """Say how root does something as another user."""
    return f"call this as that user, by runuser -u {user} -- …"


def user_name(user: int) -> str:
    """Return the name of a user, or the number where it has none, as in a container that knows no users."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _user() -> str:
    return f"the user {user_name(os.geteuid())}"
