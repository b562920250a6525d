"""Every way into the list of runs: a link shows what it says, and what can't be asked for is said."""

import re
from html import unescape
from typing import Any

import pytest

from rundun.store.runs import lists, search as run_search
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import END, PageRequest
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import Browser, operator, text_of
from tests.helpers.console.console_runs import rows
from tests.helpers.service import BOOLEAN, Ed, World


def link(page: str, words: str) -> str:
    """The query of the one link to the list of runs that has those words in it."""
    links = re.findall(r'<a(?: class="small")? href="/console/runs(\?[^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
    (found,) = [unescape(query) for query, text in links if words in text_of(text)]
    return found


async def day_of_everything(w: World) -> dict[str, Ed]:
    """A run of every kind; it is the second of January, and some ended on the first."""
    template_id = await w.template(BOOLEAN)
    made = {}
    for name in ("early", "expired", "done", "cancelled", "late", "started", "waiting"):
        hours = 26 if name == "expired" else 30 if name in ("early", "late") else 200
        made[name] = await w.dispatch(template_id, expires_in_hours=hours, executor_ref=f"job {name}")
        w.clock.forward(seconds=1)
    for name in ("early", "done", "cancelled", "late", "started"):
        await made[name].start()
    for name in ("early", "done"):
        if name == "done":
            w.clock.forward(hours=31)
            await w.sweep()
        await made[name].answer("s-ok", True)
        assert (await made[name].complete()).status_code == 200
    await made["cancelled"].call("POST", "/cancel", json={"reason": "Nobody home"})
    return made


async def test_a_template_leads_to_its_own_runs(w: World) -> None:
    ann = await operator(w)
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    mine = await w.dispatch(one)
    await w.dispatch(two)
    page = (await ann.get(f"/templates/{one}")).text
    assert await rows(ann, link(page, "Jobs of this checklist")) == [mine.run_id]


async def test_each_tab_has_what_it_counts(w: World) -> None:
    ann = await operator(w)
    made = await day_of_everything(w)
    page = (await ann.get("/runs?tab=open")).text
    for words, names in (
        ("Open 3", ["late", "started", "waiting"]),
        ("Late 1", ["late"]),
        ("Missed 1", ["expired"]),
        ("Done 2", ["done", "early"]),
    ):
        query = link(page, words)
        assert await rows(ann, query) == [made[name].run_id for name in names], words
        shown = (await ann.get(f"/runs{query}")).text
        assert f"/console/runs.csv{query.replace('&', '&amp;')}" in shown, "the table has the same"
        table = (await ann.get(f"/runs.csv{query}")).text
        assert [name for name in made if made[name].run_id in table] == sorted(names, key=list(made).index)
        narrowed = (await ann.get(f"/runs{query}&template=t-nobody")).text
        assert 'class="count"' not in narrowed, "counts are of whole tabs"
    assert "Flagged 0" in text_of(page) and "All 7" in text_of(page)
    assert await rows(ann, "?tab=open&sort=newest") == [made[name].run_id for name in ("waiting", "started", "late")]
    assert await rows(ann, "?tab=nonsense") == await rows(ann)


async def test_runs_are_listed_by_the_day_they_ended_on(w: World) -> None:
    ann = await operator(w)
    made = await day_of_everything(w)
    for query, names in (
        ("day=closed&from=2026-01-01&to=2026-01-01", ["early"]),
        ("day=closed&from=2026-01-02", ["cancelled", "done", "expired"]),
        ("day=closed&to=2026-01-02", ["cancelled", "done", "expired", "early"]),
        ("day=closed&from=2026-01-02&status=expired", ["expired"]),
        ("day=closed&from=2026-01-02&status=pending", []),
        ("day=closed&from=2026-01-02&status=open", []),
        ("day=closed&from=2026-01-02&status=late", []),
        ("day=closed&from=2026-01-02&ref=job", ["expired", "done", "cancelled"]),
        ("day=closed&from=2026-01-02&ref=job+done&match=exact", ["done"]),
        ("day=created&from=2026-01-02", []),
        ("day=nonsense&to=2026-01-01&status=open", ["late", "started", "waiting"]),
        ("day=closed&status=open", ["late", "started", "waiting"]),
        ("status=open&ref=job", ["waiting", "started", "late"]),
        ("status=late&ref=job", ["late"]),
        ("status=late&template=t-nobody", []),
    ):
        assert await rows(ann, f"?{query}") == [made[name].run_id for name in names], query
    ended = text_of((await ann.get("/runs?day=closed&from=2026-01-01&to=2026-01-02")).text)
    assert "Ended from 1 Jan 2026 × Remove this filter Ended up to 2 Jan 2026 ×" in ended


async def test_a_search_narrows_a_tab(w: World) -> None:
    ann = await operator(w)
    made = await day_of_everything(w)
    for query, names in (
        ("q=ATE", ["late"]),
        ("q=job&tab=open", ["waiting", "started", "late"]),
        ("q=job&tab=done", ["done", "early"]),
        ("q=job+e&tab=missed", ["expired"]),
        (f"q={made['done'].run_id[2:10]}", ["done"]),
        ("q=nothing+like+it", []),
    ):
        assert await rows(ann, f"?{query}") == [made[name].run_id for name in names], query
        table = (await ann.get(f"/runs.csv?{query}")).text
        assert [name for name in made if made[name].run_id in table] == sorted(names, key=list(made).index)
    page = text_of((await ann.get("/runs?q=nothing+like+it&tab=open")).text)
    assert "No job found. Search all jobs · Show all of this tab" in page
    assert "“nothing like it” × Remove this filter" in page


async def test_a_search_goes_through_all_jobs_and_is_kept_from_tab_to_tab(w: World) -> None:
    ann = await operator(w)
    made = await day_of_everything(w)
    for path in ("", "/runs?tab=done", "/runs?tab=late&q=job"):
        page = (await ann.get(path)).text
        form = re.search(r'<form method="get" action="/console/runs" role="search".*?</form>', page, re.DOTALL)
        assert form and 'name="q"' in form[0] and "Search all jobs" in form[0], path
        assert 'type="hidden"' not in form[0], path
    narrowed = (await ann.get("/runs?tab=late&q=job&template=t-nobody&to=2026-01-03")).text
    forms = re.findall(r'<form method="get" action="/console/runs".*?</form>', narrowed, re.DOTALL)
    hidden = [re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form) for form in forms]
    assert hidden[0] == [("template", "t-nobody"), ("to", "2026-01-03")], "a search keeps what narrows the list"
    assert hidden[1] == [("tab", "late"), ("q", "job")], "a filter keeps tab and search"
    page = (await ann.get("/runs?q=job")).text
    assert await rows(ann, "?q=job") == [made[name].run_id for name in reversed(made)], "the newest first"
    for words, query in (("Open 3", "tab=open&q=job"), ("Done 2", "tab=done&q=job"), ("All 7", "q=job")):
        assert link(page, words) == f"?{query}", words
    assert "Missed 1 Flagged 0" in text_of(page)
    done = (await ann.get("/runs?tab=done&q=e+d")).text
    assert "Open 0 Late 0 Missed 0 Flagged 0 Done 0 All 0" in text_of(done), "of each tab what is found in it"
    assert link(done, "Show all of this tab") == "?tab=done"
    early = (await ann.get("/runs?q=%C3%89ARLY")).text
    assert "job <mark>early</mark>" in early and "All 1" in text_of(early)
    assert 'class="count"' not in (await ann.get("/runs?q=job&template=t-nobody")).text


async def test_what_a_search_found_beside_the_line_is_shown_in_it(w: World) -> None:
    ann = await operator(w)
    fields = [{"id": "f-plate", "kind": "text", "label": "Plate"}, {"id": "f-code", "label": "Door", "kind": "secret"}]
    fields += [{"id": "f-where", "kind": "address", "label": "Where"}]
    template_id = await w.template(BOOLEAN, fields=fields, execution={"identity_required": "phone"})
    about = {"title": "Flat <7>", "executor_ref": "BK-1", "fields": {"f-plate": "7412 KLM", "f-code": "7412"}}
    about["fields"] |= {"f-where": "Avenida de Andalucía 20, Málaga"}
    ed = await w.dispatch(template_id, **about)
    await ed.start(phone="+34 612 345 678")
    for search, shown in (
        ("7412klm", None),
        ("7412 k", "<bdi>Plate</bdi>: <bdi><mark>7412 K</mark>LM</bdi>"),
        ("612345", "+34 <mark>612 345</mark> 678"),
        ("t <7", "Fla<mark>t &lt;7</mark>&gt;"),
        ("lucia", "<bdi>Where</bdi>: <bdi>…nida de Anda<mark>lucía</mark> 20, Málaga</bdi>"),
        (ed.run_id[2:8], f"· <bdi><mark>{ed.run_id[2:8]}</mark>{ed.run_id[8:10]}</bdi>"),
    ):
        page = (await ann.get("/runs", params={"q": search})).text
        assert (shown in page) if shown else "No job found" in page, search
        assert ("Plate" in page) is (search == "7412 k"), "only where nothing else of the line has it"


async def test_a_search_in_long_lists_is_counted_as_far_as_its_time_lasts(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await operator(w)
    await day_of_everything(w)
    monkeypatch.setattr(run_search, "SHORT_LIST", 2)
    page = text_of((await ann.get("/runs?q=job")).text)
    assert "Open 3 Late 1 Missed 1 Flagged 0 Done 2 All 7" in page
    assert "Open 2+ Late 1 Missed 1 Flagged 0 Done 2 All 2+" in text_of((await ann.get("/runs?q=j")).text)
    monkeypatch.setattr(run_search, "FIRST_WINDOW", 4)
    monkeypatch.setattr(run_search, "COUNT_MS", 0)
    page = text_of((await ann.get("/runs?q=job")).text)
    assert "Open 3+" in page and "Late 1 Missed 1" in page and "All 4+" in page, "as far as it was counted"
    monkeypatch.setattr("rundun.web.console.runs.runs.MAX_COUNTED", 3)
    monkeypatch.setattr("rundun.wording.console_words.MAX_COUNTED", 3)
    assert "All 3+" in text_of((await ann.get("/runs?q=job")).text)


async def test_a_long_search_is_taken_up_where_it_ended(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "SHORT_LIST", 3)
    monkeypatch.setattr(run_search, "FIRST_WINDOW", 3)
    monkeypatch.setattr(run_search, "LOOK_MS", 0)
    ann = await operator(w)
    made = await day_of_everything(w)
    page = (await ann.get("/runs?q=early")).text
    assert "No job found so far." in page and "Search further back" in page
    assert await walk(ann, "?q=early") == [made["early"].run_id]
    assert made["early"].run_id in (await ann.get("/runs.csv?q=early")).text


async def test_an_unknown_status_is_said(w: World) -> None:
    ann = await operator(w)
    run = await w.dispatch(await w.template(BOOLEAN))
    page = (await ann.get("/runs?status=foo")).text
    assert "There is no such status." in page and f'id="row-{run.run_id}"' in page
    assert 'href="/console/runs.csv"' in page, "the table is of what is shown"
    assert re.search(r'<select id="f-status"[^>]*aria-describedby="w-status" aria-invalid="true"', page)
    assert "There is no such status." not in (await ann.get("/runs?status=open")).text


async def test_no_two_links_of_a_list_are_called_the_same(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    flat = {"title": "Flat 7"}
    about: list[dict[str, Any]] = [{}, {}, {"executor_ref": "booking_7"}, flat, {**flat, "executor_ref": "booking_8"}]
    made = [await w.dispatch(template_id, **more) for more in about]
    page = (await ann.get("/runs")).text
    named = re.findall(r'id="name-([^"]+)">(.*?)</bdi></span>\s*<span [^>]*id="of-\1">(.*?)</span></span>', page)
    names = [text_of(f"{name} {of}") for _, name, of in named]
    numbers = [ed.run_id[2:10] for ed in made]
    assert names == [
        "Flat 7 booking_8 · Check",
        f"Flat 7 Check {numbers[3]}",
        "booking_7 Check",
        f"Check {numbers[1]}",
        f"Check {numbers[0]}",
    ]
    for run_id, _, _ in named:
        assert f'id="link-{run_id}" aria-labelledby="name-{run_id} of-{run_id} state-{run_id}"' in page


async def walk(ann: Browser, query: str) -> list[str]:
    """All of a list, page by page."""
    seen, path = [], f"/runs{query}"
    while path:
        page = (await ann.get(path)).text
        seen += re.findall(r'<li id="row-(r-[0-9a-f-]+)"', page)
        older = re.search(r'rel="next" href="/console([^"]+)"', page)
        path = unescape(older[1]) if older else ""
    return seen


async def test_lists_of_several_statuses_page_as_one(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    for number in range(12):
        ed = await w.dispatch(template_id, executor_ref=f"job {number % 5}", expires_in_hours=100)
        if number % 3:
            await ed.start()
        if number % 4 == 1:
            await ed.call("POST", "/cancel", json={"reason": "No"})
        elif number % 4 == 2:
            await ed.answer("s-ok", True)
            await ed.complete()
        w.clock.forward(seconds=number % 2)
    for query in (
        "?status=open",
        "?status=open&ref=job",
        "?day=closed&from=2026-01-01",
        "?day=closed&from=2026-01-01&ref=job",
    ):
        monkeypatch.setattr("rundun.web.console.runs.runs.LIMIT", 50)
        whole = await rows(ann, query)
        assert len(whole) in (5, 7)
        for limit in (1, 2, 3, 5, 7):
            monkeypatch.setattr("rundun.web.console.runs.runs.LIMIT", limit)
            assert await walk(ann, query) == whole, (query, limit)
        monkeypatch.undo()


async def test_the_condition_of_a_list_is_met_by_its_runs_only(w: World) -> None:
    made = await day_of_everything(w)
    other = await w.dispatch(await w.template(BOOLEAN), executor_ref="another")
    assert (await w.acme.delete(f"/v1/runs/{made['cancelled'].run_id}")).status_code == 204
    now = w.clock()

    def look(tx: Tx) -> None:
        template_id = tx.db.execute("SELECT template_id FROM runs WHERE id = ?", (other.run_id,)).fetchone()[0]
        numbers = [row[0] for row in tx.db.execute("SELECT number FROM runs")]
        chosen = [
            RunFilter(),
            RunFilter("open"),
            RunFilter(("pending", "expired")),
            RunFilter(template_id=template_id),
            RunFilter("completed", closed_after=0),
            RunFilter("pending", closed_after=0),
            RunFilter(late_at=now),
            RunFilter(is_missed=True, is_to_handle=True),
            RunFilter(is_flagged=True),
            RunFilter(executor_ref="job done"),
            RunFilter("open", executor_ref_prefix="job "),
            RunFilter(executor_ref_prefix="job e", created_before=now),
        ]
        counts = lists.count_members(tx, w.acme_id, {str(at): each for at, each in enumerate(chosen)}, numbers)
        found = [{number for _, number in lists.list_places(tx, w.acme_id, each, (END, END), 99)} for each in chosen]
        for at, each in enumerate(chosen):
            condition, values = lists.membership_condition(w.acme_id, each)
            rows = tx.db.execute(f"SELECT number FROM runs WHERE {condition}", values).fetchall()
            assert {row[0] for row in rows} == found[at] and counts[str(at)] == len(found[at]), each
        assert [len(each) for each in found] == [7, 4, 3, 1, 2, 0, 1, 1, 0, 1, 3, 2]

    await w.database.read(look)


async def test_each_list_uses_the_index_meant_for_it(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def look(tx: Tx) -> list[list[str]]:
        monkeypatch.setattr(lists, "_has_few", lambda *_: False)
        tx.db.set_trace_callback(seen.append)
        for chosen in (
            RunFilter("open"),
            RunFilter(late_at=9),
            RunFilter(late_at=9, template_id="t-1"),
            RunFilter("completed", closed_after=1, closed_before=9),
            RunFilter("completed", closed_after=1, template_id="t-1"),
            RunFilter(closed_before=9),
        ):
            lists.page(tx, w.acme_id, chosen, PageRequest())
        tx.db.set_trace_callback(None)
        return [[step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()] for query in seen]

    plans = await w.database.read(look)
    assert [len(plan) for plan in plans] == [1] * len(plans), "nothing is sorted"
    found = [re.sub(r"SEARCH \w+ USING |INDEX ", "", plan[0]) for plan in plans]
    late = "runs_open_of_org (org_id=? AND status=? AND late_after<?)"
    assert found == [
        *["runs_by_status (org_id=? AND status=? AND created_at<?)"] * 2,
        *[late] * 4,
        *["runs_by_end (org_id=? AND status=? AND closed_at>? AND closed_at<?)"] * 2,
        *["runs_by_end (org_id=? AND status=? AND closed_at<?)"] * 3,
    ]


async def test_a_template_with_few_runs_decides_over_all_that_ended(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FEW_ROWS", 2)
    many, few = await w.template(BOOLEAN), await w.template(BOOLEAN)
    for template_id in (many, few, many, few, many):
        ed = await w.dispatch(template_id)
        w.clock.forward(seconds=1)
        await ed.call("POST", "/cancel", json={"reason": "No"})

    def look(tx: Tx) -> None:
        for template_id, index, count in ((few, "runs_by_template", 2), (many, "runs_by_end", 3)):
            chosen = RunFilter("cancelled", template_id, closed_after=1)
            assert lists._index(tx, w.acme_id, chosen) == index
            found = lists.page(tx, w.acme_id, chosen, PageRequest()).items
            ends = [run.closed_at or 0 for run in found]
            assert len(found) == count and ends == sorted(ends, reverse=True)

    await w.database.read(look)
