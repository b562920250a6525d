"""Several at once: a table that is pasted or read from a file sends all its jobs or none, and not twice by mistake."""

import csv
import io
import re
from html import unescape
from typing import Any

import httpx2
import pytest

from rundun.actions.deliveries import default_webhooks
from rundun.actions.organizations import organizations
from rundun.actions.runs import sent_tables
from rundun.core import csv_text
from rundun.core.actor import Actor
from rundun.errors import Problem
from rundun.scheduler import make_tables
from rundun.spreadsheets.reader import SpreadsheetReader
from rundun.web.console.dispatch import table as dispatch_table
from tests.helpers.console.console import Browser, operator, put_zone, shown, text_of
from tests.helpers.console.markup import NASTY, has_no_markup_of
from tests.helpers.service import BOOLEAN, World
from tests.helpers.xlsx import rows as workbook

UNIT = {"id": "f-unit", "label": "Unit", "kind": "text", "required": True}
DOOR = {"id": "f-door", "label": "Door code", "kind": "secret"}
HEADING = "Title\tUnit\tDue\tDoor code"
LINES = [f"House {n}\t00{n}\t2026-01-{n + 1:02} 15:00\tcode-{n}" for n in range(1, 11)]


async def flat(w: World) -> str:
    return await w.template(BOOLEAN, fields=[UNIT, DOOR], name="Flat check")


def pasted(lines: list[str]) -> str:
    return "\r\n".join([HEADING, *lines])


async def sent(ann: Browser, template_id: str, table: str, **more: str) -> httpx2.Response:
    """Check a table, and send it where it is ready."""
    await shown(ann, f"/dispatch/table?template_id={template_id}")
    form = {"template_id": template_id, "table": table, **more}
    checked = await ann.post("/dispatch/table", **form)
    ready = re.findall(r'name="send" value="([0-9a-f]{64})"', checked.text)
    return await ann.post("/dispatch/table", **form, send=ready[0]) if ready else checked


async def runs_of(w: World) -> list[Any]:
    listed = (await w.acme.get("/v1/runs?limit=100")).json()["data"]
    return [(await w.acme.get(f"/v1/runs/{each['run_id']}")).json() for each in listed][::-1]


async def test_ten_jobs_with_two_wrong_cells_then_right_then_again(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann, template_id = await operator(w, "member"), await flat(w)
    wrong = [line.replace("2026-01-04 15:00", "04/01/2026").replace("\t007\t", "\t\t") for line in LINES]
    refused = await sent(ann, template_id, pasted(wrong))
    assert refused.status_code == 422 and await runs_of(w) == []
    said = text_of(refused.text)
    assert "Nothing was sent: 2 cells are wrong" in said
    assert "4 Due 04/01/2026 May be 4 Jan 2026 or 1 Apr 2026: write the one that is meant." in said
    assert "8 Unit empty Is empty, and each job of this checklist needs it." in said
    assert unescape(refused.text).count("House 7\t\t2026-01-08 15:00\tcode-7") == 1, (
        "what was pasted is there to be mended"
    )

    done = await sent(ann, template_id, pasted(LINES))
    assert done.status_code == 303, text_of(done.text)
    runs = await runs_of(w)
    assert [run["title"] for run in runs] == [f"House {n}" for n in range(1, 11)]
    assert (runs[0]["due_at"], runs[0]["fields"]) == ("2026-01-02T14:00:00Z", {"f-unit": "001", "f-door": "code-1"})
    page = done.headers["location"].removeprefix("/console")
    html = await shown(ann, page)
    assert "10 jobs sent" in html and all(f"/console/dispatch/{run['run_id']}" in html for run in runs)
    file = await ann.get(f"{page}/links.csv")
    assert re.search(r'filename="flat-check-2026-01-01-links.csv"', file.headers["content-disposition"])
    heading, *lines = csv.reader(io.StringIO(file.text.removeprefix("\ufeff")))
    assert heading == ["title", "due", "Unit", "link"] and "code-1" not in file.text
    assert lines[9] == ["House 10", "2026-01-11 15:00", "0010", runs[9]["link"]]

    again = await sent(ann, template_id, pasted(LINES).replace("\t", ";"))
    assert again.status_code == 409 and "This table was sent before" in again.text and page in again.text
    (digest,) = re.findall(r'name="again" value="([0-9a-f]{64})"', again.text)
    changed = pasted([*LINES[:9], LINES[0]])
    assert (await sent(ann, template_id, changed)).status_code == 303
    assert (await sent(ann, template_id, changed, again=digest)).status_code == 409, "that was said of another table"
    assert len(await runs_of(w)) == 20
    assert (await sent(ann, template_id, pasted(LINES), again=digest)).status_code == 303
    assert len(await runs_of(w)) == 30


async def test_what_will_be_sent_is_shown_before(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann, template_id = await operator(w, "member"), await flat(w)
    await shown(ann, f"/dispatch/table?template_id={template_id}")
    form = {"template_id": template_id, "table": pasted([*LINES[:1], "<b>'{n}\t12\t30.11.26\tx"])}
    checked = await ann.post("/dispatch/table", **form)
    assert checked.status_code == 200 and await runs_of(w) == []
    said = text_of(checked.text)
    assert "2 jobs, not sent yet title due Unit Door code House 1 Fri, 2 Jan 2026, 15:00 001 code-1" in said
    assert "<b>'{n} Mon, 30 Nov 2026, 23:59 12 x" in said
    has_no_markup_of(checked.text, "<b>'{n}")
    (digest,) = re.findall(r'name="send" value="([0-9a-f]{64})"', checked.text)
    other = await ann.post("/dispatch/table", template_id=template_id, table=pasted(LINES[:1]), send=digest)
    assert "1 job, not sent yet" in other.text and await runs_of(w) == [], "another table than was looked at"
    assert (await ann.post("/dispatch/table", **form, send=digest)).status_code == 303
    assert len(await runs_of(w)) == 2


async def test_a_file_is_read_as_text_whatever_has_saved_it(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await operator(w, "member")
    await shown(ann, "/dispatch/table")

    async def read(data: bytes) -> httpx2.Response:
        headers = {"accept": "application/json", "x-csrf-token": ann.csrf, "content-type": "application/octet-stream"}
        return await ann.client.post("/console/dispatch/table/text", content=data, headers=headers)

    lines = [line.split("\t") for line in [HEADING, *LINES]]
    for data in (workbook(*lines), pasted(LINES).replace("\r\n", "\n").encode("utf-16")):
        answer = await read(data)
        assert (answer.status_code, answer.json()["text"]) == (200, pasted(LINES).replace("\r\n", "\n"))
    broken = await read(b"PK\x03\x04")
    assert (broken.status_code, broken.json()["code"]) == (422, "invalid") and "can't be read" in broken.json()[
        "detail"
    ]
    assert (await read(b"x" * (csv_text.MAX_BYTES + 1))).status_code == 413
    reader = SpreadsheetReader()
    with reader.places.place({"org-1": 2}), reader.places.place({"org-1": 2}):
        with pytest.raises(Problem, match="being read right now"):
            await reader.read(b"title", "org-1")
        assert await reader.read(b"title", "org-2") == "title", "nobody waits for others"


async def test_an_empty_table_and_the_columns_of_a_checklist(w: World) -> None:
    ann, template_id = await operator(w), await flat(w)
    assert "Columns" not in (html := await shown(ann, "/dispatch/table")) and "Choose…" in html
    html = await shown(ann, f"/dispatch/table?template_id={template_id}")
    assert "title reference due note language Unit required Door code" in text_of(html)
    empty = await ann.get(f"/dispatch/table.csv?template_id={template_id}")
    assert empty.text == "\ufefftitle,reference,due,note,language,Unit,Door code\r\n"
    assert (await ann.get("/dispatch/table.csv?template_id=t-nowhere")).status_code == 404
    chosen = await ann.post("/dispatch/table", choose="1", template_id=template_id, table="kept")
    assert chosen.status_code == 200 and "\nkept</textarea>" in chosen.text and "Door code" in chosen.text


@pytest.mark.parametrize(
    ("table", "status", "why"),
    [
        ("", 422, "There is no table"),
        (HEADING, 422, "no row below them"),
        ("\n".join([HEADING, *LINES[:1] * 1001]), 422, "more than 1,000 rows"),
        (f'{HEADING}\n"', 422, "a quotation mark begins a cell"),
    ],
)
async def test_what_is_no_table_says_why(w: World, table: str, status: int, why: str) -> None:
    ann, template_id = await operator(w), await flat(w)
    answer = await sent(ann, template_id, table)
    assert answer.status_code == status and why in unescape(answer.text)
    nowhere = await ann.post("/dispatch/table", template_id="t-nowhere", table=pasted(LINES))
    assert "Choose a checklist." in nowhere.text and 'id="w-template_id"' in nowhere.text


async def test_credits_archived_and_a_full_disk(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, template_id = await operator(w), await flat(w)
    await w.database.write(organizations.add_credits, w.acme_id, 9)
    few = await sent(ann, template_id, pasted(LINES))
    assert (few.status_code, "too few credits left" in few.text) == (402, True) and await runs_of(w) == []
    await w.database.write(organizations.add_credits, w.acme_id, 1)

    def full(*_: object) -> bool:
        raise Problem("unavailable", "The disk is full.", retry_after=5)

    with monkeypatch.context() as patched:
        patched.setattr(sent_tables, "make_next_runs", full)
        done = await sent(ann, template_id, pasted(LINES))
    page = done.headers["location"].removeprefix("/console")
    assert "0 of 10 are made so far" in await shown(ann, page)
    await make_tables(w.database)
    assert "so far" not in await shown(ann, page) and len(await runs_of(w)) == 10
    await w.acme.delete(f"/v1/templates/{template_id}")
    assert (await sent(ann, template_id, pasted(LINES[:1]))).status_code in (409, 422)


async def test_jobs_of_a_table_tell_our_system_unless_that_is_not_wanted(w: World) -> None:
    ann, template_id = await operator(w), await flat(w)
    assert "Send updates to" not in await shown(ann, f"/dispatch/table?template_id={template_id}")
    hook = {"url": "https://hooks.example.com/in", "secret": "a long enough secret"}
    await w.database.write(default_webhooks.put, w.acme_id, template_id, hook, Actor("operator", "Ann"))
    for path in ("/dispatch/table", "/dispatch"):
        assert "hooks.example.com, by default" in await shown(ann, f"{path}?template_id={template_id}")
    await sent(ann, template_id, pasted(LINES[:1]))
    await sent(ann, template_id, pasted(LINES[1:2]), webhook="none")
    told, not_told = await runs_of(w)
    assert told["webhook"]["url"] == hook["url"] and told["webhook"]["signed"] and not_told["webhook"] is None


async def test_nobody_elses_table_is_shown_and_no_number_is_an_error(w: World) -> None:
    ann, template_id = await operator(w), await flat(w)
    page = (await sent(ann, template_id, pasted(LINES[:1]))).headers["location"].removeprefix("/console")
    globex = await w.database.write(organizations.create, "Globex too")
    olga = await operator(w, "owner", globex.org_id)
    for path in (
        page,
        f"{page}/links.csv",
        "/dispatch/tables/x",
        "/dispatch/tables/9" + "9" * 30,
        "/dispatch/tables/0",
    ):
        assert (await olga.get(path)).status_code == 404
    theirs = await olga.post("/dispatch/table", template_id=template_id, table=pasted(LINES))
    assert theirs.status_code == 404 or "Choose a checklist." in theirs.text


@pytest.mark.parametrize("nasty", NASTY)
async def test_nothing_in_a_table_becomes_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN, fields=[{**UNIT, "label": nasty, "required": False}], name=nasty)
    cell = '"{}"'.format(nasty.replace('"', '""'))
    refused = await sent(ann, template_id, f"title\tdue\t{cell}\n{cell}\t{cell}\tx")
    assert refused.status_code == 422
    has_no_markup_of(refused.text, nasty)
    done = await sent(ann, template_id, f"title\treference\n{cell}\t{cell}")
    assert done.status_code == 303, text_of(done.text)
    has_no_markup_of(await shown(ann, done.headers["location"].removeprefix("/console")), nasty)


async def test_a_few_tables_are_read_at_once(w: World) -> None:
    ann, template_id = await operator(w, "member"), await flat(w)
    tables = w.service.tables
    ann.client.headers["accept"] = "text/html"
    with tables.place({w.acme_id: 2}), tables.place({w.acme_id: 2}):
        busy = await sent(ann, template_id, pasted(LINES))
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "5") and await runs_of(w) == []
        assert "Nothing is lost. Try again in a moment." in text_of(busy.text)
    with tables.place({"org-2": 2, "": 4}), tables.place({"org-2": 2, "": 4}):
        assert (await sent(ann, template_id, pasted(LINES))).status_code == 303, "nobody waits for others"


def test_a_form_may_be_as_large_as_a_table() -> None:
    assert dispatch_table.MAX_FORM > 3 * csv_text.MAX_BYTES
