"""Texts as long as they can be, without a space, everywhere: no page is wider than its window."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from rundun.actions.organizations import api_keys, operators, organizations
from rundun.actions.runs import sent_tables
from rundun.core.runs.job import RunJob
from rundun.core.runs.run import DispatchRequest
from rundun.store.organizations import api_keys as key_rows
from tests.helpers.console.console_page import session_of, somebody
from tests.helpers.service import BOOLEAN, Receiver, World, answering

WIDTHS = (320, 390, 1440)
LONG = "W" * 140
PATHS = ("", "/runs", "/runs?status=late", "/runs?day=closed&from=2026-01-01&ref=W", "/dispatch", "/templates")
PATHS += ("/settings/history", "/settings/keys", "/settings/people", "/settings/organization", "/settings/usage")
PATHS += ("/settings/retention", "/settings/webhooks", "/settings/health", "/settings/account", "/settings/person")


async def fill(w: World, receiver: Receiver) -> dict[str, str]:
    """Everything that somebody can give a name to has a long one; the pages of what was made."""
    receiver.answer = answering("410 " + LONG)
    await w.database.write(organizations.put_profile, w.acme_id, LONG, "", "UTC", None)
    steps: list[dict[str, Any]] = [
        {**BOOLEAN, "label": LONG, "hint": LONG, "config": {"true_label": LONG}},
        {"id": "s-text", "type": "text", "label": LONG},
    ]
    kinds = ("text", "number", "date", "phone", "email", "address", "secret")
    fields = [{"id": f"f-{kind}", "label": LONG, "kind": kind} for kind in kinds]
    about = {"title": LONG, "note": LONG, "fields": {"f-text": LONG, "f-address": LONG, "f-secret": LONG}}
    named = {"name": LONG, "description": LONG, "tags": [LONG]}
    template_id = await w.template(*steps, **named, fields=fields, execution={"identity_required": "name"})
    url = f"{receiver.url}?{'w' * 1500}"
    made = {}
    for name in ("closed", "cancelled", "late", "pending"):
        ed = await w.dispatch(
            template_id,
            executor_ref="W" * 256,
            webhook={"url": url},
            expires_in_hours=1 if name == "late" else 9,
            **about,
        )
        made[name] = ed.run_id
        if name != "pending":
            await ed.start(name=LONG)
            await ed.answer("s-ok", True)
            await ed.answer("s-text", LONG)
        if name == "closed":
            assert (await ed.complete()).status_code == 200
        if name == "cancelled":
            await ed.call("POST", "/cancel", json={"reason": LONG})
    w.clock.forward(hours=2)
    await w.deliver()
    for name in ("a", "b"):
        key, _ = await w.database.write(api_keys.create, w.acme_id, name + LONG)
    await w.database.write(key_rows.revoke, key.key_id)
    await w.database.write(operators.add, w.acme_id, f"{LONG[:60]}@example.com", LONG, "member", "")
    await w.database.write(operators.invite, w.acme_id, f"{LONG[:60]}@{LONG[:60]}.example.com", "member")
    jobs = [DispatchRequest(template_id, executor_ref=LONG, job=RunJob(LONG, due_at=w.clock.now))]
    table, _ = await w.database.write(sent_tables.accept, w.acme_id, 1, jobs, b"")
    await w.database.write(sent_tables.make_next_runs, table.number)
    pages = {name: f"/runs/{run_id}" for name, run_id in made.items()}
    pages |= {"form": f"/dispatch?template_id={template_id}", "message": f"/dispatch/{made['pending']}"}
    pages |= {"several": f"/dispatch/table?template_id={template_id}", "sent": f"/dispatch/tables/{table.number}"}
    pages |= {"template": f"/templates/{template_id}", "edit": f"/templates/{template_id}"}
    return pages


async def fits(page: Page, where: str) -> None:
    """Nothing is wider than any window, with all that folds unfolded."""
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        found = await page.evaluate(
            """() => [document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("main *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .filter((one) => !one.closest("pre, .visually-hidden"))
            .slice(0, 3).map((one) => `${one.outerHTML.slice(0, 200)}`)]"""
        )
        assert found[0] <= 0, (where, width, found)


@pytest.mark.long
async def test_no_text_is_too_long_for_a_page(w: World, browser: Browser, base: str, receiver: Receiver) -> None:
    made = await fill(w, receiver)
    async with somebody(browser, base, session=await session_of(w)) as page:
        for path in (*PATHS, *made.values()):
            answer = await page.goto(f"{base}/console{path}")
            assert answer and answer.status == 200, path
            await fits(page, path)
        await page.goto(f"{base}/console/settings/keys")
        await page.get_by_label("Name").fill(LONG)
        await page.get_by_role("button", name="Make key").click()
        await expect(page.get_by_role("status")).to_contain_text(LONG)
        await fits(page, "a key is made")
        await page.goto(f"{base}/console/settings/people")
        await page.get_by_label("E-mail").fill(f"{'e' * 60}@{'e' * 60}.example.com")
        await page.get_by_role("button", name="Make an invitation link").click()
        await expect(page.get_by_role("status")).to_contain_text("invited")
        await fits(page, "somebody is invited")
        await page.goto(f"{base}/console/settings/webhooks")
        await page.get_by_label("Address").fill(f"{receiver.url}?{'w' * 1500}")
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_role("heading", name="Result")).to_be_visible()
        await fits(page, "a webhook is tried out")


async def test_words_stay_whole_on_a_phone(w: World, browser: Browser, base: str) -> None:
    await w.database.write(organizations.put_profile, w.acme_id, LONG, "", "UTC", None)
    await w.dispatch(await w.template(BOOLEAN))
    async with somebody(browser, base, "phone", await session_of(w)) as page:
        for path in ("", "/settings/usage"):
            await page.goto(f"{base}/console{path}")
            await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            heads = await page.locator("thead th").all()
            assert len(heads) >= 4
            for head in heads:
                box = await head.bounding_box()
                assert box and box["height"] < 45, "one line"
        top = await page.locator(".top").bounding_box()
        assert top and top["height"] < 2.5 * 44, "two rows"
