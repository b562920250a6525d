"""`--json`: one document, with the API's names, and nothing in it that a terminal obeys."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click
import pytest

from rundun.cli.main import main
from rundun.cli.terminal import as_json, replace_controls
from tests.helpers.console.office import Office
from tests.helpers.processes.service_process import rundun
from tests.helpers.service import World

QUIET = {
    *("serve", "init", "mcp", "restore", "live", "completion", "keys revoke", "keys rotate-signing", "orgs contact"),
    *("templates archive", "runs cancel"),
    *("operators password", "operators remove", "operators second-factor", "runs erase", "person erase"),
}


def commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{name} ")
        else:
            found[f"{path}{name}"] = command
    return found


def test_whatever_shows_or_makes_something_prints_json() -> None:
    takes = {name for name, one in commands(main).items() if any("--json" in param.opts for param in one.params)}
    assert takes == commands(main).keys() - QUIET


def test_a_terminal_obeys_nothing_in_a_document() -> None:
    nasty = "\x1b]0;owned\x07\x9b2J\r\n\x7f\u2028\u202eoge\u2066"
    written = as_json({nasty: [nasty, "Zoë · شقة · 👩‍🔧", None, 1.5]})
    assert json.loads(written) == {nasty: [nasty, "Zoë · شقة · 👩‍🔧", None, 1.5]}
    assert all(replace_controls(line) == line for line in written.split("\n"))
    assert "Zoë · شقة · 👩‍🔧" in written, "other letters stay as they are"


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_what_is_made_and_listed(office: Office) -> None:
    acme = office.json("orgs", "create", "Acme")
    assert acme in office.json("orgs", "list")["data"]
    assert set(acme) == {
        *("id", "name", "contact", "credits", "runs_this_month", "deliveries_failed", "bytes_used", "bytes_quota")
    }
    key = office.json("keys", "create", "--org", "Acme", "--name", "backend", "--may-erase")
    assert set(key) == {"key_id", "org_id", "name", "key"}
    listed = {one["key_id"]: one for one in office.json("keys", "list")["data"]}[key["key_id"]]
    assert {name: listed[name] for name in ("org_id", "name", "may_erase", "read_only", "revoked_at", "used_at")} == {
        "org_id": acme["id"],
        "name": "backend",
        "may_erase": True,
        "read_only": False,
        "revoked_at": None,
        "used_at": None,
    }
    assert "key" not in listed
    report = office.json("keys", "create", "--org", "Acme", "--name", "report", "--read-only")
    read_only = {one["name"]: one["read_only"] for one in office.json("keys", "list")["data"]}
    assert (report["name"], read_only["report"]) == ("report", True)
    ann = office.json("operators", "add", "ann@example.com", "--org", "Acme", typed="correct horse battery\n")
    (one,) = office.json("operators", "list")["data"]
    assert (one["operator_id"], one["email"], one["role"]) == (ann["operator_id"], "ann@example.com", "owner")
    assert (one["second_factor"], one["signed_in_at"], "password" in one) == (False, None, False)
    assert office.json("operators", "setup-link", "--org", "Acme")["link"].startswith("http://")
    assert office.json("orgs", "credits", "Acme", "--add", "3") == {"credits": 3}
    assert office.json("orgs", "credits", "Acme", "--unlimited") == {"credits": None}
    assert office.json("orgs", "quota", "Acme", "--mebibytes", "1")["bytes_quota"] == 2**20
    held = {"photos_days": 7, "runs_days": None, "attempts_days": 90, "tells": True}
    assert office.json("orgs", "retention", "Acme", "--photos-days", "7") == held
    copy = office.json("backup", str(office.folder / "copy.db"))
    assert copy["file"] == str(office.folder / "copy.db") and copy["bytes"] > 0
    checked = office.json("check")
    settings = checked["settings"]
    assert settings["database.path"] == {"value": str(office.folder / "rundun.db"), "source": "flag"}
    assert settings["server.port"] == {"value": 8000, "source": "default"}
    assert settings["alerts.url"] == {"value": None, "source": "default"}
    assert settings["webhooks.allow"] == {"value": [], "source": "default"}
    assert {"name", "state", "text"} == set(checked["findings"][0])
    refused = office.run("keys", "create", "--org", "Nobody", "--name", "x", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: There is no organization Nobody. There are: My organization (")
    wrong = office.run("orgs", "quota", "Acme", "--unlimited", "--default", "--json")
    assert (wrong.exit_code, wrong.stdout) == (2, "")


async def test_a_person_is_listed_as_the_api_lists_them(w: World, tmp_path: Path) -> None:
    typed = ("person", "list", "--name", "Ed", "--org", w.acme_id, "--json")
    listed: Any = json.loads((await asyncio.to_thread(rundun, tmp_path, *typed)).stdout)
    answer = await w.acme.post("/v1/erasures", json={"person": {"name": "Ed"}})
    assert listed == {name: value for name, value in answer.json().items() if name != "erased"}
