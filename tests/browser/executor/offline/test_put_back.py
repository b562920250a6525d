"""The server is put back to an older copy of its data: the phone notices, says so, and sends again what it has."""

import asyncio
import json
import random
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, YES_NO
from tests.browser.executor.offline.at_work import PIC, STEPS, at_work, does_all
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg, noise
from tests.helpers.network.faulty_network import BUSY, Depot
from tests.helpers.patience import PATIENCE

# Whether the phone keeps an item as refused.
REFUSED = """(run) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const all = opening.result.transaction("items").objectStore("items").index("run").getAll(run);
    all.onsuccess = () => {
      opening.result.close();
      done(all.result.some(({ problem }) => problem));
    };
  };
})"""
NOTICE = "The server was put back to an older copy of its data. What this phone has is sent again."


def given(acme: Depot, run_id: str) -> dict[str, Any]:
    """What the database has of the run, without what is new after a restore: times of the server, and numbers."""
    answers = acme.rows(
        "SELECT step_id, answer_id, value, photos, answered_at FROM answers WHERE run_id = ? AND is_current", run_id
    )
    return {
        "answers": sorted(
            (step, id_, value, json.loads(photos or "null"), at) for step, id_, value, photos, at in answers
        ),
        "remarks": acme.rows("SELECT step_id, remark_id, text FROM remarks WHERE run_id = ? AND is_current", run_id),
        "photos": sorted(acme.photos(run_id)),
        "signatures": acme.rows("SELECT step_id FROM signatures WHERE run_id = ?", run_id),
        "status": acme.rows("SELECT status FROM runs WHERE id = ?", run_id),
    }


async def notices(ed: Phone) -> None:
    """The page asks for the state, as it does every fifteen seconds, and says what has happened."""
    await ed.network_is_back()
    await expect(ed.page.locator(".put-back")).to_contain_text(NOTICE)


@pytest.mark.parametrize("when", [pytest.param("before the start", marks=pytest.mark.long), "in between"])
async def test_all_that_was_lost_comes_again(browser: Browser, acme: Depot, when: str) -> None:
    run_id = await acme.dispatched(*STEPS)
    async with phone(browser, acme.base) as ed:
        await ed.open(run_id)
        copy = await acme.backs_up()
        await ed.start()
        if when != "before the start":
            await ed.until_kept_is(run_id, [])
            copy = await acme.backs_up()
        if when == "in between":
            await ed.pick("s-ok", "Yes")
            await ed.fill("s-count", "16")
            await ed.photograph("s-pic", file("0.jpg", "image/jpeg", jpeg(comment=b"0")))
            await ed.is_done("s-ok", "s-count", "s-pic")
            copy = await acme.backs_up()
        await does_all(ed)
        before = given(acme, run_id)
        await acme.restored(copy)
        assert given(acme, run_id) != before
        await notices(ed)
        await ed.until_all_is_safe()
        assert given(acme, run_id) == before
        await ed.page.get_by_role("button", name="Close").tap()
        await ed.page.reload()
        await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
        await expect(ed.page.locator(".put-back")).to_have_count(0)
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        await ed.until_kept_is(run_id, [])
        assert await ed.kept(run_id, received=True) == []


@pytest.mark.long
async def test_a_page_that_is_opened_afterwards_sends_it_too(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme) as (ed, run_id):
        copy = await acme.backs_up()
        await does_all(ed)
        before = given(acme, run_id)
        await ed.page.goto("about:blank")
        await acme.restored(copy)
        await ed.open(run_id)
        await expect(ed.page.locator(".put-back")).to_contain_text(NOTICE)
        await ed.until_all_is_safe()
        assert given(acme, run_id) == before


@pytest.mark.long
async def test_a_run_put_back_to_before_its_start_is_opened_again(browser: Browser, acme: Depot) -> None:
    run_id = await acme.dispatched(*STEPS)
    copy = await acme.backs_up()
    async with phone(browser, acme.base) as ed:
        await ed.open(run_id)
        await ed.start()
        await does_all(ed)
        before = given(acme, run_id)
        await ed.page.goto("about:blank")
        await acme.restored(copy)
        await ed.open(run_id)
        await expect(ed.page.locator(".list")).to_be_visible()
        await ed.until_all_is_safe()
        assert given(acme, run_id) == before


@pytest.mark.soak
async def test_a_kept_page_of_after_the_start_starts_a_run_put_back_to_before_it(browser: Browser, acme: Depot) -> None:
    door = {"id": "f-door", "label": "Door code", "kind": "text"}  # shown from the start on
    run_id = await acme.dispatched(*STEPS, fields=[door], job={"fields": {"f-door": "0815"}})
    copy = await acme.backs_up()
    async with phone(browser, acme.base, service_workers="allow") as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.page.reload()
        await ed.is_kept_as_page(run_id)
        await ed.fill("s-count", "17")
        await ed.is_done("s-count")
        await ed.until_kept_is(run_id, [])
        await acme.restored(copy)
        acme.line.lie = lambda target, head, body: BUSY if target.endswith("/start") else (head, body)
        await ed.network_is_back()
        await expect(ed.page.locator(".put-back")).to_contain_text(NOTICE)
        await ed.until_generation(run_id, acme.generation)
        await expect(ed.page.locator(".job-news")).to_be_hidden()
        acme.line.down()
        await ed.page.reload()
        await expect(ed.step("s-count").locator("input")).to_have_value("17")
        acme.line.lie = None
        acme.line.up()
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-count": 17}


@pytest.mark.long
async def test_what_this_phone_has_given_since_replaces_what_is_lost(browser: Browser, acme: Depot) -> None:
    """Also where the page hears of the restore only after its newer answer has arrived."""
    async with at_work(browser, acme, YES_NO) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.until_kept_is(run_id, [])
        acme.line.down()
        await ed.pick("s-ok", "No")
        await ed.until_kept(run_id, "answer", "s-ok")
        await ed.page.goto("about:blank")
        await acme.restored(copy)

        async def late(target: str, head: bytes) -> None:
            while "/state" in target and acme.answers(run_id) != {"s-ok": False}:
                await asyncio.sleep(0)

        acme.line.lie, acme.line.late = lambda target, head, body: (head, body), late
        acme.line.up()
        await ed.open(run_id)
        await expect(ed.page.locator(".put-back")).to_have_text(f"{NOTICE} Close")
        await ed.until_all_is_safe()


@pytest.mark.soak
async def test_nothing_is_called_safe_from_the_first_receipt_of_another_generation_on(
    browser: Browser, acme: Depot
) -> None:
    async with at_work(browser, acme, YES_NO, COUNT, PIC) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.fill("s-count", "17")
        await ed.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await ed.is_done("s-count", "s-pic")
        await acme.restored(copy)
        await ed.page.route("**/state?*", lambda route: route.abort())
        await ed.pick("s-ok", "Yes")
        await expect(ed.page.locator(".top .sending")).not_to_have_text("All safe")
        await expect(ed.step("s-count")).not_to_have_attribute("safety", "safe")
        await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(0)
        await ed.until(lambda: acme.answers(run_id) == {"s-ok": True})
        await expect(ed.step("s-ok")).not_to_have_attribute("safety", "safe")
        await ed.page.unroute_all()
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-ok": True, "s-count": 17, "s-pic": None}
        ed.trouble.clear()


@pytest.mark.soak
async def test_what_is_deleted_before_the_restored_state_has_come_is_deleted(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO, PIC) as (ed, run_id):
        await ed.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", jpeg(comment=bytes([n]))) for n in (1, 2)))
        await ed.is_done("s-pic")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        await acme.restored(await acme.backs_up())
        await ed.page.route("**/state?*", lambda route: route.abort())
        await ed.pick("s-ok", "Yes")
        await expect(ed.step("s-pic").locator(".tile[state=waiting]")).to_have_count(2)
        await ed.step("s-pic").locator(".tile").first.tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await expect(ed.step("s-pic").locator(".tile")).to_have_count(1)
        await ed.page.unroute_all()
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        assert len(acme.photos(run_id)) == len(acme.listed(run_id, "s-pic")) == 1
        ed.trouble.clear()


@pytest.mark.long
async def test_what_was_replaced_or_deleted_never_comes_back(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme) as (ed, run_id):
        await does_all(ed)
        copy = await acme.backs_up()
        await ed.fill("s-count", "18")
        await ed.step("s-pic").locator(".tile").first.tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await expect(ed.step("s-pic").locator(".tile")).to_have_count(1)
        await ed.unfold("s-ok")
        await ed.page.locator(".remark").get_by_role("button", name="Change").tap()
        await ed.page.locator("dialog").get_by_role("button", name="Take it back").tap()
        await ed.is_done("s-count", "s-pic")
        await ed.until_kept_is(run_id, [])
        before = given(acme, run_id)
        await acme.restored(copy)
        await notices(ed)
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        assert given(acme, run_id) == before
        assert len(acme.photos(run_id)) == 1


@pytest.mark.soak
@pytest.mark.parametrize("first", ["restore", "receipt"])
async def test_a_photo_deleted_without_network_does_not_come_back(browser: Browser, acme: Depot, first: str) -> None:
    """Whether the page hears of the restore first, or has the receipt for the deletion."""
    async with at_work(browser, acme, PIC) as (ed, run_id):
        await ed.everything_is_loaded()
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        await ed.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", jpeg(comment=bytes([n]))) for n in (1, 2)))
        await ed.is_done("s-pic")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        acme.line.down()
        await ed.step("s-pic").locator(".tile").first.tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await ed.until_kept(run_id, "delete", "s-pic")
        await acme.restored(copy)
        has_heard = asyncio.Event()

        async def late(target: str, head: bytes) -> None:
            if first == "restore" and head.startswith(b"DELETE "):
                await has_heard.wait()
            while first == "receipt" and "/state" in target and not any("DELETE" in one for one in acme.line.passed):
                await asyncio.sleep(0)

        acme.line.lie, acme.line.late = lambda target, head, body: (head, body), late
        acme.line.up()
        if first == "restore":
            await ed.until_generation(run_id, acme.generation)
        has_heard.set()
        await ed.network_is_back()
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(1)
        assert len(acme.photos(run_id)) == 1
        ed.trouble.clear()


# Looks at what is kept just before the mark of the next receipt is written, and what it sees is that of before.
LOOKS_BEFORE_MARKED = """run => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (record) {
    if (record.run === run && record.labels) {
      IDBObjectStore.prototype.put = put;
      dispatchEvent(new Event("online"));
    }
    return put.call(this, record);
  };
}"""


@pytest.mark.soak
async def test_an_older_answer_of_this_phone_is_its_own_whenever_it_looked(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO) as (ed, run_id):
        await ed.until_kept_is(run_id, [])
        await ed.page.evaluate(LOOKS_BEFORE_MARKED, run_id)
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        await ed.pick("s-ok", "No")
        await ed.is_done("s-ok")
        await ed.until_kept_is(run_id, [])
        before = given(acme, run_id)
        await ed.page.reload()  # and asks, and forgets what is not in force
        await ed.until_all_is_safe()
        await ed.page.goto("about:blank")
        await acme.restored(copy)
        await ed.open(run_id)
        await ed.until_all_is_safe()
        assert given(acme, run_id) == before


@pytest.mark.soak
async def test_an_answer_refused_for_want_of_what_was_lost_is_sent_again_by_the_next_page(
    browser: Browser, acme: Depot
) -> None:
    """The page may end before it has seen that the answer in force is an earlier one of this phone."""
    async with at_work(browser, acme, COUNT) as (ed, run_id):
        await ed.fill("s-count", "16")
        await ed.is_done("s-count")
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        await ed.fill("s-count", "17")
        await ed.is_done("s-count")
        await ed.until_kept_is(run_id, [])
        acme.line.down()
        await ed.fill("s-count", "18")
        await ed.until_kept(run_id, "answer", "s-count")
        await acme.restored(copy)
        await ed.page.route("**/state?*", lambda route: None)  # it hangs
        async with ed.page.expect_response(lambda answer: answer.status == 409):
            acme.line.up()
            await ed.network_is_back()
        await ed.until_true(REFUSED, run_id)
        await ed.dies()
        await ed.open(run_id)
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-count": 18}
        ed.trouble.clear()


@pytest.mark.soak
async def test_a_remark_keeps_its_text_where_only_its_photo_is_unsent(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.page.route("**/photos/*", lambda route: route.abort())
        await ed.choose("s-ok", "remark")
        await ed.page.locator("#remark-text").fill("Scratched")
        picture = file("1.jpg", "image/jpeg", jpeg())
        await ed.page.locator("dialog photo-field input[multiple]").set_input_files([picture])
        await ed.page.locator("dialog").get_by_role("button", name="Done").tap()
        texts = "SELECT text FROM remarks WHERE run_id = ? AND is_current"
        await ed.until(lambda: acme.rows(texts, run_id) == [("Scratched",)])
        async with asyncio.timeout(PATIENCE):
            while [one["kind"] for one in await ed.kept(run_id)] != ["photo"]:
                pass
        await ed.page.goto("about:blank")
        await acme.restored(copy)
        await ed.page.unroute_all()
        await ed.open(run_id)
        await ed.until_generation(run_id, acme.generation)
        await ed.until_kept_is(run_id, [])
        assert acme.rows(texts, run_id) == [("Scratched",)]
        assert len(acme.photos(run_id)) == 1
        ed.trouble.clear()


# `room` photos more, and the room of each item that is deleted.
ROOM = """(() => {
  window.room = Infinity;
  const { put, delete: remove } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (record) {
    if (record.kind === "photo" && record.body && window.room <= 0) throw new DOMException("", "QuotaExceededError");
    return put.call(this, record);
  };
  IDBObjectStore.prototype.delete = function (key) {
    if (this.name === "items") window.room += 1;
    return remove.call(this, key);
  };
})()"""


@pytest.mark.long
async def test_a_kept_photo_is_given_up_for_what_is_not_sent(browser: Browser, acme: Depot) -> None:
    """A phone without room deletes the photo with the oldest receipt, and nothing that it still has to send."""
    chance = random.Random(5)
    pictures = [file(f"{n}.jpg", "image/jpeg", noise(chance.randbytes)) for n in range(5)]
    async with phone(browser, acme.base) as ed:
        await ed.page.add_init_script(ROOM)
        run_id = await acme.dispatched(PIC | {"config": {"max": 5}})
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        for n in range(2):
            await ed.photograph("s-pic", pictures[n])
            await ed.is_done("s-pic")
        await ed.until_all_is_safe()
        await ed.until_kept_is(run_id, [])
        received = [one for one in await ed.kept(run_id, received=True) if one["kind"] == "photo"]
        assert len(received) == 2
        acme.line.down()
        for n, left in ((2, received[1:]), (3, [])):
            await ed.page.evaluate("window.room = 0")
            await ed.photograph("s-pic", pictures[n])
            async with asyncio.timeout(PATIENCE):
                while len([one for one in await ed.kept(run_id) if one["kind"] == "photo"]) < n - 1:
                    pass
            assert [one for one in await ed.kept(run_id, received=True) if one["kind"] == "photo"] == left
            await expect(ed.page.locator(".notice.storage")).to_be_hidden()
        await ed.page.evaluate("window.room = 0")
        await ed.photograph("s-pic", pictures[4])
        await expect(ed.page.locator(".notice.storage")).to_contain_text("storage is full")
        assert len([one for one in await ed.kept(run_id) if one["kind"] == "photo"]) == 2
        acme.line.up()
        await ed.until_all_is_safe()


@pytest.mark.long
async def test_any_page_deletes_what_is_kept_for_more_than_seven_days(browser: Browser, acme: Depot) -> None:
    run_id, other = [await acme.dispatched(YES_NO) for _ in range(2)]
    async with phone(browser, acme.base) as ed:
        await ed.page.clock.install()
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_safe("s-ok")
        await ed.until_kept_is(run_id, [])
        now = await ed.page.evaluate("Date.now()")
        for days, kept in ((6.9, ["start", "answer"]), (7.1, [])):
            await ed.page.goto("about:blank")
            await ed.page.clock.set_fixed_time(now + days * 86_400_000)
            await ed.open(other)
            await expect(ed.page.locator(".start")).to_be_visible()
            async with asyncio.timeout(PATIENCE):
                while [one["kind"] for one in await ed.kept(run_id, received=True)] != kept:
                    pass
        assert await ed.kept(run_id) == []


async def test_a_run_is_finished_only_when_all_is_there_again(browser: Browser, acme: Depot) -> None:
    """Put back after the last look at the state: the completion waits until the server has all."""
    async with at_work(browser, acme, YES_NO, COUNT, PIC) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-count", "17")
        await ed.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await ed.is_done("s-ok", "s-count", "s-pic")
        await ed.until_all_is_safe()
        before = given(acme, run_id)
        await ed.review()
        await acme.restored(copy)
        await ed.finish()
        await ed.until_thanked()
        assert given(acme, run_id) == {**before, "status": [("completed",)]}
        assert acme.events(run_id)[-1] == "run.completed"
