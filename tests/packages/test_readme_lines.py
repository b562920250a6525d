"""The README's lines that install Rundun out of a checkout, as they stand: each then serves the first dispatch."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.processes.packages import INSTALLATIONS, Installed, bare_environment, clone, printed_curl
from tests.packages.roots import PATIENCE

pytestmark = pytest.mark.packages

SERVE = "rundun serve"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs pipx and uvx, where they come from a registry."""
    home = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", home], check=True, timeout=PATIENCE)
    subprocess.run([home / "bin/pip", "install", "--quiet", "pipx", "uv"], check=True, timeout=PATIENCE)
    return home / "bin"


@pytest.mark.parametrize("line", INSTALLATIONS)
def test_a_line_of_the_readme(line: str, tools: Path, tmp_path: Path, shell: Callable[[str], Any]) -> None:
    own, home, checkout, elsewhere = (tmp_path / name for name in ("own", "home", "checkout", "elsewhere"))
    for folder in (home, elsewhere):
        folder.mkdir()
    clone(checkout)
    subprocess.run([sys.executable, "-m", "venv", own], check=True, timeout=PATIENCE)
    path = f"{own}/bin:{home}/.local/bin:{tools}:{os.environ['PATH']}"
    variables = {"HOME": str(home), "PATH": path, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    serves_at_once = line.endswith(SERVE)
    install = line.replace(SERVE, "rundun --version") if serves_at_once else line  # which is soon done once fetched
    done = subprocess.run(
        ["sh", "-euc", install],
        cwd=checkout,
        env=bare_environment(**variables, PYTHONWARNINGS="default"),  # installers have some of their own
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    serving, folder = (line, checkout) if serves_at_once else (SERVE, elsewhere)
    with closing(Installed(["sh", "-euc", f"exec {serving} --port 0"], folder, **variables)) as service:
        service.wait_for("open the link it answers with")
        assert shell(printed_curl(service.text))["link"].startswith(f"{service.url}/r/r-")
        service.terminate()
        assert service.ended() == 0, service.text
    assert (folder / "rundun.db").is_file()
