"""The start screen, and how little it takes to load."""

import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.bench.checklist import STEPS
from tests.bench.page import EVIDENCE, MAX_BYTES, MAX_REQUESTS
from tests.browser.checklists import COUNT, YES_NO, dispatched, record
from tests.browser.executor.steps.test_slots import DAMAGE, SIDES
from tests.browser.phone import Phone
from tests.helpers.jobs import FIELDS, JOB
from tests.helpers.retention import keep
from tests.helpers.service import World


async def test_the_start_screen_says_what_for_whom_and_how_long_and_opening_changes_nothing(
    w: World, ed: Phone
) -> None:
    await keep(w, runs_days=90)
    run_id = await dispatched(w, YES_NO, COUNT, description="Before the guests come.", settings={"est_minutes": 15})
    await ed.open(run_id)
    page = ed.page
    await expect(page.get_by_role("heading", name="Check")).to_be_visible()
    for words in (
        "Before the guests come.",
        "15 minutes",
        "2 steps",
        "Open until",
        "All you enter is kept for 90 days after the end.",
    ):
        await expect(page.get_by_text(words)).to_be_visible()
    await expect(page.locator(".org")).to_have_text(re.compile("^Acme "))
    assert (await record(w, run_id))["status"] == "pending"
    assert await page.locator("meta[property='og:title']").get_attribute("content") == "Rundun"
    assert "Check" not in await page.evaluate(
        "fetch(location.href).then((r) => r.text()).then((t) => t.match(/<title>.*<.title>/)[0])"
    )
    await ed.start()
    assert (await record(w, run_id))["status"] == "in_progress"


@pytest.mark.parametrize("is_begun", [False, True])
async def test_the_first_load_is_small(w: World, ed: Phone, is_begun: bool) -> None:
    """At most 14 requests and 60 kB on the wire, heads included, all named in the HTML, with every type of step, named
    shots and flags.
    """
    run = await w.dispatch(await w.template(*STEPS, *EVIDENCE, SIDES, {**DAMAGE, "id": "s-flagged"}))
    if is_begun:
        await run.start()
    first, size_of = await ed.first_load(run.run_id, ".list, .start button:not([disabled])")
    size = await size_of(first)
    print(len(first), size)
    assert len(first) <= MAX_REQUESTS
    assert size <= MAX_BYTES
    assert (await first[0].all_headers())["content-encoding"] == "gzip"
    html = await first[0].text()
    for one in first[1:]:
        assert urlsplit(one.url).path in html


async def test_start_is_in_reach_and_the_first_question_on_the_first_screen(w: World, ed: Phone) -> None:
    template = await w.template(
        YES_NO, COUNT, fields=FIELDS, description="All about it. " * 40, execution={"identity_required": "name"}
    )
    run, page = await w.dispatch(template, **{**JOB, "note": "Bring the key.\n" * 9, "prefill": {}}), ed.page
    await ed.open(run.run_id)
    await expect(page.get_by_role("button", name="Start")).to_be_in_viewport(ratio=1)
    await page.get_by_role("button", name="Start").tap()
    await expect(page.get_by_label("Your name")).to_be_in_viewport(ratio=1)
    await page.get_by_label("Your name").fill("Ed")
    await ed.start()
    await expect(page.locator(".job-card h2")).to_be_in_viewport()
    await expect(ed.step("s-ok")).to_be_in_viewport(ratio=1)
    await ed.unfold_job()
    await expect(page.locator(".job-card .job-fields")).to_be_visible()
    await expect(ed.step("s-ok")).not_to_be_in_viewport()


async def test_the_other_languages_of_a_template_weigh_nothing(w: World) -> None:
    spanish = {"s-ok": {"label": "¿Todo bien?", "hint": "Mire. " * 300}}
    run = await w.dispatch(await w.template(YES_NO, translations={"es": spanish, "fr": spanish}))
    html = (await w.browser().get(f"/r/{run.run_id}")).text
    assert "All fine?" in html
    assert "Mire." not in html


async def test_a_name_that_is_asked_must_be_given(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, execution={"identity_required": "name"})
    await ed.open(run_id)
    field = ed.page.get_by_label("Your name")
    await expect(field).to_have_attribute("autocomplete", "name")
    await ed.page.get_by_role("button", name="Start").tap()
    await expect(ed.page.get_by_role("alert")).to_have_text("Please write your name.")
    assert (await record(w, run_id))["status"] == "pending"
    await field.fill("  Ed  ")
    await ed.start()
    assert (await record(w, run_id))["identity"]["name"] == "Ed"


async def test_an_address_or_number_that_cannot_be_one_is_refused_before_it_is_sent(w: World, ed: Phone) -> None:
    for kind, wrong, right in (("email", "ed@", "ed@example.com"), ("phone", "call me", "+44 20 7946 0000")):
        run_id = await dispatched(w, YES_NO, execution={"identity_required": kind})
        await ed.open(run_id)
        field = ed.page.locator("#identity")
        await field.fill(wrong)
        await ed.page.get_by_role("button", name="Start").tap()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await field.fill(right)
        await ed.start()
        assert (await record(w, run_id))["identity"][kind] == right


@pytest.mark.long
async def test_a_start_that_is_refused_after_a_reload_is_said_on_the_start_screen(w: World, ed: Phone) -> None:
    """Started without network, reloaded, and only then the server hears of it: what was answered is kept."""
    run_id = await dispatched(w, YES_NO, execution={"identity_required": "name"})
    await ed.open(run_id)
    await ed.everything_is_loaded()
    await ed.page.route("**/start", lambda route: route.abort("internetdisconnected"))
    await ed.page.get_by_label("Your name").fill("Ed")
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.until_kept(run_id, "answer", "s-ok")
    await ed.page.reload()
    await expect(ed.step("s-ok").get_by_label("Yes")).to_be_checked()
    await ed.everything_is_loaded()
    await ed.page.unroute("**/start")
    problem = {"status": 422, "code": "invalid", "errors": [{"code": "too_long", "detail": "is no name"}]}
    answer = {"status": 422, "content_type": "application/problem+json", "body": json.dumps(problem)}
    await ed.page.route("**/start", lambda route: route.fulfill(**answer), times=1)
    await ed.network_is_back()
    await expect(ed.page.get_by_role("alert")).to_have_text("is no name")
    await ed.page.get_by_label("Your name").fill("Edward")
    await ed.start()
    await ed.is_done("s-ok")
    done = await record(w, run_id)
    assert done["identity"]["name"] == "Edward"
    assert done["answers"]["s-ok"]["value"] is True
