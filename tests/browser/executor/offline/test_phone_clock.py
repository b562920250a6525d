"""A phone whose clock is wrong: what it says of now is corrected by the server's clock, and the record names it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.checklists import PICTURE, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.modules import in_page
from tests.helpers.service import World

WHEN = {"id": "s-when", "type": "datetime", "label": "When?", "config": {"mode": "datetime"}}
DAY = {"id": "s-day", "type": "datetime", "label": "Which day?", "config": {"mode": "date"}}
BEHIND = 400 * 24 * 3600
# The phone's clock is `behind` seconds behind, until it is set right.
WRONG = """(() => {
  const Real = Date;
  window.behind = BEHIND * 1000;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() - window.behind); }
    static now() { return Real.now() - window.behind; }
  };
})()""".replace("BEHIND", str(BEHIND))


def is_now(said: str) -> bool:
    return abs(datetime.fromisoformat(said) - datetime.now(UTC)) < timedelta(minutes=5)


async def wrong_phone(w: World, ed: Phone) -> str:
    w.clock.now = int(time.time() * 1000)  # as the header Date, which the server's own clock writes
    await ed.page.add_init_script(WRONG)
    run_id = await dispatched(w, YES_NO, WHEN, DAY, {**DAY, "id": "s-typed"}, PICTURE)
    await ed.open(run_id)
    await ed.start()
    return run_id


async def answer_with_now(ed: Phone) -> None:
    await ed.pick("s-ok", "Yes")
    await ed.step("s-when").get_by_role("button", name="Now").tap()
    await ed.step("s-day").get_by_role("button", name="Today").tap()
    await ed.fill("s-typed", "2025-10-22")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), source="camera")


async def check(w: World, run_id: str) -> None:
    run: Any = await record(w, run_id)
    answers = run["answers"]
    assert is_now(answers["s-when"]["value"])
    today = {(datetime.now(UTC) + timedelta(hours=hours)).date().isoformat() for hours in (0, 2)}  # Berlin's
    assert answers["s-day"]["value"] in today
    assert answers["s-typed"]["value"] == "2025-10-22"
    assert all(is_now(answer["answered_at"]) for answer in answers.values())
    (photo,) = answers["s-pic"]["photos"]
    assert is_now(photo["taken_at"])
    assert photo["taken_at_from"] == "camera"
    assert abs(run["clock_skew_seconds"] + BEHIND) < 60


async def test_a_phone_far_behind_answers_now_right(w: World, ed: Phone) -> None:
    run_id = await wrong_phone(w, ed)
    await answer_with_now(ed)
    await ed.is_done("s-ok", "s-when", "s-day", "s-pic")
    await check(w, run_id)


async def test_what_was_queued_before_the_time_was_known_is_corrected_when_it_is_sent(
    w: World, browser: Browser, base: str
) -> None:
    async with phone(browser, base, service_workers="allow") as ed:
        run_id = await wrong_phone(w, ed)
        await ed.is_kept_as_page(run_id)
        await ed.page.context.set_offline(True)
        await ed.page.reload()  # what the page knew of the time is gone, and what it has of the server is old
        await expect(ed.page.locator(".list")).to_be_visible()
        await answer_with_now(ed)
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
        await ed.page.reload()
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
        await ed.page.context.set_offline(False)
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-when", "s-day", "s-pic")
        await check(w, run_id)


@pytest.mark.long
async def test_a_clock_that_is_set_right_in_between_does_no_harm(w: World, browser: Browser, base: str) -> None:
    async with phone(browser, base, service_workers="allow") as ed:
        run_id = await wrong_phone(w, ed)
        await ed.is_kept_as_page(run_id)
        await ed.page.context.set_offline(True)
        await ed.page.reload()
        await answer_with_now(ed)
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
        await ed.page.evaluate("window.behind = 0")
        await ed.page.context.set_offline(False)
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-when", "s-day", "s-pic")
        run: Any = await record(w, run_id)
        assert is_now(run["answers"]["s-when"]["value"])
        assert all(is_now(answer["answered_at"]) for answer in run["answers"].values())
        assert run["clock_skew_seconds"] is None


async def test_a_right_clock_is_not_spoken_of(w: World, ed: Phone) -> None:
    w.clock.now = int(time.time() * 1000)
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    async with ed.page.expect_request(lambda request: request.method == "PUT") as sent:
        await ed.pick("s-ok", "Yes")
    assert "clock_skew_seconds" not in (await sent.value).post_data_json
    await ed.is_safe("s-ok")
    run = await record(w, run_id)
    assert run["clock_skew_seconds"] is None
    assert is_now(run["answers"]["s-ok"]["answered_at"])


async def test_only_a_quick_answer_says_what_time_it_is(page: Page) -> None:
    said = await in_page(
        page,
        "rules",
        """(() => {
          const off = (seconds) => new Date(Date.now() + seconds * 1000).toUTCString();
          const now = () => Math.round((Date.parse(m.nowUtc()) - Date.now()) / 1000);
          const steps = [];
          m.learnTime(null, 1); steps.push(now(), m.clockMark() !== null);
          m.learnTime("yesterday", 1); steps.push(now());
          m.learnTime(off(9000), 11000); steps.push(now());
          m.learnTime(off(3600), 20); steps.push(now(), m.clockMark());
          m.learnTime(off(3601), 20); steps.push(now());
          m.learnTime(off(0), 20); steps.push(now());
          return steps.map((one) => (typeof one === "number" ? Math.round(one / 10) * 10 + 0 : one));
        })()""",
        None,
    )
    assert said == [0, True, 0, 0, 3600, None, 3600, 0]


async def test_a_phone_a_day_ahead_calls_nothing_late(w: World, ed: Phone) -> None:
    """And one that is right does, before Start and after it."""
    w.clock.now = int(time.time() * 1000) - 7_200_000  # when both are sent
    template, hour = await w.template(YES_NO), timedelta(hours=1)
    early, late = [
        await w.dispatch(template, due_at=(datetime.now(UTC) + hours).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for hours in (hour, -hour)
    ]
    w.clock.now = int(time.time() * 1000)
    await ed.page.add_init_script(WRONG.replace(str(BEHIND), str(-24 * 3600)))
    for run, words in ((early, "Due "), (late, "Late: ")):
        await ed.open(run.run_id)
        due = ed.page.locator(".due")
        await expect(due).to_contain_text(words)
        await expect(due).not_to_contain_text("UTC")  # no more as the server wrote it
        await ed.start()
        await expect(due).to_contain_text(words)
