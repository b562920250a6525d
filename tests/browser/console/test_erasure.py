"""Deleting a run, and all runs of a person, on a phone: every page of it for everyone, however long the names are."""

from playwright.async_api import Browser, Page, expect

from rundun.store.sqlite.transaction import Tx
from tests.browser.console.test_widths import LONG, fits
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH
from tests.helpers.console.console_page import session_of, somebody
from tests.helpers.persons import BY_EMAIL
from tests.helpers.service import TEXT, World

EMAIL = f"{'e' * 60}@{'e' * 60}.example.com"


async def looks_fine(page: Page, state: str) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await is_fine(page, state)
    await fits(page, state)


async def gives_password(page: Page, button: str) -> None:
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name=button).click()


async def test_an_owner_deletes_a_run_and_then_a_person(w: World, browser: Browser, base: str) -> None:
    template_id = await w.template({**TEXT, "label": LONG}, name=LONG, execution=BY_EMAIL)
    runs = [await w.dispatch(template_id, title=LONG, executor_ref=LONG) for _ in range(4)]
    for ed in runs:
        assert (await ed.start(email=EMAIL)).status_code == 200
    session = await session_of(w)

    def put(tx: Tx) -> None:
        tx.db.execute("UPDATE operators SET password = ?", (PASSWORD_HASH,))

    await w.database.write(put)
    async with somebody(browser, base, "phone", session) as page:
        await page.goto(f"{base}/console/runs/{runs[0].run_id}")
        await page.locator("#menu-more > summary").click()
        await page.get_by_role("link", name="Delete…").click()
        await expect(page.get_by_role("heading", name="Delete this job for good?")).to_be_visible()
        await looks_fine(page, "asking before a run is deleted")
        await page.get_by_label("Password").fill("correct horse batteries")
        await page.get_by_role("button", name="Delete for good").click()
        await expect(page.get_by_text("That is not your password.")).to_be_visible()
        await looks_fine(page, "the password was wrong")
        await gives_password(page, "Delete for good")
        await expect(page.get_by_role("status")).to_have_text("The job is deleted.")
        await page.goto(f"{base}/console/runs/{runs[0].run_id}")
        await looks_fine(page, "what is left of a run")

        await page.goto(f"{base}/console/runs/{runs[1].run_id}")
        await expect(page.locator("#live")).to_have_text("Updates by itself")
        assert (await w.acme.delete(f"/v1/runs/{runs[1].run_id}")).status_code == 204
        await expect(page.get_by_role("heading", name="This job was deleted")).to_be_visible()

        await page.goto(f"{base}/console/settings/person")
        await page.get_by_label("What to find").fill("e")
        await page.get_by_role("button", name="Find jobs").click()
        await expect(page.get_by_text("That is no e-mail address.")).to_be_visible()
        await looks_fine(page, "nobody is named")
        await page.get_by_label("What to find").fill(EMAIL)
        await page.get_by_role("button", name="Find jobs").click()
        await expect(page.get_by_role("heading", name="2 jobs")).to_be_visible()
        await looks_fine(page, "a person's runs")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Download as ZIP").click()
        assert (await saving.value).suggested_filename == "person.zip"
        await gives_password(page, "Delete 2 jobs for good")
        await expect(page.get_by_role("status")).to_have_text("2 jobs are deleted.")
        await looks_fine(page, "a person is erased")
