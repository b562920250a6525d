"""Two phones on one run: each sees what the other changed, and no words are lost unseen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from playwright.async_api import Browser, Page, Request, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import World

REPORT = {"id": "s-report", "type": "text", "label": "What happened?", "config": {"multiline": True}}
CHANGED = "Changed on another phone"
# Another tab that is slow with what all tabs share: until `letGo()`, this phone deletes nothing that it keeps.
HOLD = """() => new Promise((held) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onsuccess = () => {
    let isHeld = true;
    const items = opening.result.transaction("items", "readwrite").objectStore("items");
    const again = () => {
      held();
      if (isHeld) items.count().onsuccess = again;
    };
    items.transaction.oncomplete = () => opening.result.close();
    window.letGo = () => (isHeld = false);
    again();
  };
})"""


@asynccontextmanager
async def both(w: World, browser: Browser, base: str, *steps: Any) -> AsyncIterator[tuple[Phone, Phone, str]]:
    """Ed, who has started, and Olga on a phone of her own."""
    run = await w.dispatch(await w.template(*steps))
    async with phone(browser, base) as ed, phone(browser, base) as olga:
        note_polls(olga.page)
        await ed.open(run.run_id)
        await ed.start()
        await olga.open(run.run_id)
        await expect(olga.page.locator(".list")).to_be_visible()
        yield ed, olga, run.run_id


_polls: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()  # without an answer yet


def note_polls(page: Page) -> None:
    """Know from now on which requests for the run's state are on their way."""
    polls = _polls[page] = set()
    page.on("request", lambda request: "/state?" in request.url and polls.add(request))
    page.on("requestfinished", lambda request: polls.discard(request))
    page.on("requestfailed", lambda request: polls.discard(request))


async def looks_at_nothing(olga: Phone, until: bytes = b"") -> None:
    """Have her page hear of no change until it has sent an answer with these words: it looks by itself every 15
    seconds, and what it sent before may go out once more.
    """
    sent: list[Request] = []

    def note(request: Request) -> None:
        if request.method == "PUT" and until in (request.post_data_buffer or b""):
            sent.append(request)

    olga.page.on("request", note)

    async def unchanged(route: Any) -> None:
        await (route.continue_() if sent else route.fulfill(status=304))

    await olga.page.route("**/state?*", unchanged)
    before = set(_polls[olga.page])
    while before & _polls[olga.page]:
        await olga.page.wait_for_event("requestfinished")


async def value(w: World, run_id: str, step_id: str) -> Any:
    return (await record(w, run_id))["answers"][step_id]["value"]


async def test_what_another_phone_has_changed_is_said_and_read_out(w: World, browser: Browser, base: str) -> None:
    async with both(w, browser, base, YES_NO, COUNT, REPORT) as (ed, olga, _):
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await olga.pick("s-ok", "No")
        await olga.is_done("s-ok")
        await ed.look_again()
        await expect(ed.step("s-ok").get_by_label("No")).to_be_checked()
        await expect(ed.step("s-ok").locator(".status")).to_have_text(CHANGED)
        await expect(ed.page.locator("#live")).to_have_text(f"All fine?. {CHANGED}")
        await expect(ed.page.locator(".status").filter(has_text=CHANGED)).to_have_count(1)
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await expect(ed.step("s-ok").locator(".status")).not_to_have_text(CHANGED)
        # What one tab says is not news to the other one on the same phone.
        async with ed.tab() as other:
            await other.open(_)
            await other.fill("s-count", "7")
            await other.is_done("s-count")
            await expect(ed.step("s-count").locator("input")).to_have_value("7")
            await ed.look_again()
            await expect(ed.page.locator(".status").filter(has_text=CHANGED)).to_have_count(0)


@pytest.mark.long
async def test_an_answer_that_arrived_and_is_still_on_the_phone_is_its_own(
    w: World, browser: Browser, base: str
) -> None:
    async with both(w, browser, base, YES_NO, COUNT) as (ed, olga, run_id):

        async def arrives(route: Any) -> None:
            await ed.page.evaluate(HOLD)
            await route.continue_()

        await ed.page.route("**/r/*/steps/s-ok", arrives)
        async with ed.page.expect_response("**/r/*/steps/s-ok"):
            await ed.pick("s-ok", "Yes")
        await olga.fill("s-count", "7")
        await olga.is_done("s-count")
        await ed.look_again()
        await expect(ed.step("s-count").locator(".status")).to_have_text(CHANGED)  # the reply tells of both
        await ed.page.evaluate("letGo()")
        await ed.is_done("s-ok")
        await expect(ed.page.locator(".status").filter(has_text=CHANGED)).to_have_count(1)
        assert (await record(w, run_id))["answers"]["s-ok"]["value"] is True


async def test_a_remark_written_on_both_is_offered_and_neither_is_lost_unseen(
    w: World, browser: Browser, base: str
) -> None:
    async with both(w, browser, base, YES_NO) as (ed, olga, run_id):
        done = olga.page.locator("dialog").get_by_role("button", name="Done")
        await olga.choose("s-ok", "remark")
        await olga.page.locator("#remark-text").fill("All fine")
        await ed.choose("s-ok", "remark")
        await ed.page.locator("#remark-text").fill("The lock is scratched")
        await ed.page.locator("dialog").get_by_role("button", name="Done").tap()
        await ed.until_all_is_safe()
        await done.tap()
        offer = olga.step("s-ok").locator(".remark .rival")
        await expect(offer.locator("blockquote")).to_have_text("The lock is scratched")
        await expect(olga.page.locator(".top .sending")).to_have_text("1 step needs attention")
        assert (await record(w, run_id))["remarks"]["s-ok"]["text"] == "The lock is scratched"
        await offer.get_by_role("button", name="Use it").tap()
        await expect(offer).to_have_count(0)
        await expect(olga.step("s-ok").locator(".remark .body")).to_have_text("The lock is scratched")
        await olga.step("s-ok").locator(".remark").get_by_role("button", name="Change").tap()
        await ed.step("s-ok").locator(".remark").get_by_role("button", name="Change").tap()
        await ed.page.locator("#remark-text").fill("The lock and the frame")
        await ed.page.locator("dialog").get_by_role("button", name="Done").tap()
        await ed.until_all_is_safe()
        await olga.page.locator("#remark-text").fill("The key is missing")
        await done.tap()
        await expect(offer.locator("blockquote")).to_have_text("The lock and the frame")
        await offer.get_by_role("button", name="Keep mine").tap()
        await olga.until_all_is_safe()
        assert (await record(w, run_id))["remarks"]["s-ok"]["text"] == "The key is missing"
        await ed.look_again()
        await expect(ed.step("s-ok").locator(".remark .status")).to_have_text(CHANGED)
        await expect(ed.step("s-ok").locator(".remark .body")).to_have_text("The key is missing")
        olga.trouble.clear()


async def test_a_text_written_on_both_is_offered_and_neither_is_lost_unseen(
    w: World, browser: Browser, base: str
) -> None:
    async with both(w, browser, base, YES_NO, REPORT) as (ed, olga, run_id):
        await ed.step("s-report").locator("textarea").press_sequentially("The lamp")
        await olga.fill("s-report", "A chair\nand a table")
        await olga.is_done("s-report")
        await ed.step("s-report").locator("textarea").blur()
        offer = ed.step("s-report").locator(".rival")
        await expect(offer.locator("blockquote")).to_have_text("A chair\nand a table")
        await expect(ed.step("s-report").locator("textarea")).to_have_value("The lamp")
        await expect(ed.page.locator(".top .sending")).to_have_text("1 step needs attention")
        assert await value(w, run_id, "s-report") == "A chair\nand a table"
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.review()
        await expect(ed.page.locator(".review .notice")).to_have_text("1 step needs attention")
        await expect(ed.page.locator(".review .line[missing]")).to_contain_text("1 step needs attention")
        await ed.page.locator(".review .bottom .primary").tap()
        await offer.get_by_role("button", name="Use it").tap()
        await expect(offer).to_have_count(0)
        await expect(ed.step("s-report").locator("textarea")).to_have_value("A chair\nand a table")
        await ed.until_all_is_safe()

        await ed.fill("s-report", "A chair and the lamp")
        await ed.is_done("s-report")
        await olga.fill("s-report", "Only a chair")  # she has seen nothing of it yet
        await expect(olga.step("s-report").locator("blockquote")).to_have_text("A chair and the lamp")
        await olga.fill("s-report", "The chair and the lamp")  # writes on, and is asked again
        await expect(olga.step("s-report").locator("blockquote")).to_have_text("A chair and the lamp")
        await olga.step("s-report").get_by_role("button", name="Keep mine").tap()
        await olga.is_done("s-report")
        await expect(olga.step("s-report").locator(".rival")).to_have_count(0)
        assert await value(w, run_id, "s-report") == "The chair and the lamp"


async def test_a_text_left_without_network_is_offered_when_it_is_back(w: World, browser: Browser, base: str) -> None:
    async with both(w, browser, base, YES_NO, COUNT, REPORT) as (ed, olga, run_id):
        await ed.everything_is_loaded()
        await ed.page.context.set_offline(True)
        await ed.fill("s-report", "The lamp")
        await ed.fill("s-report", "The lamp is broken")  # the first one never left the phone
        await ed.fill("s-count", "7")
        await olga.fill("s-report", "A chair")
        await olga.fill("s-count", "7")  # the same is no quarrel
        await olga.is_done("s-report", "s-count")
        await ed.page.context.set_offline(False)
        await ed.network_is_back()
        await expect(ed.step("s-report").locator("blockquote")).to_have_text("A chair")
        await ed.is_done("s-count")
        await ed.page.reload()
        await expect(ed.step("s-report").locator("blockquote")).to_have_text("A chair")
        await ed.step("s-report").get_by_role("button", name="Keep mine").tap()
        await ed.is_done("s-report")
        assert await value(w, run_id, "s-report") == "The lamp is broken"


async def photo_ids(w: World, run_id: str, step_id: str) -> list[str]:
    return [photo["photo_id"] for photo in (await record(w, run_id))["answers"][step_id]["photos"]]


async def test_photos_of_one_step_by_both_are_all_in_the_record(w: World, browser: Browser, base: str) -> None:
    async with both(w, browser, base, PICTURE) as (ed, olga, run_id):
        for n, one in enumerate((ed, olga)):  # she has not looked since
            await one.photograph("s-pic", file(f"{n}.jpg", "image/jpeg", jpeg()))
            await one.until_all_is_safe()
            await one.is_done("s-pic")
        assert len(await photo_ids(w, run_id, "s-pic")) == 2
        await expect(olga.step("s-pic").locator(".tile[state=safe] img")).to_have_count(2)  # by itself
        await ed.look_again()
        await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(2)
        # One that is still on its way from another phone stays on the list when she takes a third.
        await ed.page.context.route("**/r/*/steps/*/photos/**", lambda route: route.abort())
        await ed.step("s-pic").locator(".tile").first.tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await ed.photograph("s-pic", file("3.jpg", "image/jpeg", jpeg()))
        await ed.is_safe("s-pic")
        await olga.look_again()
        await expect(olga.step("s-pic").locator(".tile[state=elsewhere]")).to_have_count(1)
        await olga.photograph("s-pic", file("4.jpg", "image/jpeg", jpeg()))
        await olga.is_safe("s-pic")
        await ed.page.context.unroute_all(behavior="wait")
        await ed.until_all_is_safe()
        for one in (olga, ed):
            await one.look_again()
            await expect(one.step("s-pic").locator(".tile[state=safe]")).to_have_count(3)
        assert len(await photo_ids(w, run_id, "s-pic")) == 3


@pytest.mark.long
async def test_a_photo_that_arrives_while_it_is_gone_on_without_stays(w: World, browser: Browser, base: str) -> None:
    async with both(w, browser, base, PICTURE) as (ed, olga, run_id):
        await ed.page.route("**/r/*/steps/*/photos/**", lambda route: route.abort())
        await ed.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await ed.is_safe("s-pic")
        await olga.page.reload()
        go_on = olga.step("s-pic").get_by_role("button", name="go on without")
        await expect(go_on).to_be_visible()
        await looks_at_nothing(olga)
        await ed.page.unroute_all(behavior="wait")
        await ed.until_all_is_safe()
        await go_on.tap()
        await olga.photograph("s-pic", file("2.jpg", "image/jpeg", jpeg()))
        await olga.until_all_is_safe()
        assert len(await photo_ids(w, run_id, "s-pic")) == 2
        await expect(olga.step("s-pic").locator(".tile[state=safe]")).to_have_count(2)


@pytest.mark.long
async def test_more_photos_than_there_may_be_are_asked_for(w: World, browser: Browser, base: str) -> None:
    async with both(w, browser, base, {**PICTURE, "config": {"max": 1}}) as (ed, olga, run_id):
        await ed.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await ed.is_done("s-pic")
        await olga.photograph("s-pic", file("2.jpg", "image/jpeg", jpeg()))
        await expect(olga.step("s-pic").locator(".status")).to_contain_text("This step may have at most 1 photos")
        await expect(olga.page.locator(".top .sending")).to_have_text("1 step needs attention")
        tiles = olga.step("s-pic").locator(".tile")
        await expect(tiles).to_have_count(2)  # hers, and what she had not seen
        (kept,) = await photo_ids(w, run_id, "s-pic")
        await olga.step("s-pic").locator(".tile[state=safe]").tap()
        await olga.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await olga.step("s-pic").locator(".tile[state=refused]").tap()
        await olga.page.locator("dialog").get_by_role("button", name="Try again").tap()
        await olga.until_all_is_safe()
        await olga.is_done("s-pic")
        (other,) = await photo_ids(w, run_id, "s-pic")
        assert other != kept
        await ed.look_again()
        await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(1)


@pytest.mark.long
async def test_a_photo_that_was_deleted_on_another_phone_is_not_sent_again(
    w: World, browser: Browser, base: str
) -> None:
    async with both(w, browser, base, PICTURE) as (ed, olga, run_id):

        async def lost(route: Any) -> None:
            await route.fetch()
            await route.abort()

        await ed.page.route("**/r/*/steps/*/photos/**", lost)
        await ed.photograph("s-pic", file("1.jpg", "image/jpeg", jpeg()))
        await ed.is_safe("s-pic")
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        await olga.look_again()
        await olga.step("s-pic").locator(".tile[state=safe]").tap()
        async with olga.page.expect_response(lambda response: response.request.method == "DELETE"):
            await olga.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await ed.page.unroute_all(behavior="wait")
        await ed.network_is_back()
        await expect(ed.step("s-pic").locator(".status")).to_contain_text("This photo was deleted meanwhile")
        await ed.step("s-pic").locator(".tile").tap()
        await ed.page.locator("dialog").get_by_role("button", name="Try again").tap()  # he wants it all the same
        await ed.until_all_is_safe()
        await ed.is_done("s-pic")
        assert len(await photo_ids(w, run_id, "s-pic")) == 1


@pytest.mark.long
async def test_a_photo_alone_changes_no_answer_that_came_meanwhile(w: World, browser: Browser, base: str) -> None:
    steps = {**YES_NO, "photo": {"min": 0, "max": 3}}, {**REPORT, "photo": {"min": 0, "max": 3}}
    async with both(w, browser, base, *steps) as (ed, olga, run_id):
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-report", "The lamp")
        await ed.is_done("s-ok", "s-report")
        await olga.look_again()
        await ed.pick("s-ok", "No")
        await ed.fill("s-report", "The lamp and a chair")
        await ed.until_all_is_safe()
        for step in ("s-ok", "s-report"):
            await olga.photograph(step, file("1.jpg", "image/jpeg", jpeg()))
            await olga.is_done(step)
            await expect(olga.step(step).locator(".rival")).to_have_count(0)
        await olga.until_all_is_safe()
        assert await value(w, run_id, "s-ok") is False
        assert await value(w, run_id, "s-report") == "The lamp and a chair"
        assert [len(await photo_ids(w, run_id, step)) for step in ("s-ok", "s-report")] == [1, 1]
        # Who says that it can't be done, without having seen what was written, is asked.
        await looks_at_nothing(olga, until=b"It is locked")
        await ed.fill("s-report", "The lamp, a chair and a table")
        await ed.until_all_is_safe()
        await olga.choose("s-report", "I can’t do this")
        await olga.page.locator("dialog textarea").fill("It is locked")
        await olga.page.locator("dialog .primary").tap()
        await expect(olga.step("s-report").locator("blockquote")).to_have_text("The lamp, a chair and a table")
        assert await value(w, run_id, "s-report") == "The lamp, a chair and a table"
        await olga.step("s-report").get_by_role("button", name="Keep mine").tap()
        await olga.until_all_is_safe()
        assert (await record(w, run_id))["answers"]["s-report"]["unable"] == {"reason": "It is locked"}


@pytest.mark.long
async def test_a_finished_run_waits_for_what_no_person_decides(w: World, browser: Browser, base: str) -> None:
    """His photo's answer is refused because of her answer, and sent again with it: he does not tap Finish twice."""
    async with both(w, browser, base, {**YES_NO, "photo": {"min": 0, "max": 3}}) as (ed, olga, run_id):
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.everything_is_loaded()
        await ed.page.context.set_offline(True)
        await ed.photograph("s-ok", file("1.jpg", "image/jpeg", jpeg()))
        await ed.review()
        await ed.finish()
        await expect(ed.page.locator("main.waiting")).to_be_visible()
        await olga.look_again()
        await olga.pick("s-ok", "No")
        await olga.is_done("s-ok")
        await ed.page.context.set_offline(False)
        await ed.until_thanked()
        assert await value(w, run_id, "s-ok") is False
        assert len(await photo_ids(w, run_id, "s-ok")) == 1


async def test_one_phone_alone_is_never_asked(w: World, ed: Phone) -> None:
    """Answers that left and whose receipts were lost, and answers that never left."""
    run = await w.dispatch(await w.template(REPORT, COUNT))
    await ed.open(run.run_id)
    await ed.start()
    losing = True

    async def lost(route: Any) -> None:
        await route.fetch()
        await (route.abort() if losing else route.continue_())

    await ed.page.route("**/r/*/steps/**", lost)
    for text in ("A", "A lamp", "A lamp is", "A lamp is broken"):
        await ed.fill("s-report", text)
        await expect(ed.step("s-report")).to_have_attribute("safety", "stuck")
    losing = False
    await ed.page.unroute_all(behavior="wait")
    await ed.network_is_back()
    await ed.is_done("s-report")
    await expect(ed.page.locator(".rival")).to_have_count(0)
    for n in ("1", "2", "3"):
        await ed.fill("s-count", n)
    await ed.is_done("s-count")
    answers = (await record(w, run.run_id))["answers"]
    assert (answers["s-report"]["value"], answers["s-count"]["value"]) == ("A lamp is broken", 3)


@pytest.mark.long
async def test_a_folded_card_on_the_screen_says_what_another_phone_has_answered(
    w: World, browser: Browser, base: str
) -> None:
    many = [{**YES_NO, "id": f"s-{n}"} for n in range(12)]
    async with both(w, browser, base, COUNT, *many) as (ed, olga, _):
        await olga.everything_is_loaded()
        await olga.fill("s-count", "9")
        await olga.is_done("s-count")
        await olga.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        await expect(olga.step("s-count")).to_have_attribute("folded", "")
        await olga.page.evaluate("scrollTo(0, 0)")
        line = olga.step("s-count").get_by_role("button", name="How many?", exact=True)
        await expect(line).to_be_in_viewport()
        await expect(line).to_have_text("9")
        await ed.network_is_back()
        await expect(ed.step("s-count").locator("input")).to_have_value("9")
        await ed.fill("s-count", "17")
        await ed.is_done("s-count")
        await olga.network_is_back()
        await expect(line).to_have_text("17")
        await expect(olga.step("s-count")).to_have_attribute("folded", "")
