"""The server is put back to an older copy of its data while two phones are at a run: neither is lost unseen."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.checklists import COUNT, YES_NO
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.modules import module
from tests.helpers.network.faulty_network import BUSY, Depot
from tests.helpers.patience import PATIENCE

PIC = {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"max": 4}}
SIGN = {"id": "s-sign", "type": "signature", "label": "Your signature"}


@asynccontextmanager
async def both(
    browser: Browser, acme: Depot, *steps: Any, name: str = "", **more: Any
) -> AsyncIterator[tuple[Phone, Phone, str, Path]]:
    """Ed, who has started a run, and Olga, who has opened it after him; a copy of the data from before the start."""
    run_id = await acme.dispatched(*steps, **more)
    copy = await acme.backs_up()
    async with phone(browser, acme.base) as ed, phone(browser, acme.base) as olga:
        await ed.open(run_id)
        if name:
            await ed.page.locator("#identity").fill(name)
        await ed.start()
        await ed.until_kept_is(run_id, [])
        await olga.open(run_id)
        await expect(olga.page.locator(".list")).to_be_visible()
        yield ed, olga, run_id, copy


async def remark(who: Phone, step_id: str, text: str) -> None:
    await who.choose(step_id, "remark")
    await who.page.locator("#remark-text").fill(text)
    await who.page.locator("dialog").get_by_role("button", name="Done").tap()


async def remark_again(who: Phone, text: str) -> None:
    await who.page.locator(".remark").get_by_role("button", name="Change").tap()
    await who.page.locator("#remark-text").fill(text)
    await who.page.locator("dialog").get_by_role("button", name="Done").tap()


async def finishes_without_network(who: Phone) -> None:
    await who.everything_is_loaded()
    await who.page.context.set_offline(True)
    await who.review()
    await who.finish()
    await expect(who.page.locator("main.waiting")).to_be_visible()


@pytest.mark.long
async def test_a_phone_that_did_not_start_the_run_starts_it_again(browser: Browser, acme: Depot) -> None:
    async with both(browser, acme, YES_NO, COUNT) as (ed, olga, run_id, copy):
        await olga.fill("s-count", "17")
        await olga.is_safe("s-count")
        await ed.page.goto("about:blank")  # Ed is away
        await acme.restored(copy)
        await olga.until_generation(run_id, acme.generation)
        await olga.until_all_is_safe()
        assert acme.answers(run_id) == {"s-count": 17}
        await ed.open(run_id)
        await expect(ed.step("s-count").locator("input")).to_have_value("17")


@pytest.mark.long
async def test_a_start_that_asks_for_a_name_is_made_by_hand(browser: Browser, acme: Depot) -> None:
    named = {"execution": {"identity_required": "name"}}
    async with both(browser, acme, YES_NO, COUNT, name="Ed", **named) as (ed, olga, run_id, copy):
        await olga.fill("s-count", "17")
        await olga.is_safe("s-count")
        await ed.page.goto("about:blank")  # Ed is away
        await acme.restored(copy)
        await olga.network_is_back()
        await olga.page.locator("#identity").fill("Olga")
        await olga.start()
        await olga.until_all_is_safe()
        assert acme.answers(run_id) == {"s-count": 17}
        olga.trouble.clear()


@pytest.mark.soak
async def test_a_kept_page_whose_start_is_refused_asks_until_the_server_makes_one(
    browser: Browser, acme: Depot
) -> None:
    named = {"execution": {"identity_required": "name"}}
    async with (
        both(browser, acme, YES_NO, name="Ed", **named) as (ed, _, run_id, copy),
        phone(browser, acme.base, service_workers="allow") as olga,
    ):
        await ed.page.goto("about:blank")  # Ed is away
        await olga.open(run_id)
        await olga.page.reload()
        await olga.is_kept_as_page(run_id)
        await olga.pick("s-ok", "Yes")
        await olga.is_safe("s-ok")
        asked = asyncio.Queue[str]()

        def lie(target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
            if target != f"/r/{run_id}":
                return head, body
            asked.put_nowait(target)
            return BUSY

        acme.line.lie = lie
        await acme.restored(copy)
        await olga.network_is_back()
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):  # the kept page asks, too
                await asked.get()
        acme.line.lie = None
        await olga.page.locator("#identity").fill("Olga")
        await olga.start()
        await olga.until_all_is_safe()
        assert acme.answers(run_id) == {"s-ok": True}
        olga.trouble.clear()


@pytest.mark.long
async def test_photos_of_both_phones_are_all_there_again(browser: Browser, acme: Depot) -> None:
    async with both(browser, acme, PIC) as (ed, olga, run_id, copy):
        for n, one in enumerate((ed, olga, ed)):
            await one.network_is_back()
            await expect(one.step("s-pic").locator(".tile")).to_have_count(n)
            await one.photograph("s-pic", file(f"{n}.jpg", "image/jpeg", jpeg(comment=bytes([n]))))
            await one.is_done("s-pic")
            await one.until_all_is_safe()
        before = sorted(acme.photos(run_id))
        await acme.restored(copy)
        for one in (ed, olga, ed):
            await one.until_generation(run_id, acme.generation)
        for one in (olga, ed):
            await one.until_all_is_safe()
        for one in (olga, ed):
            await one.look_again()
            await one.is_done("s-pic")
        assert sorted(acme.photos(run_id)) == before
        assert sorted(acme.listed(run_id, "s-pic")) == sorted(photo_id for photo_id, _ in before)


async def test_what_another_phone_has_answered_since_is_asked_about(browser: Browser, acme: Depot) -> None:
    async with both(browser, acme, YES_NO, COUNT, SIGN) as (ed, olga, run_id, copy):
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-count", "17")
        await remark(ed, "s-ok", "Scratched")
        await ed.sign(ed.step("s-sign").locator(".control button"))
        await ed.is_done("s-ok", "s-count", "s-sign")
        await ed.until_all_is_safe()
        await ed.page.context.set_offline(True)
        await acme.restored(copy)
        await olga.until_generation(run_id, acme.generation)
        await olga.pick("s-ok", "No")
        await olga.fill("s-count", "18")
        await remark(olga, "s-ok", "Dented")
        await olga.sign(olga.step("s-sign").locator(".control button"), wave=30)
        await olga.is_done("s-ok", "s-count", "s-sign")
        await olga.until_all_is_safe()
        await ed.page.context.set_offline(False)
        await ed.until_generation(run_id, acme.generation)
        for step_id, theirs in (("s-ok", "No"), ("s-count", "18")):
            await expect(ed.step(step_id).locator(".rival blockquote").first).to_have_text(theirs)
        await expect(ed.page.locator(".top .sending")).to_contain_text("3 steps need attention")
        assert acme.answers(run_id) == {"s-ok": False, "s-count": 18, "s-sign": None}
        assert acme.rows("SELECT text FROM remarks WHERE run_id = ? AND is_current", run_id) == [("Dented",)]
        signatures = acme.rows("SELECT received_at FROM signatures WHERE run_id = ?", run_id)
        await ed.step("s-ok").locator(".control ~ .rival").get_by_role("button", name="Keep mine").tap()
        await ed.step("s-count").get_by_role("button", name="Use it").tap()
        await ed.step("s-ok").locator(".remark").get_by_role("button", name="Keep mine").tap()
        await ed.step("s-sign").get_by_role("button", name="Try again").tap()
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-ok": True, "s-count": 18, "s-sign": None}
        assert acme.rows("SELECT text FROM remarks WHERE run_id = ? AND is_current", run_id) == [("Scratched",)]
        assert acme.rows("SELECT received_at FROM signatures WHERE run_id = ?", run_id) != signatures


@pytest.mark.soak
async def test_what_another_phone_had_answered_is_not_asked_about_where_it_is_lost(
    browser: Browser, acme: Depot
) -> None:
    async with both(browser, acme, COUNT) as (ed, olga, run_id, copy):
        acme.line.down()
        await ed.fill("s-count", "17")
        await ed.until_kept(run_id, "answer", "s-count")
        await ed.page.context.set_offline(True)
        acme.line.up()
        await olga.fill("s-count", "18")
        await olga.is_done("s-count")
        await olga.until_kept_is(run_id, [])
        await ed.page.context.set_offline(False)
        await expect(ed.step("s-count").locator(".rival blockquote")).to_have_text("18")
        await olga.page.goto("about:blank")  # Olga is away
        await acme.restored(copy)
        await ed.until_generation(run_id, acme.generation)
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-count": 17}
        ed.trouble.clear()


@pytest.mark.long
async def test_what_no_phone_has_is_named(browser: Browser, acme: Depot) -> None:
    async with both(browser, acme, YES_NO, COUNT, PIC) as (ed, olga, run_id, copy):
        await ed.pick("s-ok", "Yes")
        await ed.is_safe("s-ok")
        await olga.fill("s-count", "17")
        await olga.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await olga.is_done("s-count", "s-pic")
        await ed.network_is_back()
        await expect(ed.step("s-count").locator("input")).to_have_value("17")
        await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(1)
        await olga.page.close()
        await acme.restored(copy)
        await ed.until_generation(run_id, acme.generation)
        notice = ed.page.locator(".put-back")
        await expect(notice).to_contain_text("How many?, The hall")
        await ed.is_safe("s-ok")
        await ed.until_kept_is(run_id, [])
        assert acme.answers(run_id) == {"s-ok": True}
        await expect(ed.page.locator(".top .sending")).to_have_text("")
        await ed.page.reload()
        await expect(notice).to_contain_text("How many?, The hall")
        await ed.fill("s-count", "18")
        await expect(notice).not_to_contain_text("How many?")
        await ed.photograph("s-pic", file("2.jpg", "image/jpeg", jpeg(comment=b"2")))  # one more is not the lost one
        await ed.is_done("s-pic")
        await ed.until_kept_is(run_id, [])
        await expect(notice).to_contain_text("The hall")
        await expect(ed.page.locator(".top .sending")).to_have_text("")
        await notice.get_by_role("button", name="Close").tap()
        await ed.until_all_is_safe()
        await ed.page.reload()
        await ed.until_all_is_safe()
        await expect(notice).to_have_count(0)


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before she knows", "afterwards"])
async def test_what_another_phone_has_given_since_is_not_lost(browser: Browser, acme: Depot, when: str) -> None:
    async with both(browser, acme, YES_NO, COUNT, SIGN) as (ed, olga, run_id, copy):
        await ed.pick("s-ok", "Yes")
        await remark(ed, "s-ok", "Scratched")
        await ed.sign(ed.step("s-sign").locator(".control button"))
        await ed.is_done("s-ok", "s-sign")
        await ed.until_kept_is(run_id, [])
        await olga.page.reload()
        await expect(olga.page.get_by_text("Scratched")).to_be_visible()
        await ed.page.goto("about:blank")  # Ed is away
        await acme.restored(copy)
        if when == "afterwards":
            await olga.until_generation(run_id, acme.generation)
            await expect(olga.page.locator(".put-back")).to_contain_text("All fine?, Your signature")
        else:
            await olga.page.goto("about:blank")
        await ed.open(run_id)
        await ed.pick("s-ok", "No")
        await remark_again(ed, "Scratched twice")
        await ed.sign(ed.step("s-sign").locator(".control button"), wave=30)
        await ed.until_all_is_safe()
        if when == "before she knows":
            await olga.open(run_id)
        await olga.until_all_is_safe()
        await expect(olga.page.locator(".put-back")).not_to_contain_text("All fine?")


@pytest.mark.soak
async def test_what_was_finished_without_network_waits_where_no_phone_has_what_was_seen(
    browser: Browser, acme: Depot
) -> None:
    """Also where no step is missing: an older answer is in force."""
    async with both(browser, acme, COUNT) as (ed, olga, run_id, _):
        await ed.fill("s-count", "17")
        await ed.is_safe("s-count")
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        await olga.network_is_back()
        await expect(olga.step("s-count").locator("input")).to_have_value("17")
        await olga.fill("s-count", "18")
        await olga.is_safe("s-count")
        await olga.until_kept_is(run_id, [])
        await ed.network_is_back()
        await expect(ed.step("s-count").locator("input")).to_have_value("18")
        await finishes_without_network(ed)
        await olga.page.goto("about:blank")  # Olga is away
        await acme.restored(copy)
        await ed.page.context.set_offline(False)
        await ed.until_generation(run_id, acme.generation)
        await expect(ed.page.locator(".form > .top .put-back").first).to_contain_text("It does not have: How many?.")
        assert acme.rows("SELECT status FROM runs WHERE id = ?", run_id) == [("in_progress",)]
        await olga.open(run_id)
        await olga.until_all_is_safe()
        await ed.network_is_back()
        await expect(ed.step("s-count").locator("input")).to_have_value("18")
        await expect(ed.page.locator(".put-back").first).not_to_contain_text("How many?")


@pytest.mark.soak
async def test_what_another_phone_had_deleted_and_is_there_again_is_named(browser: Browser, acme: Depot) -> None:
    """And what was finished without network waits: the run would be completed with it."""
    async with both(browser, acme, {**YES_NO, "photo": {"max": 2}}, COUNT) as (ed, olga, run_id, _):
        await ed.photograph("s-ok", file("1.jpg", "image/jpeg", jpeg()))
        await remark(ed, "s-count", "Scratched")
        await ed.fill("s-count", "17")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        await olga.page.reload()
        await olga.fill("s-count", "18")
        await olga.until_all_is_safe()
        [(came,)] = acme.rows("SELECT max(at) FROM remarks")
        await ed.until(lambda: int(time.time()) > came // 1000)  # times have seconds, and the page is quick
        copy = await acme.backs_up()
        await olga.step("s-ok").locator(".tile[state=safe]").tap()
        await olga.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await remark_again(olga, "")
        await olga.until_kept_is(run_id, [])
        await ed.network_is_back()
        await expect(ed.step("s-ok").locator(".tile")).to_have_count(0)
        await expect(ed.page.get_by_text("Scratched")).to_have_count(0)
        await ed.pick("s-ok", "Yes")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        await finishes_without_network(ed)
        await olga.page.goto("about:blank")  # Olga is away
        await acme.restored(copy)
        await ed.page.context.set_offline(False)
        await ed.until_generation(run_id, acme.generation)
        notice = ed.page.locator(".form > .top .put-back").first
        await expect(notice).to_contain_text("It has again what was deleted: All fine?, How many?.")
        await expect(notice).to_be_visible()
        await expect(notice).not_to_contain_text("It does not have")
        await ed.until_kept_is(run_id, [])
        assert acme.rows("SELECT status FROM runs WHERE id = ?", run_id) == [("in_progress",)]
        await olga.open(run_id)
        await olga.until_all_is_safe()
        await ed.network_is_back()
        await expect(ed.step("s-ok").locator(".tile")).to_have_count(0)
        await expect(notice).not_to_contain_text("It has again")
        assert acme.photos(run_id) == []


@pytest.mark.soak
async def test_a_photo_that_another_phone_has_deleted_is_no_error_when_it_is_sent_again(
    browser: Browser, acme: Depot
) -> None:
    async with both(browser, acme, YES_NO, PIC) as (ed, olga, run_id, _):
        copy = await acme.backs_up()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", jpeg(comment=bytes([n]))) for n in (1, 2)))
        await ed.is_done("s-ok", "s-pic")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        await finishes_without_network(ed)
        await olga.network_is_back()
        await olga.step("s-pic").locator(".tile[state=safe]").first.tap()
        await olga.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await expect(olga.step("s-pic").locator(".tile")).to_have_count(1)
        await olga.until_all_is_safe()
        await olga.until_kept_is(run_id, [])
        await acme.restored(copy)
        await olga.until_generation(run_id, acme.generation)
        await olga.until_kept_is(run_id, [])
        await ed.page.context.set_offline(False)
        await ed.until_thanked()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert len(acme.listed(run_id, "s-pic")) == 1
        ed.trouble.clear()


async def test_what_is_kept_since_an_earlier_visit_is_no_other_phone_s(page: Page) -> None:
    script = f"""async () => {{
      const {{ OtherPhones }} = await import('{module("offline/other_phones")}');
      const outbox = Object.assign(new EventTarget(), {{ items: [], marks: [{{ version: "new", earlier: ["old"] }}] }});
      const answers = {{ one: {{ answer_id: "new" }}, two: {{ answer_id: "old" }}, three: {{ answer_id: "another" }} }};
      const session = Object.assign(new EventTarget(), {{ answers, emit: (_, {{ steps }}) => (session.told = steps) }});
      new OtherPhones(session, outbox);
      session.dispatchEvent(new CustomEvent("state", {{ detail: {{ before: {{}} }} }}));
      return session.told;
    }}"""
    assert await page.evaluate(script) == ["three"]


async def test_what_this_phone_gave_before_does_not_come_back_over_what_it_gave_since(page: Page) -> None:
    """Where both were on their way, the newer one has arrived first."""
    script = f"""async () => {{
      const {{ decideWithoutPerson }} = await import('{module("offline/refused")}');
      const {{ Outbox }} = await import('{module("offline/outbox")}');
      const outbox = new Outbox("r-1");
      outbox.stop();
      outbox.marks = [{{ version: "new", earlier: ["old"] }}];
      const problem = {{ code: "answer_changed" }};
      const item = {{ kind: "answer", key: "s-ok", body: {{ answer_id: "old" }}, problem }};
      const told = [];
      outbox.retry = () => told.push("sent again");
      const answers = {{ "s-ok": {{ answer_id: "new" }} }};
      const takeBack = (key) => told.push(`taken back: ${{key}}`);
      const session = {{ outbox, answers, localOf: () => ({{ item }}), takeBack, emit() {{}} }};
      decideWithoutPerson(session, [item], () => true);
      return told;
    }}"""
    assert await page.evaluate(script) == ["taken back: s-ok"]


@pytest.mark.parametrize(
    ("came", "is_answer", "lost"),
    [("10:00:09", True, []), ("10:00:04", True, ["17"]), ("10:00:04", False, ["photo"]), ("10:00:05", False, [])],
)
async def test_what_came_after_the_known_state_is_newer_than_what_is_lost(
    page: Page, came: str, is_answer: bool, lost: list[str]
) -> None:
    """Times have seconds: an answer may be of the same one as that which is lost, and a photo may have come in the one
    of the known state, but after it.
    """
    given = "2026-12-03T10:00:04Z"
    script = f"""async ([at, isAnswer]) => {{
      document.documentElement.lang = "en";
      document.body.innerHTML = '<script id="words" type="application/json">{{"": {{}}}}</script>';
      const {{ findLost }} = await import('{module("offline/kept")}');
      const answer = (id, at) => (isAnswer ? {{ "s-count": {{ answer_id: id, answered_at: "{given}", at }} }} : {{}});
      const rest = {{ photos: {{}}, signatures: {{}}, remarks: {{}}, generation: 7 }};
      const known = {{ ...rest, server_time: "2026-12-03T10:00:05Z", answers: answer("17", "{given}") }};
      const photos = isAnswer ? {{}} : {{ "s-pic": [{{ photo_id: "photo", received_at: at }}] }};
      const state = {{ ...rest, answers: answer("18", at), photos }};
      const session = {{ outbox: {{ items: [], marks: [] }}, lost: [] }};
      return findLost(session, known, state).map(({{ version }}) => version);
    }}"""
    assert await page.evaluate(script, [f"2026-12-03T{came}Z", is_answer]) == lost
