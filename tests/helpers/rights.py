"""Somebody who may not, also where root runs the tests."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights for a while, where we are root."""
    if os.geteuid() != 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@contextmanager
def root_again() -> Iterator[None]:
    """Be root for a while, amid what nobody does."""
    group = os.getegid()
    os.seteuid(0)
    os.setegid(0)
    try:
        yield
    finally:
        os.setegid(group)
        os.seteuid(NOBODY)


@contextmanager
def closed_to_us() -> Iterator[tuple[Path, Path]]:
    """Be a user without rights, with a folder that they may not enter and one that is theirs."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        os.chmod(name, 0o755)
        closed, own = Path(name, "closed"), Path(name, "own")
        for folder in (closed, own):
            folder.mkdir(0o700)
        if os.geteuid() == 0:
            os.chown(own, NOBODY, NOBODY)
        else:
            closed.chmod(0)
        try:
            with as_nobody():
                yield closed, own
        finally:
            closed.chmod(0o700)
