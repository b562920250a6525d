"""Erasing from the command line, beside a running service and without one."""

import json
import os
import pty
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.helpers.cli import FIRST
from tests.helpers.patience import PATIENCE
from tests.helpers.persons import EMAIL
from tests.helpers.processes.service_process import (
    Serving,
    dispatched,
    done,
    environment,
    looking,
    rows,
    rundun,
    serving,
)
from tests.helpers.service import TEXT

CHECK = {"name": "Check", "steps": [TEXT], "execution": {"identity_required": "email"}}
LIST, ERASE = ("person", "list", "--email", "ED@example.com"), ("person", "erase", "--email", EMAIL)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as one:
        assert one.url
        yield one


def started(folder: Path, service: Serving, *emails: str) -> list[str]:
    """Runs that somebody has started each; their ids."""
    file = folder / "check.json"
    file.write_text(json.dumps(CHECK))
    template_id = done(rundun(folder, "templates", "import", str(file), "--org", FIRST))
    run_ids = []
    for email in emails:
        link = dispatched(rundun(folder, "runs", "dispatch", template_id))
        assert httpx2.post(f"{link}/start", json={"email": email}, timeout=PATIENCE).status_code == 200
        run_ids.append(link.rpartition("/")[2])
    return run_ids


def erased(folder: Path) -> dict[str, str]:
    """By whom each run was erased."""
    with looking(folder) as db:
        return dict(rows(db, "SELECT id, erased_by FROM runs WHERE erased_at IS NOT NULL"))


def test_a_person_is_listed_kept_and_erased(tmp_path: Path, service: Serving) -> None:
    first, second, other = started(tmp_path, service, EMAIL, EMAIL.upper(), "fred@example.com")
    aside = tmp_path / "rundun.db.before-restore-2026-11-26T161700Z"
    aside.write_bytes(b"what there was before")
    file = tmp_path / "ed.zip"
    said = done(rundun(tmp_path, *LIST, "--zip", str(file)))
    assert [line.split()[0] for line in said.splitlines()[:2]] == [first, second]
    digest = said.splitlines()[2].removeprefix("2 runs. Digest: ")
    assert all(f"  Check  by: {email}  id: u-" in said for email in (EMAIL, EMAIL.upper()))
    assert f"{aside.name} may still hold some of the data, until about" in said.splitlines()[3]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    of_a_run = ("run.json", "events.json", "deliveries.json", "report.html")
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == sorted(
            ["runs.json", *(f"{run_id}/{name}" for run_id in (first, second) for name in of_a_run)]
        )
        assert json.loads(archive.read("runs.json"))["digest"] == digest
    again = rundun(tmp_path, *LIST, "--zip", str(file))
    assert (again.exit_code, "File exists" in again.stderr) == (1, True)
    asked = rundun(tmp_path, *ERASE)
    assert (asked.exit_code, "say --digest" in asked.stderr) == (2, True)
    changed = rundun(tmp_path, *ERASE, "--digest", "0" * 64)
    assert (changed.exit_code, "nothing was erased" in changed.stderr) == (1, True)
    assert erased(tmp_path) == {}
    assert done(rundun(tmp_path, *ERASE, "--digest", digest)).startswith(f"2 runs erased.\n{aside.name} ")
    assert erased(tmp_path) == dict.fromkeys((first, second), "command line")
    assert httpx2.get(f"{service.url}/r/{first}/state", timeout=PATIENCE).status_code == 410, "and the service knows"
    assert httpx2.get(f"{service.url}/r/{other}/state", timeout=PATIENCE).status_code == 200
    assert done(rundun(tmp_path, *LIST)).startswith("0 runs.")


def test_runs_are_erased_by_their_ids_when_nobody_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        assert service.url
        first, second = started(tmp_path, service, EMAIL, EMAIL)
    assert "say --yes" in rundun(tmp_path, "runs", "erase", first).stderr
    unknown = rundun(tmp_path, "runs", "erase", first, "r-unknown", "--yes")
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no such run.\n")
    assert erased(tmp_path) == {}
    assert done(rundun(tmp_path, "runs", "erase", first, "--yes")) == "1 run erased."
    assert done(rundun(tmp_path, "runs", "erase", first, second, "--yes")) == "2 runs erased."
    assert erased(tmp_path) == dict.fromkeys((first, second), "command line")


def at_a_terminal(folder: Path, typed: bytes, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it showed, to somebody who types something."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "rundun", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdin=end, stdout=end, stderr=end)
    os.close(end)
    os.write(terminal, typed)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    os.close(terminal)
    return process.wait(PATIENCE), shown.decode()


def test_at_a_terminal_it_asks(tmp_path: Path, service: Serving) -> None:
    (run_id,) = started(tmp_path, service, EMAIL)
    code, shown = at_a_terminal(tmp_path, b"n\n", *ERASE)
    assert (code, run_id in shown, "Erase 1 run for good? [y/N]" in shown) == (1, True, True)
    assert erased(tmp_path) == {}
    code, shown = at_a_terminal(tmp_path, b"y\n", *ERASE)
    assert (code, "1 run erased." in shown) == (0, True)
    assert erased(tmp_path) == {run_id: "command line"}


def test_who_is_meant_has_to_be_said(tmp_path: Path) -> None:
    for org in (FIRST, "Globex"):
        done(rundun(tmp_path, "orgs", "create", org))
    for arguments in ((), ("--email", EMAIL, "--name", "Ed")):
        assert "Say exactly one of --email, --phone" in rundun(tmp_path, "person", "list", *arguments).stderr
    assert "with --org" in rundun(tmp_path, *LIST).stderr
    assert done(rundun(tmp_path, *LIST, "--org", "Globex")).startswith("0 runs.")
    assert "must be an e-mail address" in rundun(tmp_path, "person", "list", "--email", "ed", "--org", FIRST).stderr
    assert "is not UTF-8" in rundun(tmp_path, "person", "list", "--name", "\udcff", "--org", FIRST).stderr
    nowhere = rundun(tmp_path, *LIST, "--org", FIRST, "--zip", str(tmp_path / "no" / "ed.zip"))
    assert (nowhere.exit_code, "No such file or directory" in nowhere.stderr) == (1, True)
