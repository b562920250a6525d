"""The bare roots of a session, what is put into them, and the figures that are told at the end."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.processes.debian import needs
from tests.helpers.processes.packages import ROOT, build, clone
from tests.packages.roots import Root, bare

DEBIANS = {"Debian 13": "trixie", "Debian 12": "bookworm"}
FIGURES: dict[str, str] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("figures")
    for name, value in FIGURES.items():
        terminalreporter.write_line(f"{name:<56} {value}")


@pytest.fixture(scope="session")
def figure() -> Callable[[str, str], None]:
    """Keep a figure, to be told at the end."""
    return FIGURES.__setitem__


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def room() -> Iterator[Path]:
    """A folder for roots, which are too large to be kept where tests fail."""
    needs(debootstrap="debootstrap", unshare="util-linux", ip="iproute2", git="git")
    if os.geteuid() != 0:
        pytest.skip("only root can make roots")
    with tempfile.TemporaryDirectory(prefix="rundun-packages-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session", params=DEBIANS)
def debian(request: pytest.FixtureRequest, room: Path, wheel: Path) -> tuple[str, Root]:
    """A Debian by its name, with the wheel and the lock in /dist, the sources in /src, and Ed, who is not root."""
    root = bare(DEBIANS[request.param], room / DEBIANS[request.param])
    furnish(root, wheel)
    root.run("useradd --create-home ed")
    return request.param, root


def furnish(root: Root, wheel: Path) -> None:
    root.path("dist").mkdir()
    for file in (wheel, ROOT / "requirements.lock"):
        shutil.copy(file, root.path("dist"))
    clone(root.path("src"))
