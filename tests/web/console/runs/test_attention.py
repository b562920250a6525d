"""What an operator has to see, in lists, on a run's page and counted: what needs attention, is missed, or is due."""

import re
from dataclasses import replace
from typing import Any

import pytest

from rundun.actions.runs import runs
from rundun.actions.runs.runs import RunDetail
from rundun.store.runs import lists
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.wording.job_view import clock_skew
from rundun.wording.run_view import RunView
from rundun.wording.time_zone import Zone
from tests.helpers.console.console import Browser, operator, put_zone, shown, text_of
from tests.helpers.console.console_runs import rows
from tests.helpers.service import BOOLEAN, HOUR, Ed, World, pages
from tests.web.console.runs.test_export import archive

WAY = {"id": "s-way", "type": "boolean", "label": "Way in?"}
ENGLISH = pages().console_words.language(["en"])


async def put(w: World, ed: Ed, **columns: Any) -> None:
    """What other actions write of a run."""

    def write(tx: Tx) -> None:
        for name, value in columns.items():
            tx.db.execute(f"UPDATE runs SET {name} = ? WHERE id = ?", (value, ed.run_id))

    await w.database.write(write)


async def week(w: World) -> dict[str, Ed]:
    """Runs of two days, some due, one missed, one expired under way, two that need attention."""
    template_id = await w.template(BOOLEAN, WAY)
    made: dict[str, Ed] = {}
    for name, more in (
        ("missed", {"expires_in_hours": 1}),
        ("begun", {"expires_in_hours": 1}),
        ("first", {"due_at": "2026-01-01T22:59:59Z"}),
        ("second", {"due_at": "2026-01-02T10:00:00Z"}),
        ("later", {"due_at": "2026-01-03T00:00:00Z"}),
    ):
        made[name] = await w.dispatch(template_id, title=f"Flat {name}", executor_ref=f"ref {name}", **more)
        w.clock.forward(seconds=1)
    await made["begun"].start()
    w.clock.forward(hours=26)
    await w.sweep()
    await put(w, made["second"], flagged=2)
    await put(w, made["begun"], flagged=1)
    return made


async def test_runs_are_filtered_by_what_an_operator_looks_for(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann = await operator(w)
    made = await week(w)
    for query, names in (
        ("status=missed", ["begun", "missed"]),
        ("status=missed&day=closed&from=2026-01-01&to=2026-01-01", ["missed"]),
        ("status=missed&day=closed&from=2026-01-02", ["begun"]),
        ("status=missed&ref=ref+missed&match=exact", ["missed"]),
        ("status=missed&ref=ref", ["missed", "begun"]),
        ("tab=missed", ["begun", "missed"]),
        ("status=expired", ["begun", "missed"]),
        ("flagged=yes", ["second", "begun"]),
        ("flagged=yes&status=pending", ["second"]),
        ("flagged=yes&status=open&from=2026-01-01", ["second"]),
        ("flagged=yes&status=missed", ["begun"]),
        ("flagged=yes&ref=ref", ["second", "begun"]),
        ("flagged=yes&day=closed&from=2026-01-01", ["begun"]),
        ("due=2026-01-01", ["first"]),
        ("due=2026-01-02", ["second", "first"]),
        ("due=2026-01-03&status=open", ["first", "second", "later"]),
        ("due=2026-01-02&flagged=yes", ["second"]),
        ("due=someday", ["later", "second", "first", "begun", "missed"]),
    ):
        assert await rows(ann, f"?{query}") == [made[name].run_id for name in names], query
        csv = (await ann.get(f"/runs.csv?{query}")).text
        assert [name for name in made if made[name].run_id in csv] == [name for name in made if name in names], query
    page = await shown(ann, "/runs?status=missed&flagged=yes&due=2026-01-03")
    assert '<option value="expired" selected>Missed' in page and 'value="2026-01-03"' in page
    assert "runs.csv?status=expired&amp;due=2026-01-03&amp;flagged=yes" in page
    assert 'id="w-due"' in await shown(ann, "/runs?due=someday")


async def test_a_list_tells_title_due_time_and_what_is_the_matter(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann = await operator(w)
    made = await week(w)
    page = await shown(ann, "/runs")
    found = dict(re.findall(r'<li id="row-([^"]+)"[^>]*>(.*?)</li>', page, re.DOTALL))
    said = {name: text_of(found[ed.run_id]) for name, ed in made.items()}
    assert said["missed"].startswith(
        "Choose: Flat missed Flat missed ref missed · Check Missed Expired yesterday 02:00 1 Jan 2026,"
    )
    assert said["begun"].startswith("Choose: Flat begun Flat begun ref begun · Check Missed Flagged: 1 0 of 2 answered")
    assert "Not started Flagged: 2 Due today 11:00 2 Jan 2026, 11:00:00 +01:00" in said["second"]
    assert "Missed" not in said["second"]
    run = await shown(ann, f"/runs/{made['second'].run_id}")
    assert 'id="heading"><bdi>Flat second</bdi></h1>' in run and "<title>Flat second · Check" in run
    assert "Due 2 Jan 2026, 11:00:00 +01:00" in text_of(run) and "Reference ref second" in text_of(run)
    assert "Flat missed Missed" in text_of(await shown(ann, f"/runs/{made['missed'].run_id}"))


async def test_a_count_is_as_long_as_its_list(w: World) -> None:
    await week(w)
    now = w.clock.now

    def look(tx: Tx) -> None:
        for filters in (
            RunFilter(),
            RunFilter("open"),
            RunFilter(late_at=now),
            RunFilter(is_missed=True),
            RunFilter(is_missed=True, closed_after=1),
            RunFilter(is_missed=True, late_at=now),
            RunFilter("pending", is_missed=True),
            RunFilter(is_flagged=True),
            RunFilter("open", is_flagged=True),
            RunFilter(is_flagged=True, closed_after=1),
            RunFilter(due_before=now),
            RunFilter(is_missed=True, is_to_handle=True),
            RunFilter(is_flagged=True, is_to_handle=True),
            RunFilter("open", is_by_due=True),
            RunFilter(late_at=now, is_by_due=True),
            RunFilter("pending", is_by_due=True, late_from=now, late_until=now + 9 * HOUR),
        ):
            listed = len(lists.page(tx, w.acme_id, filters, PageRequest(100)).items)
            assert lists.count(tx, w.acme_id, filters, 100) == listed, filters
            assert lists.count(tx, w.acme_id, filters, 1) == min(listed, 1), filters

    await w.database.read(look)


# ---- the page of a run


async def answered(w: World) -> Ed:
    ed = await w.dispatch(await w.template({**BOOLEAN, "config": {"true_label": "Fine"}}, WAY))
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.put("s-way", {"unable": {"reason": "The cellar is locked"}})
    return ed


async def test_what_could_not_be_done_stands_on_top_and_leads_to_its_step(w: World) -> None:
    ann = await operator(w)
    ed = await answered(w)
    page, report = await shown(ann, f"/runs/{ed.run_id}"), await report_of(ann, ed)
    for html, pattern in (
        (page, r'<section class="card attention".*?</section>'),
        (report, r'<section class="flags".*?</section>'),
    ):
        (block,) = re.findall(pattern, html, re.DOTALL)
        assert text_of(block) == "Flagged (1) Way in? Could not be done: The cellar is locked"
        assert html.index(block) < html.index(">Answers</h2>")
    assert '<a href="#s-way">' in page and 'id="s-way"' in page
    waiting = await w.dispatch(await w.template(BOOLEAN))
    assert 'class="card attention"' not in await shown(ann, f"/runs/{waiting.run_id}")


async def test_a_flagged_answer_is_marked_in_words(w: World) -> None:
    ed = await answered(w)

    def views(detail: RunDetail) -> list[Any]:
        view = RunView(detail, ENGLISH, Zone("UTC"), lambda number, kind: "", ())
        return [step for section in view.sections() for step in section.steps]

    detail = await w.database.read(runs.get_detail, w.acme_id, ed.run_id)
    assert [step.needs_attention for step in views(detail)] == [False, True]
    states = detail.state.step_states
    flagged = {**states, "s-ok": replace(states["s-ok"], flagged=True)}
    first, second = views(replace(detail, state=replace(detail.state, step_states=flagged)))
    assert first.needs_attention and ("Flagged", "attention") in first.flags
    assert second.needs_attention and ("Flagged", "attention") not in second.flags


async def report_of(ann: Browser, ed: Ed) -> str:
    return (await archive(ann, ed)).read("report.html").decode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (6 * 86400 + 5000, "The phone’s clock was 6 days ahead."),
        (-86400, "The phone’s clock was 1 day behind."),
        (7200, "The phone’s clock was 2 hours ahead."),
        (-400, "The phone’s clock was 7 minutes behind."),
    ],
)
async def test_a_phones_clock_that_is_wrong_is_said_in_words(w: World, seconds: int, words: str) -> None:
    found = clock_skew(seconds, ENGLISH)
    assert found == words
    ann = await operator(w)
    ed = await answered(w)
    assert "clock was" not in await shown(ann, f"/runs/{ed.run_id}")
    await put(w, ed, clock_skew_seconds=seconds)
    assert words in text_of(await shown(ann, f"/runs/{ed.run_id}")) and words in text_of(await report_of(ann, ed))
