"""Checklists at the command line: listed, and checked, several at once."""

import json
import re
from pathlib import Path

import pytest

from tests.helpers.cli import CHECK, FIRST, TEMPLATE
from tests.helpers.console.office import Office
from tests.helpers.processes.service_process import beside, done, rundun
from tests.helpers.service import BOOLEAN, World


def test_checklists_are_listed(office: Office) -> None:
    listed = office.run("templates", "list")
    first = len(listed.stdout.splitlines())
    assert listed.stderr == ("" if first else "No checklists.\n")
    globex = office("orgs", "create", "Globex")
    kept = office.json("templates", "import", office.file(CHECK), "--org", "Globex")
    assert (kept["name"], kept["v"], kept["org_id"], kept["warnings"]) == ("Check", 1, globex, [])
    other = office("templates", "import", office.file({**CHECK, "name": "Flat"}), "--org", FIRST)
    lines = office.lines("templates", "list")
    assert [line[0] for line in lines[:2]] == [other, kept["id"]], "the newest first"
    assert (lines[1], len(lines)) == ([kept["id"], "v1", globex, "in use", "Check"], first + 2)
    (listed,) = office.json("templates", "list", "--org", "Globex")["data"]
    assert listed == {name: kept[name] for name in listed}
    assert office.refused("templates", "list", "--org", "Nobody").startswith("There is no organization Nobody. There ")


async def test_an_archived_one_says_so_and_goes_by_its_id_alone(w: World, tmp_path: Path) -> None:
    template_id = await w.template(BOOLEAN)
    await w.acme.delete(f"/v1/templates/{template_id}")
    (line,) = done(await beside(tmp_path, "templates", "list", "--org", w.acme_id)).splitlines()
    assert re.split(" {2,}", line)[3].startswith("archived 2026-")
    by_name = await beside(tmp_path, "runs", "dispatch", "Check", "--org", w.acme_id)
    assert by_name.stderr == "Error: There is no template Check. There is none yet.\n"
    none = await beside(tmp_path, "runs", "list", "--org", w.acme_id, "--template", template_id)
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No runs.\n")
    assert done(await beside(tmp_path, "runs", "list", "--org", w.acme_id, "--template", template_id, "--json"))


def test_a_checklist_gets_its_next_version_and_is_archived(office: Office) -> None:
    made = office("templates", "import", office.file(CHECK), "--org", FIRST)
    again = office.file({**CHECK, "steps": [{**BOOLEAN, "label": "Really?"}]}, "again.json")
    revised = office.json("templates", "revise", "Check", again)
    assert (revised["id"], revised["v"], revised["steps"][0]["label"]) == (made, 2, "Really?")
    said = office("templates", "revise", made, again, "--org", FIRST)
    assert said == f"“Check” ({made}) is as {again} says already, at version 2."
    assert office.refused("templates", "revise", made, office.file({"name": "Check"})).startswith("/")
    assert office.refused("templates", "revise", "Chuck", again).startswith("There is no template Chuck. There are: ")
    assert office("templates", "archive", "Check").startswith(f"“Check” ({made}) is archived; ")
    assert office.refused("templates", "archive", "Check").startswith("There is no template Check. ")
    assert office.refused("runs", "dispatch", made)
    assert office("templates", "revise", made, again).endswith("at version 2."), "and brings it back"
    assert "in use" in next(line for line in office.lines("templates", "list") if line[0] == made)


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_a_second_checklist_of_the_same_name_is_warned_of(office: Office) -> None:
    office("orgs", "create", "Globex")
    first = office("templates", "import", office.file(CHECK), "--org", FIRST)
    office("templates", "import", office.file(CHECK), "--org", "Globex")
    second = office.run("templates", "import", office.file(CHECK), "--org", FIRST)
    assert TEMPLATE.fullmatch(second.stdout.strip()) and second.exit_code == 0
    revise = f"rundun templates revise {first} {office.folder}/check.json would have made its next version.\n"
    assert second.stderr == f"warning: There is a checklist “Check” already ({first}): {revise}"
    (warning,) = office.json("templates", "import", office.file(CHECK), "--org", FIRST)["warnings"]
    assert warning["code"] == "same_name" and second.stdout.strip() in warning["detail"]
    for template_id in (line[0] for line in office.lines("templates", "list", "--org", "Globex")):
        office("templates", "archive", template_id)
    assert office.json("templates", "import", office.file(CHECK), "--org", "Globex")["warnings"] == []


def files(folder: Path) -> list[str]:
    contents = {
        "good.json": json.dumps(CHECK),
        "wrong.json": json.dumps({"name": "", "steps": [{"type": "dance", "label": "x"}]}),
        "letter.json": "Dear Ed",
        "warned.json": json.dumps(
            {**CHECK, "fields": [{"id": "f-unit", "label": "Unit", "kind": "text", "required": True}]}
        ),
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    return [str(folder / name) for name in [*contents, "none\x9b.json"]]


def test_a_member_that_is_there_twice_is_named(office: Office) -> None:
    file = Path(office.file(CHECK, "twice.json"))
    file.write_text(file.read_text().replace("{", '{"name": "Other", ', 1))
    for line in (("check", str(file)), ("check", str(file), office.file(CHECK))):
        checked = office.run("templates", *line)
        assert checked.exit_code == 1
        assert checked.stdout.splitlines()[0].endswith("/name: is there twice")
    for line in (
        ("import", str(file), "--org", FIRST),
        ("revise", office("templates", "import", office.file(CHECK), "--org", FIRST), str(file)),
    ):
        assert office.refused("templates", *line).startswith("/name: is there twice")


def test_several_files_are_checked_each_with_its_verdict(tmp_path: Path) -> None:
    good, wrong, letter, warned, none = files(tmp_path)
    result = rundun(tmp_path, "templates", "check", good, wrong, letter, warned, none)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"{good}: ok"
    assert [line.partition("json: ")[2].partition(": ")[0] for line in lines[1:3]] == ["/name", "/steps/0/type"]
    assert lines[3].startswith(f"{letter} is not JSON: ")
    assert lines[4] == f"{warned}: ok"
    assert lines[5] == f"{tmp_path}/none�.json: No such file or directory."
    (warning,) = result.stderr.splitlines()
    assert warning.startswith(f"{warned}: warning: Dispatches without f-unit will be refused")
    assert done(rundun(tmp_path, "templates", "check", good, good)) == f"{good}: ok\n{good}: ok"


def test_verdicts_are_those_of_the_api(tmp_path: Path) -> None:
    good, wrong, letter, warned, none = files(tmp_path)
    result = rundun(tmp_path, "templates", "check", good, wrong, letter, warned, none, "--json")
    assert (result.exit_code, result.stderr, "\x9b" in result.stdout) == (1, "", False)
    verdicts = json.loads(result.stdout)["data"]
    assert [one["file"] for one in verdicts] == [good, wrong, letter, warned, none]
    assert [one["valid"] for one in verdicts] == [True, False, False, True, False]
    assert verdicts[0] == {"file": good, "valid": True, "errors": [], "warnings": []}
    assert [one["pointer"] for one in verdicts[1]["errors"]] == ["/name", "/steps/0/type"]
    assert set(verdicts[1]["errors"][0]) == {"where", "pointer", "code", "detail"}
    assert "not JSON" in verdicts[2]["detail"]
    assert verdicts[3]["warnings"][0]["code"] == "required_fields"
