"""The command line: every command without a service and beside a running one, and what it says to nonsense."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rundun.actions.commands import COMMANDS
from rundun.actions.organizations import organizations
from rundun.control_socket import MAX_LINE
from rundun.errors import Problem
from rundun.passwords import verify
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.cli import CHECK, FIRST, KEY, KEY_ID, ORG, TEMPLATE
from tests.helpers.console.office import Office
from tests.helpers.processes.service_process import PATIENCE, dispatched, done, environment, looking, rows, rundun
from tests.helpers.service import BOOLEAN, World


def test_the_signing_key_is_rotated(office: Office) -> None:
    for _ in range(2):
        said = office("keys", "rotate-signing")
        assert said == "Pictures have new addresses, and 0 sessions of the console have ended."
    with looking(office.folder) as db:
        assert rows(db, "SELECT number FROM rotations") == [(1,), (2,)]
    assert "unexpected extra argument" in rundun(office.folder, "keys", "rotate-signing", "key-1").stderr


def test_no_key_is_rotated_where_there_is_no_database(tmp_path: Path) -> None:
    refused = rundun(tmp_path, "keys", "rotate-signing")
    assert (refused.exit_code, "There is no database" in refused.stderr) == (1, True)


def test_organizations(office: Office) -> None:
    acme = office("orgs", "create", "  Acme & Söhne ")
    assert ORG.fullmatch(acme)
    assert office("orgs", "credits", "Acme & Söhne", "--add", "20") == "20"
    assert office("orgs", "credits", acme, "--add", "-5") == "15"
    said = office("orgs", "contact", acme, " Call Ed, 555-1234 ")
    assert said == f"Executors are told how to reach {acme}: Call Ed, 555-1234"
    assert [acme, "15", "Acme & Söhne", "Call Ed, 555-1234"] in [line[:4] for line in office.lines("orgs", "list")]
    assert office("orgs", "credits", acme, "--unlimited") == "unlimited"
    # Lines of its history are all that it has.
    assert re.fullmatch(r"[\d.]+ (bytes|KiB) used, no quota", office("orgs", "quota", acme))
    assert office("orgs", "quota", acme, "--mebibytes", "20").endswith(" used of 20.0 MiB")
    assert office("orgs", "quota", "Acme & Söhne").endswith(" used of 20.0 MiB")
    assert office("orgs", "quota", acme, "--unlimited").endswith(" used, no quota")
    assert office("orgs", "quota", acme, "--default").endswith(" used, no quota")
    held = "photos forever\nruns forever\nattempts 90 days\nexecutors are told"
    assert office("orgs", "retention", acme) == held
    held = "photos forever\nruns 1 day\nattempts forever\nexecutors are not told"
    changed = ("--runs-days", "1", "--attempts-days", "forever", "--no-tell")
    assert office("orgs", "retention", acme, *changed) == office("orgs", "retention", acme) == held
    assert office("orgs", "contact", acme, "") == f"Executors are not told any more how to reach {acme}."
    assert [acme, "unlimited", "Acme & Söhne", "–"] in [line[:4] for line in office.lines("orgs", "list")]
    assert len(office.lines("orgs", "list")) == 2


def test_organizations_that_make_no_sense(office: Office) -> None:
    acme = office("orgs", "create", "Acme")
    assert office.refused("orgs", "create", " Acme ") == f"There is an organization “Acme” already: {acme}."
    first = office.lines("orgs", "list")[0][0]
    globex = f"There is no organization Globex. There are: {FIRST} ({first}), Acme ({acme})."
    assert office.refused("orgs", "contact", "Globex", "x") == globex
    assert office.refused("orgs", "credits", acme, "--add", "-1") == "--add: That would make the balance -1."
    assert "the balance" in office.refused("orgs", "credits", acme, "--add", str(10**30))
    assert office.refused("orgs", "quota", "Globex", "--unlimited") == globex
    assert "at most" in office.refused("orgs", "quota", acme, "--mebibytes", str(2**31))
    assert office.refused("orgs", "retention", "Globex", "--tell") == globex
    assert office.refused("operators", "setup-link") == (
        f"Say which organization, with --org. There are: {FIRST} ({first}), Acme ({acme})."
    )
    assert "1 to 200" in office.refused("orgs", "create", " ")
    assert "1 to 200" in office.refused("orgs", "create", "x" * 201)
    assert "1 to 200" in office.refused("orgs", "create", "a\x1b[31m")
    assert "at most 500" in office.refused("orgs", "contact", acme, "x" * 501)
    assert "is not UTF-8" in office.refused("orgs", "create", os.fsdecode(b"Caf\xe9"))
    assert len(office.lines("orgs", "list")) == 2


async def test_a_name_that_two_have_come_to_is_nobodys(w: World) -> None:
    def rename(tx: Tx) -> list[str]:
        tx.db.execute("UPDATE organizations SET name = 'Acme'")
        return [one.org_id for one in organization_rows.list_by_name(tx, "Acme")]

    ids = await w.database.write(rename)
    with pytest.raises(Problem) as refused:
        await w.database.read(organizations.get, "Acme")
    assert len(ids) > 1
    assert all(org_id in refused.value.detail for org_id in ids)


def test_keys(office: Office) -> None:
    assert KEY.fullmatch(office("keys", "create", "--org", FIRST, "--name", "backend"))
    ((key_id, org_id, at, state, name),) = office.lines("keys", "list")
    assert KEY_ID.fullmatch(key_id)
    assert ORG.fullmatch(org_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
    assert (state, name) == ("valid", "backend")
    nobody = office.refused("keys", "revoke", "key-nobody")
    assert nobody == f"There is no key key-nobody. There are: backend ({key_id})."
    assert office("keys", "revoke", key_id).startswith(f"“backend” of {FIRST} ({key_id}) is revoked")
    revoked = office.lines("keys", "list")[0][3]
    assert re.fullmatch(r"revoked \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", revoked)
    assert office("keys", "revoke", key_id).startswith(f"“backend” of {FIRST} ({key_id}) is revoked")
    assert office.lines("keys", "list")[0][3] == revoked, "once is enough"
    assert office.refused("keys", "revoke", "key-nobody") == "There is no key key-nobody. There is none yet."
    assert "There are: My organization (" in office.refused("keys", "create", "--org", "Globex", "--name", "x")
    assert "1 to 200" in office.refused("keys", "create", "--org", FIRST, "--name", "")
    assert len(office.lines("keys", "list")) == 1


def test_operators(office: Office) -> None:
    ann = office("operators", "add", "Ann@Example.com", "--name", "Ann", typed="correct horse battery\n")
    assert re.fullmatch(r"u-[0-9a-f-]{36}", ann)
    office("operators", "add", "bob@example.com", "--role", "member", "--org", FIRST, typed="another one\n")
    shown = {one[0]: (one[1], *one[3:]) for one in office.lines("operators", "list")}
    assert shown == {
        "ann@example.com": ("owner", "never", "Ann"),
        "bob@example.com": ("member", "never", "bob@example.com"),
    }
    twice = office.refused("operators", "add", "ann@example.com", typed="")
    assert "There is an operator with that address." in twice
    assert "no e-mail address" in office.refused("operators", "add", "ann", typed=""), "before it asks for a password"
    assert "at least 10" in office.refused("operators", "add", "eve@example.com", typed="short\n")
    before = passwords_in(office)
    assert office("operators", "password", "ann@example.com", typed="quite another one\n").startswith(
        "ann@example.com has a new"
    )
    after = passwords_in(office)
    assert after["bob@example.com"] == before["bob@example.com"]
    assert verify(before["ann@example.com"], "correct horse battery")
    assert verify(after["ann@example.com"], "quite another one")
    none = office.refused("operators", "second-factor", "ann@example.com", "--off")
    assert none == "ann@example.com has no second factor."
    nobody = ("operators", "password", "eve@example.com")
    eve = "There is no operator eve@example.com. There are: ann@example.com, bob@example.com."
    assert office.refused(*nobody, typed="") == eve
    assert office("operators", "remove", "bob@example.com") == "bob@example.com is removed and signed out everywhere."
    assert [one[0] for one in office.lines("operators", "list")] == ["ann@example.com"]
    bob = "There is no operator bob@example.com. There are: ann@example.com."
    assert office.refused("operators", "remove", "bob@example.com") == bob
    link = office("operators", "setup-link")
    assert re.fullmatch(r"http://\S+/console/join/[\w-]{43}", link)
    assert office("operators", "setup-link", "--org", FIRST) != link
    office("orgs", "create", "Globex")
    assert "--org" in office.refused("operators", "setup-link")


def passwords_in(office: Office) -> dict[str, str]:
    with looking(office.folder) as db:
        return dict(rows(db, "SELECT email, password FROM operators"))  # type: ignore[arg-type]


def test_templates_and_runs(office: Office) -> None:
    template_id = office("templates", "import", office.file(CHECK), "--org", FIRST)
    assert TEMPLATE.fullmatch(template_id)
    link = dispatched(office.run("runs", "dispatch", template_id))
    assert re.fullmatch(r"http://\S+/r/r-[0-9a-f-]{36}", link), "the link alone: nobody's terminal, no QR code"
    with looking(office.folder) as db:
        assert rows(db, "SELECT template_id, status FROM runs") == [(template_id, "pending")]
    nobody = office.refused("runs", "dispatch", "t-nobody")
    assert nobody.startswith("There is no template t-nobody. There are: Check (t-")
    wrong = office.refused("templates", "import", office.file({"name": "", "steps": [{}]}), "--org", FIRST)
    assert "\n  /name: " in wrong
    assert "\n  /steps/0/type: " in wrong
    shown = {"name": "Check", "steps": [{**BOOLEAN, "pictures": [f"pic-{'0' * 64}"]}]}
    elsewhere = office.refused("templates", "import", office.file(shown), "--org", FIRST)
    assert "/steps/0/pictures/0" in elsewhere and "no such picture in this organization" in elsewhere
    assert "not JSON" in office.refused("templates", "import", office.file("{"), "--org", FIRST)
    assert "No such file" in office.refused("templates", "import", "nowhere.json", "--org", FIRST)
    office("orgs", "credits", FIRST, "--add", "1")
    office("orgs", "quota", FIRST, "--mebibytes", "1")
    dispatched(office.run("runs", "dispatch", template_id))
    assert "no credits left" in office.refused("runs", "dispatch", template_id)


def test_a_template_too_large_to_hand_over_is_refused(office: Office) -> None:
    huge = office.file({"name": "x" * MAX_LINE, "steps": [BOOLEAN]})
    assert re.search("name|bytes", office.refused("templates", "import", huge, "--org", FIRST))
    office("orgs", "create", "Still there")


def test_a_terminal_shows_the_link_as_a_qr_code_too_and_a_heading(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", FIRST))
    (tmp_path / "check.json").write_text(json.dumps(CHECK))
    template_id = done(rundun(tmp_path, "templates", "import", str(tmp_path / "check.json"), "--org", FIRST))
    link, *code = on_terminal(tmp_path, "runs", "dispatch", template_id, "--due-at", "2036-01-31T09:00:00Z")
    assert re.fullmatch(r"http://\S+/r/r-[0-9a-f-]{36}", link)
    assert len(code) > 12
    assert sum(line.count("\N{UPPER HALF BLOCK}") + line.count("\N{FULL BLOCK}") for line in code) > 100
    heading, listed = on_terminal(tmp_path, "runs", "list")
    for name, value in (("DUE", "31 Jan 2036, 09:00:00 +00:00"), ("STATUS", "pending"), ("CHECKLIST", "Check")):
        assert listed[heading.index(f"  {name}") :].startswith(f"  {value}")


def on_terminal(folder: Path, *arguments: str) -> list[str]:
    """The lines that a terminal shows of a command."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "rundun", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=end, stderr=end)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    os.close(terminal)
    assert process.wait(PATIENCE) == 0
    return shown.decode().splitlines()


def test_every_command_is_tried_here() -> None:
    files = Path(__file__).parent.rglob("test_*.py")
    text = "".join(file.read_text("utf-8").replace('", "', " ") for file in files)
    for command in [*COMMANDS, "keys list", "orgs list", "operators list", "templates check"]:
        assert f'"{command}' in text, command
