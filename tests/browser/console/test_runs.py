"""An operator watches: the list by itself, Ed's answers and photos as they come, pictures by the keyboard alone."""

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import Phone
from tests.browser.pictures import file, jpeg
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console_page import ON_A_PHONE, is_for_everyone, session_of, somebody
from tests.helpers.console.console_runs import everything
from tests.helpers.sample_runs import flat, van
from tests.helpers.service import Ed, Receiver, World, answering

SIGNED = {"signature_on_complete": True}


@asynccontextmanager
async def at_the_console(w: World, browser: Browser, base: str, size: str = "desk") -> AsyncIterator[Page]:
    """A page of Ann's, who has signed in; without a complaint in its console at the end."""
    async with somebody(browser, base, size, await session_of(w)) as page:
        yield page


@pytest.fixture
async def ann(request: pytest.FixtureRequest, w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk, or with a phone where a test says so."""
    async with at_the_console(w, browser, base, getattr(request, "param", "desk")) as page:
        yield page
    w.service.notifier.end()


async def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@ON_A_PHONE
async def test_ann_sees_what_ed_does_as_he_does_it(w: World, base: str, ann: Page, ed: Phone) -> None:
    await ann.goto(f"{base}/console/runs")
    await expect(ann.get_by_text("No jobs yet.")).to_be_visible()
    await expect(ann.get_by_text("Updates by itself")).to_be_visible()
    run = await w.dispatch(await w.template(YES_NO, COUNT, PICTURE, settings=SIGNED), executor_ref="booking_12")
    row = ann.locator(f"#row-{run.run_id}")
    await expect(row).to_contain_text("Not started")
    await expect(ann.get_by_text("No jobs yet.")).to_be_hidden()
    link = row.get_by_role("link")
    await link.focus()
    await ed.open(run.run_id)
    await ed.start()
    await expect(row).to_contain_text("In progress")
    await expect(link).to_be_focused()
    await ed.pick("s-ok", "Yes")
    await expect(row).to_contain_text("1 of 3")
    await ann.keyboard.press("Enter")

    await expect(ann.get_by_role("heading", name="booking_12", level=1)).to_be_visible()
    await expect(ann).to_have_title("booking_12 · Check · Rundun")
    await expect(ann.locator("#s-ok")).to_contain_text("Yes")
    await expect(ann.locator("#s-count")).to_contain_text("Not answered")
    await ann.locator("#menu-cancel > summary").click()
    reason = ann.get_by_label("Reason")
    await reason.fill("Perhaps")
    await ed.fill("s-count", "7")
    await expect(ann.locator("#s-count")).to_contain_text("7")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    photo = ann.locator("#s-pic a.photo img")
    await expect(photo).to_be_visible()
    await expect(ann.locator("#s-pic")).to_contain_text("the gallery")
    await expect(reason).to_have_value("Perhaps")
    await expect(reason).to_be_visible()
    await ed.is_done("s-ok", "s-count", "s-pic")
    await ed.review()
    await ed.sign(ed.page.locator(".closing-signature .button"))
    await ed.finish()
    await expect(ann.locator("#states")).to_contain_text("Done")
    await expect(ann.locator("#timeline")).to_contain_text("Done")
    await expect(ann.get_by_role("button", name="Copy link")).to_have_count(0)
    await expect(reason).to_have_count(0)
    await expect(ann.get_by_role("img", name="Signature")).to_be_visible()


def pages(pdf: bytes) -> int:
    """How many sheets of paper."""
    return len(re.findall(rb"/Type */Page\b(?!s)", pdf))


@pytest.mark.long
@pytest.mark.parametrize(("run_of", "sheets"), [(flat, 2), (van, 3)])
async def test_a_report_needs_few_sheets_of_paper(
    w: World, base: str, browser: Browser, run_of: Callable[[World], Awaitable[Ed]], sheets: int
) -> None:
    run = await run_of(w)
    async with at_the_console(w, browser, base) as page:
        # It waits for the pictures; not every browser does by itself.
        await page.add_init_script("window.print = () => { document.body.dataset.asked = '' }")
        await page.goto(f"{base}/console/runs/{run.run_id}")
        await page.get_by_role("link", name="Share or print").click()
        await expect(page.get_by_role("button", name="Print")).to_be_visible()
        await page.get_by_role("button", name="Print").click()
        await expect(page.locator("body[data-asked]")).to_have_count(1)
        assert await page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 500)")
        for paper in ("A4", "Letter"):
            assert pages(await page.pdf(format=paper)) <= sheets, paper
        await page.emulate_media(media="print")
        await page.set_viewport_size({"width": round(182 / 25.4 * 96), "height": 1000})  # A4 within its margins
        sides = await page.evaluate(
            "[...document.querySelectorAll('.photos img')].map((one) => Math.max(one.width, one.height))"
        )
        assert len(sides) >= 9 and min(sides) / 96 * 25.4 >= 55, "millimetres"
        assert await page.evaluate(SMALLEST) >= 12, "pixels, which are 9 pt"
    w.service.notifier.end()


SMALLEST = """Math.min(...[...document.querySelectorAll("main *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((one) => parseFloat(getComputedStyle(one).fontSize)))"""


async def test_the_owner_gets_a_link_in_four_steps(w: World, browser: Browser, base: str) -> None:
    run = await flat(w)
    async with at_the_console(w, browser, base, "phone") as page:
        await page.goto(f"{base}/console")
        await page.locator(".need.flagged a.job").click()
        await page.get_by_role("link", name="Share or print").click()
        await expect(page.get_by_role("button", name="Print")).to_be_visible()
        await page.get_by_role("button", name="Make a link").click()
        await page.get_by_role("button", name="Copy link").click()
        url = await page.get_by_label("Link", exact=True).input_value()
        await is_fine(page, "a link was made")
        await expect(page.locator(".shares li")).to_contain_text("not opened yet")
        async with somebody(browser, base, "phone") as owner:
            async with owner.expect_response(lambda response: "/opened?" in response.url):
                await owner.goto(base + "/share/" + url.rpartition("/")[2])
            await expect(owner.get_by_role("heading", name="Calle Mayor 3, 2A")).to_be_visible()
            for query in ("", "?again"):  # and at most once a day
                await owner.goto(base + "/share/" + url.rpartition("/")[2] + query)
                await is_fine(owner, "shared")
            assert await owner.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await owner.evaluate("[...document.images].every((one) => one.naturalWidth > 0)")
            await page.goto(f"{base}/console/runs/{run.run_id}/report")
            await expect(page.locator(".shares li")).to_contain_text("opened at least 1 time")
            await page.get_by_role("button", name="End it").click()
            await expect(page.get_by_role("button", name="End it")).to_have_count(0)
            response = await owner.goto(base + "/share/" + url.rpartition("/")[2])
            assert response and response.status == 410
            await is_fine(owner, "ended")
    w.service.notifier.end()


async def test_what_is_ticked_is_what_is_printed(w: World, browser: Browser, base: str) -> None:
    run = await flat(w)
    async with at_the_console(w, browser, base) as page:
        await page.add_init_script("window.print = () => { document.body.dataset.asked = '' }")
        await page.goto(f"{base}/console/runs/{run.run_id}/report")
        await page.get_by_label("Address").check()
        await page.get_by_label("Leave out").first.check()
        await page.get_by_role("button", name="Print").click()
        await expect(page.locator("body[data-asked]")).to_have_count(1)
        await expect(page.locator(".facts")).to_contain_text("Calle Mayor 3")
        await expect(page.locator(".left-out")).to_have_count(1)
        await page.emulate_media(media="print")
        await expect(page.locator(".photos img:visible")).to_have_count(8)
        await page.emulate_media(media="screen")
        for depth in ("full", "customer"):
            await page.locator("[name=depth]").select_option(depth)
            await page.get_by_role("button", name="Update").click()
        await expect(page.locator(".left-out")).to_have_count(1)
        await expect(page.get_by_label("Address")).to_be_checked()
        await expect(page.get_by_label("Photos")).to_be_checked()
    w.service.notifier.end()


@pytest.mark.long
async def test_a_report_is_for_everybody(w: World, base: str, ann: Page) -> None:
    run = await flat(w)
    for query in ("", "?depth=full"):
        await ann.goto(f"{base}/console/runs/{run.run_id}/report{query}")
        await is_for_everyone(ann, query)


async def test_the_report_in_a_zip_shows_the_photos_beside_it(w: World, base: str, browser: Browser) -> None:
    run = await flat(w)
    async with at_the_console(w, browser, base) as page:
        await page.goto(f"{base}/console/runs/{run.run_id}")
        async with page.expect_download() as coming:
            await page.locator("#menu-more > summary").click()
            await page.get_by_role("link", name="ZIP").click()
        kept = zipfile.ZipFile(await (await coming.value).path())
        await page.route(f"{base}/kept/*", lambda route: serve(route, kept))
        await page.route(f"{base}/kept/photos/*", lambda route: serve(route, kept))
        await page.goto(f"{base}/kept/report.html")
        assert await page.evaluate("[...document.images].filter((one) => one.naturalWidth > 500).length") == 9
    w.service.notifier.end()


async def serve(route: Route, kept: zipfile.ZipFile) -> None:
    """A file of an archive, as if it were unpacked."""
    name = route.request.url.partition("/kept/")[2]
    kind = "text/html" if name.endswith(".html") else "image/jpeg"
    await route.fulfill(body=await asyncio.to_thread(kept.read, name), content_type=kind)


async def test_deliveries_are_followed_and_sent_again(w: World, base: str, ann: Page, receiver: Receiver) -> None:
    receiver.answer = answering("500 Broken")
    run = await w.dispatch(await w.template(YES_NO), webhook={"url": receiver.url})
    await run.start()
    await run.answer("s-ok", True)
    await w.deliver()
    await ann.goto(f"{base}/console/runs/{run.run_id}")
    delivery = ann.locator(".delivery")
    await ann.locator("#delivery-list > summary").click()
    await delivery.locator("summary").click()
    await expect(delivery).to_contain_text("Attempt 1: The answer was 500.")
    await expect(delivery).to_contain_text("Under way")
    receiver.answer = answering("410 Gone")
    w.clock.forward(seconds=40)
    await w.deliver()
    await expect(delivery).to_contain_text("Failed")  # by itself, and still open
    await expect(delivery).to_contain_text("Attempt 2: The answer was 410.")
    receiver.answer = answering("204 No Content")
    await delivery.get_by_role("button", name="Send again").click()
    await expect(ann.get_by_text("It is being sent again.")).to_be_visible()
    await w.deliver()
    await expect(delivery).to_contain_text("Delivered")


@ON_A_PHONE
async def test_a_run_is_cancelled_where_it_is_watched(w: World, base: str, ann: Page) -> None:
    run = await w.dispatch(await w.template(YES_NO))
    await ann.goto(f"{base}/console/runs/{run.run_id}")
    copy = ann.get_by_role("button", name="Copy link")
    await expect(copy).to_be_visible()
    await ann.locator("#menu-cancel > summary").click()
    await ann.get_by_label("Reason").fill("Guests stay on")
    await ann.get_by_role("button", name="Cancel this job").click()
    await expect(ann.get_by_text("The job is cancelled.")).to_be_visible()
    await expect(ann.locator("#facts")).to_contain_text("Guests stay on")
    await expect(copy).to_have_count(0)


@pytest.mark.long
async def test_axe_finds_nothing_and_nothing_is_cut_off(w: World, base: str, ann: Page, receiver: Receiver) -> None:
    receiver.answer = answering("500 Broken")
    await ann.goto(f"{base}/console/runs")
    await is_for_everyone(ann, "list, empty")
    run = await everything(w, webhook={"url": receiver.url})
    long: dict[str, Any] = {"name": "W" * 200, "executor_ref": "w" * 256}
    await w.dispatch(await w.template(YES_NO, name=long["name"]), executor_ref=long["executor_ref"])
    await w.deliver()
    for state, path in (
        ("list", "/runs"),
        ("list, filtered", "/runs?status=pending&ref=w&from=never"),
        ("list, nothing found", "/runs?ref=nobody"),
        ("run", f"/runs/{run.run_id}"),
        ("problem", "/runs/r-nobody"),
    ):
        await ann.goto(f"{base}/console{path}")
        await is_for_everyone(ann, state)
    await ann.goto(f"{base}/console/runs/{run.run_id}")
    await ann.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    await is_for_everyone(ann, "run, unfolded")


@pytest.mark.long
async def test_two_runs_are_seen_side_by_side(w: World, base: str, ann: Page) -> None:
    before, after = await van(w), await van(w)
    await ann.goto(f"{base}/console/runs/{after.run_id}")
    await ann.locator("#menu-more > summary").click()
    await ann.get_by_role("link", name="Compare").click()
    await expect(ann.locator(".compared thead a").first).to_have_attribute("href", f"/console/runs/{before.run_id}")
    await expect(ann.locator(".pairs .pair")).to_have_count(12)
    await fits(ann)
    await is_fine(ann, "two runs side by side")
    pair = ann.locator(".pairs .pair").nth(3)
    await pair.locator("a.photo").last.click()
    pictures = ann.locator("#side .view img")
    for side in (0, 1):
        shown = await pair.locator("img").nth(side).get_attribute("src")
        await expect(pictures.nth(side)).to_have_attribute("src", shown or "")
    await ann.locator("#side-zoom").fill("4")
    views = ann.locator("#side .view")
    await views.first.hover()
    await views.first.evaluate("view => view.scrollTo(view.scrollWidth, view.scrollHeight)")
    moved = await views.first.evaluate("view => view.scrollLeft")
    assert moved > 100
    follows = "left => Math.abs(document.querySelectorAll('#side .view')[1].scrollLeft - left) < 2"
    await ann.wait_for_function(follows, arg=moved)
    by_hand = ann.get_by_label("Photo of the later job")
    await by_hand.select_option(index=7)
    await expect(pictures.last).to_have_attribute("alt", await by_hand.locator("option:checked").inner_text())
    await ann.get_by_role("button", name="Close").click()
    await expect(ann.locator("#side")).to_be_hidden()
