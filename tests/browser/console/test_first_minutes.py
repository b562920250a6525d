"""The first five minutes of an owner who has never seen it, and a colleague who has forgotten the password."""

import re

from playwright.async_api import Browser, Page, expect

from rundun.actions.organizations import operators, organizations
from rundun.store.sqlite.transaction import Tx
from tests.browser.phone import phone
from tests.helpers.console.accessibility import violations
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, left_alone
from tests.helpers.console.console_page import somebody
from tests.helpers.service import World

NEW = "a new and better one"


def as_first_started(tx: Tx) -> None:
    """The organization is called what the very first start calls it."""
    tx.db.execute("UPDATE organizations SET name = ?", (organizations.UNNAMED,))


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_the_first_five_minutes(w: World, base: str, browser: Browser) -> None:
    await left_alone(w)
    await w.database.write(as_first_started)
    setup = await w.database.write(operators.create_setup_link, w.acme_id)
    office = await browser.new_context(viewport={"width": 390, "height": 844}, timezone_id="Europe/Madrid")
    page = await office.new_page()
    await page.goto(f"{base}/console/join/{setup}")
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Madrid")
    # as somebody types it who has no mouse
    await page.get_by_label("Name of the organization").focus()
    await page.keyboard.type("Sunny Rentals")
    await press(page, "Tab", "Tab")
    await page.keyboard.type("Olga")
    await press(page, "Tab")
    await page.keyboard.type("olga@example.com")
    await press(page, "Tab")
    await page.keyboard.type(PASSWORD)
    await press(page, "Enter")
    steps = page.get_by_role("region", name="What comes next")
    await expect(steps.get_by_role("link")).to_have_text(
        ["Make a checklist", "Send it to yourself", "Invite your team", "Connect your software", "How that goes"]
    )
    stored = (await w.acme.get("/v1/organization")).json()
    assert stored["name"] == "Sunny Rentals"

    # a checklist from a sample
    await steps.get_by_role("link", name="Make a checklist").click()
    await page.goto(f"{base}/console/templates/new?sample=turnover")
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page).to_have_url(re.compile("/console/templates/t-"))

    # sent to herself, and opened on her phone
    await page.goto(f"{base}/console")
    await page.get_by_role("link", name="Send it to yourself").click()
    await page.locator("select[name=template_id]").select_option(index=1)
    await page.locator("main form button.primary").click()
    link = await page.locator("input[value*='/r/']").first.input_value()
    async with phone(browser, base) as ed:
        await ed.page.goto(link.replace(w.settings.public_url, base))
        await expect(ed.page.get_by_text("Sunny Rentals").first).to_be_visible()
    await page.goto(f"{base}/console")
    await expect(page.get_by_role("heading", name="What comes next")).to_have_count(0)
    await office.close()


async def test_a_colleague_gets_a_new_password(w: World, base: str, browser: Browser) -> None:
    await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", "member", PASSWORD_HASH)
    ann = await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", PASSWORD_HASH)
    session = await w.database.write(operators.begin_session, ann.operator_id)
    async with somebody(browser, base, session=session) as page, somebody(browser, base, "phone") as bob:
        await bob.goto(f"{base}/console/sign-in")
        await expect(bob.get_by_text("Ask an owner of your team")).to_be_visible()
        await page.goto(f"{base}/console/settings/people")
        await page.get_by_label("More for Bob").click()
        await page.get_by_role("button", name="New password for Bob").focus()
        await press(page, "Enter")
        await page.get_by_label("Your password, once more").fill(PASSWORD)
        await press(page, "Enter")
        link = await page.get_by_label("Link", exact=True).input_value()
        assert await violations(page) == []
        await bob.goto(link.replace(w.settings.public_url, base))
        assert await violations(bob) == []
        await bob.get_by_label("New password").fill(NEW)
        await press(bob, "Enter")
        await expect(bob.get_by_role("status")).to_have_text("The new password is set. Sign in with it.")
        for password in (PASSWORD, NEW):
            await bob.get_by_label("E-mail").fill("bob@example.com")
            await bob.get_by_label("Password").fill(password)
            await press(bob, "Enter")
            if password == PASSWORD:
                await expect(bob.get_by_role("alert")).to_be_visible()
        await expect(bob.get_by_role("heading", level=1)).not_to_have_text("Sign in")
        await page.goto(f"{base}/console/settings/history?kind=people")
        lines = page.locator(".history li")
        await expect(lines.nth(0)).to_contain_text("Set a new password of their own")
        await expect(lines.nth(1)).to_contain_text("Created a link by which")
        assert await violations(page) == []
