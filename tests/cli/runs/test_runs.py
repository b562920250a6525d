"""Runs at the command line: listed as the API lists them, and shown one by one."""

import json
import re
from pathlib import Path
from typing import Any

from tests.helpers.jobs import LATER, with_job
from tests.helpers.processes.service_process import beside, done
from tests.helpers.service import BOOLEAN, PUBLIC_URL, TEXT, World

# In the world the clock stands still, which it does not at the command line.
MOVING = ("late",)


async def printed(folder: Path, *arguments: str) -> Any:
    return json.loads(done(await beside(folder, *arguments, "--json", server_public_url=PUBLIC_URL)))


def still(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name not in MOVING}


async def test_runs_are_listed_as_the_api_lists_them(w: World, tmp_path: Path) -> None:
    template_id, other = await w.template(BOOLEAN), await w.template(TEXT, name="Other")
    first = await w.dispatch(template_id, executor_ref="b 1", title="Beach house")
    second = await w.dispatch(other, executor_ref="b 1")
    third = await w.dispatch(template_id)
    await w.acme.post(f"/v1/runs/{third.run_id}/cancel", json={})
    acme = ("--org", w.acme_id)
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"status": "cancelled"}, ["--status", "cancelled"]),
        ({"status": ["cancelled", "pending"]}, ["--status", "pending", "--status", "cancelled"]),
        ({"updated_after": "2001-01-01T00:00:00Z"}, ["--updated-after", "2001-01-01T00:00:00Z"]),
        ({"template_id": other}, ["--template", "Other"]),
        ({"executor_ref": "b 1"}, ["--executor-ref", "b 1"]),
        ({"flagged": "true"}, ["--flagged"]),
        ({"missed": "true"}, ["--missed"]),
        ({"created_before": "2001-01-01T00:00:00Z"}, ["--created-before", "2001-01-01T00:00:00Z"]),
        ({"created_after": "2001-01-01T00:00:00Z"}, ["--created-after", "2001-01-01T00:00:00Z"]),
        ({"due_before": "2099-01-01T00:00:00Z"}, ["--due-before", "2099-01-01T00:00:00Z"]),
        ({"limit": "1"}, ["--limit", "1"]),
    ]
    for params, typed in filters:
        answer = (await w.acme.get("/v1/runs", params=params)).json()
        document = await printed(tmp_path, "runs", "list", *acme, *typed)
        assert {**document, "data": list(map(still, document["data"]))} == {
            **answer,
            "data": list(map(still, answer["data"])),
        }
    page = await beside(tmp_path, "runs", "list", *acme, "--limit", "2")
    assert [line.split()[0] for line in page.stdout.splitlines()] == [third.run_id, second.run_id]
    cursor = page.stderr.removeprefix("There are more: --cursor ").strip()
    (line,) = done(await beside(tmp_path, "runs", "list", *acme, "--cursor", cursor)).splitlines()
    assert line.startswith(f"{first.run_id}  1 Jan 2026, 00:00:00 +00:00  –    pending  Check")
    assert line.endswith("  Check  title: Beach house  reference: b 1")
    wrong = await beside(tmp_path, "runs", "list", *acme, "--limit", "101", "--created-after", "noon", "--cursor", "x")
    assert (wrong.exit_code, "\nError: 3 things are wrong:\n  --" in wrong.stderr) == (2, True)
    nobody = (await beside(tmp_path, "runs", "list")).stderr
    assert nobody.startswith("Error: Say which organization, with --org. There are: ") and f"({w.acme_id})" in nobody
    assert "Invalid value for '--status'" in (await beside(tmp_path, "runs", "list", "--status", "late")).stderr


async def test_a_run_is_shown_as_the_api_has_it_and_in_lines(w: World, tmp_path: Path) -> None:
    ed = await with_job(w, executor_ref="booking\x1b[2J7", webhook={"url": "http://10.1.1.1/", "secret": "x" * 12})
    shown = await printed(tmp_path, "runs", "show", ed.run_id)
    assert still(shown) == still(await w.run(ed))
    await ed.start()
    await ed.answer(BOOLEAN["id"], False)
    await ed.answer("s-why", "first\nsecond\u202e")
    lines = done(await beside(tmp_path, "runs", "show", ed.run_id, server_public_url=PUBLIC_URL)).splitlines()
    assert still(await printed(tmp_path, "runs", "show", ed.run_id)) == still(await w.run(ed))
    assert lines[:2] == ["Beach house 3 · check-out 11:00", ""]
    column = lines[2].index("Check,")  # where all texts begin
    named = [(line[:column].rstrip(), line[column:]) for line in lines[2 : lines.index("", 2)]]
    assert named[:2] == [("checklist", "Check, version 1"), ("run", ed.run_id)]
    assert named[2][0] == "status" and named[2][1].startswith("in progress, 2 of 2 done")
    assert named[3] == ("link", f"{PUBLIC_URL}/r/{ed.run_id}")
    assert ("reference", "booking�[2J7") in named
    place = named.index(("note", "Canary-note: the key is under the mat."))
    assert named[place + 1] == ("", "See https://example.com/canary-plan")
    assert ("Canary-label-door", "(secret)") in named
    assert lines[-5:] == [f"   1  {BOOLEAN['label']}", "      No", "   2  What else?", "      first", "      second�"]
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={"reason": "Rain."})
    closed = done(await beside(tmp_path, "runs", "show", ed.run_id))
    assert re.search("^cancelled +by the integrator: Rain\\.$", closed, re.MULTILINE)
    assert "/r/" not in closed and "canary-4711" not in closed
    assert all(word in closed.lower() for word in LATER if word != "canary-prefill")
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/again", json={"fields": {"f-door": None}})
    again = answer.json()["run_id"]
    for one, said, other in ((ed.run_id, "repeated as", again), (again, "repeat of", ed.run_id)):
        assert re.search(f"^{said} +{other}$", done(await beside(tmp_path, "runs", "show", one)), re.MULTILINE)


async def test_a_run_is_cancelled(w: World, tmp_path: Path) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    number = ed.run_id.removeprefix("r-")[:8]
    wrong = await beside(tmp_path, "runs", "cancel", number, "--reason", "x" * 2001)
    assert (wrong.exit_code, "\nError: --reason " in wrong.stderr) == (2, True)
    said = done(await beside(tmp_path, "runs", "cancel", number, "--reason", " Rain. "))
    assert said == f"{ed.run_id} is cancelled, and its link says so."
    run = await w.run(ed)
    assert (run["status"], run["cancellation"]["by"], run["cancellation"]["reason"]) == (
        "cancelled",
        "operator",
        "Rain.",
    )
    assert re.search("^cancelled +by the operator: Rain", done(await beside(tmp_path, "runs", "show", number)), re.M)
    again = await beside(tmp_path, "runs", "cancel", ed.run_id)
    said = "Error: This run is cancelled; it can't be changed any more.\n"
    assert (again.exit_code, again.stderr) == (1, said)
    assert "There is no such run" in (await beside(tmp_path, "runs", "cancel", "r-nobody")).stderr


async def test_a_long_label_takes_more_lines_and_no_more_room(w: World, tmp_path: Path) -> None:
    label = "Which of the two entrances behind the house"
    fields = [{"id": "f-door", "label": label, "kind": "text"}, {"id": "f-word", "label": "x" * 40, "kind": "text"}]
    template_id = await w.template(BOOLEAN, fields=fields)
    ed = await w.dispatch(template_id, fields={"f-door": "The left one", "f-word": "y"})
    lines = done(await beside(tmp_path, "runs", "show", ed.run_id)).splitlines()
    assert f"{'run':<28} {ed.run_id}" in lines
    place = lines.index(f"{'Which of the two entrances':<28} The left one")
    assert lines[place + 1 : place + 4] == ["behind the house", f"{'x' * 28} y", "x" * 12]


async def test_a_run_goes_by_the_number_of_its_receipt(w: World, tmp_path: Path) -> None:
    template_id = await w.template(BOOLEAN)
    run_id = (await w.dispatch(template_id)).run_id
    number = run_id.removeprefix("r-")[:8]
    for typed in (number, number.upper(), f"r-{number}", run_id[:15]):
        assert (await printed(tmp_path, "runs", "show", typed))["run_id"] == run_id
    assert "no such run" in (await beside(tmp_path, "runs", "show", number[:7])).stderr, "too short to be meant"
    final = await beside(tmp_path, "runs", "erase", number, "--yes")
    assert (final.exit_code, "Erasing is final" in final.stderr) == (1, True)
    other = (await w.dispatch(template_id)).run_id
    twin = f"{run_id[:-1]}{'0' if run_id[-1] != '0' else '1'}"
    await w.database.write(lambda tx: tx.db.execute("UPDATE runs SET id = ? WHERE id = ?", (twin, other)).rowcount)
    both = (await beside(tmp_path, "runs", "show", number)).stderr
    assert both == f"Error: Several run ids begin with it: {', '.join(sorted([run_id, twin]))}.\n"
    await w.acme.delete(f"/v1/runs/{run_id}")
    assert (await printed(tmp_path, "runs", "show", number))["run_id"] == twin


async def test_there_is_no_such_run_or_not_any_more(w: World, tmp_path: Path) -> None:
    assert (await beside(tmp_path, "runs", "show", "r-nobody")).stderr == "Error: There is no such run.\n"
    ed = await w.dispatch(await w.template(BOOLEAN))
    await w.acme.delete(f"/v1/runs/{ed.run_id}")
    gone = await beside(tmp_path, "runs", "show", ed.run_id, "--json")
    assert (gone.exit_code, gone.stdout, "erased" in gone.stderr) == (1, "", True)
