"""What is built from the checkout, and a first start as whoever installed it has it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import Serving, environment

ROOT = Path(__file__).resolve().parents[3]
INSTALLATIONS = ("pip install .", "pipx install .", "uvx --from . rundun serve")  # lines of the README, in a checkout
IN_A_WHEEL = {"rundun": "rundun", "templates": "rundun/_pages/templates", "static": "rundun/_pages/static"}


class Installed(Serving):
    """A command of an environment that has no checkout, which serves in an empty folder."""

    def __init__(self, command: Sequence[str | Path], folder: Path, **variables: str) -> None:
        self._start(command, cwd=folder, env=bare_environment(**variables))


def bare_environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings and code of ours, and with these variables."""
    return {name: value for name, value in environment().items() if name != "PYTHONPATH"} | variables


def build(target: str, folder: Path, root: Path = ROOT) -> Path:
    """The `wheel` or `sdist` of the checkout at `root`, built into `folder` without asking a registry."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[target])
    return built


def clone(folder: Path) -> None:
    """Make a clean clone of this checkout: what is committed, and nothing that lies around."""
    command = ["git", "clone", "--quiet", "--no-local", str(ROOT), str(folder)]
    subprocess.run(command, check=True, timeout=PATIENCE)


def expected_in_a_wheel() -> set[str]:
    """The files that a wheel has beside what says who made it."""
    return {
        f"{there}/{path.relative_to(ROOT / here).as_posix()}"
        for here, there in IN_A_WHEEL.items()
        for path in (ROOT / here).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def printed_curl(text: str) -> str:
    """The lines that dispatch a first run, out of what a first start printed, to be pasted as they are."""
    found = re.search(r"^ +curl .*?(?=\n *\n)", text, re.MULTILINE | re.DOTALL)
    assert found, text
    return found[0]
