"""An operator's morning: what needs her is found on the overview, and the list of jobs obeys the keyboard alone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.console.test_runs import at_the_console, fits
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console_page import ON_A_PHONE
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering
from tests.helpers.strategies.realistic_runs import IF_SO

DAMAGE = {**BOOLEAN, "id": "s-damage", "label": "Any damage?", "flag": IF_SO}
LONG = "W" * 200


@pytest.fixture
async def ann(request: pytest.FixtureRequest, w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk, or with a phone where a test says so."""
    async with at_the_console(w, browser, base, getattr(request, "param", "desk")) as page:
        yield page
    w.service.notifier.end()


async def morning(w: World, receiver: Receiver) -> dict[str, Ed]:
    """More is late and missed than a screen has, one job was damaged, and a receiver refuses."""
    template_id = await w.template(BOOLEAN, DAMAGE)
    receiver.answer = answering("410 Gone")
    made = {}
    names = [*(f"missed {n}" for n in range(6)), *(f"late {n}" for n in range(6)), LONG, "damaged", "waiting"]
    for name in names:
        hours = {"missed": 1, "late": 30}.get(name.partition(" ")[0], 30)
        due = {} if hours == 1 or name == "waiting" else {"due_at": "2026-01-01T01:00:00Z"}
        hook = {"webhook": {"url": receiver.url}} if name == "damaged" else {}
        made[name] = await w.dispatch(template_id, title=name, expires_in_hours=hours, **due, **hook)
    damaged = made["damaged"]
    await damaged.start()
    await damaged.answer("s-ok", True)
    await damaged.answer("s-damage", True)
    await damaged.complete()
    w.clock.forward(hours=2)
    await w.sweep()
    await w.deliver()
    return made


@ON_A_PHONE
async def test_what_needs_ann_is_found_on_the_overview(w: World, base: str, ann: Page, receiver: Receiver) -> None:
    await ann.goto(f"{base}/console")
    await is_fine(ann, "overview, empty")
    made = await morning(w, receiver)
    await ann.goto(f"{base}/console")
    flagged = ann.locator(".need.flagged li", has_text="damaged")
    box = await flagged.bounding_box()
    assert box and box["y"] + box["height"] <= (ann.viewport_size or {"height": 0})["height"], "within one screen"
    await is_fine(ann, "overview")
    await fits(ann)
    ids: list[str] = await ann.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids)), "a job in two lists"
    # One that was missed is repeated, and done with.
    missed = ann.locator(".need.missed li", has_text="missed 5")
    await missed.get_by_role("link", name="Repeat").click()
    await expect(ann.locator("[name=title]")).to_have_value("missed 5")
    await ann.go_back()
    await missed.get_by_text("Dealt with…").click()
    await missed.get_by_label("Note").fill("Called the ")
    await w.dispatch(await w.template(BOOLEAN), title="new", due_at="2026-01-01T20:00:00Z")
    await expect(ann.locator(".today").get_by_text("new", exact=True)).to_be_visible()  # by itself, and the note stays
    await missed.get_by_label("Note").press_sequentially("guest")
    await is_fine(ann, "overview, a note")
    await missed.get_by_role("button", name="Dealt with").click()
    await expect(missed).to_have_count(0)
    await expect(ann.get_by_role("heading", name="Missed 5")).to_be_visible()
    shows_all = await ann.locator(".need.missed li:visible").count() == 5
    await expect(ann.locator(".need.missed").get_by_role("link", name="All 5")).to_be_visible(visible=not shows_all)
    assert (await w.run(made["missed 5"]))["handled_note"] == "Called the guest"
    # One that is late gets more time.
    late = ann.locator(".need.late li").first
    name = await late.locator(".name").inner_text()
    await late.get_by_text("Move due…").click()
    await is_fine(ann, "overview, where to it is moved")
    await late.get_by_role("button", name="Tomorrow 18:00").click()
    await expect(ann.get_by_text("The due time is moved.")).to_be_visible()
    assert (await w.run(made[name]))["due_at"] == "2026-01-02T18:00:00Z"
    await expect(ann.locator(".need.late").get_by_text(name, exact=True)).to_have_count(0)
    # What could not be delivered is one line, sent again.
    receiver.answer = answering("204 No Content")
    failed = ann.locator(".need.failed li")
    await expect(failed).to_have_count(1)
    await failed.get_by_role("button", name="Send again").click()
    await expect(failed).to_have_count(0)
    await expect(flagged).to_be_visible()


async def test_only_what_can_be_done_to_those_chosen_is_offered(w: World, base: str, ann: Page) -> None:
    template_id = await w.template(BOOLEAN)
    ended, waiting = await w.dispatch(template_id, title="ended"), await w.dispatch(template_id, title="waiting")
    await w.acme.post(f"/v1/runs/{ended.run_id}/cancel", json={})
    await ann.goto(f"{base}/console/runs")
    bar = ann.get_by_role("group", name="With those chosen")
    await ann.get_by_label("Choose: ended").check()
    await expect(bar.locator("button:visible")).to_have_text(["Choose all", "CSV"])
    await ann.get_by_label("Choose: waiting").check()
    counted = "each => getComputedStyle(each, '::after').content"
    for name in ("Move due…", "Extend…", "Cancel…"):
        await expect(bar.get_by_role("button", name=name)).to_be_visible()
        assert await bar.get_by_role("button", name=name).evaluate(counted) == '" (" counter(open) ")"', "to how many"
    await expect(bar.get_by_role("button", name="Dealt with")).to_be_hidden()
    await is_fine(ann, "list, open and closed ones chosen")
    await ann.get_by_label("Choose: ended").uncheck()
    assert await bar.get_by_role("button", name="Cancel…").evaluate(counted) == "none", "to all of them"
    # One in the list is moved by its own menu.
    row = ann.locator(f"#row-{waiting.run_id}")
    await row.locator("summary").click()
    await is_fine(ann, "list, where to one is moved")
    await row.get_by_role("button", name="Tomorrow 18:00").click()
    await expect(ann.get_by_text("The due time is moved.")).to_be_visible()
    await fits(ann)
    assert (await w.run(waiting))["due_at"] == "2026-01-02T18:00:00Z"


async def to_the_list(ann: Page) -> None:
    """Take a job's way back, once the page's script has set it."""
    await expect(ann.get_by_role("link", name="All jobs")).to_be_visible()
    await ann.wait_for_load_state()
    await ann.get_by_role("link", name="All jobs").click()


async def test_the_way_back_from_a_job_leads_to_the_list_as_it_was(
    w: World, base: str, ann: Page, receiver: Receiver
) -> None:
    made = await morning(w, receiver)
    await ann.goto(f"{base}/console/runs?tab=late&q=late&flash=several_due")
    await expect(ann).to_have_url(f"{base}/console/runs?tab=late&q=late")  # told once
    await ann.locator(f"#link-{made['late 3'].run_id}").click()
    await to_the_list(ann)
    await expect(ann).to_have_url(f"{base}/console/runs?tab=late&q=late")
    await ann.goto(f"{base}/console")
    await ann.locator(".need.late a.job:visible").first.click()
    await to_the_list(ann)
    await expect(ann).to_have_url(f"{base}/console/runs")


@pytest.mark.long
async def test_the_list_obeys_the_keyboard_alone(w: World, browser: Browser, base: str, receiver: Receiver) -> None:
    made = await morning(w, receiver)
    async with at_the_console(w, browser, base) as page:
        keys, links = page.keyboard, page.locator("#rows a.job")
        await page.goto(f"{base}/console/runs")
        await page.locator(".tabs").get_by_role("link", name="Late").focus()
        await keys.press("Enter")
        await expect(page.locator(".tabs").get_by_role("link", name="Late")).to_have_attribute("aria-current", "page")
        await expect(links).to_have_count(7)
        # j and k walk, Enter opens.
        for key, number in (("j", 0), ("j", 1), ("k", 0)):
            await keys.press(key)
            await expect(links.nth(number)).to_be_focused()
        await expect(links.first.locator(".precise")).to_have_css("opacity", "1")
        await is_fine(page, "list, walked")
        name = await links.first.locator(".name").inner_text()
        await keys.press("Enter")
        await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        await page.go_back()
        # Three are chosen, and stay chosen while the list renews itself; then cancelled.
        await keys.press("j")
        for _ in range(3):
            await keys.press("x")
            await keys.press("j")
        chosen = page.locator("#rows input:checked")
        await expect(chosen).to_have_count(3)
        await made["late 0"].start()
        await expect(page.locator(f"#row-{made['late 0'].run_id}")).to_contain_text("In progress")
        await expect(chosen).to_have_count(3)
        await is_fine(page, "list, some chosen")
        await page.get_by_role("button", name="Cancel…").focus()
        await keys.press("Enter")
        await expect(page.get_by_role("heading", name="Cancel 3 jobs?")).to_be_visible()
        await is_fine(page, "cancel several")
        await page.get_by_role("button", name="Cancel 3 jobs").focus()
        await keys.press("Enter")
        await expect(links).to_have_count(4)
        await page.wait_for_load_state()  # the script that hears the keys
        # / searches in all jobs, and the tabs keep it; the keys tell of themselves, and are turned off.
        await keys.press("/")
        await keys.type("AITI?")
        await keys.press("Backspace")
        await keys.press("Enter")
        await expect(links).to_have_count(1)
        await expect(links.first.locator("mark")).to_have_text("aiti")
        await is_fine(page, "list, searched")
        await page.locator(".tabs").get_by_role("link", name="Late 0").click()
        await expect(page.get_by_text("No job found.")).to_be_visible()
        await expect(page.get_by_role("searchbox", name="Search all jobs")).to_have_value("AITI")
        await page.locator(".tabs").get_by_role("link", name="All 1").click()
        await expect(links).to_have_count(1)
        await keys.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await is_fine(page, "keys")
        await page.get_by_label("Use keyboard shortcuts in this browser").uncheck()
        await keys.press("Escape")
        await page.reload()
        await keys.press("j")
        await keys.press("?")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(page.locator("#rows :focus")).to_have_count(0)
    w.service.notifier.end()
