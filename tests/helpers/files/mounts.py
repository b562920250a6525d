"""File systems of a test's own, where it may mount them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def mounted(folder: Path, *, size: str = "12m") -> Iterator[None]:
    """A small file system in memory at `folder`."""
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "rundun", str(folder))
    try:
        yield
    finally:
        _run("umount", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """`folder` cannot be written, not even by root where it may mount, while the context lasts."""
    if not may_mount():
        files = [path for path in folder.iterdir() if path.is_file()]
        for path, mode in [(folder, 0o500), *((path, 0o400) for path in files)]:
            path.chmod(mode)
        yield
        for path, mode in [(folder, 0o700), *((path, 0o600) for path in files)]:
            path.chmod(mode)
        return
    with bound(folder, folder):
        _run("mount", "-o", "remount,ro,bind", str(folder))
        yield


@contextmanager
def bound(folder: Path, name: Path) -> Iterator[None]:
    """`folder` has another `name`, which is a folder."""
    _run("mount", "--bind", str(folder), str(name))
    try:
        yield
    finally:
        _run("umount", str(name))


@cache
def may_mount() -> bool:
    """Whether this process may mount."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with mounted(Path(folder)):
                return True
        except subprocess.CalledProcessError:
            return False


needs_mounts = pytest.mark.skipif(not may_mount(), reason="mounting takes root")
