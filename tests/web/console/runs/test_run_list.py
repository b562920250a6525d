"""The list of runs: pages, filters, and the index that each uses."""

import re
from typing import Any

import pytest

from rundun.store.runs import answers, changes as run_changes, events as event_rows, lists, runs as run_rows
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import END, PageRequest
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator
from tests.helpers.console.console_runs import rows
from tests.helpers.service import BOOLEAN, World


async def test_runs_are_listed_newest_first_in_pages(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundun.web.console.runs.runs.LIMIT", 3)
    ann = await operator(w)
    empty = await ann.get("/runs")
    assert "No jobs yet." in empty.text
    template_id = await w.template(BOOLEAN)
    ids = []
    for number in range(7):
        ids.append((await w.dispatch(template_id, executor_ref=f"ref {number}")).run_id)
        w.clock.forward(seconds=number % 2)
    ids.reverse()
    seen, path = [], "/runs"
    while path:
        page = (await ann.get(path)).text
        seen += re.findall(r'<li id="row-(r-[0-9a-f-]+)"', page)
        link = re.search(r'rel="next" href="/console([^"]+)"', page)
        path = link[1].replace("&amp;", "&") if link else ""
    assert seen == ids
    assert "First page" in page and "First page" not in (await ann.get("/runs")).text
    assert await rows(ann, "?before=nonsense") == ids[:3]


async def test_runs_are_filtered(w: World) -> None:
    ann = await operator(w)
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    a = await w.dispatch(one, executor_ref="booking_1")
    w.clock.forward(hours=24)
    b = await w.dispatch(two, executor_ref="booking_2")
    await b.start()
    w.clock.forward(hours=24)
    c = await w.dispatch(one, executor_ref="other")
    d = await w.dispatch(one)
    for query, expected in (
        ("", [d, c, b, a]),
        ("status=&template=&from=&to=&ref=&match=begins", [d, c, b, a]),
        ("status=pending", [d, c, a]),
        ("status=in_progress", [b]),
        ("status=nonsense", [d, c, b, a]),
        (f"template={one}", [d, c, a]),
        (f"template={one}&status=pending", [d, c, a]),
        (f"template={two}&status=completed", []),
        ("template=t-nobody", []),
        ("ref=other&match=exact", [c]),
        ("ref=booking&match=exact", []),
        ("ref=booking", [b, a]),
        ("ref=booking_&match=begins", [b, a]),
        ("ref=booking_1", [a]),
        ("ref=+booking_+", [b, a]),
        ("ref=zzz", []),
        ("ref=booking&status=in_progress", [b]),
        ("from=2026-01-02", [d, c, b]),
        ("to=2026-01-01", [a]),
        ("from=2026-01-02&to=2026-01-02", [b]),
        ("ref=b&from=2026-01-02", [b]),
        ("from=yesterday", [d, c, b, a]),
        ("to=9999-12-31", [d, c, b, a]),
    ):
        assert await rows(ann, f"?{query}") == [ed.run_id for ed in expected], query
    assert "That is not a date" in (await ann.get("/runs?from=yesterday")).text
    page = (await ann.get(f"/runs?status=pending&template={one}&ref=x&match=exact")).text
    assert 'value="pending" selected' in page and f'value="{one}" selected' in page
    assert f'href="/console/runs.csv?status=pending&amp;template={one}&amp;ref=x&amp;match=exact"' in page


async def test_days_are_those_of_the_organization(w: World) -> None:
    ann = await operator(w)
    await w.database.write(
        lambda tx: tx.db.execute("UPDATE organizations SET time_zone = 'Pacific/Kiritimati' WHERE id = ?", (w.acme_id,))
    )  # fourteen hours ahead of UTC
    w.clock.forward(hours=9)
    early = await w.dispatch(await w.template(BOOLEAN))
    w.clock.forward(hours=2)
    late = await w.dispatch(await w.template(BOOLEAN))
    assert await rows(ann, "?to=2026-01-01") == [early.run_id]
    assert await rows(ann, "?from=2026-01-02") == [late.run_id]
    assert "2 Jan 2026, 01:00:00 +14:00" in (await ann.get("/runs")).text


async def test_a_prefix_pages_in_the_order_of_references(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    for reference in ("b", "a2", "a1", "a2", "a", "a\U0010ffff", "aé", "A", "a1"):
        await w.dispatch(template_id, executor_ref=reference)
        w.clock.forward(seconds=1)

    def walk(tx: Tx) -> list[Any]:
        found: list[Any] = []
        part = PageRequest(2)
        while True:
            page = lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="a"), part)
            found += [(run.executor_ref, run.created_at) for run in page.items]
            if page.next_before is None:
                return found
            part = PageRequest(2, page.next_before)

    found = await w.database.read(walk)
    assert [reference for reference, _ in found] == ["a\U0010ffff", "aé", "a2", "a2", "a1", "a1", "a"]
    assert found == sorted(found, reverse=True)
    for prefix in ("\U0010ffff", "\ud7ff", "a\U0010ffff"):
        count = len(prefix.rstrip("\U0010ffff"))
        page = await w.database.read(lists.page, w.acme_id, RunFilter(executor_ref_prefix=prefix), PageRequest())
        assert [run.executor_ref for run in page.items] == (["a\U0010ffff"] if prefix[0] == "a" else []), count
    other = await w.database.read(lists.page, w.acme_id, RunFilter(executor_ref_prefix="b"), PageRequest())
    for before in ((other.items[0].created_at, other.items[0].number), (1, 1)):
        page = await w.database.read(
            lists.page, w.acme_id, RunFilter(executor_ref_prefix="a"), PageRequest(100, before)
        )
        assert len(page.items) == len(found), "a cursor of other runs begins anew"


async def test_each_filter_uses_the_index_meant_for_it(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), executor_ref="booking_1")
    await ed.start()
    await ed.answer("s-ok", True)
    after = PageRequest(25, (END - 1, 1))
    seen: list[str] = []

    def look(tx: Tx) -> list[list[str]]:
        monkeypatch.setattr(lists, "_has_few", lambda *_: False)
        tx.db.set_trace_callback(seen.append)
        for chosen in (
            RunFilter(),
            RunFilter(created_after=1, created_before=9),
            RunFilter(status="pending"),
            RunFilter(template_id="t-1"),
            RunFilter(status="pending", template_id="t-1"),
            RunFilter(status="completed", template_id="t-1"),
            RunFilter(executor_ref="x", status="pending"),
            RunFilter(executor_ref_prefix="book"),
            RunFilter(executor_ref_prefix="\U0010ffff", created_after=1),
        ):
            lists.page(tx, w.acme_id, chosen, PageRequest())
        lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="book"), PageRequest(1, (ed_at(tx), 1)))
        lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="book"), after)
        answers.list_replaced(tx, ed.run_id, 10)
        answers.list_replaced_of_step(tx, ed.run_id, "s-ok")
        answers.list_in_force(tx, ed.run_id)
        event_rows.list_summaries(tx, ed.run_id, 10)
        run_changes.list_of_run(tx, ed.run_id, 10)
        tx.db.set_trace_callback(None)
        return [[step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()] for query in seen]

    def ed_at(tx: Tx) -> int:
        return run_rows.get(tx, ed.run_id).created_at

    plans = await w.database.read(look)
    found = [re.sub(r"SEARCH \w+ USING |INDEX ", "", plan[0]) for plan in plans]
    assert [len(plan) for plan in plans].count(1) == len(plans) - 1, "nothing is sorted; one run alone has its secrets"
    by_age, by_reference = "created_at<?", "executor_ref>? AND (executor_ref,created_at)<(?,?)"
    ref = f"runs_by_executor_ref (org_id=? AND {by_reference})"
    assert found == [
        f"runs_of_org (org_id=? AND {by_age})",
        f"runs_of_org (org_id=? AND created_at>? AND {by_age})",
        f"runs_by_status (org_id=? AND status=? AND {by_age})",
        f"runs_by_template (org_id=? AND template_id=? AND {by_age})",
        f"runs_by_status (org_id=? AND status=? AND {by_age})",
        f"runs_by_template (org_id=? AND template_id=? AND {by_age})",
        f"runs_by_executor_ref (org_id=? AND executor_ref=? AND {by_age})",
        ref,
        "runs_by_executor_ref (org_id=? AND executor_ref>?)",
        "sqlite_autoindex_runs_1 (id=?)",
        "INTEGER PRIMARY KEY (rowid=?)",
        ref,
        "INTEGER PRIMARY KEY (rowid=?)",
        ref,  # a cursor that leads nowhere: from the beginning
        "answers_of_step (run_id=?)",
        "answers_of_step (run_id=? AND step_id=?)",
        "answers_in_force (run_id=?)",
        "sqlite_autoindex_events_2 (run_id=?)",
        "changes_of_run (run_id=?)",
    ]


async def test_of_several_filters_the_one_that_few_runs_pass_decides(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FEW_ROWS", 3)
    many, few = await w.template(BOOLEAN), await w.template(BOOLEAN)
    for n in range(5):
        await w.dispatch(many, executor_ref=f"b{n}")
    w.clock.forward(hours=1)
    await (await w.dispatch(few, executor_ref="b7")).start()
    await (await w.dispatch(many, executor_ref="b9")).start()
    late = w.clock.now - 1

    def look(tx: Tx) -> None:
        for chosen, index, count in (
            (RunFilter("pending", many), "runs_by_status", 5),
            (RunFilter("pending", few), "runs_by_template", 0),
            (RunFilter("in_progress", many), "runs_by_status", 1),
            (RunFilter("completed", few), "runs_by_status", 0),
            (RunFilter("pending", executor_ref_prefix="b"), "runs_by_executor_ref", 5),
            (RunFilter("in_progress", executor_ref_prefix="b"), "runs_by_status", 2),
            (RunFilter(template_id=few, executor_ref_prefix="b"), "runs_by_template", 1),
            (RunFilter(template_id=many, executor_ref_prefix="b"), "runs_by_executor_ref", 6),
            (RunFilter(executor_ref_prefix="b", created_after=late), "runs_of_org", 2),
            (RunFilter(executor_ref_prefix="b", created_before=late), "runs_by_executor_ref", 5),
            (RunFilter("pending", executor_ref_prefix="b", created_after=late), "runs_by_status", 0),
            (RunFilter("pending", many, created_before=late), "runs_by_status", 5),
        ):
            assert lists._index(tx, w.acme_id, chosen) == index, chosen
            found = lists.page(tx, w.acme_id, chosen, PageRequest())
            assert len(found.items) == count, chosen
            if chosen.executor_ref_prefix:
                references = [run.executor_ref or "" for run in found.items]
                assert references == sorted(references, reverse=True)

    await w.database.read(look)
