"""The operator's runs: listed and filtered by their indexes, told live, shown whole, steered, taken away as files."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rundun.store import answers, events, runs
from rundun.store.paging import END, Slice
from rundun.store.runs import Filter
from rundun.store.tx import Tx
from tests.test_console import Browser, operator
from tests.world import BOOLEAN, World

PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 3}}


async def rows(browser: Browser, query: str = "") -> list[str]:
    """Ids of the runs a list shows."""
    answer = await browser.get(f"/runs{query}")
    assert answer.status_code == 200, answer.text
    return re.findall(r'<tr id="row-(r-[0-9a-f-]+)"', answer.text)


# ---- the list


async def test_runs_are_listed_newest_first_in_pages(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundun.web.console.runs.LIMIT", 3)
    ann = await operator(w)
    empty = await ann.get("/runs")
    assert "No runs yet." in empty.text
    template_id = await w.template(BOOLEAN)
    ids = []
    for number in range(7):
        ids.append((await w.dispatch(template_id, executor_ref=f"ref {number}")).run_id)
        w.clock.forward(seconds=number % 2)
    ids.reverse()
    seen, path = [], "/runs"
    while path:
        page = (await ann.get(path)).text
        seen += re.findall(r'<tr id="row-(r-[0-9a-f-]+)"', page)
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
    assert "That is not a day" in (await ann.get("/runs?from=yesterday")).text
    page = (await ann.get(f"/runs?status=pending&template={one}&ref=x&match=exact")).text
    assert 'value="pending" selected' in page and f'value="{one}" selected' in page
    assert f'href="/console/runs.csv?status=pending&amp;template={one}&amp;ref=x&amp;match=exact"' in page


async def test_days_are_those_of_the_organization(w: World) -> None:
    ann = await operator(w)
    await w.database.write(
        lambda tx: tx.db.execute(
            "UPDATE organizations SET time_zone = 'Pacific/Kiritimati' WHERE id = ?", (w.acme_id,)
        )
    )  # fourteen hours ahead of UTC
    w.clock.forward(hours=9)
    early = await w.dispatch(await w.template(BOOLEAN))
    w.clock.forward(hours=2)
    late = await w.dispatch(await w.template(BOOLEAN))
    assert await rows(ann, "?to=2026-01-01") == [early.run_id]
    assert await rows(ann, "?from=2026-01-02") == [late.run_id]
    assert "2 Jan 01:00 +14:00" in (await ann.get("/runs")).text


async def test_a_prefix_pages_in_the_order_of_references(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    for reference in ("b", "a2", "a1", "a2", "a", "a\U0010ffff", "aé", "A", "a1"):
        await w.dispatch(template_id, executor_ref=reference)
        w.clock.forward(seconds=1)

    def walk(tx: Tx) -> list[Any]:
        found: list[Any] = []
        part = Slice(2)
        while True:
            page = runs.page(tx, w.acme_id, Filter(executor_ref_prefix="a"), part)
            found += [(run.executor_ref, run.created_at) for run in page.items]
            if page.next_before is None:
                return found
            part = Slice(2, page.next_before)

    found = await w.database.read(walk)
    assert [reference for reference, _ in found] == ["a\U0010ffff", "aé", "a2", "a2", "a1", "a1", "a"]
    assert found == sorted(found, reverse=True)
    for prefix in ("\U0010ffff", "\ud7ff", "a\U0010ffff"):
        count = len(prefix.rstrip("\U0010ffff"))
        page = await w.database.read(runs.page, w.acme_id, Filter(executor_ref_prefix=prefix), Slice())
        assert [run.executor_ref for run in page.items] == (["a\U0010ffff"] if prefix[0] == "a" else []), (
            count
        )


async def test_each_filter_uses_the_index_meant_for_it(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), executor_ref="booking_1")
    await ed.start()
    await ed.answer("s-ok", True)
    after = Slice(25, (END - 1, 1))
    seen: list[str] = []

    def look(tx: Tx) -> list[list[str]]:
        tx.db.set_trace_callback(seen.append)
        for chosen in (
            Filter(),
            Filter(created_after=1, created_before=9),
            Filter(status="pending"),
            Filter(template_id="t-1"),
            Filter(status="pending", template_id="t-1"),
            Filter(status="completed", template_id="t-1"),
            Filter(executor_ref="x", status="pending"),
            Filter(executor_ref_prefix="book"),
            Filter(executor_ref_prefix="\U0010ffff", created_after=1),
        ):
            runs.page(tx, w.acme_id, chosen, Slice())
        runs.page(tx, w.acme_id, Filter(executor_ref_prefix="book"), Slice(1, (ed_at(tx), 1)))
        runs.page(tx, w.acme_id, Filter(executor_ref_prefix="book"), after)
        answers.replaced(tx, ed.run_id, 10)
        answers.in_force(tx, ed.run_id)
        events.told_of_run(tx, ed.run_id, 10)
        tx.db.set_trace_callback(None)
        return [
            [step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]
            for query in seen
        ]

    def ed_at(tx: Tx) -> int:
        return runs.get(tx, ed.run_id).created_at

    plans = await w.database.read(look)
    found = [re.sub(r"SEARCH \w+ USING |INDEX ", "", plan[0]) for plan in plans]
    assert [len(plan) for plan in plans] == [1] * len(plans), "nothing is sorted"
    by_age, by_reference = "created_at<?", "executor_ref>? AND (executor_ref,created_at)<(?,?)"
    ref = f"runs_by_executor_ref (org_id=? AND {by_reference})"
    assert (
        found
        == [
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
            "runs_by_executor_ref (org_id=? AND executor_ref>?)",  # a cursor that leads nowhere: from the beginning
            "answers_of_step (run_id=?)",
            "answers_in_force (run_id=?)",
            "sqlite_autoindex_events_2 (run_id=?)",
        ]
    )
