"""The settings and the overview in a real browser: a key's whole life, a member invited and kept out, a logo chosen,
and every page for everyone, on a desk and on a phone.
"""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from rundun.actions.organizations import api_keys, operators, organizations
from rundun.store.organizations import api_keys as key_rows, quotas as quota_rows
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console import PASSWORD, left_alone
from tests.helpers.console.console_page import is_for_everyone, session_of, somebody
from tests.helpers.network.faulty_network import Line
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import png
from tests.helpers.service import BOOLEAN, Receiver, World, answering

GEO = {"id": "s-here", "type": "text", "label": "Where?", "geo": True}
PAGES = ("", "/settings/history", "/settings/keys", "/settings/people", "/settings/organization", "/settings/usage")
PAGES += ("/settings/retention", "/settings/webhooks", "/settings/health", "/settings/account", "/settings/person")
LONG = "A name that is as long as names can be when somebody means it, " * 3


async def busy(w: World, receiver: Receiver) -> None:
    """Something of everything that the pages show."""
    receiver.answer = answering("410 Gone")
    template_id = await w.template(BOOLEAN, GEO, name="Turnover of a flat by the sea")
    for day in range(31, 0, -1):
        w.clock.forward(hours=24)
        for number in range(1 + day * 7 % 5):
            more: dict[str, Any] = {"webhook": {"url": receiver.url}} if day < 3 and number == 0 else {}
            ed = await w.dispatch(template_id, executor_ref=f"booking_{day}_{number}", expires_in_hours=30, **more)
            if number % 3 != 1:
                await ed.start()
                await ed.answer("s-ok", True)
                await ed.answer("s-here", "Here")
            if number % 3 == 0:
                await ed.complete()
        if day % 6 == 0:
            await ed.call("POST", "/cancel", json={"reason": "Nobody home"})
    await w.sweep()
    await w.deliver()
    for name in ("booking backend", LONG[:200]):
        key, _ = await w.database.write(api_keys.create, w.acme_id, name)
    await w.database.write(key_rows.revoke, key.key_id)
    await w.database.write(operators.add, w.acme_id, "bob@example.com", LONG[:190], "member", "")
    await w.database.write(operators.invite, w.acme_id, "eve@example.com", "member")
    use = await w.database.read(quota_rows.get, w.acme_id)
    await w.database.write(quota_rows.put, w.acme_id, int(use.used / 0.9))


async def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.long
async def test_every_page_is_for_everyone(w: World, browser: Browser, base: str, receiver: Receiver) -> None:
    await busy(w, receiver)
    async with somebody(browser, base, session=await session_of(w)) as page:
        for path in PAGES:
            await page.goto(f"{base}/console{path}")
            await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            await is_for_everyone(page, path)
        await page.goto(f"{base}/console/settings/webhooks")
        await page.get_by_label("Address").fill(receiver.url)
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("The answer was 410.").first).to_be_visible()
        await is_for_everyone(page, "a webhook tried out")


async def test_a_key_is_made_works_and_is_revoked(w: World, browser: Browser, base: str) -> None:
    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await ann.goto(f"{base}/console/settings/keys")
        await ann.get_by_label("Name").fill("booking backend")
        await ann.keyboard.press("Enter")
        key = await ann.get_by_label("API key", exact=True).input_value()
        assert re.fullmatch(r"rdk_live_[A-Za-z0-9]{32}", key)
        await is_fine(ann, "a key that is shown once")
        await ann.get_by_role("button", name="Copy").first.click()
        await expect(ann.get_by_role("button", name="Copied")).to_be_visible()
        assert await ann.evaluate("navigator.clipboard.readText()") == key
        backend = w.browser(authorization=f"Bearer {key}")
        assert (await backend.get("/v1/organization")).status_code == 200
        await ann.goto(f"{base}/console/settings/keys")
        assert key not in await ann.content()
        row = ann.get_by_role("row").filter(has_text="booking backend")
        await expect(row).to_contain_text("1 Jan 2026, 00:00")
        await row.get_by_text("Revoke…").focus()
        await ann.keyboard.press("Enter")
        await ann.keyboard.press("Tab")
        await ann.keyboard.press("Enter")
        await expect(ann.get_by_role("status")).to_have_text("The key is revoked.")
        assert (await backend.get("/v1/organization")).status_code == 401
        await expect(ann.get_by_text("booking backend", exact=True)).to_be_hidden()
        await ann.get_by_text("1 revoked key").click()
        await expect(ann.get_by_text("booking backend", exact=True)).to_be_visible()


async def test_a_member_comes_by_a_link_and_is_refused_where_only_owners_may(
    w: World, browser: Browser, base: str
) -> None:
    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.goto(f"{base}/console/settings/people")
        await ann.get_by_label("E-mail").fill("bob@example.com")
        await ann.get_by_role("button", name="Make an invitation link").click()
        link = await ann.get_by_label("Invitation link").input_value()
        async with somebody(browser, base, "phone") as bob:
            await bob.goto(link.replace(w.settings.public_url, base))
            await bob.get_by_label("Name").fill("Bob")
            await bob.get_by_label("New password").fill(PASSWORD)
            await bob.keyboard.press("Enter")
            await expect(bob.get_by_role("heading", name="What needs you")).to_be_visible()
            for path in ("/settings/keys", "/settings/people"):
                answer = await bob.goto(f"{base}/console{path}")
                assert answer is not None and answer.status == 403
                await expect(bob.get_by_text("Only an owner")).to_be_visible()
            await bob.goto(f"{base}/console/settings")
            await expect(bob.get_by_role("link", name="Health")).to_be_visible()
            await expect(bob.get_by_role("link", name="API keys")).to_be_hidden()
            await bob.goto(f"{base}/console/settings/account")
            await bob.get_by_label("Current password").fill(PASSWORD)
            await bob.get_by_label("New password").fill("another good password")
            await bob.get_by_role("button", name="Change password").click()
            await expect(bob.get_by_role("status")).to_have_text("Your password is changed.")
            await ann.goto(f"{base}/console/settings/people")
            row = ann.get_by_role("row").filter(has_text="bob@example.com")
            await expect(row).to_contain_text("Member")
            await row.get_by_label("More for Bob").click()
            await row.get_by_text("Remove…").click()
            await row.get_by_role("button", name="Remove them").click()
            await expect(ann.get_by_role("status")).to_have_text("Removed from the team.")
            await bob.goto(f"{base}/console")
            await expect(bob.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_executors_see_the_colour_and_the_logo(w: World, browser: Browser, base: str, ed: Phone) -> None:
    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.goto(f"{base}/console/settings/organization")
        await ann.get_by_label("Use a colour of our own").check()
        await ann.locator("input[type=color]").fill("#00aa55")
        await ann.get_by_label("Time zone").select_option("Europe/Berlin")
        await ann.get_by_role("button", name="Save").click()
        await expect(ann.get_by_role("status")).to_have_text("The organization is changed.")
        await ann.locator("#logo-file").set_input_files(file("logo.svg", "image/svg+xml", b"<svg/>"))
        await expect(ann.get_by_role("alert")).to_have_text("A logo is a PNG, a JPEG or a WebP picture.")
        await ann.locator("#logo-file").set_input_files(file("logo.png", "image/png", bytes(300_000)))
        await expect(ann.get_by_role("alert")).to_have_text("The picture is larger than 256 KiB.")
        await ann.locator("#logo-file").set_input_files(file("logo.png", "image/png", png()))
        await expect(ann.get_by_role("img", name="Logo of")).to_be_visible()
        await is_fine(ann, "an organization with a logo")
    run = await w.dispatch(await w.template(BOOLEAN))
    answers: list[Any] = []
    ed.page.on("response", lambda response: answers.append(response.url))
    await ed.open(run.run_id)
    logo = ed.page.get_by_role("img", name=re.compile("^Acme "))
    await expect(logo).to_be_visible()
    assert await logo.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 300
    accents = []
    for scheme in ("light", "dark"):
        await ed.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        accents.append(await ed.page.evaluate("getComputedStyle(document.body).getPropertyValue('--accent').trim()"))
    assert accents[1] == "#00aa55" and accents[0] != accents[1], "darker where it is written on white"
    await is_fine(ed.page, "a start in a company's colour")
    assert len([one for one in answers if "/brand/" in one]) == 1
    await ed.start()
    await is_fine(ed.page, "a checklist in a company's colour")


async def test_health_is_looked_at_closely(w: World, browser: Browser, base: str) -> None:
    await left_alone(w)
    async with somebody(browser, base, session=await session_of(w, "member")) as bob:
        await bob.goto(f"{base}/console/settings/health")
        await expect(bob.get_by_text("It works.")).to_be_visible()
        await bob.get_by_role("button", name="Look for damage").click()
        await expect(bob.get_by_text("SQLite finds no damage in the file.")).to_be_visible()
        await is_fine(bob, "looked at closely")


async def test_what_failed_is_sent_again_from_the_overview(
    w: World, browser: Browser, base: str, receiver: Receiver
) -> None:
    await busy(w, receiver)
    receiver.answer = answering("204 No Content")
    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.goto(f"{base}/console")
        await ann.locator("section", has_text="Not delivered").get_by_role("link", name=re.compile("All")).click()
        await ann.get_by_text("Send all again…").click()
        await ann.get_by_role("button", name="Send all of them").click()
        await expect(ann.get_by_role("status")).to_have_text("All of them are being sent again.")
        await expect(ann).to_have_url(f"{base}/console/settings/webhooks")  # a reload does not tell it again
        await asyncio.wait_for(w.deliver(), PATIENCE)
        await expect(ann.get_by_text("Nothing has failed.")).to_be_visible()  # by itself
        await ann.goto(f"{base}/console")
        await expect(ann.get_by_role("heading", name="What needs you")).to_be_visible()
        await expect(ann.get_by_text("Not delivered")).to_have_count(0)


async def test_what_is_under_way_is_followed(w: World, browser: Browser, base: str, receiver: Receiver) -> None:
    receiver.answer = answering("503 Busy")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url}, executor_ref="booking_7")
    await ed.start()
    await ed.answer("s-ok", True)
    await w.deliver()
    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.goto(f"{base}/console/settings/webhooks")
        await expect(ann.get_by_text("1 delivery is under way. The next attempt is made at:")).to_be_visible()
        await expect(ann.get_by_text("Nothing has failed.")).to_be_hidden()
        receiver.answer = answering("410 Gone")
        w.clock.forward(hours=1)
        await w.deliver()
        failed = ann.get_by_text("booking_7").first
        await expect(failed).to_be_visible()  # by itself
        await expect(ann.get_by_text("under way")).to_be_hidden()


async def test_the_colour_is_there_without_network_too(w: World, browser: Browser, base: str) -> None:
    await w.database.write(organizations.put_profile, w.acme_id, "Acme", "", "UTC", "#aa0055")
    run = await w.dispatch(await w.template(BOOLEAN))
    line = Line(int(base.rsplit(":", 1)[1]))
    listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    near = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, phone(browser, near, service_workers="allow") as ed:
        await ed.open(run.run_id)
        await ed.start()
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run.run_id)
        line.down()
        await ed.page.reload()
        await expect(ed.step("s-ok")).to_be_visible()
        accent = "getComputedStyle(document.body).getPropertyValue('--accent').trim()"
        assert await ed.page.evaluate(accent) == "#aa0055"
