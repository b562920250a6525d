"""The job on any phone: many links of one day, each language, small screens, programs that read it out."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.bench.checklist import STEPS as MEASURED
from tests.bench.page import EVIDENCE, MAX_BYTES, MAX_REQUESTS
from tests.browser.executor.test_access import fits
from tests.browser.phone import Phone, phone
from tests.browser.reader import Reader
from tests.helpers.console.accessibility import is_fine
from tests.helpers.jobs import FIELDS, JOB, LATER, SECRET, STEPS, found_in, rewritten, with_job
from tests.helpers.service import World
from tests.web.executor.test_job import AGENTS

LONG = {**JOB, "title": "Donaudampfschifffahrtsgesellschaftskapitänshaus 3 · check-out 11:00"}


async def test_a_preview_that_runs_scripts_and_never_taps_gets_no_more(w: World, browser: Browser, base: str) -> None:
    run = await with_job(w)
    async with phone(browser, base, user_agent=AGENTS["iMessage"]) as scanner:
        told: list[str] = []

        async def hear(response: object) -> None:
            told.append(await response.text())  # type: ignore[attr-defined]

        scanner.page.on("response", hear)
        await scanner.open(run.run_id)
        await scanner.everything_is_loaded()
        await scanner.page.evaluate("dispatchEvent(new Event('online'))")
        await scanner.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        seen = await scanner.page.content()
        stored = await scanner.page.evaluate("JSON.stringify([{...localStorage}, document.title])")
        assert len(told) > 10
        for text in (seen, stored, *told):
            assert found_in(text, [*LATER, SECRET]) == set()
        assert JOB["title"] in seen and "Flat 12" in seen
        assert "Beach house" not in stored  # the tab is named as the checklist is, until somebody taps
        await scanner.start()
        shown = {"canary-note", "canary-plan", "calle canary", "canary-mail", "canary-label"}
        assert found_in(await scanner.page.content(), LATER) >= shown  # so they would have been found


@pytest.mark.parametrize("tag", ["en", "ar"])
async def test_of_forty_links_each_names_its_flat(w: World, ed: Phone, tag: str) -> None:
    olga, page = Reader(ed, tag), ed.page
    template = await w.template(*STEPS, fields=FIELDS)
    flats = {}
    for n in range(1, 41):
        title = f"Calle Larios {n} · check-out 11:00" if tag == "en" else f"شقة {n} · المغادرة 11:00"
        run = await w.dispatch(template, title=title, due_at="2030-01-01T10:00:00Z", fields={"f-unit": f"Unit-{n}"})
        flats[run.run_id] = (title, f"Unit-{n}")
    chosen = sorted(flats)[::10]  # ids are random, so these are any four
    for run_id in chosen:
        title, unit = flats[run_id]
        await olga.open(run_id)
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
        await expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
        await expect(page.locator(".job-fields")).to_contain_text(unit)
        words = [other for other_id, (other, _) in flats.items() if other_id != run_id]
        assert not set(words) & set((await page.locator("main").inner_text()).split("\n"))
        await olga.button("start").tap()
        await expect(page.locator(".top h1")).to_have_text(title)
        await expect(page.locator(".job-card h2")).to_have_text(title)
        await expect(page.locator(".job-card")).to_be_in_viewport()


@pytest.mark.long
async def test_axe_finds_nothing_where_there_is_a_job(w: World, olga: Reader) -> None:
    run, page = await with_job(w), olga.page
    await olga.open(run.run_id)
    await expect(olga.button("start")).to_be_enabled()
    await is_fine(page, "start")
    await olga.button("start").tap()
    await expect(page.locator(".job-card")).to_be_visible()
    await is_fine(page, "list")
    await olga.ed.unfold_job()
    await olga.button("secret_show", ".job-card").tap()
    await is_fine(page, "list, secret shown")
    await rewritten(w, run, note="Ring twice.")
    await olga.ed.look_again()
    await expect(page.locator(".job-news")).to_be_visible()
    await is_fine(page, "list, job changed")
    await olga.button("menu").tap()
    await expect(page.locator("dialog .job-details")).to_be_visible()
    await is_fine(page, "menu")
    await olga.leave()
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await page.locator(".review summary").tap()
    await is_fine(page, "review")


@pytest.mark.long
@pytest.mark.parametrize("tag", ["de", "ar"])
async def test_nothing_of_a_job_is_lost_with_large_text_on_a_small_phone(
    w: World, browser: Browser, base: str, tag: str
) -> None:
    run = await w.dispatch(await w.template(*STEPS, fields=FIELDS), **LONG)
    async with phone(browser, base, viewport={"width": 320, "height": 640}) as ed:
        olga, page = Reader(ed, tag), ed.page
        settings = await page.context.new_cdp_session(page)
        await settings.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        await olga.open(run.run_id)
        await expect(olga.button("start")).to_be_enabled()
        await fits(page, "start")
        await olga.button("start").tap()
        await expect(page.locator(".job-card")).to_be_visible()
        await ed.unfold_job()
        await olga.button("secret_show", ".job-card").tap()
        await fits(page, "list")
        await rewritten(w, run, note="Ring twice.")
        await ed.look_again()
        await expect(page.locator(".job-news")).to_be_visible()
        await fits(page, "job changed")
        await olga.button("menu").tap()
        await expect(page.locator("dialog .job-details")).to_be_visible()
        await fits(page, "menu")
        await olga.leave()
        await page.locator(".form:not(.review) .bottom button").last.tap()
        await page.locator(".review summary").tap()
        await fits(page, "review")


# The lines that an element's text is broken into.
LINES = """(one) => {
  const [texts, range, lines] = [document.createTreeWalker(one, NodeFilter.SHOW_TEXT), new Range(), []];
  let last = null;
  while (texts.nextNode()) {
    for (const i of texts.currentNode.data.split("").keys()) {
      range.setStart(texts.currentNode, i);
      range.setEnd(texts.currentNode, i + 1);
      const box = range.getBoundingClientRect();
      if (box.width && (last === null || Math.abs(box.top - last) > 5)) [last] = [box.top, lines.push("")];
      if (box.width) lines[lines.length - 1] += range;
    }
  }
  return lines.map((line) => line.trim());
}"""


async def test_a_number_is_never_broken_and_an_address_between_its_parts(w: World, ed: Phone) -> None:
    address, number = "Alexanderstraße 12-14, 3. Hinterhof rechts, 10179 Berlin-Mitte", "+49 30 901 82 17 34"
    run = await with_job(w, fields={"f-address": address, "f-phone": number})
    await run.start()
    await ed.open(run.run_id)
    await ed.unfold_job()
    links = ed.page.locator(".job-card a")
    assert await links.filter(has_text="+49").evaluate(LINES) == [number]
    lines = await links.filter(has_text="Berlin").evaluate(LINES)
    assert " ".join(lines) == address and len(lines) > 1
    assert all(line.endswith(",") for line in lines[:-1]), lines


async def test_a_job_takes_no_request_more_than_there_may_be(w: World, ed: Phone) -> None:
    run = await w.dispatch(await w.template(*MEASURED, *EVIDENCE, fields=FIELDS), **{**JOB, "prefill": {"s-keys": 2}})
    await run.start()
    answers, size_of = await ed.first_load(run.run_id, ".job-card")
    sent = [one for one in answers if not re.search(r"/state\?", one.url)]  # secrets come behind the page
    size = await size_of(sent)
    print(len(sent), size)
    assert len(sent) <= MAX_REQUESTS
    assert size <= MAX_BYTES
