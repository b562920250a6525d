"""Turns: whatever one organization asks of console, exports, searches and pages, others wait for a piece of it."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rundun.store.runs import events as event_rows
from rundun.web.http import rate_limit, turns
from rundun.web.pages import shown_template
from rundun.web.pages.shown_template import ShownTemplates
from tests.helpers.console.console import Browser, operator
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id, world

PHOTO = {"id": "s-pic", "type": "photo", "label": "The hall"}


@asynccontextmanager
async def busy(w: World, owner: str) -> AsyncIterator[Callable[[], None]]:
    """The thread at work for `owner` until the function that comes out is called, at the latest at the end."""
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert end.wait(2 * PATIENCE)

    working = asyncio.create_task(w.service.turns.of_keys(owner).run(work))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    try:
        yield end.set
    finally:
        end.set()
        await working


async def waits(w: World, *tasks: asyncio.Task[object]) -> None:
    """Return once each of these has asked for a turn; none may have been answered."""
    async with asyncio.timeout(PATIENCE):
        while sum(map(len, w.service.turns._pool._waiting.values())) < len(tasks):
            await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


def count_pieces(w: World) -> None:
    """Let each piece of work take a second by the thread's clock, so that the order is not left to chance."""
    w.service.turns._pool.clock = itertools.count().__next__


async def globex(w: World) -> Browser:
    return await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])


async def test_what_is_short_waits_for_nobodys_turn(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, PHOTO))
    await ed.start()
    async with busy(w, "somebody"):
        assert (await w.run(ed))["status"] == "in_progress"
        assert (await w.acme.get("/v1/runs")).status_code == 200
        assert (await ed.answer("s-ok", True)).status_code == 200
        assert (await ed.photo("s-pic", jpeg(), new_photo_id())).status_code == 201
        assert (await ed.state())["run"]["progress"]["answered"] == 1


LONG = {
    "a page of the console": lambda w, ann, ed: ann.get("/runs"),
    "a run's page": lambda w, ann, ed: ann.get(f"/runs/{ed.run_id}"),
    "a table": lambda w, ann, ed: ann.get("/runs.csv"),
    "an archive": lambda w, ann, ed: ann.get(f"/runs/{ed.run_id}/archive.zip"),
    "an archive by the API": lambda w, ann, ed: w.acme.get(f"/v1/runs/{ed.run_id}/archive"),
    "a check": lambda w, ann, ed: ann.client.post(
        "/console/templates/drafts/text?check=true", json={"text": ""}, headers={"x-csrf-token": ann.csrf}
    ),
    "a search": lambda w, ann, ed: w.acme.get("/v1/runs?q=abc"),
    "a draft": lambda w, ann, ed: w.acme.post("/v1/templates/check", json={"name": "Check", "steps": [BOOLEAN]}),
    "a person": lambda w, ann, ed: w.acme.post("/v1/erasures", json={"person": {"email": "eve@example.com"}}),
    "an executor's page": lambda w, ann, ed: ed.call("GET", ""),
}


@pytest.mark.parametrize("asks", LONG.values(), ids=LONG)
async def test_what_is_long_waits_for_its_turn(shared: World, asks: Callable[..., object]) -> None:
    ann, ed = await operator(shared), await shared.dispatch(await shared.template(BOOLEAN))
    async with busy(shared, "somebody") as end:
        asked = asyncio.ensure_future(asks(shared, ann, ed))
        await waits(shared, asked)
        end()
        assert (await asked).status_code == 200


@pytest.mark.parametrize("page", ["", "/runs", "/runs?tab=all"])
async def test_the_pages_that_operators_live_in_wait_for_one_turn(w: World, page: str) -> None:
    ann, goes_on = await operator(w), threading.Event()
    count_pieces(w)
    async with busy(w, "somebody") as end:
        asked = asyncio.ensure_future(ann.get(page))
        await waits(w, asked)
        later = asyncio.ensure_future(w.service.turns.of_keys("somebody").run(goes_on.wait, PATIENCE))
        await waits(w, asked, later)
        end()
        assert (await asked).status_code == 200
        assert not later.done()
        goes_on.set()
        await later


LARGE = [{"id": f"s-{n}", "type": "text", "label": f"{n}", "config": {"max_length": 20_000}} for n in range(14)]
OF_LARGE: dict[str, Callable[[World, Ed], Any]] = {
    "a record": lambda w, ed: w.acme.get(f"/v1/runs/{ed.run_id}"),
    "a state": lambda w, ed: ed.call("GET", "/state"),
    "a long page of events": lambda w, ed: w.acme.get("/v1/events"),
}


@pytest.mark.parametrize("asks", OF_LARGE.values(), ids=OF_LARGE)
async def test_what_is_large_waits_for_its_turn(
    shared: World, asks: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "SHORT_PAGE", 100)
    ed = await shared.dispatch(await shared.template(*LARGE))
    await ed.start()
    async with busy(shared, "somebody") as end:
        asked = asyncio.ensure_future(asks(shared, ed))
        await waits(shared, asked)
        end()
        assert (await asked).status_code == 200


async def test_of_the_writes_to_large_runs_an_organization_has_one_in_a_batch(w: World) -> None:
    def count() -> int:
        return [number for _, number in w.database.writes.sizes.buckets()][-1]

    small, large = [(await w.dispatch(await w.template(*steps))).run_id for steps in (LARGE[:1], LARGE)]
    batches = []
    for run_id in (small, large):
        before = count()
        await asyncio.gather(*(w.service.known_runs.write(run_id, lambda tx: None, 0) for _ in range(4)))
        batches.append(count() - before)
    assert batches[0] < 4 <= batches[1]


async def test_organizations_take_turns_and_links_have_turns_of_their_own(w: World) -> None:
    ann, olga, ed = await operator(w), await globex(w), await w.dispatch(await w.template(BOOLEAN))
    count_pieces(w)
    answered: list[str] = []

    async def asks(name: str, path: str, who: Browser) -> None:
        assert (await who.get(path)).status_code == 200
        answered.append(name)

    async def opens() -> None:
        assert (await ed.call("GET", "")).status_code == 200
        answered.append("ed")

    async with busy(w, "somebody") as end:
        tasks = [asyncio.create_task(asks(f"ann {number}", "/runs", ann)) for number in range(5)]
        await waits(w, *tasks)
        tasks += [asyncio.create_task(asks("olga", "/runs", olga)), asyncio.create_task(opens())]
        await waits(w, *tasks)
        end()
        await asyncio.gather(*tasks)
    # The executor's page takes several turns. Nobody is behind all of Ann's five pages.
    assert answered.index("olga") < 3
    assert answered.index("ed") < 5


async def test_too_much_that_waits_is_refused_to_those_who_ask_for_it(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITING", 3)
    monkeypatch.setattr(turns, "OF_OPERATOR", 2)
    ann, bob, olga = await operator(w), await operator(w, "member"), await globex(w)
    ed, table = await w.dispatch(await w.template(BOOLEAN)), await ann.get("/runs.csv")
    async with busy(w, "somebody") as end:
        tasks = [asyncio.create_task(who.get("/runs")) for who in (ann, ann, bob, olga)]
        await waits(w, *tasks)
        for who in (ann, bob):
            page = await who.get("/runs", headers={"accept": "text/html", "accept-language": "es"})
            assert (page.status_code, page.headers["retry-after"]) == (429, "2")
            assert "inténtelo de nuevo" in page.text
        tasks += [asyncio.ensure_future(w.acme.get("/v1/runs?q=abc")) for _ in range(3)]
        await waits(w, *tasks)
        refused = await w.acme.get("/v1/runs?q=abc")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        # A download that was let in goes on, and phones have turns of their own.
        tasks += [asyncio.create_task(ann.get("/runs.csv")), asyncio.create_task(ed.call("GET", ""))]
        await waits(w, *tasks)
        end()
        assert [answer.status_code for answer in await asyncio.gather(*tasks)] == [200] * 9
        assert tasks[7].result().text == table.text


async def test_the_phones_of_a_depot_come_all_at_once(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    phones = [await w.dispatch(template_id) for _ in range(turns.WAITING + turns.OF_OPERATOR)]
    async with busy(w, "somebody") as end:
        tasks = [asyncio.create_task(ed.call("GET", "")) for ed in phones]
        await waits(w, *tasks)
        end()
        assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {200}


async def test_operators_and_their_organization_have_limits(tmp_path: Path) -> None:
    async with world(tmp_path, limits__requests_per_minute=4) as w:
        people = [await operator(w) for _ in range(6)]  # each has looked at the overview once
        for ann in people[:3]:
            assert [(await ann.get("/runs")).status_code for _ in range(4)] == [200, 200, 200, 429]
        over = await people[3].get("/runs", headers={"accept-language": "es"})
        assert [(await people[3].get("/runs")).status_code for _ in range(1)] == [429]
        assert over.headers["ratelimit-policy"] == '"console";q=16;w=60'
        assert (await w.acme.get("/v1/runs")).status_code == 200, "keys have a limit of their own"
        assert (await (await globex(w)).get("/runs")).status_code == 200
        assert (await people[0].post("/sign-out")).status_code == 303, "a way out there is always"
        assert (await people[1].post("/sign-out-everywhere")).status_code == 303
        w.clock.forward(seconds=60)
        assert (await people[2].get("/runs")).status_code == 200


async def test_the_links_of_an_organization_share_a_limit_beyond_what_each_has_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "OF_LINK", 2)
    async with world(tmp_path, limits__organization_requests_per_minute=3) as w:
        template_id = await w.template(BOOLEAN)
        ed, eve = await w.dispatch(template_id), await w.dispatch(template_id)
        assert [(await eve.call("GET", "/state")).status_code for _ in range(15)] == [200] * 14 + [429]
        over = await eve.call("GET", "/state")
        assert over.json()["detail"].startswith("More than 12 in 60 seconds on all runs of this organization;")
        assert over.headers["ratelimit-policy"] == '"links";q=12;w=60'
        assert [(await ed.call("GET", "/state")).status_code for _ in range(3)] == [200, 200, 429]
        w.clock.forward(seconds=30)
        assert (await ed.start()).status_code == 200


async def test_a_template_is_put_into_pages_once_for_each_version_and_language(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def shown(template: object, tag: str) -> object:
        made.append(tag)
        return originally(template, tag)

    originally = shown_template.shown_template
    monkeypatch.setattr(shown_template, "shown_template", shown)
    monkeypatch.setattr(w.service.pages, "_shown_templates", ShownTemplates())
    texts = {"es": {"s-ok": {"label": "¿Todo bien?"}}, "de": {"s-ok": {"label": "Alles gut?"}}}
    template_id = await w.template(BOOLEAN, translations=texts)
    runs = [await w.dispatch(template_id) for _ in range(3)]
    for _ in range(2):
        for ed in runs:
            for tag, label in (("es", "¿Todo bien?"), ("de", "Alles gut?"), ("fr", "All fine?")):
                assert f'"label":"{label}"' in (await ed.call("GET", f"?lang={tag}")).text
    assert made == ["es", "de", "fr"]
    await runs[0].start()
    await runs[0].call("GET", "?lang=es")
    body = {"name": "Check", "steps": [{**BOOLEAN, "label": "Is it?"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=body)).status_code == 200
    assert '"label":"Is it?"' in (await (await w.dispatch(template_id)).call("GET", "?lang=es")).text
    assert made == ["es", "de", "fr", "es", "es"]


def test_the_templates_that_are_kept_take_no_more_than_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_template, "MAX_BYTES", 3 * (shown_template.OVERHEAD + 1000))
    kept, template = ShownTemplates(), {"name": "é" * 400, "steps": []}
    first, *_ = [kept.get((f"t-{number}", 1, True), template, "en") for number in range(3)]
    assert kept.get(("t-0", 1, True), template, "en") is first
    kept.get(("t-3", 1, True), template, "en")
    assert [version[0] for version, _ in kept._kept] == ["t-2", "t-0", "t-3"]
    kept.get(("t-4", 1, True), {"name": "x" * 20_000, "steps": []}, "en")
    assert not kept._kept
    assert kept._bytes == 0


def test_a_language_that_nobody_speaks_is_not_kept_by_itself() -> None:
    kept, template = ShownTemplates(), {"name": "Check", "steps": [], "translations": {"es": {"": {"name": "Control"}}}}
    shown = [kept.get(("t-0", 1, True), template, tag) for tag in ("es", "es-AAAA", "es-AAAB", "xx", "yy")]
    assert [one.head["name"] for one in shown] == ["Control", "Control", "Control", "Check", "Check"]
    assert len(kept._kept) == 2
