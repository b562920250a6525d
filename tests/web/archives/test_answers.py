"""Answers as a table: CSV, JSON Lines and XLSX, read back by others' readers, and compared with the API."""

import csv
import io
import json
import random
from datetime import date, datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from rundun.actions.runs import runs
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.wording.job_tables.csv_cells import csv_lines, plain_text, safe_cell
from rundun.wording.run_table import COLUMNS
from tests.helpers.console.console import Browser, operator, shown, text_of
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Ed, World

OPTIONS = [{"id": "o-a", "label": "One; two"}, {"id": "o-b", "label": "=Three"}]
STEPS: dict[str, dict[str, Any]] = {
    "s-ok": {**BOOLEAN, "required": False, "config": {"true_label": "Fine"}},
    "s-text": {"id": "s-text", "type": "text", "label": "Say it", "required": False},
    "s-number": {"id": "s-number", "type": "number", "label": "Meter", "required": False, "config": {"unit": "kWh"}},
    "s-rating": {"id": "s-rating", "type": "rating", "label": "Stars", "required": False},
    "s-many": {
        "id": "s-many",
        "type": "multi_choice",
        "label": "Many",
        "required": False,
        "config": {"options": OPTIONS},
    },
    "s-day": {"id": "s-day", "type": "datetime", "label": "Day", "required": False, "config": {"mode": "date"}},
    "s-at": {"id": "s-at", "type": "datetime", "label": "At", "required": False, "config": {"mode": "datetime"}},
    "s-pic": {"id": "s-pic", "type": "photo", "label": "Pictures", "required": False},
}
FIELDS = [
    {"id": "f-unit", "label": "Unit", "kind": "text"},
    {"id": "f-paid", "label": "Paid", "kind": "number"},
    {"id": "f-door", "label": "Door", "kind": "secret"},
]
TEXTS = ["=1+1", "a;=2", "b\t@x", "plain", "l1\nl2", '"quoted"', "+49", "-5", "ñ, ü", "\u200b=9", "x,=3", "1,5"]
ONE_LINE = [text for text in TEXTS if "\n" not in text and "\t" not in text]


def value_of(step_id: str, chance: random.Random) -> Any:
    return {
        "s-ok": chance.random() < 0.5,
        "s-text": chance.choice(TEXTS),
        "s-number": chance.choice([0, -3, 12.5, 1e6, 0.125]),
        "s-rating": chance.randint(1, 5),
        "s-many": chance.choice([["o-a"], ["o-b"], ["o-a", "o-b"]]),
        "s-day": chance.choice(["2024-02-29", "2026-01-01"]),
        "s-at": chance.choice(["2026-01-01T08:30:00Z", "2025-07-01T22:00:00Z"]),
    }[step_id]


async def random_runs(w: World, count: int, seed: int = 1) -> tuple[str, list[Ed]]:
    """Runs of three versions of a template, which have other steps and another order, with answers of all kinds."""
    chance, eds = random.Random(seed), []
    names = list(STEPS)
    made = await w.acme.post("/v1/templates", json=body(names[:5]))
    assert made.status_code == 201, made.text
    template_id = made.json()["id"]
    for shown_names in (names[:5], [*names[3:], "s-ok"], [*names[5:], *names[:3]]):
        changed = await w.acme.put(f"/v1/templates/{template_id}", json=body(shown_names))
        assert changed.status_code == 200, changed.text
        for _ in range(count // 3):
            fields = {"f-unit": chance.choice(ONE_LINE), "f-paid": chance.choice([1, 2.5]), "f-door": "canary-door"}
            ed = await w.dispatch(template_id, fields=fields, title=chance.choice(ONE_LINE))
            await ed.start()
            for step_id in shown_names:
                if step_id == "s-pic":
                    if chance.random() < 0.2:
                        await ed.photo(step_id, images.jpeg(64, 48))
                        await ed.answer(step_id)
                elif chance.random() < 0.1:
                    await ed.put(step_id, {"unable": {"reason": chance.choice(TEXTS)}})
                elif chance.random() < 0.8:
                    assert (await ed.answer(step_id, value_of(step_id, chance))).status_code == 200
            await ed.complete()
            eds.append(ed)
            w.clock.forward(seconds=1)
    return template_id, eds


def body(names: list[str]) -> dict[str, Any]:
    return {"name": "Check", "steps": [STEPS[name] for name in names], "fields": FIELDS}


def expected(step_id: str, record: Any, decimal: str = ".") -> str:
    """What a cell of the table says of an answer of the API."""
    answer = record["answers"].get(step_id)
    if answer is None:
        return ""
    if answer["unable"]:
        return f"Could not be done: {answer['unable']['reason']}"
    value = answer["value"]
    match step_id:
        case "s-ok":
            return "Fine" if value else "No"
        case "s-many":
            return "; ".join(option["label"] for option in OPTIONS if option["id"] in value)
        case "s-pic":
            count = len(answer["photos"])
            return f"{count} http://rundun.test/console/runs/{record['run_id']}#s-pic"
        case "s-at":
            return str(value).replace("Z", "+00:00")
    return str(value).replace(".", decimal) if isinstance(value, float) else str(value)


async def answers(w: World, template_id: str, query: str = "") -> str:
    answer = await w.acme.get(f"/v1/answers?template_id={template_id}&{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("count", [60, pytest.param(999, marks=pytest.mark.soak)])
async def test_the_table_equals_the_api(w: World, count: int) -> None:
    template_id, eds = await random_runs(w, count)
    rows = list(csv.DictReader(io.StringIO(await answers(w, template_id), newline="")))
    assert [row["run_id"] for row in rows] == [ed.run_id for ed in reversed(eds)]
    lines = [json.loads(line) for line in (await answers(w, template_id, "format=jsonl")).splitlines()]
    for row, line in zip(rows, lines, strict=True):
        record = await w.run(Ed(w, row["run_id"]))
        del record["template"]
        assert line == record, "JSON is as it is"
        assert "canary-door" not in str(row)
        assert plain_text(row["f-unit"]) == plain_text(record["fields"]["f-unit"])
        for step_id in STEPS:
            assert plain_text(row[step_id]) == plain_text(expected(step_id, record)), step_id


async def test_versions_are_in_line_by_the_ids_of_their_steps(w: World) -> None:
    template_id, _ = await random_runs(w, 3)
    ids = next(csv.reader(io.StringIO(await answers(w, template_id))))
    assert tuple(ids[: len(COLUMNS)]) == COLUMNS
    of_steps = [name for name in ids[len(COLUMNS) :] if name.startswith("s-")]
    assert of_steps == ["s-rating", "s-many", "s-day", "s-at", "s-pic", "s-ok", "s-text", "s-number"]
    assert ids[len(COLUMNS) :][:2] == ["f-unit", "f-paid"]
    labels = next(csv.reader(io.StringIO(await answers(w, template_id, "headings=labels"))))
    assert labels[-3:] == ["All fine?", "Say it", "Meter (kWh)"]


async def test_further_columns_are_chosen(w: World) -> None:
    flag = {"when": {"op": "eq", "value": False}}
    place = {"lat": 1.5, "lng": 2.5, "accuracy": None}
    template_id = await w.template({**BOOLEAN, "flag": flag, "geo": True, "photo": {"min": 0, "max": 2}})
    ed = await w.dispatch(template_id)
    await ed.start()
    await ed.answer("s-ok", False, geo=place)
    (row,) = csv.DictReader(
        io.StringIO(await answers(w, template_id, "remarks=true&flags=true&times=true&positions=true"))
    )
    found = {name: value for name, value in row.items() if name.startswith("s-")}
    assert found == {
        "s-ok": "No",
        "s-ok.photos": "",
        "s-ok.remark": "",
        "s-ok.flag": "Flagged",
        "s-ok.time": "2026-01-01T00:00:00+00:00",
        "s-ok.position": "1.5, 2.5",
    }


async def test_filters_are_those_of_the_list(w: World) -> None:
    template_id, eds = await random_runs(w, 6)
    await w.dispatch(await w.template(BOOLEAN))
    for query, wanted in (
        ("status=completed", 6),
        ("status=pending", 0),
        (f"created_after={(await w.run(eds[3]))['created_at']}", 2),
        ("q=nothing", 0),
    ):
        assert len((await answers(w, template_id, f"format=jsonl&{query}")).splitlines()) == wanted, query
    for wrong in ("template_id=t-none", "limit=5", "format=xml", "headings=1"):
        answer = await w.acme.get(f"/v1/answers?template_id={template_id}&{wrong}")
        assert answer.status_code in (404, 422), wrong
    assert (await w.acme.get("/v1/answers")).status_code == 422
    assert (await w.globex.get(f"/v1/answers?template_id={template_id}")).status_code == 404


# ---- the console


async def sheet(ann: Browser, query: str) -> list[list[Any]]:
    answer = await ann.get(f"/answers.xlsx?{query}")
    assert answer.status_code == 200, answer.text
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("count", [30, pytest.param(999, marks=pytest.mark.soak)])
async def test_xlsx_has_real_numbers_and_days(w: World, count: int) -> None:
    template_id, _ = await random_runs(w, count)
    ann = await operator(w)
    headings, *rows = await sheet(ann, f"template={template_id}&tab=done")
    places = {name: number for number, name in enumerate(headings)}
    assert len(rows) == count and headings[: len(COLUMNS)] == list(COLUMNS)
    for row in rows:
        record = await w.run(Ed(w, row[0]))
        for label, step_id in (("Meter (kWh)", "s-number"), ("Stars", "s-rating"), ("Day", "s-day"), ("At", "s-at")):
            answer, cell = record["answers"].get(step_id), row[places[label]]
            value = None if answer is None or answer["unable"] else answer["value"]
            if value is None:
                assert cell in ("", expected(step_id, record)), step_id
            elif step_id == "s-day":
                assert cell == date.fromisoformat(value)
            elif step_id == "s-at":
                assert cell == datetime.fromisoformat(value).replace(tzinfo=None)
            else:
                assert isinstance(cell, float) and cell == value
        assert row[places["Say it"]] == expected("s-text", record)
        if "s-pic" in record["answers"] and not record["answers"]["s-pic"]["unable"]:
            assert row[places["Pictures"]] == 1.0
        assert isinstance(sent := row[places["created_at"]], date) and str(sent)[:10] == record["created_at"][:10]


async def test_csv_is_as_spreadsheets_of_the_language_read_it(w: World) -> None:
    template_id, eds = await random_runs(w, 12)
    ann = await operator(w)
    for tag, separator, decimal in (("en", ",", "."), ("de", ";", ",")):
        ann.client.headers["accept-language"] = tag
        text = (await ann.get(f"/answers.csv?template={template_id}")).text
        assert text.startswith("\ufeff")
        rows = list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=separator))
        assert len(rows) == len(eds)
        for row in rows:
            record = await w.run(Ed(w, row["run_id"]))
            number = record["answers"].get("s-number")
            if number and not number["unable"]:
                assert row["Meter (kWh)"] == str(number["value"]).replace(".", decimal)
            at = record["answers"].get("s-at")
            if at and not at["unable"]:
                assert row["At"] == at["value"][:16].replace("T", " ")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_splits_the_file(text: str, separator: str) -> None:
    line = csv_lines([["x", text, "y"]], separator)
    (read,) = csv.reader(io.StringIO(line, newline=""), delimiter=separator)
    assert plain_text(read[1]) == plain_text(safe_cell(text, separator))
    for other in {",", ";", "\t"} - ({","} if separator == "," else set()):
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=other):
            for cell in row:
                assert not cell.lstrip('\u200b" ').startswith(("=", "+", "-", "@")), (cell, other)


async def test_the_page_asks_for_checklist_and_month(w: World) -> None:
    template_id, _ = await random_runs(w, 3)
    ann = await operator(w)
    assert f"/console/answers?tab=done&amp;template={template_id}" in await shown(ann, f"/templates/{template_id}")
    for tab, kept in (("done", "done"), ("flagged", "flagged"), ("open", "done"), ("late", "done")):
        page = await shown(ann, f"/runs?tab={tab}&q=x")
        assert f'href="/console/answers?tab={kept}&amp;q=x"' in page, "open jobs have no answers yet"
    page = await shown(ann, "/answers?tab=done&q=x")
    assert 'name="q" value="x"' in page and "January 2026" in text_of(page)
    assert len(await sheet(ann, f"template={template_id}&month=2026-01")) == 4
    assert len(await sheet(ann, f"template={template_id}&month=2025-12")) == 1
    for month in ("9999-12", "0001-01", "2026-13", "2026-1"):
        assert len(await sheet(ann, f"template={template_id}&month={month}&from=2027-01-01")) == 1, (
            "the list's days hold"
        )
    for path in ("/answers.csv", "/answers.xlsx", "/answers.csv?template=t-none"):
        assert (await ann.get(path)).status_code == 404
    gus = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert (await gus.get(f"/answers.xlsx?template={template_id}")).status_code == 404


async def test_a_sheet_that_would_be_too_long_is_refused(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id, _ = await random_runs(w, 3)
    ann = await operator(w)
    monkeypatch.setattr("rundun.web.archives.answers.MAX_ROWS", 3)
    refused = await ann.get(f"/answers.xlsx?template={template_id}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    monkeypatch.setattr("rundun.web.archives.answers.MAX_ROWS", 4)
    assert len(await sheet(ann, f"template={template_id}")) == 4


@pytest.mark.parametrize(
    ("step", "count", "at_once"),
    [(BOOLEAN, 3, 100), (BOOLEAN, 40, 50), ({"type": "text", "label": "?", "config": {"max_length": 9000}}, 24, 1)],
)
async def test_the_longer_the_runs_the_fewer_of_them_are_read_at_once(
    w: World, monkeypatch: pytest.MonkeyPatch, step: Any, count: int, at_once: int
) -> None:
    """A run of the last kind may have more than 256 KiB of answers."""
    template_id = await w.template(*({**step, "id": f"s-{n}", "required": False} for n in range(count)))
    eds = [await w.dispatch(template_id) for _ in range(3)]
    limits = []
    page_answered = runs.page_answered

    def noting(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest, language: str | None) -> Any:
        limits.append(page_request.limit)
        return page_answered(tx, org_id, filters, page_request, language)

    monkeypatch.setattr(runs, "page_answered", noting)
    lines = (await w.acme.get(f"/v1/answers?template_id={template_id}&format=jsonl")).text.splitlines()
    assert {json.loads(line)["run_id"] for line in lines} == {ed.run_id for ed in eds}
    assert set(limits) == {at_once}
