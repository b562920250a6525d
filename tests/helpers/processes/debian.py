"""Programs of Debian's that some tests need, installed where that can be done."""

import os
import shutil
import subprocess

import pytest


def needs(**packages: str) -> None:
    """Install what is missing, by program: `needs(caddy="caddy")`; skips where nothing can be installed."""
    missing = [package for program, package in packages.items() if not shutil.which(program.replace("_", "-"))]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"needs {', '.join(missing)}, and only root can install it, on Debian")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *missing]):
        subprocess.run(["apt-get", *words], env=quiet, stdout=subprocess.DEVNULL, check=True)
