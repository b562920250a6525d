"""`runs dispatch` with everything that a dispatch takes, without a service and beside a running one."""

import asyncio
import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.cli.runs.dispatch import read_secret
from rundun.errors import Problem
from tests.helpers.cli import FIRST
from tests.helpers.console.office import Office
from tests.helpers.jobs import FIELDS, KINDS, STEPS
from tests.helpers.processes.service_process import dispatched, done, looking, rows, rundun
from tests.helpers.service import BOOLEAN, World

CHECK = {"name": "Beach house", "fields": FIELDS, "steps": STEPS}
EVERYTHING = [
    *("--title", "  Flat 3\x9b"),
    *("--note", "The key is\nunder the mat."),
    *("--due-at", "2036-01-31T09:00:00+01:00"),
    *(word for kind, value in KINDS.items() for word in ("--field", f"f-{kind}={value}")),
    *("--prefill", f"{BOOLEAN['id']}=true", "--prefill", "s-why=5"),
    *("--executor-ref", "booking 7"),
    *("--language", "es"),
    *("--expires-in-hours", "never"),
    *("--webhook-url", "HTTP://10.1.2.3:80/in?a=b"),
    *("--webhook-events", "run.expired, run.completed"),
]


def test_everything_a_dispatch_takes(office: Office) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    (office.folder / "signing").write_text("a long enough secret\r\n")
    secrets = ("--webhook-secret-file", str(office.folder / "signing"), "--secret-field", "f-door=-")
    made = office.json("runs", "dispatch", "Beach house", *EVERYTHING, *secrets, typed="47 11\n")
    assert list(made) == ["run_id", "link", "expires_at", "assigned_to", "warnings"]
    assert (made["expires_at"], made["assigned_to"]) == (None, None)
    assert made["link"].endswith(f"/r/{made['run_id']}")
    assert [one["code"] for one in made["warnings"]] == ["link_not_https", "link_loopback"]
    run = office.json("runs", "show", made["run_id"])
    assert run["fields"] == {f"f-{kind}": value for kind, value in KINDS.items()} | {"f-door": "47 11"}
    assert run["prefill"] == {BOOLEAN["id"]: True, "s-why": "5"}, "a text is a text"
    job = ("title", "note", "due_at", "executor_ref", "language", "template_v")
    note = "The key is\nunder the mat."
    assert [run[name] for name in job] == ["Flat 3\x9b", note, "2036-01-31T08:00:00Z", "booking 7", "es", 1]
    webhook = {"url": "http://10.1.2.3/in?a=b", "events": ["run.completed", "run.expired"], "signed": True}
    assert run["webhook"] == webhook
    with looking(office.folder) as db:
        assert rows(db, "SELECT webhook_secret FROM runs") == [("a long enough secret",)]
    shown = office("runs", "show", made["run_id"])
    assert "Flat 3�\n" in shown and "47 11" not in shown and re.search("Canary-label-door +.secret.", shown)
    assert "http://10.1.2.3/in?a=b\n" in shown
    unsigned = office.json("runs", "dispatch", "Beach house", "--webhook-url", "http://10.1.2.3/in")
    assert [one["code"] for one in unsigned["warnings"]][2:] == ["webhook_unsigned"]
    said = office.run("runs", "dispatch", "Beach house", "--webhook-url", "http://10.1.2.3/in").stderr
    assert said.count("\nwarning: Events are not signed") == 1
    assert "http://10.1.2.3/in (not signed)\n" in office("runs", "show", unsigned["run_id"])


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_a_dispatch_is_refused_as_a_whole_and_by_its_options(office: Office) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    none, short = office.folder / "none", office.folder / "short"
    short.write_text("s")
    missing = office.refused("runs", "dispatch", "Beach house", "--secret-field", f"f-door={none}")
    assert missing == f"{none}: No such file or directory."
    wrong = ["--title", "a\nb", "--due-at", "noon", "--field", "f-number=many", "--field", "f-x=1", "--language", "?"]
    wrong += ["--prefill", f"{BOOLEAN['id']}=maybe", "--expires-in-hours", "0", "--webhook-events", "a,b"]
    wrong += ["--webhook-secret-file", str(short)]
    title, *others = office.refused("runs", "dispatch", "Beach house", *wrong).splitlines()
    assert title == "10 things are wrong:"
    options = ["--title", "--due-at", "--language", "--expires-in-hours", "--field f-number", "--field f-x"]
    options += [f"--prefill {BOOLEAN['id']}", "--webhook-secret-file", "--webhook-events", "--webhook-url"]
    assert {line.strip().partition(" must")[0].partition(" is ")[0] for line in others} == set(options)
    with looking(office.folder) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(0,)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--field f-text=1 --field f-text=2", "--field gives “f-text” more than one value"),
        ("--field f-text=1 --secret-field f-text=x", "--field gives “f-text” more than one value"),
        ("--prefill s-why=1 --prefill s-why=1", "--prefill gives “s-why” more than one value"),
    ],
)
@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_a_value_is_given_once(office: Office, typed: str, said: str) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    refused = office.run("runs", "dispatch", "Beach house", *typed.split())
    assert (refused.exit_code, refused.stdout, said in refused.stderr) == (2, "", True), refused.stderr


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_an_address_without_a_scheme_is_refused_by_its_option(office: Office) -> None:
    office("templates", "import", office.file({"name": "Check", "steps": [BOOLEAN]}))
    said = office.refused("runs", "dispatch", "Check", "--webhook-url", "localhost:9000/in")
    assert said == "--webhook-url: The URL must start with http:// or https://."


def test_a_secret_is_no_argument(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    file = tmp_path / "check.json"
    door = {"id": "f-door", "label": "Door", "kind": "secret", "required": True}
    file.write_text(json.dumps({"name": "Check", "fields": [door], "steps": [BOOLEAN]}))
    rundun(tmp_path, "templates", "import", str(file), "--org", FIRST)
    dispatch = ("runs", "dispatch", "Check")
    said = rundun(tmp_path, *dispatch).stderr
    assert said == "Error: --secret-field f-door is required: each run of this template has “Door”.\n"
    assert "say --secret-field f-door=FILE" in rundun(tmp_path, *dispatch, "--field", "f-door=1").stderr
    twice = rundun(tmp_path, *dispatch, "--secret-field", "f-door=-", "--webhook-secret-file", "-", typed="x\n")
    assert (twice.exit_code, "Only one secret" in twice.stderr) == (2, True)
    for content, why in ((b"\xff\xfe", "is not UTF-8."), (b"x" * 5000, "that is no secret")):
        file.write_bytes(content)
        assert why in rundun(tmp_path, *dispatch, "--secret-field", f"f-door={file}").stderr
    assert "Say ID=FILE." in rundun(tmp_path, *dispatch, "--secret-field", "f-door").stderr
    assert "/r/r-" in dispatched(rundun(tmp_path, *dispatch, "--secret-field", "f-door=-", typed="4711"))


def test_a_pipe_is_read_that_somebody_writes_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="is a pipe that nobody writes into"):
        read_secret(str(tmp_path / "pipe"))
    read_end, write_end = os.pipe()
    os.write(write_end, b"a long enough secret\n")
    os.close(write_end)
    assert read_secret(f"/dev/fd/{read_end}") == "a long enough secret", "as bash has it: <(pass show rundun)"
    os.close(read_end)


def test_a_receiver_that_is_not_allowed_is_refused_and_an_unknown_one_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", nowhere)
    done(rundun(tmp_path, "orgs", "create", FIRST))
    file = tmp_path / "check.json"
    file.write_text(json.dumps({"name": "Check", "steps": [BOOLEAN]}))
    rundun(tmp_path, "templates", "import", str(file), "--org", FIRST)
    dispatch = ("runs", "dispatch", "Check", "--webhook-url")
    refused = rundun(tmp_path, *dispatch, "http://127.0.0.1:9/")
    assert (refused.exit_code, "is a loopback address" in refused.stderr) == (1, True)
    allowed = rundun(tmp_path, *dispatch, "http://127.0.0.1:9/", webhooks_allow="127.0.0.0/8")
    assert "/r/r-" in dispatched(allowed)
    unknown = rundun(tmp_path, *dispatch, "http://gone.example/")
    assert (unknown.exit_code, "\nwarning: The name gone.example was not found" in unknown.stderr) == (0, True)


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_the_webhook_by_default_is_copied_unless_another_or_none_is_said(office: Office) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    with closing(sqlite3.connect(office.folder / "rundun.db")) as db:
        (org_id,) = db.execute("SELECT id FROM organizations").fetchone()
        default = (org_id, "http://10.1.2.3/default", "a long enough secret", '["run.completed"]')
        db.execute("INSERT INTO default_webhooks VALUES (?, NULL, ?, ?, ?)", default)
        db.commit()
    dispatch = ("runs", "dispatch", "Beach house", "--secret-field", "f-door=-")
    given = {
        "http://10.1.2.3/default": [],
        "http://10.1.2.3/own": ["--webhook-url", "http://10.1.2.3/own"],
        None: ["--no-webhook"],
    }
    for url, options in given.items():
        run = office.json("runs", "show", office.json(*dispatch, *options, typed="4711")["run_id"])
        assert (run["webhook"] or {}).get("url") == url
    both = office.run(*dispatch, "--no-webhook", "--webhook-events", "run.completed", typed="4711")
    assert (both.exit_code, "or --no-webhook." in both.stderr) == (2, True)


def test_a_checklist_goes_by_a_name_that_only_one_has(tmp_path: Path) -> None:
    file = tmp_path / "check.json"
    file.write_text(json.dumps({"name": "Check", "steps": [BOOLEAN]}))
    for org in ("Acme", "Globex"):
        done(rundun(tmp_path, "orgs", "create", org))
        template_id = done(rundun(tmp_path, "templates", "import", str(file), "--org", org))
    several = rundun(tmp_path, "runs", "dispatch", "Check")
    assert (several.exit_code, template_id in several.stderr) == (1, True)
    assert several.stderr.startswith("Error: Several templates have that name; say which by its id. There are: t-")
    assert "/r/r-" in dispatched(rundun(tmp_path, "runs", "dispatch", "Check", "--org", "Acme"))
    elsewhere = rundun(tmp_path, "runs", "dispatch", template_id, "--org", "Acme").stderr
    assert elsewhere.startswith(f"Error: There is no template {template_id}. There are: Check (t-")


async def test_what_is_wrong_is_what_the_api_says(w: World, tmp_path: Path) -> None:
    template_id = await w.template(*STEPS, fields=FIELDS)
    body = {"title": "", "due_at": "2001-01-01T00:00:00Z", "fields": {"f-date": "x", "f-url": "x"}, "language": "1"}
    answer = await w.acme.post("/v1/runs", json={"template_id": template_id, **body})
    typed = ["--title", "", "--due-at", str(body["due_at"]), "--field", "f-date=x", "--field", "f-url=x"]
    command = ("runs", "dispatch", template_id, *typed, "--language", "1")
    said = (await asyncio.to_thread(rundun, tmp_path, *command)).stderr
    details = [error["detail"] for error in answer.json()["errors"]]
    assert len(details) == 5
    for detail in details:
        if not detail.startswith("is past"):  # by another clock
            assert detail.rstrip(".") in said
    assert said.startswith("Error: 5 things are wrong:")
