"""`restore` and `live` on the command line, beside a service and without one, and the restore drill of /docs."""

import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rundun import paths
from rundun.maintenance.reachability import NO_KEY
from rundun.store.sqlite import connection
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import done, environment, looking, rows, rundun, serving, settle_in
from tests.helpers.processes.shell import CURL
from tests.helpers.service import BOOLEAN


def test_a_service_goes_back_and_sends_nothing_before_it_is_live(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    backup = tmp_path / "backup.db"
    done(rundun(tmp_path, "backup", str(backup)))
    done(rundun(tmp_path, "orgs", "create", "Globex"))
    with serving(tmp_path) as service:
        assert service.url
        served = rundun(tmp_path, "restore", str(backup))
        assert served.exit_code == 1 and "stop it first" in served.output
    said = done(rundun(tmp_path, "restore", str(backup)))
    assert "rundun live" in said and "kept for 30 days" in said
    assert "Globex" not in done(rundun(tmp_path, "orgs", "list"))
    with serving(tmp_path) as service:
        service.wait_for(r"service\.held since=\S+")
        assert service.url
        found = rundun(tmp_path, "check")
        assert found.exit_code == 0 and "note   held: After a restore nothing goes out" in found.output
        assert "0 deliveries go out, held since 20" in done(rundun(tmp_path, "live"))
        assert "held" not in rundun(tmp_path, "check").output
    assert done(rundun(tmp_path, "live")) == "Nothing is held."


def test_a_new_machine_is_live_at_once_where_it_is_told_to(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    with closing(connection.open_writer(tmp_path / "rundun.db")) as db:  # as while the folder can't be written
        db.execute("INSERT INTO service_state VALUES ('backup_missed_at', 1), ('backup_alerted', 1)")
        db.commit()
    done(rundun(tmp_path, "backup", str(tmp_path / "backup.db")))
    machine = tmp_path / "new"
    machine.mkdir()
    said = done(rundun(machine, "restore", str(tmp_path / "backup.db"), "--live"))
    assert "Deliveries go out" in said and "kept" not in said
    assert "Acme" in done(rundun(machine, "orgs", "list"))
    assert done(rundun(machine, "live")) == "Nothing is held."
    with looking(machine) as db:
        known = rows(db, "SELECT name FROM service_state")
        assert known == [("event_floor",), ("generation",)], "no backup is missed any more"


def test_that_no_key_is_left_is_told(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    backup = tmp_path / "backup.db"
    done(rundun(tmp_path, "backup", str(backup)))
    assert NO_KEY not in done(rundun(tmp_path, "restore", str(backup)))
    for line in done(rundun(tmp_path, "keys", "list")).splitlines():
        done(rundun(tmp_path, "keys", "revoke", line.split()[0]))
    assert NO_KEY in done(rundun(tmp_path, "restore", str(backup)))
    assert f"note   keys: {NO_KEY}" in rundun(tmp_path, "check").stdout, "before the start that revokes it again"
    done(rundun(tmp_path, "keys", "create", "--org", "Acme", "--name", "new"))
    assert NO_KEY not in rundun(tmp_path, "check").stdout


def test_a_wrong_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    refused = rundun(tmp_path, "restore", str(tmp_path / "check.json"))
    assert refused.exit_code == 1
    assert refused.output == f"Error: {tmp_path / 'check.json'} is no SQLite database, or is encrypted.\n"


@pytest.mark.long
def test_the_restore_drill_of_the_docs_can_be_done_as_it_stands(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    own = tmp_path / "bin"
    own.mkdir()
    (own / "rundun").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rundun "$@"\n')
    if not shutil.which("curl"):
        (own / "curl").write_text(CURL.format(python=sys.executable))
    for command in own.iterdir():
        command.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    drill = (paths.templates() / "docs" / "samples" / "drill.sh").read_text("utf-8").replace("8001", str(port))
    ran = subprocess.run(
        ["sh", "-c", drill],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env={**environment(), "PATH": f"{own}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Acme" in ran.stdout and "service.held" in ran.stderr + ran.stdout
    assert not (tmp_path / "drill").exists() and not list(tmp_path.glob("*before-restore*"))
    own.joinpath("rundun").write_text('#!/bin/sh\n[ "$1" != serve ]\n')
    failed = subprocess.run(
        ["sh", "-c", drill],
        cwd=tmp_path,
        env={"PATH": f"{own}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert failed.returncode == 1 and (tmp_path / "drill").exists(), "where it does not start, that is the end"
