"""A small operator's first day, on a real server: from the setup link to a photo seen as it comes, a webhook sent
again, a key that comes and goes, and a colleague who may not do everything.
"""

import re
from pathlib import Path

import httpx2
from playwright.async_api import Browser, Page, expect

from tests.browser.phone import phone
from tests.browser.pictures import file
from tests.helpers.pictures import images
from tests.helpers.processes.service_process import PATIENCE, rundun, serving
from tests.helpers.service import Receiver, answering

PASSWORD = "correct horse battery"
CHECK = """{"name": "Flat 7", "steps": [
  {"id": "s-ok", "type": "boolean", "label": "All clean?"},
  {"id": "s-pic", "type": "photo", "label": "The kitchen"}
]}"""


async def joined(page: Page, link: str, email: str | None, name: str) -> None:
    """Make an account by a link."""
    await page.goto(link)
    if email:  # the first owner, by the set-up link
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Name of the organization").fill("Flats of Olga")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Make my account").click()
    await expect(page.get_by_role("heading", name="What needs you")).to_be_visible()


async def test_the_first_day_at_the_console(tmp_path: Path, browser: Browser) -> None:
    receiver = Receiver(answer=answering("500 Not yet"))
    settings = {"webhooks_allow": "127.0.0.0/8", "webhooks_retry_delays_seconds": "[]"}
    (tmp_path / "check.json").write_text(CHECK)
    with serving(tmp_path, **settings) as service:
        base = service.url
        setup = service.wait_for(r"(http\S+/console/join/\S+)")[1]
        imported = rundun(tmp_path, "templates", "import", str(tmp_path / "check.json"), "--org", "My organization")
        assert imported.exit_code == 0, imported.output
        async with receiver.listening():
            office = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
            office.set_default_timeout(PATIENCE * 1000)
            page = await office.new_page()
            await joined(page, setup, "olga@example.com", "Olga")

            # dispatched by hand
            await page.get_by_role("link", name="Send", exact=True).first.click()
            await page.get_by_label("Checklist").select_option(label="Flat 7")
            await page.get_by_label("Reference").fill("stay 7")
            await page.get_by_text("More", exact=True).click()
            await page.get_by_label("Address", exact=True).fill(receiver.url)
            await page.get_by_role("button", name="Send", exact=True).click()
            link = await page.get_by_role("textbox", name="Link").input_value()
            await page.get_by_role("link", name="See the job").click()
            await expect(page.locator("#states")).to_contain_text("Not started")

            # done on a phone, and seen live
            async with phone(browser, base) as ed:
                await ed.page.goto(link)
                await ed.start()
                await expect(page.locator("#states")).to_contain_text("In progress")
                await ed.pick("s-ok", "Yes")
                await expect(page.locator("#s-ok")).to_contain_text("Yes")
                await ed.photograph("s-pic", file("kitchen.jpg", "image/jpeg", images.jpeg()))
                await ed.is_done("s-ok", "s-pic")
                await expect(page.locator("#s-pic .gallery img")).to_have_count(1)
                await ed.review()
                await ed.finish()
                await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
            await expect(page.locator("#states")).to_contain_text("Done")

            # a webhook that failed is sent again
            failed = page.locator("#deliveries .delivery", has_text="run.completed")
            await expect(failed).to_contain_text("Failed")
            receiver.answer = answering("204 No Content")
            await page.locator("#delivery-list > summary").click()
            await failed.locator("summary").click()
            await failed.get_by_role("button", name="Send again").click()
            await expect(failed).to_contain_text("Delivered")
            assert receiver.received[-1].json["event"] == "run.completed"
            assert receiver.received[-1].json["delivery_attempt"] == 2

            # a key is made, used, and revoked
            await page.get_by_role("link", name="Settings").click()
            await page.get_by_role("link", name="API keys").click()
            await page.get_by_label("Name").fill("booking system")
            await page.get_by_role("button", name="Make key").click()
            key = await page.locator("#made-key").input_value()
            headers = {"authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(base_url=base, headers=headers, timeout=PATIENCE) as api:
                runs = (await api.get("/v1/runs")).json()["data"]
                assert [(run["status"], run["executor_ref"]) for run in runs] == [("completed", "stay 7")]
                row = page.get_by_role("row", name=re.compile("booking system"))
                await row.get_by_text("Revoke").first.click()
                await row.get_by_role("button", name=re.compile("evoke")).last.click()
                await expect(page.get_by_role("row", name=re.compile("booking system"))).to_have_count(0)
                assert (await api.get("/v1/runs")).status_code == 401

            # a colleague, who may not do everything
            await page.get_by_role("link", name="Team").click()
            await page.get_by_label("E-mail").fill("mia@example.com")
            await page.get_by_role("button", name="Make an invitation link").click()
            invitation = await page.locator("#made-link").input_value()
            home = await browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
            colleague = await home.new_page()
            await joined(colleague, invitation, None, "Mia")
            await colleague.goto(f"{base}/console/runs")
            await expect(colleague.locator("#rows").get_by_role("link", name="stay 7")).to_be_visible()
            for path in ("keys", "people"):
                answer = await colleague.goto(f"{base}/console/settings/{path}")
                assert answer is not None and answer.status == 403
                await expect(colleague.get_by_text("Only an owner")).to_be_visible()
            await home.close()
            await office.close()
