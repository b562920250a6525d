"""An operator's day in Spanish at a desk, and in Arabic with a phone: from signing in to the history of it all."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from rundun.actions.organizations import operators
from rundun.store.sqlite.transaction import Tx
from rundun.wording import i18n
from rundun.wording.console_words import ConsoleLanguage
from tests.catalogs import po_of
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH
from tests.helpers.console.console_page import somebody
from tests.helpers.console.languages import CATALOGS
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering
from tests.helpers.strategies.realistic_runs import IF_SO

DAMAGE = {**BOOLEAN, "id": "s-damage", "label": "¿Daños?", "flag": IF_SO}
FIELDS = [{"id": "f-calle", "label": "Calle", "kind": "text"}]


@dataclass
class Console:
    """Ana's browser, in her language."""

    page: Page
    base: str
    language: ConsoleLanguage
    english: re.Pattern[str]

    def button(self, message: str, **values: str | int) -> Locator:
        return self.page.get_by_role("button", name=self.language.gettext(message, **values), exact=True)

    def link(self, message: str, **values: str | int) -> Locator:
        return self.page.get_by_role("link", name=self.language.gettext(message, **values), exact=True)

    def heading(self, message: str, **values: str | int) -> Locator:
        return self.page.get_by_role("heading", name=self.language.gettext(message, **values))

    def field(self, message: str) -> Locator:
        return self.page.get_by_label(self.language.gettext(message), exact=True)

    async def look(self, path: str | None = None) -> None:
        """Nothing of the page is in English, wider than the window, read the wrong way or closed to anybody."""
        if path is not None:
            await self.page.goto(f"{self.base}/console{path}")
        await expect(self.page.locator("html")).to_have_attribute("dir", self.language.direction)
        lines = (await self.page.locator("body").inner_text()).splitlines()
        assert [line for line in lines if self.english.fullmatch(line.strip())] == [], self.page.url
        assert await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), self.page.url
        await is_fine(self.page, self.page.url)


def english(tag: str) -> re.Pattern[str]:
    """A line that says in English what this language has other words for; one word beside places may be anything."""
    lines = set[str]()
    for message in i18n.read_catalog(po_of(tag), tag):
        said, own = ((each,) if isinstance(each, str) else each for each in (message.id, message.string))
        lines |= {each for each in said if each and each not in own}
    plain = {line for line in lines if "{" not in line or len(re.sub(r"\{\w+\}", "", line).split()) > 1}
    assert len(plain) > 1000
    return re.compile("|".join(re.sub(r"\\{\w+\\}", ".+", re.escape(line)) for line in sorted(plain)))


async def morning(w: World, receiver: Receiver) -> dict[str, Ed]:
    """A van came back with a scratch, nobody saw to the boiler, a flat is late, others wait, and a receiver refuses."""
    template_id = await w.template(
        BOOLEAN, DAMAGE, name="Limpieza", fields=FIELDS, execution={"identity_required": "name"}
    )
    receiver.answer = answering("410 Gone")
    jobs = {
        "Furgoneta 3309 JBD": {"webhook": {"url": receiver.url}},
        "Caldera": {"expires_in_hours": 1},
        "Piso": {"fields": {"f-calle": "Calle Málaga 3"}, "due_at": "2026-01-01T01:00:00Z"},
        "Loft": {"executor_ref": "BK-17"},
    }
    made = {title: await w.dispatch(template_id, title=title, **more) for title, more in jobs.items()}
    van = made["Furgoneta 3309 JBD"]
    await van.start(name="Tomasz Wójcik")
    await van.answer("s-ok", True)
    await van.answer("s-damage", True)
    await van.complete()
    w.clock.forward(hours=2)
    await w.sweep()
    await w.deliver()

    def people(tx: Tx) -> None:
        operators.add(tx, w.acme_id, "ana@example.com", "Ana", "owner", PASSWORD_HASH)
        operators.add(tx, w.acme_id, "bob@example.com", "Bob", "member", PASSWORD_HASH)
        tx.db.execute("UPDATE organizations SET time_zone = 'Europe/Madrid'")

    await w.database.write(people)
    return made


@pytest.mark.long
@pytest.mark.parametrize(("tag", "size"), [("es", "desk"), ("ar", "phone")])
async def test_a_day_from_signing_in_to_the_history_of_it_all(
    w: World, browser: Browser, base: str, receiver: Receiver, tag: str, size: str
) -> None:
    made = await morning(w, receiver)
    language = CATALOGS.language([tag])
    async with somebody(browser, base, size, locale=tag) as page:
        ana = Console(page, base, language, english(tag))
        await ana.look("/sign-in")
        await ana.field("E-mail").fill("ana@example.com")
        await ana.field("Password").fill(PASSWORD)
        await ana.button("Sign in").click()
        await expect(ana.heading("What needs you")).to_be_visible()
        await ana.look()
        flagged = await page.locator(".need.flagged li", has_text="Furgoneta").bounding_box()
        assert flagged and flagged["y"] + flagged["height"] <= (page.viewport_size or {"height": 0})["height"]
        await the_missed_one_is_repeated(ana)
        await each_is_found(ana, made)
        await ten_go_out_by_table(ana)
        await three_are_cancelled(ana)
        await bob_gets_a_new_password(ana)
        for setting in ("account", "organization", "keys", "webhooks", "retention", "usage", "health", "person"):
            await ana.look(f"/settings/{setting}")
        await ana.look("/answers")
        await ana.look("/settings/history")
        await expect(page.locator(".history li").first).to_contain_text("Bob")
        await ana.look("/nowhere")
    w.service.notifier.end()


async def the_missed_one_is_repeated(ana: Console) -> None:
    missed = ana.page.locator(".need.missed li", has_text="Caldera")
    await missed.get_by_role("link", name=ana.language.gettext("Repeat")).click()
    await expect(ana.field("Title")).to_have_value("Caldera")
    await ana.look()
    await ana.page.locator(".due .chip").nth(1).click()
    await expect(ana.field("Due")).not_to_have_value("")
    await ana.button("Send").click()
    await expect(ana.heading("Send the link")).to_be_visible()
    await expect(ana.page.get_by_role("textbox", name=ana.language.gettext("Message"))).to_have_value(
        # title, due and link
        re.compile(r"Caldera\n.+\n[^\n]*/r/r-", re.DOTALL)
    )
    await ana.look()
    await ana.page.goto(f"{ana.base}/console")
    await expect(ana.heading("What needs you")).to_be_visible()
    await expect(missed).to_have_count(0)
    await ana.look()


async def each_is_found(ana: Console, made: dict[str, Ed]) -> None:
    number = made["Loft"].run_id[2:10]
    for words, title in (
        ("3309 jbd", "Furgoneta"),
        ("calle malaga", "Piso"),
        ("wojcik", "Furgoneta"),
        (number, "Loft"),
    ):
        await ana.page.goto(f"{ana.base}/console/runs")
        await ana.page.get_by_role("searchbox").fill(words)
        await ana.page.keyboard.press("Enter")
        await expect(ana.page.locator("#rows li")).to_have_count(1)
        await expect(ana.page.locator("#rows .name")).to_contain_text(title)
    await ana.look()
    await ana.look("/runs?tab=flagged")
    await ana.page.locator("#rows a.job").click()
    await expect(ana.heading("Furgoneta")).to_be_visible()
    await ana.look()
    await ana.page.locator("#done-job > summary").click()
    await ana.field("Note").fill("Taller avisado")
    await ana.look()
    await ana.button("Dealt with").click()
    await expect(ana.page.get_by_role("status")).to_be_visible()
    await ana.look("/runs?tab=flagged")


async def ten_go_out_by_table(ana: Console) -> None:
    title, due, tongue = (ana.language.pgettext("column", each) for each in ("title", "due", "language"))
    lines = [[title, due, tongue], *([f"Casa {n}", f"2026-02-{n:02} 15:00", "es"] for n in range(1, 11))]
    right = "\n".join("\t".join(line) for line in lines)
    await ana.page.goto(f"{ana.base}/console/dispatch/table")
    await ana.field("Checklist").select_option(label="Limpieza")
    await expect(ana.page.get_by_role("list", name=ana.language.gettext("Columns"))).to_be_visible()
    await ana.look()
    table, check = ana.field("Table"), ana.button("Check")
    await table.fill(right.replace("2026-02-03", "31/02/2026").replace("10 15:00\tes", "10 15:00\tcastellano"))
    await check.click()
    await expect(ana.page.get_by_role("alert").get_by_role("row")).to_have_count(3)
    await ana.look()
    await table.fill(right)
    await check.click()
    await ana.look()
    ready = ana.language.ngettext("Send {n} job", "Send {n} jobs", 10)
    await ana.page.get_by_role("button", name=ready).click()
    sent = ana.language.ngettext("{n} job sent", "{n} jobs sent", 10)
    await expect(ana.page.get_by_role("heading", name=sent)).to_be_visible()
    await ana.look()
    await ana.link("Send another table").click()
    await table.fill(right)
    await check.click()
    await ana.page.get_by_role("button", name=ready).click()
    await expect(ana.heading("This table was sent before")).to_be_visible()
    await ana.look()


async def three_are_cancelled(ana: Console) -> None:
    await ana.look("/runs?q=casa")
    for box in (await ana.page.locator("#rows input[type=checkbox]").all())[:3]:
        await box.check()
    await ana.button("Cancel…").click()
    await ana.look()
    three = ana.language.ngettext("Cancel {n} job", "Cancel {n} jobs", 3)
    await ana.page.get_by_role("button", name=three, exact=True).click()
    await expect(ana.page.get_by_role("status")).to_have_text(
        ana.language.gettext("The jobs that you chose are cancelled.")
    )
    await ana.look()


async def bob_gets_a_new_password(ana: Console) -> None:
    await ana.look("/settings/people")
    await ana.page.get_by_label(ana.language.gettext("More for {name}", name="Bob")).click()
    await ana.button("New password for {name}", name="Bob").click()
    await ana.field("Your password, once more").fill(PASSWORD)
    await ana.button("Go on").click()
    await expect(ana.field("Link")).to_have_value(re.compile("/console/reset/"))
    await ana.look()
