"""`rundun init`, and a service that does not begin by itself: no key lies where logs are kept."""

import os
import platform
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun import __version__
from tests.helpers.cli import FIRST, KEY
from tests.helpers.files.frozen_files import thawed
from tests.helpers.files.rights import NOBODY, as_nobody
from tests.helpers.processes.service_process import PATIENCE, ROOT, done, looking, rows, rundun, serving


def test_what_init_prints_is_so_once_it_is_served(tmp_path: Path, shell: Any) -> None:
    printed = done(rundun(tmp_path, "init"))
    (key,) = set(KEY.findall(printed))
    join = next(line for line in printed.splitlines() if "/console/join/" in line).strip()
    for name in ("rundun.db", "rundun.db.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    with serving(tmp_path, "--existing") as service:
        url = service.url
        line = printed[printed.index("curl ") : printed.index("and open")].strip()
        run = shell(line.replace("http://127.0.0.1:8000", url))
        assert httpx2.get(run["link"], timeout=PATIENCE).status_code == 200
        page = httpx2.get(join.replace("http://127.0.0.1:8000", url), timeout=PATIENCE)
        assert page.status_code == 200 and 'name="password"' in page.text
        again = rundun(tmp_path, "init")
        assert (again.exit_code, again.stdout) == (1, "")
        assert "There is a database" in again.stderr and "keys create" in again.stderr
        service.terminate()
        assert service.ended() == 0
    assert service.out == []
    assert key not in service.text and join not in service.text
    assert f"console={url}/console" in service.text
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM keys") == rows(db, "SELECT count(*) FROM organizations") == [(1,)]


@pytest.mark.parametrize("before", ["nothing", "an empty file"])
def test_what_is_not_made_is_not_served(tmp_path: Path, before: str) -> None:
    if before != "nothing":
        (tmp_path / "rundun.db").touch(0o600)
    there = sorted(tmp_path.iterdir())
    with serving(tmp_path, "--existing") as service:
        assert service.ended() == 2
    assert service.text == (
        f"Error: There is no database {tmp_path}/rundun.db yet. Make it by “rundun init”, which prints its key to you "
        "alone.\n"
    )
    assert sorted(tmp_path.iterdir()) == there
    done(rundun(tmp_path, "init"))


def test_a_database_is_left_as_it_is(tmp_path: Path) -> None:
    """One that commands have made, and one of an older version, which not even a refused `init` may upgrade."""
    made, older = tmp_path / "made", tmp_path / "older"
    for folder in (made, older):
        folder.mkdir()
    done(rundun(made, "orgs", "create", FIRST))
    thawed(older, 4)
    for folder in (made, older):
        before = {path: path.read_bytes() for path in folder.glob("*.db")}
        refused = rundun(folder, "init")
        assert (refused.exit_code, "There is a database" in refused.stderr) == (1, True)
        assert {path: path.read_bytes() for path in folder.glob("*.db")} == before
    (tmp_path / "letter.db").write_text("Dear Ed")
    assert "is no Rundun database" in rundun(tmp_path, "init", database="letter.db").stderr
    with serving(made, "--existing") as service:
        assert service.url, "without a key, but made"


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root is led into what is others'")
def test_root_is_not_led_elsewhere_by_whose_folder_it_is() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        os.chmod(name, 0o755)
        theirs, ours, open_to_all = Path(name, "theirs"), Path(name, "ours"), Path(name, "open")
        for folder in (theirs, ours, open_to_all):
            folder.mkdir()
        os.chown(theirs, NOBODY, NOBODY)
        with as_nobody():
            (theirs / "led.db").symlink_to(ours / "led.db")
            (theirs / "data").symlink_to(ours)
        os.chmod(open_to_all, 0o777)
        (ours / "own.db").symlink_to(theirs / "own.db")
        for path in (theirs / "rundun.db", theirs / "led.db", theirs / "data" / "rundun.db", ours / "own.db"):
            refused = rundun(ours, "init", database=str(path))
            assert refused.exit_code == 1
            assert re.search(rf"Error: {theirs}(/\w+(\.db)?)? belongs to nobody: ", refused.stderr)
        assert "All may write into" in rundun(ours, "init", database=str(open_to_all / "rundun.db")).stderr
        made = [path for path in Path(name).rglob("*") if not path.is_symlink() and path.is_file()]
        assert made == []
        with as_nobody():
            done(rundun(theirs, "init"))
        assert {path.stat().st_uid for path in theirs.glob("rundun.db*")} == {NOBODY}


def test_the_version_says_what_it_runs_on() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "rundun", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = f"rundun {__version__} (SQLite {sqlite3.sqlite_version}, Python {platform.python_version()})\n"
    assert said.stdout == told
