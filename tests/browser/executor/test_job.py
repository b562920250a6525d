"""The job on the link, as Ed reads it: before Start, after it, without network, when it changes."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, record
from tests.browser.executor.offline.test_drafts import until_drafts_are
from tests.browser.phone import Phone, phone
from tests.helpers.jobs import FIELDS, JOB, LATER, NEVER, SECRET, STEPS, found_in, rewritten, with_job
from tests.helpers.network.faulty_network import depot
from tests.helpers.service import NOON, World

NOW = NOON / 1000  # the phone's clock, where words depend on it


async def test_the_job_is_read_before_start_and_after(w: World, ed: Phone) -> None:
    run, page = await with_job(w), ed.page
    await page.clock.install(time=NOW)
    await ed.open(run.run_id)
    await expect(page.get_by_role("heading", level=1)).to_have_text(JOB["title"])
    await expect(page.locator(".checklist-name")).to_have_text("Check")
    await expect(page.locator(".due")).to_have_text("Due today 15:00")
    await expect(page.locator(".job-fields")).to_have_text("UnitFlat 12")
    assert await page.title() == "Check"
    await ed.start()
    assert await page.title() == JOB["title"]
    await expect(page.locator(".top h1")).to_have_text(JOB["title"])
    card = page.locator(".job-card")
    await expect(card.get_by_text("7,711")).to_be_hidden()
    await ed.unfold_job()
    await expect(card.locator(".job-note a")).to_have_attribute("href", "https://example.com/canary-plan")
    links = await card.locator(".job-fields a").evaluate_all(
        "(all) => all.map((one) => [one.getAttribute('href'), one.rel])"
    )
    outside = "noopener noreferrer"
    assert links == [
        ["tel:+349517712", ""],
        ["mailto:canary-mail@example.com", ""],
        ["https://canary-url.example.com/a?b=c", outside],
        ["https://www.google.com/maps/search/?api=1&query=Calle%20Canary%2012%2C%20M%C3%A1laga", outside],
    ]
    for words in ("9 Jan 2026", "7,711"):
        await expect(card.get_by_text(words)).to_be_visible()


MAPS = {
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15": "https://maps.apple.com/?q=",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36": "geo:0,0?q=",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36": "https://www.google.com/maps/search/?api=1&query=",
}


async def test_an_address_opens_the_maps_of_the_phone(w: World, browser: Browser, base: str) -> None:
    run = await with_job(w)
    await run.start()
    for agent, maps in MAPS.items():
        async with phone(browser, base, user_agent=agent) as ed:
            await ed.open(run.run_id)
            link = ed.page.locator(".job-card a").filter(has_text="Calle Canary")
            await expect(link).to_have_attribute("href", f"{maps}Calle%20Canary%2012%2C%20M%C3%A1laga")


async def test_a_secret_is_shown_when_it_is_tapped_wherever_the_person_is(w: World, ed: Phone) -> None:
    run, page = await with_job(w), ed.page
    await ed.open(run.run_id)
    await ed.start()
    for reloaded in (False, True):
        if reloaded:
            await page.reload()  # the page itself has no secrets: they come behind it
            await expect(page.locator(".list")).to_be_visible()
        await ed.unfold_job()
        await sees_the_code(page.locator(".job-card"))
        await page.get_by_role("button", name="About this checklist").tap()
        await sees_the_code(page.locator("dialog"))
        await page.keyboard.press("Escape")
        if not reloaded:
            await ed.pick("s-ok", "Yes")
            await ed.is_done("s-ok")
        await ed.review()
        await page.locator(".review summary").tap()
        await sees_the_code(page.locator(".review .job-fold"))
    await page.context.set_offline(True)
    await ed.finish()
    await expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    await page.locator(".waiting summary").tap()
    await sees_the_code(page.locator(".waiting .job-fold"))
    await page.context.set_offline(False)
    await ed.until_thanked()
    await expect(page.locator(".facts").get_by_text(JOB["title"])).to_be_visible()


async def test_another_phone_that_opens_a_run_under_way_gets_its_secrets_too(w: World, ed: Phone) -> None:
    """And a code that was changed while nobody looked is the new one."""
    run, page = await with_job(w), ed.page
    await run.start()
    await ed.open(run.run_id)
    await ed.unfold_job()
    await sees_the_code(page.locator(".job-card"))
    await rewritten(w, run, fields={"f-door": "0815"})
    await page.reload()
    await expect(page.locator(".job-news")).to_contain_text("The job has changed: ")
    await page.locator(".job-news").get_by_role("button", name="See the job").tap()
    await page.locator(".job-card").get_by_role("button", name="Show", exact=True).tap()
    await expect(page.locator(".job-card .secret")).to_have_text("0815")


async def sees_the_code(place: Any) -> None:
    show = place.get_by_role("button", name="Show", exact=True)
    await expect(show).to_have_attribute("aria-expanded", "false")
    await expect(place.locator(".secret")).to_have_text("")
    await show.tap()
    await expect(place.locator(".secret")).to_have_text(SECRET)
    await place.get_by_role("button", name="Hide").tap()
    await expect(place.locator(".secret")).to_have_text("")


async def test_without_network_the_job_is_there_after_one_visit(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        template = {"name": "Check", "steps": STEPS, "fields": FIELDS}
        template_id = (await acme.client.post("/v1/templates", json=template)).json()["id"]
        due = {"due_at": "2030-01-01T14:00:00Z"}
        run = await acme.client.post("/v1/runs", json={"template_id": template_id, **JOB, **due})
        run_id = run.json()["run_id"]
        await ed.open(run_id)
        await expect(ed.page.get_by_role("button", name="Start")).to_be_enabled()
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        acme.line.down()
        await ed.start()
        await expect(ed.page.locator(".job-card")).to_contain_text("More about this job comes once there is network.")
        acme.line.up()
        await ed.network_is_back()
        await expect(ed.page.locator(".job-card")).to_contain_text("Canary-note")
        await ed.step("s-why").get_by_role("button", name="Confirm").tap()
        await ed.is_done("s-why")
        acme.line.down()
        await ed.page.close()
        async with ed.tab() as again:  # what the phone kept as a page is that of before Start
            await again.open(run_id)
            card = again.page.locator(".job-card")
            await expect(card).to_contain_text("Canary-note")
            await expect(card.locator(".job-fields dt")).to_have_count(9)
            await again.unfold_job()
            await sees_the_code(card)
            await expect(again.page.locator(".top h1")).to_have_text(JOB["title"])
            await expect(again.page.locator(".job-news")).to_be_hidden()


async def test_started_without_network_the_rest_comes_with_it(w: World, ed: Phone) -> None:
    run, page = await with_job(w), ed.page
    await ed.open(run.run_id)
    await ed.everything_is_loaded()
    await page.route("**/start", lambda route: route.abort("internetdisconnected"))
    await ed.start()
    card = page.locator(".job-card")
    await expect(card).to_contain_text("More about this job comes once there is network.")
    await expect(card).to_contain_text("Flat 12")
    assert found_in(await page.content(), [*LATER, SECRET]) == set()
    await page.unroute("**/start")
    await ed.network_is_back()
    await expect(card.get_by_text("Canary-note")).to_be_visible()
    await expect(page.locator("#live")).to_have_text("More about this job has come.")
    await expect(card).not_to_contain_text("once there is network")
    await expect(ed.step("s-why").locator("input")).to_have_value("canary-prefill")


PROPOSED: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "boolean"}, False, "Confirm: No"),
    ({"type": "choice", "config": {"options": [{"id": "o-1", "label": "One"}, {"id": "o-2", "label": "Two"}]}}, "o-2",
     "Confirm: Two"),
    ({"type": "multi_choice", "config": {"options": [{"id": "o-3", "label": "Three"}, {"id": "o-4", "label": "Four"}]}},
     ["o-4"], "Confirm"),
    ({"type": "text"}, "Blue chair", "Confirm"),
    ({"type": "number", "config": {"unit": "km"}}, 42150, "Confirm: 42,150 km"),
    ({"type": "rating"}, 4, "Confirm: 4 of 5"),
    ({"type": "barcode"}, "4006381333931", "Confirm"),
    ({"type": "datetime"}, "2026-01-31", "Confirm: 31 Jan 2026"),
]  # fmt: skip


async def test_what_is_filled_in_is_no_answer_until_it_is_confirmed(w: World, ed: Phone) -> None:
    steps = [{"id": f"s-{n}", "label": f"Step {n}", **step} for n, (step, _, _) in enumerate(PROPOSED)]
    depends = {"id": "s-then", "type": "text", "label": "Then?", "required": False}
    depends["condition"] = {"when": {"step": "s-4", "op": "gt", "value": 1}}
    prefill = {f"s-{n}": value for n, (_, value, _) in enumerate(PROPOSED)} | {"s-then": "As before"}
    run = await w.dispatch(await w.template(*steps, depends), prefill=prefill)
    page = ed.page
    await ed.open(run.run_id)
    await ed.start()
    await expect(page.locator(".done-count")).to_have_text("0 of 8 done")
    await expect(ed.step("s-then")).to_be_hidden()
    assert await ed.kept(run.run_id) == []
    await expect(ed.step("s-3").locator("input")).to_have_value("Blue chair")
    await ed.fill("s-3", "Blue chair, broken")  # changed instead
    await ed.pick("s-5", "3")
    change = "(step) => (step.querySelector('[value=o-3]').click(), step.querySelector('.proposal'))"
    offered = await ed.step("s-2").evaluate(f"(step) => getComputedStyle(({change})(step)).visibility")
    assert offered == "hidden", "what is being changed can't be confirmed any more"
    await ed.is_done("s-2", "s-3", "s-5")
    for n in (0, 1, 4, 6, 7):
        await ed.step(f"s-{n}").get_by_role("button", name=PROPOSED[n][2], exact=True).tap()
        await ed.is_done(f"s-{n}")
    await expect(page.locator(".step:not([hidden]) .proposal")).to_have_count(1)
    await ed.step("s-then").get_by_role("button", name="Confirm").tap()
    await ed.is_done("s-then")
    await expect(page.locator(".proposal")).to_have_count(0)
    answers = (await record(w, run.run_id))["answers"]
    changed = {"s-2": ["o-3", "o-4"], "s-3": "Blue chair, broken", "s-5": 3}
    assert {step: one["value"] for step, one in answers.items()} == prefill | changed


# Words on the filled buttons of a card.
FILLED = """(card) => [...card.querySelectorAll(".button")]
  .map((one) => [one.textContent, getComputedStyle(one)])
  .filter(([, { color, visibility }]) => visibility === "visible" && color !== getComputedStyle(card).color)
  .map(([words]) => words)"""


@pytest.mark.long
async def test_a_proposal_that_is_cleared_stays_so_and_the_review_offers_the_others(w: World, ed: Phone) -> None:
    tools = {**PROPOSED[2][0], "id": "s-tools", "label": "Tools?", "required": False}
    prefill = {"s-tools": ["o-4"], "s-why": "Wet", "s-count": 3}
    run = await w.dispatch(await w.template(tools, *STEPS, COUNT), prefill=prefill)
    page = ed.page
    await ed.open(run.run_id)
    await ed.start()
    await expect(ed.step("s-tools")).to_have_attribute("lead", "")
    assert await ed.step("s-tools").evaluate(FILLED) == ["Confirm"]
    await ed.pick("s-tools", "Three")
    assert await ed.step("s-tools").evaluate(FILLED) == ["Done"]
    for option in ("Three", "Four"):
        await ed.pick("s-tools", option)
    await ed.fill("s-why", "")
    await until_drafts_are(ed, run.run_id, [["s-tools", None], ["s-why", None]])
    for _ in range(2):
        await page.reload()
        await expect(ed.step("s-count").locator(".proposal")).to_be_visible()
        await expect(page.locator(".proposal")).to_have_count(1)
        await expect(ed.step("s-why").locator("input")).to_have_value("")
        await expect(ed.step("s-tools").locator(":checked")).to_have_count(0)
    await ed.review()
    lines = page.locator(".review .line")
    await expect(lines.filter(has_text="Tools?")).to_contain_text("Not answered")
    await expect(lines.filter(has_text="What else?")).to_contain_text("Not answered")
    await expect(lines.filter(has_text="How many?")).to_contain_text("To confirm: 3")
    await page.locator(".review").get_by_role("button", name="Confirm", exact=True).tap()
    await expect(lines.filter(has_text="How many?")).to_have_text("How many?3")
    await expect(lines.filter(has_text="How many?")).to_be_focused()
    await page.get_by_role("button", name="Back").tap()
    await ed.is_done("s-count")
    await ed.fill("s-why", "Dry")
    await ed.is_done("s-why")
    await until_drafts_are(ed, run.run_id, [["s-tools", None]])
    answers = (await record(w, run.run_id))["answers"]
    assert {step: one["value"] for step, one in answers.items()} == {"s-count": 3, "s-why": "Dry"}


async def test_one_tap_for_all_does_not_say_yes_where_no_is_filled_in(w: World, ed: Phone) -> None:
    lamps = [{"id": f"s-lamp{n}", "type": "boolean", "label": f"Lamp {n} is out?"} for n in (1, 2, 3)]
    response = await w.acme.post(
        "/v1/templates", json={"name": "Check", "sections": [{"id": "g-lamps", "title": "Lamps", "steps": lamps}]}
    )
    run = await w.dispatch(response.json()["id"], prefill={"s-lamp1": True, "s-lamp2": False})
    await ed.open(run.run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="to all in this section").tap()
    await ed.is_done("s-lamp1", "s-lamp3")
    await ed.step("s-lamp2").get_by_role("button", name="Confirm: No").tap()
    await ed.is_done("s-lamp2")
    answers = (await record(w, run.run_id))["answers"]
    assert [answers[lamp["id"]]["value"] for lamp in lamps] == [True, False, True]


async def test_a_change_of_the_job_is_said(w: World, ed: Phone) -> None:
    run, page = await with_job(w), ed.page
    await ed.open(run.run_id)
    await ed.start()
    due = "2026-01-01T15:00:00Z"
    await rewritten(w, run, title="Beach house 4", note="Ring twice.", due_at=due, fields={"f-door": "0815"})
    await ed.look_again()
    said = "The job has changed: title, due time, note and Canary-label-door"
    await expect(page.locator(".job-news")).to_contain_text(said)
    await expect(page.locator("#live")).to_contain_text(said)
    await expect(page.locator(".job-card[changed]")).to_contain_text("Ring twice.")
    await expect(page.locator(".top h1")).to_have_text("Beach house 4")
    assert await page.title() == "Beach house 4"
    await expect(page.locator(".job-card .job-fields")).to_be_hidden()
    await page.locator(".job-news").get_by_role("button", name="See the job").tap()
    await expect(page.locator(".job-card .job-fields")).to_be_visible()
    await expect(page.locator(".job-news")).to_be_hidden()
    await page.reload()
    await expect(page.locator(".job-card")).to_contain_text("Ring twice.")
    await expect(page.locator(".job-news")).to_be_hidden()
    await rewritten(w, run, note="Ring once.")
    await page.reload()  # changed while nobody looked
    await expect(page.locator(".job-news")).to_contain_text("The job has changed: note")
    await page.route("**/state*", lambda route: route.abort())
    await rewritten(w, run, title="Beach house 5")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.unroute("**/state*")
    await ed.network_is_back()
    await expect(page.locator(".top h1")).to_have_text("Beach house 5")
    await expect(page.locator(".job-news")).to_contain_text("The job has changed: note and title")


SAVED = """(run) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const asked = opening.result.transaction("runs").objectStore("runs").get(run);
    asked.onsuccess = () => {
      opening.result.close();
      done(JSON.stringify(asked.result ?? null));
    };
  };
})"""


async def test_what_the_phone_knows_of_a_job_ends_with_the_run(w: World, ed: Phone) -> None:
    """Also where something is unsent, and waits for the person: told in the open page, and by the closed run's own."""
    for is_told_by_the_server in (False, True):
        run, page = await with_job(w), ed.page
        await ed.open(run.run_id)
        await ed.start()
        await page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
        await ed.pick("s-ok", "Yes")
        await ed.until_kept(run.run_id, "answer", "s-ok")
        await expect(ed.step("s-ok")).to_have_attribute("safety", "stuck")
        assert found_in(await page.evaluate(SAVED, run.run_id), [SECRET, "canary-note"]) == {SECRET, "canary-note"}
        assert found_in(await page.evaluate(SAVED, run.run_id), NEVER) == set()
        assert (await run.call("POST", "/cancel", json={"reason": "Rebooked"})).status_code == 200
        await (page.reload() if is_told_by_the_server else ed.look_again())
        await expect(page.get_by_role("heading", name="This job was stopped")).to_be_visible()
        await expect(page.locator(".unsent")).to_be_visible()
        if not is_told_by_the_server:
            await expect(page.locator(".facts")).to_contain_text(JOB["title"])
        saved = await page.evaluate(SAVED, run.run_id)
        assert found_in(saved, [*LATER, SECRET]) == set()
        assert "All fine?" in saved  # what is offered as a file has its names
        await page.get_by_role("button", name="Delete from this phone").tap()
        await page.locator("dialog").get_by_role("button", name="Delete", exact=True).tap()
        await expect(page.get_by_text("Deleted from this phone.")).to_be_visible()
        assert await page.evaluate(SAVED, run.run_id) == "null"
        await page.unroute("**/r/*/steps/**")
