"""Somebody who may not, also where root runs the tests."""

import os
import pkgutil
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import rundun
from rundun import paths
from rundun.store.sqlite import connection

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights for a while, where we are root."""
    if os.geteuid() != 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    with _code_that_nobody_can_read():
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
def _code_that_nobody_can_read() -> Iterator[None]:
    """Have all of the code at hand also where only root may enter the checkout, as in root's home."""
    _load_all()
    shipped = connection.list_migrations()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        os.chmod(name, 0o755)
        samples = shutil.copytree(paths.samples(), Path(name, "samples"))
        patched.setattr(connection, "list_migrations", lambda: shipped)
        patched.setattr(paths, "samples", lambda: samples)
        yield


@cache
def _load_all() -> None:
    for module in pkgutil.walk_packages(rundun.__path__, "rundun."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


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
