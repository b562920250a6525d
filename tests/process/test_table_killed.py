"""A process that is killed while it makes the jobs of a table: the next service makes the rest, and each once."""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.helpers.cli import CHECK, FIRST
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import done, environment, looking, rows, rundun, serving

COUNT = 1000


def made(folder: Path) -> int:
    with looking(folder) as db:
        return int(rows(db, "SELECT count(*) FROM runs")[0][0])


def test_all_jobs_of_a_table_are_made_or_none(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    (tmp_path / "check.json").write_text(json.dumps(CHECK))
    done(rundun(tmp_path, "templates", "import", str(tmp_path / "check.json"), "--org", FIRST))
    (tmp_path / "jobs.csv").write_text("\n".join(["title", *(f"Job {number}" for number in range(COUNT))]))
    command = [sys.executable, "-m", "rundun", "runs", "dispatch", "Check", "--table", "jobs.csv"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + PATIENCE
        while not made(tmp_path):
            assert process.poll() is None and time.monotonic() < until
        process.kill()
    assert 0 < made(tmp_path) < COUNT
    with serving(tmp_path) as service:
        service.wait_for("table.finished")
        with looking(tmp_path) as db:
            titles = [row[0] for row in rows(db, "SELECT title FROM runs ORDER BY number")]
            assert titles == [f"Job {number}" for number in range(COUNT)]
            assert rows(db, "SELECT count(*) FROM table_parts") == [(0,)]
