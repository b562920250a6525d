"""`make screenshots`: every page of the console, light and dark, on a desk and on a phone.

Pictures go to screenshots/console-<width>-<theme>-<page>.png; nothing is compared: they are for people to look at.
"""

import asyncio
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from rundun.actions.organizations import operators
from rundun.core import times
from rundun.web.console import cookies
from tests.browser.phone import chromium
from tests.browser.screenshots import FOLDER
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, operator
from tests.helpers.console.console_jobs import FIELDS, JOB, STEPS, VALUES
from tests.helpers.console.console_runs import everything
from tests.helpers.console.second_factor import App
from tests.helpers.processes.served import served
from tests.helpers.service import BOOLEAN, Receiver, World, answering, world
from tests.helpers.strategies.realistic_runs import sunny_rentals

SIZES = {390: 844, 1440: 900}
THEMES = ("light", "dark")
FLAT = {
    "name": "Turnover of a flat",
    "description": "After each stay, before the next guests.",
    "tags": ["STR", "weekly"],
    "sections": [
        {"id": "g-in", "title": "Inside", "steps": [BOOLEAN]},
        {"id": "g-out", "title": "Outside", "steps": [{**BOOLEAN, "id": "s-bin", "label": "Bins out?"}]},
    ],
}
MISTAKEN = '{\n  "name": "Check",\n  "steps": [\n    {"type": "boolean", "label": ""},\n    {"type": "smell"}\n  ]\n}'


async def furnished(w: World) -> dict[str, str]:
    """A month of an organization's life; the addresses of all pages by name."""
    async with Receiver(answer=answering("410 Gone")).listening() as receiver:
        webhook = {"url": receiver.url, "secret": "at least 12 characters"}
        firm = await sunny_rentals(w, webhook)
        template = (await w.acme.post("/v1/templates", json=FLAT)).json()
        second = {**FLAT, "name": "Turnover of a flat and garden", "tags": ["STR"]}
        await w.acme.put(f"/v1/templates/{template['id']}", json=second)
        fresh = await w.dispatch(template["id"], executor_ref="stay 30")
        whole = await everything(w, webhook=webhook)
        about = await w.template(
            *STEPS, name="Turnover of a flat", fields=FIELDS, execution={"identity_required": "name"}
        )
        due = {**JOB, "due_at": times.wire(w.clock.now + 4 * times.HOUR)}
        job = await w.dispatch(about, executor_ref="stay 31", **due)
        missed = await w.dispatch(about, title="Beach house 4 · check-out 10:00", fields=VALUES, expires_in_hours=1)
        flagged = await w.dispatch(about, executor_ref="stay 32", expires_in_hours=9, **due)
        await flagged.start(name="Ed Miller")
        await flagged.answer("s-ok", False)
        await flagged.put("s-odo", {"unable": {"reason": "The cellar is locked"}})
        await w.database.write(
            lambda tx: tx.db.execute(
                "UPDATE runs SET flagged = 1, clock_skew_seconds = 518400 WHERE id = ?", (flagged.run_id,)
            )
        )
        w.clock.forward(hours=2)
        await w.sweep()
        await w.deliver()
    invitation = await w.database.write(operators.invite, w.acme_id, "mia@example.com", "member")
    return {
        "overview": "",
        "runs": "/runs",
        "runs-none": "/runs?status=pending&ref=nobody",
        "run": f"/runs/{firm.runs['damaged']}",
        "run-late": f"/runs/{firm.runs['late']}",
        "run-done": f"/runs/{firm.runs['done']}",
        "run-everything": f"/runs/{whole.run_id}",
        "run-pending": f"/runs/{fresh.run_id}",
        "run-job": f"/runs/{job.run_id}",
        "run-missed": f"/runs/{missed.run_id}",
        "run-attention": f"/runs/{flagged.run_id}",
        "dispatch": "/dispatch",
        "dispatch-several": f"/dispatch/table?template_id={about}",
        "dispatch-fields": f"/dispatch?template_id={about}",
        "dispatch-again": f"/dispatch?again={missed.run_id}",
        "dispatched": f"/dispatch/{job.run_id}",
        "templates": "/templates",
        "template": f"/templates/{template['id']}",
        "template-fields": f"/templates/{about}",
        "template-changes": f"/templates/{template['id']}/changes",
        "template-edit": f"/templates/{template['id']}",
        "template-new": "/templates/new",
        "history": "/settings/history",
        "keys": "/settings/keys",
        "organization": "/settings/organization",
        "retention": "/settings/retention",
        "people": "/settings/people",
        "account": "/settings/account",
        "webhooks": "/settings/webhooks",
        "webhook-default": "/settings/webhooks/default",
        "template-webhook": f"/templates/{about}/webhook",
        "usage": "/settings/usage",
        "health": "/settings/health",
        "person": "/settings/person",
        "run-erase": f"/runs/{whole.run_id}/erase",
        "problem": "/runs/r-unknown",
        "join": f"/join/{invitation}",
    }


async def keep(page: Page, name: str) -> None:
    """The whole page, and in the editor what its phone shows."""
    await page.wait_for_load_state("load")
    if name.endswith(("-edit", "-new")):
        await page.frame_locator("iframe").locator(".list").first.wait_for()
    await page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


async def mistaken(page: Page, base: str, album: str) -> None:
    """The editor with what is wrong at its place, a key that is shown once, and an invitation."""
    await page.goto(f"{base}/console/templates/new")
    await page.locator("textarea").first.fill(MISTAKEN)
    await page.locator("main form[method=post] button.primary").first.click()
    await page.wait_for_selector("#faults li")
    await keep(page, f"{album}-template-wrong")
    page.once("dialog", lambda asked: asked.accept())  # whether to leave what was refused
    await page.goto(f"{base}/console/settings/keys")
    await page.get_by_label("Name").fill("booking system")
    await page.get_by_role("button", name="Make key").click()
    await keep(page, f"{album}-key-made")


async def second_factor(w: World, page: Page, base: str, album: str) -> None:
    """The second factor set up, its recovery codes, and signing in with it."""
    email = f"{album}@example.com"
    await w.database.write(operators.add, w.acme_id, email, "Ann", "owner", PASSWORD_HASH)
    await page.context.clear_cookies()
    for path in ("settings/account", "settings/account", ""):
        await page.goto(f"{base}/console/{path}")
        if await page.get_by_label("E-mail").count():
            await page.get_by_label("E-mail").fill(email)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Sign in").click()
            continue
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Set up two-step verification").click()
        await keep(page, f"{album}-second-factor")
        app = App((await page.get_by_label("Setup key").input_value()).replace(" ", ""), w.clock)
        await page.get_by_label("Code", exact=True).fill(app.code())
        await page.get_by_role("button", name="Switch on").click()
        await page.get_by_label("Recovery codes").wait_for()
        await keep(page, f"{album}-recovery-codes")
        await page.goto(f"{base}/console/settings/account")
        await keep(page, f"{album}-account-second-factor")
        await page.context.clear_cookies()
    await keep(page, f"{album}-sign-in-code")


async def series(w: World, browser: Browser, base: str, width: int, theme: Any, pages: dict[str, str]) -> None:
    """All pages on one screen."""
    album = f"console-{width}-{theme}"
    size = {"width": width, "height": SIZES[width]}
    context = await browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(f"{base}/console/sign-in")
    await keep(page, f"{album}-sign-in")
    ann = await operator(w)
    session = ann.client.cookies.get(cookies.SESSION) or ""
    await context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"{base}/console"}])
    for name, path in pages.items():
        await page.goto(f"{base}/console{path}")
        await keep(page, f"{album}-{name}")
    await mistaken(page, base, album)
    await second_factor(w, page, base, album)
    await context.close()


async def main() -> None:
    """All of them; words on the command line choose among `console-390-dark` and the like."""
    FOLDER.mkdir(exist_ok=True)
    named = [one for one in product(SIZES, THEMES) if not sys.argv[1:] or f"console-{one[0]}-{one[1]}" in sys.argv[1:]]
    if not named:
        return
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as w, served(w) as base, chromium() as browser:
            pages = await furnished(w)
            for width, theme in named:
                await series(w, browser, base, width, theme, pages)
                print(f"console-{width}-{theme}", flush=True)
            w.service.notifier.end()


if __name__ == "__main__":
    asyncio.run(main())
