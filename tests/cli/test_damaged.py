"""A damaged file, as the command line tells of it."""

from pathlib import Path

import pytest

from tests.helpers.files.database import make_empty
from tests.helpers.processes.service_process import done, looking, rundun, serving

PAGE = 8192
SAID = " is damaged: database disk image is malformed. Stop the service and restore a backup: rundun restore FILE."


def damage(folder: Path, *tables: str) -> None:
    """Lose the pages that tables and their indexes begin with."""
    with looking(folder) as db:
        roots = db.execute("SELECT tbl_name, rootpage FROM sqlite_master WHERE rootpage").fetchall()
    with (folder / "rundun.db").open("r+b") as file:
        for table, page in roots:
            if table in tables:
                file.seek((page - 1) * PAGE)
                file.write(b"\xff" * PAGE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_empty(tmp_path / "rundun.db")
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    return tmp_path


@pytest.mark.parametrize(
    "typed",
    [
        "orgs list",
        "keys list",
        "operators list",
        "orgs retention Acme",
        "orgs credits Acme --add 1",
        "person list --name Ed",
    ],
)
def test_a_command_says_so_and_what_to_do(folder: Path, typed: str) -> None:
    damage(folder, "organizations", "keys", "operators")
    result = rundun(folder, *typed.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(f"rundun.db{SAID}\n") and result.stderr.count("\n") == 1


def test_the_service_says_so_too(folder: Path) -> None:
    damage(folder, "organizations")
    with serving(folder) as service:
        assert service.ended() == 1
        assert [line for line in service.err if "Error" in line] == [f"Error: rundun.db{SAID}\n"]
        assert "Traceback" not in "".join(service.err)


def test_check_names_the_first_of_what_is_wrong(folder: Path) -> None:
    with (folder / "rundun.db").open("r+b") as file:
        file.seek(PAGE)  # the second page, which says of every other what it belongs to
        file.write(b"\xff" * PAGE)
    result = rundun(folder, "check")
    assert result.exit_code == 1
    (said,) = [line for line in result.stdout.splitlines() if line.startswith("WRONG  integrity: ")]
    assert said.count("ptrmap key") == 1 and " more like it. Stop the service and restore a backup" in said
