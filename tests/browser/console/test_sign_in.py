"""Signing in, in a real browser: with a second factor, switched on and off, and to one of several organizations."""

import asyncio
import io

import pyotp
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Page, Route, expect

from rundun.actions.organizations import operators, organizations
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH
from tests.helpers.console.console_page import somebody
from tests.helpers.console.second_factor import App
from tests.helpers.patience import PATIENCE
from tests.helpers.service import BOOLEAN, World

ANN = "ann@example.com"
# Tells when a page has handled that it is to be signed in for.
SEEN = """(() => {
  const real = fetch;
  window.fetch = async (...given) => {
    const response = await real(...given);
    if (response.type === "opaqueredirect") setTimeout(isSeen);
    return response;
  };
})()"""


async def fine(page: Page, what: str) -> None:
    """A page is for everyone, and no wider than its window."""
    await is_fine(page, what)
    size = page.viewport_size
    assert size
    for width in (320, size["width"]):
        await page.set_viewport_size({**size, "width": width})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (what, width)


async def give_password(page: Page) -> None:
    await page.get_by_label("E-mail").fill(ANN)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")


async def give_code(page: Page, code: str) -> None:
    await page.get_by_label("Code", exact=True).fill(code)
    await page.keyboard.press("Enter")


async def test_from_switching_on_to_switching_off(w: World, browser: Browser, base: str) -> None:
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    async with somebody(browser, base, "phone") as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto(f"{base}/console/settings/account")
        await give_password(page)
        await page.get_by_label("Password", exact=True).fill("wrong horse battery")
        await page.get_by_role("button", name="Set up two-step verification").click()
        await expect(page.get_by_text("That is not your password.")).to_be_visible()
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Set up two-step verification").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        await fine(page, "the secret")
        app = App((await page.get_by_label("Setup key").input_value()).replace(" ", ""), w.clock)
        scanned = zxingcpp.read_barcodes(Image.open(io.BytesIO(await page.locator(".qr").screenshot())))
        assert [pyotp.parse_uri(one.text).secret for one in scanned] == [app.secret]
        await give_code(page, app.wrong())
        await expect(page.get_by_text("That code is wrong.")).to_be_visible()
        await fine(page, "the secret, and a wrong code")
        await give_code(page, app.code())
        await expect(page.get_by_role("status")).to_have_text("Two-step verification is on.")
        codes = (await page.get_by_label("Recovery codes").input_value()).split("\n")
        assert len(codes) == 10
        await page.get_by_role("button", name="Copy").click()
        assert (await page.evaluate("navigator.clipboard.readText()")).split() == " ".join(codes).split()
        await fine(page, "recovery codes")
        await page.get_by_role("link", name="I have saved them").click()
        await expect(page.get_by_text("10 recovery codes left")).to_be_visible()
        await fine(page, "an account with a second factor")
        await page.goto(f"{base}/console/settings/people")
        await expect(page.get_by_role("row").filter(has_text=ANN)).to_contain_text("On")
        await page.get_by_role("button", name="Sign out").click()

        await page.goto(f"{base}/console/runs?status=pending")
        await give_password(page)
        await expect(page.get_by_role("heading", name="Two-step verification")).to_be_visible()
        await fine(page, "asked for a code")
        await give_code(page, app.code())
        await expect(page.get_by_role("alert")).to_contain_text("has been used")
        await fine(page, "a code refused")
        w.clock.forward(seconds=30)
        await give_code(page, app.code())
        await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        assert page.url.endswith("/console/runs?status=pending")
        await page.get_by_role("button", name="Sign out").click()
        await give_password(page)
        await give_code(page, codes[0])
        await expect(page.get_by_role("heading", name="What needs you")).to_be_visible()

        await page.goto(f"{base}/console/settings/account")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_label("Code", exact=True).fill(codes[0])
        await page.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_text("That code is wrong or has been used.")).to_be_visible()
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_label("Code", exact=True).fill(codes[1])
        await page.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_role("status")).to_have_text("Two-step verification is off.")
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await give_password(page)
        await expect(page.get_by_role("heading", name="What needs you")).to_be_visible()


async def test_who_works_for_several_organizations_chooses(w: World, browser: Browser, base: str) -> None:
    name = "W" * 140
    other = (await w.database.write(organizations.create, name)).org_id
    for org_id in (w.acme_id, other):
        await w.database.write(operators.add, org_id, ANN, "Ann", "owner", PASSWORD_HASH)
    async with somebody(browser, base) as page:
        await page.goto(f"{base}/console/settings/people")
        await give_password(page)
        await expect(page.get_by_role("heading", name="Which organization?")).to_be_visible()
        await fine(page, "which organization")
        await page.get_by_label("Organization").select_option(label=name)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Team")).to_be_visible()
        await expect(page.locator(".who")).to_contain_text(name)


async def test_whoever_signs_out_of_a_live_page_is_not_asked_to_come_back_to_it(
    w: World, browser: Browser, base: str
) -> None:
    ann = await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    session = await w.database.write(operators.begin_session, ann.operator_id)
    template_id = await w.template(BOOLEAN)
    seen = asyncio.Event()
    async with somebody(browser, base, session=session) as page:
        await page.expose_function("isSeen", seen.set)
        await page.add_init_script(SEEN)
        await page.goto(f"{base}/console/runs")
        await expect(page.get_by_text("Updates by itself")).to_be_visible()

        async def late(route: Route) -> None:
            await route.fetch(max_redirects=0)
            await w.dispatch(template_id)  # so the page looks, and sees that the session is over
            await asyncio.wait_for(seen.wait(), PATIENCE)
            there = "<script>location.replace('/console/sign-in')</script>"  # no route may answer with a redirect
            await route.fulfill(body=there, content_type="text/html")

        await page.route("**/console/sign-out", late)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.url == f"{base}/console/sign-in"
