"""What the command line says to what makes no sense: wrong words, files, settings and templates."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rundun.cli.main import main
from tests.helpers.cli import CHECK
from tests.helpers.processes.service_process import done, rundun

WHERE = "Run this in the service's folder, or say --database FILE."


def in_folder(folder: Path, *arguments: str, **settings: str) -> Result:
    """A command as typed, without a database named, in `folder`."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        given = {name: None for name in os.environ if name.startswith("RUNDUN_")}
        result = CliRunner().invoke(
            main, list(arguments), env={**given, **{f"RUNDUN_{key}": value for key, value in settings.items()}}
        )
    finally:
        os.chdir(before)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("orgs credits Acme", "Say either --add N or --unlimited."),
        ("orgs credits Acme --add 1 --unlimited", "Say either --add N or --unlimited."),
        ("orgs credits Acme --add lots", "Invalid value for '--add'"),
        ("orgs quota Acme --mebibytes 1 --default", "Say one of --mebibytes N, --unlimited and --default"),
        ("orgs quota Acme --mebibytes 0", "Invalid value for '--mebibytes'"),
        ("orgs retention Acme --photos-days 0", "Say a whole number from 1 to 36,500, or forever."),
        ("orgs create", "Missing argument 'NAME'"),
        ("keys create --org Acme", "Missing option '--name'"),
        ("keys revoke", "Missing argument 'KEY_ID'"),
        ("keys destroy", "No such command 'destroy'"),
        ("person list --email ed", "Error: --email must be an e-mail address."),
        ("person list --phone x", "Error: --phone must be a phone number."),
        ("runs list --limit 1000", "Error: --limit "),
        ("runs list --created-after yesterday", "Error: --created-after "),
        ("runs list --limit 0 --cursor x", "Error: 2 things are wrong:"),
        ("runs dispatch a b", "unexpected extra argument"),
        ("serve --port 99999", "server.port in the flag --port is 99999; it must be"),
        ("serve --port x", "Invalid value for '--port'"),
        ("serve --prot 1", "No such option"),
        ("keys list --config nowhere.toml", "Error: There is no settings file nowhere.toml."),
        ("keys list --database .", "database.path in the flag --database"),
        ("dance", "No such command 'dance'"),
    ],
)
def test_what_makes_no_sense_is_explained(tmp_path: Path, typed: str, said: str) -> None:
    result = in_folder(tmp_path, *typed.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == [], "and nothing is made"


@pytest.mark.parametrize(("typed", "said"), [("operators add ed", "That is no e-mail address.")])
def test_a_wrong_value_is_told_once_by_its_option(tmp_path: Path, typed: str, said: str) -> None:
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    result = rundun(tmp_path, *typed.split(), typed="a long password\n")
    assert (result.exit_code, result.stderr) == (1, f"Error: {said}\n")


@pytest.mark.parametrize("typed", ["keys list", "keys revoke key-1", "orgs list", "orgs credits A --add 1"])
def test_a_mistyped_database_is_not_made(tmp_path: Path, typed: str) -> None:
    result = in_folder(tmp_path, *typed.split(), "--database", "rundumm.db")
    assert (result.exit_code, result.stderr) == (1, f"Error: There is no database {tmp_path}/rundumm.db yet. {WHERE}\n")
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Ed")
    for typed in ("keys list", "orgs create Acme"):
        result = in_folder(tmp_path, *typed.split(), "--database", "letter.db")
        assert (result.exit_code, result.stderr) == (1, "Error: letter.db is no Rundun database.\n")
    assert (tmp_path / "letter.db").read_text() == "Dear Ed"


def test_unknown_settings_are_refused_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "rundun.toml").write_text("[server]\nprot = 1\n[colour]\nred = true\n")
    for typed in ("keys list", "serve", "orgs create Acme", "templates check check.json", "runs dispatch t-1"):
        result = in_folder(tmp_path, *typed.split(), SERVER_HOSTS="x")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "server.prot in rundun.toml is not a setting; the nearest is server.port." in result.stderr
        assert "[colour] in rundun.toml is not a section" in result.stderr
        assert "RUNDUN_SERVER_HOSTS in the environment is not a setting" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["rundun.toml"]


@pytest.mark.parametrize("typed", ["serve", "init", "keys list", "orgs create Acme", "restore x.db", "backup x.db"])
def test_links_in_a_circle_are_no_database(tmp_path: Path, typed: str) -> None:
    (tmp_path / "rundun.db").symlink_to("other.db")
    (tmp_path / "other.db").symlink_to("rundun.db")
    result = in_folder(tmp_path, *typed.split(), DATABASE_PATH="rundun.db")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "rundun.db is a symbolic link that leads in a circle" in result.stderr


def test_settings_come_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[database]\npath = "mine.db"\n')
    for typed in ("orgs create Acme", "orgs list", "keys create --org Acme --name x", "keys list"):
        assert in_folder(tmp_path, *typed.split(), "--config", "mine.toml").exit_code == 0
    assert (tmp_path / "mine.db").exists()
    assert not (tmp_path / "rundun.db").exists()


# ---- templates check

WORDS = [{"when": {"step": "s-text", "op": "contains", "value": f"{n:0>99}"}} for n in range(51)]
SEARCHING = [
    {"id": "s-text", "type": "text", "label": "?", "config": {"max_length": 20_000}},
    *({"type": "boolean", "label": "?", "condition": {"op": "or", "rules": WORDS[n : n + 50]}} for n in (0, 50)),
]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"name": "", "steps": [{"type": "dance", "label": "x"}], "colour": 1},
            ["/name: ", "/steps/0/type: ", "/colour: "],
        ),
        ({"name": "x", "steps": SEARCHING}, ["/steps/0/config/max_length: "]),
        ([], ["/: "]),
        ("[" * 100_000, ["not JSON"]),
        ('{"name": NaN}', ["not JSON"]),
        ("", ["not JSON"]),
        ('{"name": "\\ud800", "steps": []}', ["not JSON"]),
    ],
)
def test_a_wrong_template_is_told_place_by_place(tmp_path: Path, content: Any, said: list[str]) -> None:
    file = tmp_path / "check.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    result = in_folder(tmp_path, "templates", "check", "check.json")
    assert result.exit_code == 1
    for words in said:
        assert words in result.output
    if not isinstance(content, str):
        assert len(result.stdout.splitlines()) == len(said)


def test_a_good_template_is_ok(tmp_path: Path) -> None:
    (tmp_path / "check.json").write_text(json.dumps(CHECK))
    assert done(in_folder(tmp_path, "templates", "check", "check.json")) == "ok"
    assert [one.name for one in tmp_path.iterdir()] == ["check.json"]
    missing = in_folder(tmp_path, "templates", "check", "other.json")
    assert (missing.exit_code, missing.stderr) == (1, "Error: other.json: No such file or directory.\n")
