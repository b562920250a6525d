"""Others' words at the command line: a terminal shows them, and obeys none."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rundun.cli.terminal import replace_controls
from rundun.errors import NotFound, choices_sentence
from tests.helpers.cli import FIRST
from tests.helpers.patience import PATIENCE
from tests.helpers.persons import BY_EMAIL
from tests.helpers.processes.service_process import dispatched, done, environment, rundun
from tests.helpers.service import TEXT

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
    template_id = done(rundun(folder, "templates", "import", str(file)))
    dispatched(rundun(folder, "runs", "dispatch", template_id))
    with closing(sqlite3.connect(folder / "rundun.db", isolation_level=None)) as db:
        for table in ("organizations", "keys", "operators"):
            db.execute(f"UPDATE {table} SET name = ?", (NASTY,))
        db.execute("UPDATE runs SET title = ?, identity = json_object('name', 'Ed')", (NASTY,))
    return folder


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_what_is_listed_is_shown(folder: Path, command: tuple[str, ...]) -> None:
    said = done(rundun(folder, *command))
    assert SHOWN in said
    assert said.replace("\n", "") == replace_controls(said.replace("\n", ""))


def test_what_is_listed_has_a_heading_on_a_terminal(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rundun", "keys", "list"]
    subprocess.run(command, cwd=folder, env=environment(), stdout=theirs, check=True, timeout=PATIENCE)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert len(shown) == 2 and re.split(" {2,}", shown[0]) == ["KEY", "ORGANIZATION", "MADE", "STATE", "NAME"]
    assert shown[0].index("NAME") == shown[1].index("Beach"), "each column below its heading"


def test_what_is_listed_before_it_is_erased_and_what_refuses_are_shown(folder: Path) -> None:
    asked = rundun(folder, "person", "erase", "--name", "Ed")
    assert asked.exit_code == 2 and SHOWN in asked.stdout
    refused = rundun(folder, "templates", "check", f"there\x9b{folder.name}")
    assert refused.exit_code == 1 and f"there�{folder.name}: No such file" in refused.stderr


@pytest.mark.parametrize("command", [*LISTS, ("templates", "list"), ("runs", "list")], ids=" ".join)
def test_a_document_says_all_and_is_obeyed_by_nothing(folder: Path, command: tuple[str, ...]) -> None:
    said = done(rundun(folder, *command, "--json"))
    assert all(replace_controls(line) == line for line in said.split("\n"))
    values = [one["title" if "title" in one else "name"] for one in rows_of(json.loads(said))]
    assert values == ["Check" if command[0] == "templates" else NASTY] * len(values) and values


def rows_of(document: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return document.get("data") or document["runs"]


def test_what_could_have_been_meant_is_shown_in_one_line(folder: Path) -> None:
    for command in (("orgs", "quota", "a\nb\x1b"), ("keys", "revoke", "a\nb\x1b")):
        (line,) = rundun(folder, *command).stderr.splitlines()
        assert line.startswith("Error: There is no ") and f" a�b�. There are: {SHOWN} (" in line


def test_long_lists_of_choices_are_cut() -> None:
    choices = [f"key {number}" for number in range(1, 23)]
    said = NotFound("key", "x" * 500, choices).detail
    assert said == f"There is no key {'x' * 100}…. There are: {', '.join(choices[:10])} and 12 more."
    assert choices_sentence(choices[:10]).endswith("key 9, key 10.")


def test_other_letters_stay_as_they_are() -> None:
    words = "Zoë · شقة الشاطئ · 海の家 · 👩‍🔧 · Straße"
    assert replace_controls(words) == words


def test_what_settings_say_that_are_refused_is_shown(tmp_path: Path) -> None:
    (tmp_path / "rundun.toml").write_text('["\\u001b[31mowned"]\n[server]\nhost = "\\u009b2J"\nport = "\\n\\u001b"\n')
    said = rundun(tmp_path, "check", "--config", str(tmp_path / "rundun.toml"))
    assert said.exit_code == 2 and "owned" in said.stderr
    assert all(char.isprintable() or char == "\n" for char in said.stderr)
