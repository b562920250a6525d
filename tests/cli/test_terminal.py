"""Others' words at the command line: a terminal shows them, and obeys none."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.cli.terminal import visible
from tests.helpers.cli import FIRST
from tests.helpers.persons import BY_EMAIL
from tests.helpers.service import TEXT
from tests.helpers.service_process import done, rundun

NASTY = "Beach\x1b]0;owned\x07\x9b2Jhouse\r\n\u202eoge\u2066"
SHOWN = "Beach�]0;owned��2Jhouse���oge�"
LISTS = (("orgs", "list"), ("keys", "list"), ("operators", "list"), ("person", "list", "--name", "Ed"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which everything is called `NASTY`, as older versions or a restored copy may have it."""
    folder = tmp_path_factory.mktemp("nasty")
    file = folder / "check.json"
    file.write_text(json.dumps({"name": "Check", "steps": [TEXT], "execution": BY_EMAIL}))
    done(rundun(folder, "orgs", "create", FIRST))
    done(rundun(folder, "keys", "create", "--org", FIRST, "--name", "backend"))
    done(rundun(folder, "operators", "add", "ann@example.com", typed="correct horse battery\n"))
    done(rundun(folder, "runs", "dispatch", done(rundun(folder, "templates", "import", str(file), "--org", FIRST))))
    with closing(sqlite3.connect(folder / "rundun.db", isolation_level=None)) as db:
        for table in ("organizations", "keys", "operators"):
            db.execute(f"UPDATE {table} SET name = ?", (NASTY,))
        db.execute("UPDATE runs SET title = ?, identity = json_object('name', 'Ed')", (NASTY,))
    return folder


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_what_is_listed_is_shown(folder: Path, command: tuple[str, ...]) -> None:
    said = done(rundun(folder, *command))
    assert SHOWN in said
    assert said.replace("\n", "") == visible(said.replace("\n", ""))


def test_what_is_listed_before_it_is_erased_and_what_refuses_are_shown(folder: Path) -> None:
    asked = rundun(folder, "person", "erase", "--name", "Ed")
    assert asked.exit_code == 2 and SHOWN in asked.stdout
    refused = rundun(folder, "templates", "check", f"there\x9b{folder.name}")
    assert refused.exit_code == 1 and f"there�{folder.name}: No such file" in refused.stderr


def test_other_letters_stay_as_they_are() -> None:
    words = "Zoë · شقة الشاطئ · 海の家 · 👩‍🔧 · Straße"
    assert visible(words) == words
