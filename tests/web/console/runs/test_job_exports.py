"""What a run is about, on its page and in what is taken away; its secrets on the page of the open run alone."""

import json
import logging
import re

import pytest

from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.console.console_jobs import FIELDS, JOB, SECRET, STEPS, VALUES
from tests.helpers.service import Ed, World
from tests.web.console.runs.test_export import archive, table
from tests.web.console.runs.test_page import line

EXTRAS = [{"id": "o-seat", "label": "Seat"}, {"id": "o-rack", "label": "Rack"}]


async def test_a_run_says_what_it_is_about(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(*STEPS, fields=FIELDS), **JOB)
    page = await shown(ann, f"/runs/{ed.run_id}")
    (job,) = re.findall(r'<div id="job" data-part>.*?</section>', page, re.DOTALL)
    said = text_of(job)
    assert "note-line one The key is under the mat." in said
    for words in ("Unit Beach house 3", "Guests 4", "Check-out 2 Jan 2026", "Price (for you only) office-price-120"):
        assert words in said, words
    assert '<a href="tel:+34600000003"' in job
    assert '<a href="https://example.com/3" rel="noreferrer noopener"' in job
    (secret,) = re.findall(r"<details.*?</details>", job, re.DOTALL)
    assert SECRET in secret and " open" not in secret.partition(">")[0], "hidden until it is tapped"
    assert re.search(r'<div class="screen"><dt><bdi lang="">Door code', job), "and not printed"
    assert page.count(SECRET) == 1
    plain = await w.dispatch(await w.template(*STEPS))
    assert re.search(r'<div id="job" data-part>\s*</div>', await shown(ann, f"/runs/{plain.run_id}"))


async def test_what_was_proposed_stands_beside_what_was_answered(w: World) -> None:
    ann = await operator(w)
    many = {"id": "s-many", "type": "multi_choice", "label": "Extras", "config": {"options": EXTRAS}}
    prefill = {"s-ok": True, "s-odo": 42150, "s-fuel": "o-full", "s-stars": 4, "s-many": ["o-seat", "o-rack"]}
    ed = await w.dispatch(await w.template(*STEPS, many), prefill=prefill)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.answer("s-odo", 42151)
    await ed.put("s-stars", {"unable": {"reason": "No stars"}})
    expected = [
        ("s-ok", "Fine As proposed Received"),
        ("s-odo", "42,151 Proposed: 42,150 Received"),
        ("s-fuel", "Proposed: Full"),
        ("s-stars", "No stars Proposed: 4 of 5 Received"),
        ("s-many", "Proposed: Seat, Rack"),
    ]
    for end in ("open", "cancelled"):
        page = await shown(ann, f"/runs/{ed.run_id}")
        for html in (page, (await archive(ann, ed)).read("report.html").decode()):
            for step_id, words in expected:
                assert words in text_of(line(html, step_id)), (end, step_id)
            assert len(re.findall("Proposed:|As proposed", text_of(html))) == len(expected)
        await ann.post(f"/runs/{ed.run_id}/cancel")


async def test_an_address_that_is_none_leads_nowhere(w: World) -> None:
    ann = await operator(w)
    about = {"f-web": "javascript:alert(1)", "f-unit": "1"}
    template_id = await w.template(*STEPS, fields=FIELDS)
    sent = await w.acme.post("/v1/runs", json={"template_id": template_id, "fields": about})
    if sent.status_code == 201:
        assert 'href="javascript' not in await shown(ann, f"/runs/{sent.json()['run_id']}")


async def test_a_table_has_what_runs_are_about(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(*STEPS, fields=FIELDS)
    ed = await w.dispatch(template_id, **JOB)
    await w.dispatch(template_id, title="=1+1", fields={"f-unit": "a;=2+2", "f-price": "=cmd|' /C calc'!A0"})
    odd, row = await table(ann)
    assert (row["title"], row["due_at"], row["missed"], row["flagged"]) == (
        JOB["title"],
        "2026-01-02T14:00:00+00:00",
        "no",
        "0",
    )
    labels = {field["id"]: field["label"] for field in FIELDS}
    assert row["fields"] == "; ".join(f"{labels[key]}: {value}" for key, value in VALUES.items() if key != "f-door")
    assert "note-line" not in "".join(row.values())
    assert odd["title"] == "'=1+1" and odd["fields"] == "Unit: a;'=2+2; Price: =cmd|' /C calc'!A0"
    behind = ["title", "due_at", "missed", "flagged", "fields", "clock_skew_seconds", "remarks", "handled_at"]
    assert list(row)[-10:] == [*behind, "handled_note", "flags"], "behind what was there"
    w.clock.forward(hours=90)
    await w.sweep()
    missed = (await table(await operator(w), "?status=missed"))[-1]
    assert (missed["run_id"], missed["missed"]) == (ed.run_id, "yes")


async def test_a_table_has_how_wrong_a_phones_clock_was(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(*STEPS)
    for seconds in (None, -400, 518_400):
        ed = await w.dispatch(template_id)
        assert (await ed.call("POST", "/start", json={"clock_skew_seconds": seconds})).status_code == 200
    rows = await table(ann)
    assert sorted(row["clock_skew_seconds"] for row in rows) == ["", "-400", "518400"]


async def test_a_label_is_no_formula_either(w: World) -> None:
    ann = await operator(w)
    fields = [{"id": f"f-{n}", "label": label, "kind": "text"} for n, label in enumerate(("=1", "+2"))]
    await w.dispatch(await w.template(*STEPS, fields=fields), fields={"f-0": "a", "f-1": "b"})
    assert (await table(ann))[0]["fields"] == "'=1: a; '+2: b"


async def test_an_archive_has_what_the_run_is_about(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(*STEPS, fields=FIELDS), **JOB)
    found = await archive(ann, ed)
    record = json.loads(found.read("run.json"))
    assert {name: record[name] for name in ("title", "note", "due_at")} == {
        name: JOB[name] for name in ("title", "note", "due_at")
    }
    assert record["fields"] == {key: value for key, value in VALUES.items() if key != "f-door"}
    assert record["flagged"] == 0 and record["missed"] is False
    report = found.read("report.html").decode()
    for words in (JOB["title"], "note-line one", "Beach house 3", "office-price-120", "Due 2 Jan 2026"):
        assert words in text_of(report), words


@pytest.mark.parametrize("end", ["open", "cancelled", "expired"])
async def test_secrets_stand_on_the_page_of_the_open_run_alone(
    w: World, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "rundun")
    ann = await operator(w)
    template_id = await w.template(*STEPS, fields=FIELDS)
    typed = {f"field {key}": str(value) for key, value in VALUES.items()}
    await shown(ann, f"/dispatch?template_id={template_id}")
    chosen = await ann.post("/dispatch", template_id=template_id, choose="1", **typed)
    assert SECRET in chosen.text, "kept in the form"
    sent = await ann.post("/dispatch", template_id=template_id, once="1", **typed)
    run_id = sent.headers["location"].rpartition("/")[2]
    if end == "cancelled":
        await ann.post(f"/runs/{run_id}/cancel", reason="Rain")
    if end == "expired":
        w.clock.forward(hours=80)
        await w.sweep()
    assert (SECRET in await shown(ann, f"/runs/{run_id}")) is (end == "open")
    dispatched = (f"/dispatch/{run_id}", f"/dispatch?again={run_id}")
    erased = "Door code Deleted when the job ended"
    assert (erased in text_of(await shown(ann, f"/runs/{run_id}"))) is (end != "open")
    for path in ("", "/runs", "/runs.csv", f"/templates/{template_id}", *dispatched):
        assert SECRET not in (await ann.get(path)).text, path
    found = await archive(ann, Ed(w, run_id))
    assert (erased in text_of(found.read("report.html").decode())) is (end != "open")
    for name in found.namelist():
        assert SECRET.encode() not in found.read(name), name
    told = [vars(record) for record in caplog.records if record.name.startswith("rundun")]
    assert len(told) > 10 and SECRET not in str(told) and SECRET not in sent.headers["location"]
    events = await w.acme.get(f"/v1/runs/{run_id}/events")
    assert SECRET not in events.text
