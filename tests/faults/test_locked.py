"""Faults of the locks: another program holds the database, or another Rundun."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.files.lost_file import said, served
from tests.helpers.files.mounts import bound, may_mount
from tests.helpers.metrics import samples
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import done, looking, rows, rundun, serving

EXCLUSIVE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
db.execute("COMMIT")
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Somebody works on the file with a program of their own, as `sqlite3` is one."""
    with subprocess.Popen(
        [sys.executable, "-c", EXCLUSIVE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == "held\n"
        yield
        other.stdin.close()
        assert other.wait(PATIENCE) == 0


def test_locked_by_another_program(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done(rundun(other, "orgs", "create", "Globex"))
    with served(tmp_path) as acme:
        with held(acme.path), held(other / "rundun.db"), serving(other) as start:
            for refused in (acme.dispatch(), acme.client.get("/readyz")):
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                assert refused.headers["retry-after"] == "5"
            assert acme.client.get("/v1/runs").status_code == 200, "reading goes on"
            assert samples(acme.client.get("/metrics").text)["rundun_commits_failed_total", None] >= 2
            assert "WRONG" not in rundun(tmp_path, "check").stdout, "which only reads"
            assert start.ended() == 1
            assert start.text == "Error: rundun.db can't be opened: database is locked.\n"
        acme.assert_served()
        assert any("database is locked" in line for line in acme.errors())
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(2,)]


def test_served_twice(tmp_path: Path) -> None:
    """The same path, a symbolic link, a hard link in another folder, another folder that is the same one."""
    with served(tmp_path) as acme:
        (tmp_path / "link.db").symlink_to("rundun.db")
        (tmp_path / "elsewhere").mkdir()
        os.link(acme.path, tmp_path / "elsewhere" / "hard.db")
        for name, how in (
            ("rundun.db", "serving rundun.db."),
            ("link.db", "serving link.db."),
            ("elsewhere/hard.db", "serving elsewhere/hard.db by another name."),
        ):
            with serving(tmp_path, "--database", name) as second:
                assert second.ended() == 1
            assert second.text == f"Error: Another process is {how}\n"
        assert said(tmp_path, "orgs", "create", "Globex", database="elsewhere/hard.db").endswith("by another name.\n")
        acme.assert_served()
        if may_mount():
            (tmp_path / "mounted").mkdir()
            with bound(tmp_path, tmp_path / "mounted"):
                with serving(tmp_path, "--database", "mounted/rundun.db") as second:
                    assert second.ended() == 1
                assert second.text == "Error: Another process is serving mounted/rundun.db.\n"
        assert acme.errors() == []
