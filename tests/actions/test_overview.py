"""The console's overview: figures that agree with what has happened, days of the organization's zone, a chart that
everybody can read, and no look that grows with the number of runs.
"""

import re
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from rundun.actions import overview
from rundun.actions.runs import handled
from rundun.core import times
from rundun.store.organizations import statistics
from rundun.store.sqlite.transaction import Tx
from rundun.web.console import chart
from rundun.wording.console_words import ConsoleLanguage, format_count
from rundun.wording.time_zone import Zone
from tests.helpers.console.console import operator, put_zone, table, text_of
from tests.helpers.console.console_runs import rows
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, HOUR, NOON, Receiver, World, answering
from tests.helpers.strategies.realistic_runs import IF_SO

PHOTO = {"id": "s-pic", "type": "photo", "label": "Photo"}


def listed(page: str, section: str) -> list[str]:
    """The names of the runs that a list of the overview has."""
    found = re.search(rf'aria-labelledby="{section}-title">(.*?)</section>', page, re.DOTALL)
    names = re.findall(r'class="name" id="name-[^"]*"><bdi>([^<]*)<', found[1]) if found else []
    return [unescape(name) for name in names]


async def test_what_needs_somebody_and_what_today_has(w: World) -> None:
    ann = await operator(w)
    assert 'id="next-steps' in (await ann.get("")).text
    template_id = await w.template(BOOLEAN, {**BOOLEAN, "id": "s-bad", "flag": IF_SO})
    empty = (await ann.get("")).text
    assert 'id="next-steps' in empty and "<svg" not in empty
    made = {}
    for name, hours in (
        ("done", 9), ("late", 1), ("called off", 9), ("missed", 1), ("waiting", 9), ("later", 99), ("begun", 9)
    ):  # fmt: skip
        w.clock.forward(seconds=1)
        made[name] = await w.dispatch(template_id, expires_in_hours=hours, title=name)
    for name in ("done", "late", "called off", "begun"):
        await made[name].start()
    await made["done"].answer("s-ok", True)
    await made["done"].answer("s-bad", False)
    assert (await made["done"].complete()).status_code == 200
    await made["called off"].call("POST", "/cancel", json={"reason": "Nobody home"})
    calm = (await ann.get("")).text
    assert "Nothing needs you" in calm and 'class="need ' not in calm
    w.clock.forward(hours=2)
    await w.sweep()
    await made["begun"].answer("s-bad", True)
    page = (await ann.get("")).text
    sections = ("flagged", "late", "missed", "due", "in-progress", "done")
    assert {name: listed(page, name) for name in sections} == {
        "flagged": ["begun"],
        "late": ["late"],
        "missed": ["missed"],
        "due": ["waiting"],
        "in-progress": ["begun"],
        "done": ["done"],
    }
    assert f"/console/dispatch?again={made['missed'].run_id}" in page
    assert (await table(ann))["1 Jan"] == [7, 1, 1, 1]
    for name in ("begun", "missed"):
        answer = await ann.post(f"/runs/{made[name].run_id}/handled", to="overview")
        assert answer.headers["location"].startswith("/console?flash=")
    colleague = await operator(w, "member")
    page = (await colleague.get("")).text
    assert [listed(page, name) for name in sections[:3]] == [[], ["late"], []], "for all"
    assert await rows(colleague, "?tab=missed") == await rows(colleague, "?tab=flagged") == []
    assert await rows(colleague, "?status=missed") == [made["missed"].run_id], "it is told of still"
    refused = await ann.post(f"/runs/{made['waiting'].run_id}/handled", to="overview")
    assert refused.status_code == 409
    w.clock.forward(hours=24)
    page = (await ann.get("")).text
    assert listed(page, "done") == [] and list((await table(ann)).items())[1] == ("1 Jan", [7, 1, 1, 1])
    assert "Globex" not in page


async def test_a_half_done_job_that_expired_is_missed(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(*({**BOOLEAN, "id": f"s-{n}", "required": False} for n in range(3)))
    half = await w.dispatch(template_id, expires_in_hours=1, title="Half done")
    await half.start()
    for n in range(2):
        await half.answer(f"s-{n}", True)
    w.clock.forward(hours=26)
    await w.sweep()
    for path, section in (("", "missed"), ("/runs?tab=missed", None), ("/runs?tab=all&status=missed", None)):
        page = (await ann.get(path)).text
        assert section is None or listed(page, section) == ["Half done"]
        said = text_of(page)
        assert "Missed 2 of 3 answered" in said and "Late" not in said.partition("Half done")[2], path
    assert text_of((await ann.get(f"/runs/{half.run_id}")).text).count("Missed") == 1
    await ann.post(f"/runs/{half.run_id}/handled", to="overview")
    assert listed((await ann.get("")).text, "missed") == [] == await rows(ann, "?tab=missed")
    assert (await w.run(half))["handled_at"]


async def test_who_is_late_longest_comes_first_as_in_the_list(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    made = {hours: await w.dispatch(template_id, due_at=times.wire(w.clock.now + hours * HOUR)) for hours in (2, 1, 3)}
    w.clock.forward(hours=4)
    first = [made[hours].run_id for hours in (1, 2, 3)]
    page = (await ann.get("")).text
    assert sorted(first, key=page.index) == first == await rows(ann, "?tab=late")


async def test_a_long_list_leads_to_all_of_it(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    for number in range(overview.SHORT + 2):
        await w.dispatch(template_id, expires_in_hours=1, title=f"Flat {number}")
    w.clock.forward(hours=1)
    await w.sweep()
    page = (await ann.get("")).text
    assert len(listed(page, "missed")) == overview.SHORT
    assert 'href="/console/runs?tab=missed">All 7<' in page
    assert len(await rows(ann, "?tab=missed")) == 7


async def test_another_organization_has_its_own_figures(w: World) -> None:
    made = (await w.globex.post("/v1/templates", json={"name": "Check", "steps": [BOOLEAN]})).json()
    await w.globex.post("/v1/runs", json={"template_id": made["id"]})
    assert 'id="next-steps' in (await (await operator(w)).get("")).text


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "1 Jan"), ("Asia/Kathmandu", "2 Jan"), ("America/St_Johns", "1 Jan")]
)
async def test_a_day_is_the_organizations(w: World, zone: str, day: str) -> None:
    w.clock.forward(
        hours=18.25
    )  # in Kathmandu, 5:45 ahead, it is midnight; in St. John's, 3:30 behind, it is not yet 15:00
    await put_zone(w, zone)
    await w.dispatch(await w.template(BOOLEAN))
    ann = await operator(w)
    assert (await table(ann))[day] == [1, 0, 0, 0]
    assert sum(sum(one) for one in (await table(ann)).values()) == 1
    assert zone in (await ann.get("")).text


def test_days_of_a_zone_have_no_gaps_when_clocks_change() -> None:
    berlin = Zone("Europe/Berlin")
    now = int(datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()) * 1000
    days = berlin.days_back(now, 5)
    hours = [(berlin.day_begins(b) - berlin.day_begins(a)) / HOUR for a, b in pairwise(days)]
    assert hours == [24, 24, 23, 24]
    assert all(berlin.day_begins(day) % statistics.QUARTER == 0 for day in days)


async def test_tallies_agree_with_what_is_in_the_tables(w: World) -> None:
    template_id = await w.template(BOOLEAN, PHOTO)
    for number in range(6):
        ed = await w.dispatch(template_id)
        w.clock.forward(seconds=601)
        await ed.start()
        for _ in range(number % 3):
            assert (await ed.photo("s-pic", jpeg())).status_code == 201
        await ed.answer("s-ok", True)
        await ed.answer("s-pic")
        if number % 3:
            await ed.complete()

    def both(tx: Tx) -> list[Any]:
        def count(sql: str) -> int:
            return int(tx.db.execute(f"SELECT count(*) FROM {sql}").fetchone()[0])

        usage = overview.usage(tx, w.acme_id, [NOON, NOON + HOUR // 2, NOON + 2 * HOUR])
        for what in ("dispatched", "completed", "photos"):
            assert all(at % statistics.QUARTER == 0 for at, _ in statistics.list_counts(tx, w.acme_id, what, 0, 2**53))
        return [
            (usage.dispatched, [count(f"runs WHERE created_at < {NOON + HOUR // 2}"), 0]),
            (sum(usage.dispatched), count("runs")),
            (sum(usage.completed), count("runs WHERE status = 'completed'")),
            (sum(usage.photos), count("photos")),
            (usage.credits, None),
        ]

    (first, *rest) = await w.database.read(both)
    assert first[0][0] == first[1][0] > 0
    assert all(counted == there for counted, there in rest), rest
    assert rest[2][0] == 6, "photos were counted at all"


async def test_what_failed_is_one_line_for_all_that_is_alike(w: World, receiver: Receiver) -> None:
    ann = await operator(w)
    assert "/console/settings/webhooks" not in (await ann.get("")).text
    receiver.answer = answering("410 Gone")
    template_id = await w.template(BOOLEAN)
    for _ in range(2):
        ed = await w.dispatch(template_id, webhook={"url": receiver.url})
        await ed.start()
        await ed.answer("s-ok", True)
    await w.deliver()
    page = (await ann.get("")).text
    host = receiver.url.removeprefix("http://").partition("/")[0]
    assert f"2 updates for {host} did not arrive The answer was 410." in text_of(page)
    assert page.count('action="/console/failed/handled"') == 1
    assert 'href="/console/settings/webhooks#failed">All 2<' in page
    (group,) = await w.database.read(handled.list_failed_groups, w.acme_id)
    await ann.post("/failed/handled", group=group.group_id)
    assert "Not delivered" not in (await ann.get("")).text


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    await w.dispatch(await w.template(BOOLEAN, name=nasty), expires_in_hours=1)
    w.clock.forward(hours=1)
    await w.sweep()
    for path in ("", "/runs?tab=missed"):
        assert is_text_only((await ann.get(path)).text, nasty)
    for more in ({"executor_ref": nasty}, {"title": nasty}):
        await w.dispatch(await w.template(BOOLEAN), expires_in_hours=1, **more)
        w.clock.forward(hours=-1)
        page = (await ann.get("")).text
        assert is_text_only(page, nasty)
        w.clock.forward(hours=1)


# ---- the chart


def test_the_chart_stands_on_its_line_and_stays_within_its_edges() -> None:
    drawn = chart.bars([[0, 1, 50, 100], [0, 0, 25, 100]], 400, 100)
    assert drawn.top == 100
    back, front = drawn.bars
    assert [bar.height for bar in back] == [0, 1, 50, 100]
    assert [bar.y + bar.height for bar in back] == [100] * 4
    for series in drawn.bars:
        for number, bar in enumerate(series):
            assert number * 100 <= bar.x and bar.x + bar.width <= (number + 1) * 100
    assert all(a.x < b.x and b.width < a.width for a, b in zip(back, front, strict=True)), "one in front of the other"


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (7, 10), (10, 10), (11, 20), (999, 1000), (12345, 20000)]
)
def test_the_axis_ends_at_a_round_number(value: int, top: int) -> None:
    assert chart.round_up(value) == top


def test_what_is_not_zero_is_seen() -> None:
    (bars,) = chart.bars([[1, 1_000_000]], 100, 100).bars
    assert bars[0].height == 1
    assert chart.bars([], 100, 100).bars == []


def test_many_are_said_to_be_many() -> None:
    for tag, counts in (("en", ["0", "9,999", "10,000", "10,000+"]), ("de", ["0", "9.999", "10.000", "10.000+"])):
        assert [format_count(ConsoleLanguage(tag), one) for one in (0, 9_999, 10_000, 10_001)] == counts


async def test_the_chart_is_told_to_those_who_do_not_see_it(w: World) -> None:
    await w.dispatch(await w.template(BOOLEAN))
    page = (await (await operator(w)).get("")).text
    assert re.search(r'<svg[^>]*role="img" aria-labelledby="chart-title chart-text"', page)
    assert "1 sent and 0 done in 30 days." in page
    assert "style=" not in page and len(re.findall(r'<th scope="row">', page)) == 30


# ---- a million runs


async def test_no_look_grows_with_the_number_of_runs(w: World) -> None:
    ann = await operator(w)
    await w.dispatch(await w.template(BOOLEAN))
    seen: list[str] = []

    def plans(tx: Tx) -> dict[str, list[str]]:
        tx.db.set_trace_callback(seen.append)
        overview.get(tx, w.acme_id, [NOON - 24 * HOUR, NOON + 24 * HOUR], "en")
        overview.usage(tx, w.acme_id, [NOON - 24 * HOUR, NOON + 24 * HOUR])
        statistics.count_pending_deliveries(tx, w.acme_id)
        tx.db.set_trace_callback(None)
        return {one: [step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()] for one in seen}

    told = await w.database.read(plans)
    assert len(told) >= 8
    for query, steps in told.items():
        scans = [step for step in steps if step.startswith("SCAN") and "subquery" not in step.lower()]
        assert scans == [] and "TEMP B-TREE" not in " ".join(steps), (query, steps)
        if " runs " in query or " deliveries " in query:
            assert "LIMIT" in query, query
            assert any("USING" in step and "INDEX" in step for step in steps), (query, steps)
    used = " ".join(step for steps in told.values() for step in steps)
    for index in ("runs_open_of_org", "runs_missed_to_handle", "runs_flagged_to_handle", "deliveries_to_handle"):
        assert index in used
    assert "SEARCH tallies USING PRIMARY KEY" in used
    assert (await ann.get("")).status_code == 200
