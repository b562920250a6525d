"""The operator's runs: listed and filtered by their indexes, told live, shown whole, steered, taken away as files."""

import asyncio
import hashlib
import re
import signal
import time
from collections.abc import Callable
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from rundun import paths
from rundun.actions import organizations
from rundun.core.event import EVENTS, ON_REQUEST
from rundun.core.run import CLOSED, STATUSES
from rundun.store import answers, run_changes, run_lists
from rundun.store import events as event_rows
from rundun.store import operators as operator_rows
from rundun.store import runs as run_rows
from rundun.store.pagination import END, PageRequest
from rundun.store.run_lists import RunFilter
from rundun.store.transaction import Tx
from rundun.web.console import live
from rundun.web.console.run_page import HOURS
from tests.helpers.console import operator, text_of
from tests.helpers.console_runs import PHOTO, PICTURE, PNG, everything, listening, rows
from tests.helpers.images import jpeg
from tests.helpers.patience import PATIENCE
from tests.helpers.served import served
from tests.helpers.service import BOOLEAN, PUBLIC_URL, Ed, Receiver, World, answering, pages
from tests.helpers.service_process import serving

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
        lambda tx: tx.db.execute("UPDATE organizations SET time_zone = 'Pacific/Kiritimati' WHERE id = ?", (w.acme_id,))
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
        part = PageRequest(2)
        while True:
            page = run_lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="a"), part)
            found += [(run.executor_ref, run.created_at) for run in page.items]
            if page.next_before is None:
                return found
            part = PageRequest(2, page.next_before)

    found = await w.database.read(walk)
    assert [reference for reference, _ in found] == ["a\U0010ffff", "aé", "a2", "a2", "a1", "a1", "a"]
    assert found == sorted(found, reverse=True)
    for prefix in ("\U0010ffff", "\ud7ff", "a\U0010ffff"):
        count = len(prefix.rstrip("\U0010ffff"))
        page = await w.database.read(run_lists.page, w.acme_id, RunFilter(executor_ref_prefix=prefix), PageRequest())
        assert [run.executor_ref for run in page.items] == (["a\U0010ffff"] if prefix[0] == "a" else []), count


async def test_each_filter_uses_the_index_meant_for_it(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), executor_ref="booking_1")
    await ed.start()
    await ed.answer("s-ok", True)
    after = PageRequest(25, (END - 1, 1))
    seen: list[str] = []

    def look(tx: Tx) -> list[list[str]]:
        monkeypatch.setattr(run_lists, "_has_few", lambda *_: False)
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
            run_lists.page(tx, w.acme_id, chosen, PageRequest())
        run_lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="book"), PageRequest(1, (ed_at(tx), 1)))
        run_lists.page(tx, w.acme_id, RunFilter(executor_ref_prefix="book"), after)
        answers.replaced(tx, ed.run_id, 10)
        answers.replaced_of_step(tx, ed.run_id, "s-ok")
        answers.in_force(tx, ed.run_id)
        event_rows.summaries_of_run(tx, ed.run_id, 10)
        run_changes.of_run(tx, ed.run_id, 10)
        tx.db.set_trace_callback(None)
        return [[step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()] for query in seen]

    def ed_at(tx: Tx) -> int:
        return run_rows.get(tx, ed.run_id).created_at

    plans = await w.database.read(look)
    found = [re.sub(r"SEARCH \w+ USING |INDEX ", "", plan[0]) for plan in plans]
    assert [len(plan) for plan in plans] == [1] * len(plans), "nothing is sorted"
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
        "runs_by_executor_ref (org_id=? AND executor_ref>?)",  # a cursor that leads nowhere: from the beginning
        "answers_of_step (run_id=?)",
        "answers_of_step (run_id=? AND step_id=?)",
        "answers_in_force (run_id=?)",
        "sqlite_autoindex_events_2 (run_id=?)",
        "changes_of_run (run_id=?)",
    ]


async def test_of_several_filters_the_one_that_few_runs_pass_decides(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lists, "FEW_ROWS", 3)
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
            assert run_lists._index(tx, w.acme_id, chosen) == index, chosen
            found = run_lists.page(tx, w.acme_id, chosen, PageRequest())
            assert len(found.items) == count, chosen
            if chosen.executor_ref_prefix:
                references = [run.executor_ref or "" for run in found.items]
                assert references == sorted(references, reverse=True)

    await w.database.read(look)


# ---- one run

CHANGES = ("extended", "released", "photo_deleted")  # as the table has them


def line(page: str, step_id: str) -> str:
    """The card of one step."""
    found = re.search(rf'<article [^>]*id="{step_id}".*?</article>', page, re.DOTALL)
    assert found, step_id
    return found[0]


async def test_a_run_shows_every_answer_as_it_read(w: World) -> None:
    ann = await operator(w)
    ed = await everything(w)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    said = text_of(page)
    for words in ("booking_77", "Ed Miller", "In progress", "Version 1", f"{PUBLIC_URL}/r/{ed.run_id}"):
        assert words in said or words in page, words
    for step_id, words in (
        ("s-ok", "Fine & dandy"),
        ("s-plain", "No"),
        ("s-one", "The cellar"),
        ("s-many", "A chair A desk"),
        ("s-text", "line one line two"),
        ("s-num", "1234.5 kWh"),
        ("s-num", "phone’s clock 1 Jan 2026, 02:30:00 +00:00"),
        ("s-num", "51.503400, -0.127600 ±7 m"),
        ("s-rate", "5 of 5 (best)"),
        ("s-day", "2026-02-03"),
        ("s-when", "3 Feb 2026, 04:05:06 +00:00"),
        ("s-read", "Read"),
        ("s-way", "Not possible Could not be done: No key"),
        ("s-tip", "Skipped"),
        ("s-why", "Hidden"),
        ("s-last", "Not answered"),
        ("s-sign", "Name typed: E. Miller"),
        ("s-pic", "the camera"),
        ("s-pic", "1.500000, 2.500000 ±9 m"),
        ("s-pic", "Not part of the answer"),
        ("s-pic", hashlib.sha256(jpeg()).hexdigest()),
    ):
        assert words in text_of(line(page, step_id)), (step_id, text_of(line(page, step_id)))
    title = "<title>{} · Check · Rundun</title>"
    assert title.format("booking_77") in page and "<h1><bdi>booking_77</bdi></h1>" in page
    nameless = await w.dispatch(await w.template(BOOLEAN))
    other = (await ann.get(f"/runs/{nameless.run_id}")).text
    assert title.format(nameless.run_id[2:10]) in other and "<h1><bdi>Check</bdi></h1>" in other
    assert "1 replaced answer Received" not in line(page, "s-plain")
    past = re.search(r"<details class=\"replaced.*?</details>", line(page, "s-ok"), re.DOTALL)
    assert past and text_of(past[0]).startswith("1 replaced answer No Received")
    assert 'href="https://www.openstreetmap.org/?mlat=51.503400&amp;mlon=-0.127600' in page
    assert all('rel="noreferrer noopener"' in link for link in re.findall(r"<a href=\"https://[^>]*>", page))
    for path in set(re.findall(r'"(/media/[^"]+)"', page)):
        assert (await w.browser().get(path)).status_code == 200
    originals = re.findall(r'<a href="(/media/[^"]+)" download="([^"]+)">', line(page, "s-pic"))
    assert [name for _, name in originals] == ["booking-77-011-the-door-1.jpg", "booking-77-011-the-door-2.jpg"]
    assert (await w.browser().get(originals[0][0])).content == jpeg()
    timeline = text_of(page[page.index('id="timeline"') :])
    assert re.search(r"Dispatched .* Started .* Answered: All fine\? .* Skipped: A tip", timeline)
    assert re.search(
        r"Photo received: The door 1 Jan 2026, 00:00:41 \+00:00 \(phone’s clock 1 Jan 2026, 02:29:00 \+00:00 \) "
        r".*Signature received: Sign · E\. Miller .*Answered: The door .*Answered: Sign ",
        timeline,
    )
    assert "Could not be done: Way in? – No key" in timeline and "Answered: Way in?" not in timeline
    assert "Answered: Meter 1 Jan 2026, 00:00:41 +00:00 (phone’s clock 1 Jan 2026, 02:30:00 +00:00 )" in timeline
    assert "style=" not in page and "<script>" not in page and " onclick" not in page


def test_everything_that_can_be_told_has_words() -> None:
    words = pages().console_words.entries["en"]
    made = {f"moment_{one.replace('.', '_')}" for one in (*EVENTS, *ON_REQUEST)}
    made |= (
        {f"status_{one}" for one in STATUSES} | {f"closed_{one}" for one in CLOSED} | {f"hours_{one}" for one in HOURS}
    )
    made |= {f"moment_{one}" for one in (*CHANGES, "step_unable", "photo", "signature", "closing_signature")}
    made |= {"told_run_cancelled", "told_run_extended", "told_run_released", "told_delivery_sent_again"}
    markup = "".join(path.read_text() for path in (paths.templates() / "console").glob("run*.html"))
    made |= set(re.findall(r"\bt\([\"'](\w+)[\"'][,)]", markup))
    assert made <= set(words), made - set(words)


async def test_all_replaced_answers_can_be_seen(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundun.actions.runs.MAX_REPLACED", 30)
    ann = await operator(w)
    steps = [{"id": one, "type": "text", "label": one} for one in ("s-a", "s-b")]
    ed = await w.dispatch(await w.template(*steps))
    await ed.start()
    for step in ("s-a", "s-b"):
        for n in range(25):
            assert (await ed.answer(step, f"{step} no. {n}")).status_code == 200
    path = f"/runs/{ed.run_id}"
    few = line((await ann.get(path)).text, "s-b")
    assert "24 replaced answers" in few and few.count("<li>") == 20 and "and 4 before these" in few
    link = re.search(r'href="/console([^"#]+)#past-s-b">Show all', few)
    assert link and 'id="past-s-b">' in few
    page = (await ann.get(link[1])).text
    whole = line(page, "s-b")
    assert re.findall(r"s-b no\. (\d+)", whole) == [str(n) for n in range(24, -1, -1)]
    assert 'id="past-s-b" open>' in whole and "Show all" not in whole
    assert line(page, "s-a").count("<li>") < 24, "asked for are those of the other"
    other = line((await ann.get(f"{path}?past=s-a")).text, "s-a")
    assert re.findall(r"s-a no\. (\d+)", other) == [str(n) for n in range(24, -1, -1)]
    assert (await ann.get(f"{path}?past=s-nobody")).status_code == 200


async def test_what_no_event_tells_of_is_in_a_runs_history(w: World) -> None:
    ann = await operator(w)
    once = {"execution": {"scope": "first_device"}, "settings": {"signature_on_complete": True}}
    ed = await w.dispatch(await w.template(PICTURE, **once))
    path, api = f"/runs/{ed.run_id}", f"/v1/runs/{ed.run_id}"
    await ann.get(path)
    await ed.start()
    w.clock.forward(hours=1)
    assert (await ann.post(f"{path}/extend", hours="168")).status_code == 303
    assert (await ann.post(f"{path}/extend", hours="24")).status_code == 422
    w.clock.forward(hours=1)
    assert (await w.acme.post(f"{api}/extend", json={"expires_in_hours": None})).is_success
    w.clock.forward(hours=1)
    taken = "source=camera&taken_at=2026-01-01T02:30:00Z"
    assert (await ed.call("PUT", f"/steps/s-pic/photos/{PHOTO}?{taken}", content=jpeg())).is_success
    w.clock.forward(hours=1)
    for _ in range(2):  # deleted once, however often that is said
        assert (await ed.call("DELETE", f"/steps/s-pic/photos/{PHOTO}")).is_success
    assert (await ed.call("PUT", "/signature?typed_name=E.+Miller", content=PNG)).is_success
    w.clock.forward(hours=1)
    assert (await ann.post(f"{path}/release")).status_code == 303
    assert (await w.acme.post(f"{api}/release", json={})).is_success
    page = (await ann.get(path)).text
    found = re.findall(r'<li><span class="what">.*?</li>', page[page.index('id="timeline"') :], re.DOTALL)
    day = "1 Jan 2026, 0{}:00:00 +00:00".format
    key, person = "The integrator (API) · test", "An operator (console) · Ann"
    assert [text_of(one) for one in found] == [
        f"Dispatched {day(0)}",
        f"Started {day(0)}",
        f"Expiry changed from 4 Jan 2026, 00:00:00 +00:00 to 8 Jan 2026, 01:00:00 +00:00 · {person} {day(1)}",
        f"Expiry changed from 8 Jan 2026, 01:00:00 +00:00 to never · {key} {day(2)}",
        f"Photo received: The door {day(3)} (phone’s clock 1 Jan 2026, 02:30:00 +00:00 )",
        f"Closing signature received · E. Miller {day(4)}",
        f"Photo deleted: The door {day(4)}",
        f"Released from its device · {person} {day(5)}",
        f"Released from its device · {key} {day(5)}",
    ]
    told = (await w.acme.get("/v1/events")).json()["data"]
    assert [one["event"] for one in told] == ["run.started"], "the wire has none of it"


async def test_the_label_is_the_one_of_the_runs_version(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    changed = {"name": "Other", "steps": [{**BOOLEAN, "label": "Something else?"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).status_code == 200
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "All fine?" in page and "Something else?" not in page
    await w.dispatch(template_id)
    assert re.findall(r"<bdi>(\w+)</bdi></a> <span class=\"soft small\">(v\d)", (await ann.get("/runs")).text) == [
        ("Other", "v2"),
        ("Check", "v1"),
    ]


async def test_answers_after_the_end_are_marked_late_and_an_end_is_told(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN, PICTURE), expires_in_hours=1)
    await ed.start()
    w.clock.forward(hours=2)
    await ed.answer("s-ok", True)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "Late" in text_of(line(page, "s-ok")) and "Takes answers until" in page
    assert 'class="status late">Late' in (await ann.get("/runs")).text
    w.clock.forward(hours=30)
    await w.sweep()
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "Expired at 2 Jan 2026, 01:00:00 +00:00" in text_of(page)
    assert "Expired 2 Jan 2026, 01:00:00" in text_of(page[page.index('id="timeline"') :])
    assert "copy" not in page.lower() and "Cancel the run" not in page


async def test_an_operator_cancels_and_the_event_says_who(w: World, receiver: Receiver) -> None:
    ann = await operator(w, "member")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    path = f"/runs/{ed.run_id}"
    await ann.get(path)
    refused = await ann.post(f"{path}/cancel", reason="x" * 2001)
    assert (refused.status_code, "2000 are allowed" in refused.text) == (422, True)
    assert "x" * 2001 in refused.text, "what was typed is not lost"
    done = await ann.post(f"{path}/cancel", reason=" Rebooked ")
    assert (done.status_code, done.headers["location"]) == (303, f"/console{path}?flash=told_run_cancelled")
    assert (await w.run(ed))["cancellation"] == {
        "by": "operator",
        "reason": "Rebooked",
        "at": "2026-01-01T00:00:00Z",
        "last_step_id": None,
    }
    await w.deliver()
    (told,) = [one.json for one in receiver.received]
    (made,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    assert told["identity"] == {"mode": "member", "user_id": made.operator_id, "name": "Ann"}
    assert told["data"]["cancelled_by"] == "operator"
    assert (await w.acme.get("/v1/events")).json()["data"][0]["identity"]["mode"] == "member"
    page = text_of((await ann.get(path)).text)
    assert "An operator (console)" in page and "Cancelled · Ann" in page and "Rebooked" in page
    again = await ann.post(f"{path}/cancel")
    assert (again.status_code, "is cancelled" in again.text) == (409, True)


async def test_an_operator_extends_but_never_shortens(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    path = f"/runs/{ed.run_id}"
    await ann.get(path)
    refused = await ann.post(f"{path}/extend", hours="24")
    assert refused.status_code == 422
    assert "would shorten the run: it is open until 4 Jan 2026, 00:00:00 +00:00 as it is." in refused.text
    for nonsense in ("", "x", "-1", "99999", "nan"):
        assert (await ann.post(f"{path}/extend", hours=nonsense)).status_code == 422, nonsense
    assert (await ann.post(f"{path}/extend", hours="168")).status_code == 303
    assert (await w.run(ed))["expires_at"] == "2026-01-08T00:00:00Z"
    assert (await ann.post(f"{path}/extend", hours="never")).status_code == 303
    assert (await w.run(ed))["expires_at"] is None
    assert "it never expires as it is" in (await ann.post(f"{path}/extend", hours="168")).text


async def test_an_operator_releases_the_device(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN, execution={"scope": "first_device"}))
    path = f"/runs/{ed.run_id}"
    assert "Release the device" not in (await ann.get(path)).text
    await ed.start()
    olga = Ed(w, ed.run_id)
    assert (await olga.start()).status_code == 403
    assert "Release the device" in (await ann.get(path)).text
    assert (await ann.post(f"{path}/release")).status_code == 303
    assert (await olga.start()).status_code == 200


async def test_a_failed_delivery_is_seen_and_sent_again(w: World, receiver: Receiver) -> None:
    ann = await operator(w)
    nasty = b"<script>alert(1)</script>"
    receiver.answer = lambda _: b"HTTP/1.1 410 Gone\r\nContent-Length: %d\r\n\r\n%s" % (len(nasty), nasty)
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    host = re.escape(receiver.url.split("/")[2])
    other = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    await ed.answer("s-ok", True)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "data-again" in page and "No attempt yet." in page
    await w.deliver()
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "data-again" not in page
    assert re.search(rf"Failed step.completed {host} The answer was 410. .* 1 attempt .*HTTP 410", text_of(page))
    assert escape(nasty.decode()) in page and nasty.decode() not in page
    (delivery,) = await w.deliveries(ed)
    receiver.answer = answering("204 No Content")
    again = f"/deliveries/{delivery['delivery_id']}/retry"
    assert (await ann.post(f"/runs/{other.run_id}{again}")).status_code == 404
    assert (await ann.post(f"/runs/{ed.run_id}{again}")).status_code == 303
    await w.deliver()
    page = text_of((await ann.get(f"/runs/{ed.run_id}")).text)
    assert re.search(rf"Delivered step.completed {host} .* 2 attempts Attempt 2 \(by hand\): HTTP 204", page)


async def test_the_qr_code_is_the_link(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    answer = await ann.get(f"/runs/{ed.run_id}/link.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"
    rects = Image.new("L", (8 * 45, 8 * 45), 255)  # the code as the picture draws it: strokes of one unit
    drawing = ImageDraw.Draw(rects)
    path = re.search(r'class="qrline"[^>]* d="([^"]+)"', answer.text)
    assert path
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]+)", path[1]):
        steps = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = steps
        elif command == "m":
            x, y = x + steps[0], y + steps[1]
        else:
            drawing.rectangle((x * 8, (y - 0.5) * 8, (x + steps[0]) * 8 - 1, (y + 0.5) * 8 - 1), fill=0)
            x += steps[0]
    (found,) = zxingcpp.read_barcodes(rects)
    assert found.text == f"{PUBLIC_URL}/r/{ed.run_id}"


# ---- live


async def next_change(lines: Any) -> float:
    """When the next change was told."""
    async for one in lines:
        if one == "event: change":
            return time.monotonic()
    raise AssertionError("the stream has ended")


async def test_whatever_happens_to_a_run_is_told_and_no_more_than_once_a_second(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, PICTURE)
    async with served(w) as base, await listening(w, ann, base) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        ed = await w.dispatch(template_id)
        times = [await next_change(lines)]
        for act in (
            ed.start(),
            ed.photo("s-pic", jpeg(64, 64)),
            w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 100}),
        ):
            assert (await act).status_code < 300
            times.append(await next_change(lines))
        await asyncio.gather(*(w.dispatch(template_id) for _ in range(5)))
        times += [await next_change(lines)]
        gaps = [after - before for before, after in pairwise(times)]
        assert min(gaps) > 0.9
        for _ in range(2):
            change = w.service.notifier.next_change(w.acme_id, run_rows.TOUCHED)
            globex = await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]})
            await w.globex.post("/v1/runs", json={"template_id": globex.json()["id"]})
            assert not change.done(), "what others do is none of our business"
        w.service.notifier.end()
        async for one in lines:
            assert one != "event: change"


async def test_who_watches_one_run_is_told_of_that_one_only(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    looks, told = 0, []
    get = run_rows.get_of_org

    def counted(tx: Tx, org_id: str, run_id: str) -> Any:
        nonlocal looks
        looks += 1
        return get(tx, org_id, run_id)

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0)

    monkeypatch.setattr(run_rows, "get_of_org", counted)
    async with served(w) as base, await listening(w, ann, base, f"?run_id={ed.run_id}") as stream:

        async def listen() -> None:
            async for one in stream.aiter_lines():
                told.append(one)  # noqa: PERF401, they are looked at as they come

        listens = asyncio.create_task(listen())
        await until(lambda: bool(told))
        before = looks
        await w.dispatch(template_id)
        await until(lambda: looks > before)
        await ed.start()
        await until(lambda: "event: change" in told)
        assert looks == before + 2, "looked at after each of the two, and told of one"
        w.service.notifier.end()
        await listens
        assert told.count("event: change") == 1
    globex = await w.database.write(organizations.create, "Globex too")
    stranger = await operator(w, "owner", globex.org_id)
    assert (await stranger.get(f"/runs/live?run_id={ed.run_id}")).status_code == 404


async def test_a_dispatch_wakes_no_reader_of_events(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    change = w.service.notifier.next_change(w.acme_id)
    ed = await w.dispatch(template_id)
    assert not change.done()
    await ed.start()
    assert change.done()


async def test_only_so_many_streams_are_open_for_an_organization(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_STREAMS", 2)
    ann = await operator(w)
    async with served(w) as base:
        for _ in range(2):
            async with await listening(w, ann, base) as one, await listening(w, ann, base) as two:
                lines = [stream.aiter_lines() for stream in (one, two)]
                assert [await anext(each) for each in lines] == ["retry: 2000"] * 2
                async with await listening(w, ann, base) as third:
                    assert third.status_code == 429, third.headers
                    assert third.headers["retry-after"] == "30"
            async with asyncio.timeout(PATIENCE):
                while w.service.streams.held(w.acme_id):  # closing takes a turn of the server's loop
                    await asyncio.sleep(0)
        w.service.notifier.end()


def test_streams_end_at_once_with_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as one:
        found = one.wait_for(r"(/console/join/\S+)")
        with httpx2.Client(base_url=one.url, timeout=PATIENCE) as client:
            page = client.get(found[1]).text
            csrf = re.search(r'name="csrf" value="([^"]+)"', page)
            assert csrf
            form = {"csrf": csrf[1], "email": "ann@example.com", "name": "Ann", "password": "correct horse battery"}
            assert client.post(found[1], data=form).status_code == 303
            with client.stream("GET", "/console/runs/live") as stream:
                lines = stream.iter_lines()
                assert next(lines).startswith("retry:")
                began = time.monotonic()
                one.process.send_signal(signal.SIGTERM)
                assert list(lines) == [""]
                assert time.monotonic() - began < 3
        assert one.process.wait(timeout=PATIENCE) == 0
