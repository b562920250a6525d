"""For everyone: the keyboard alone, large text, small screens, less motion."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from rundun import paths
from tests.browser.checklists import COUNT, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.browser.reader import ALL, Reader
from tests.helpers.every_type import TEMPLATE
from tests.helpers.service import World


async def test_the_keyboard_alone_does_every_type(w: World, ed: Phone) -> None:
    """Tab, arrows, Space, Enter and Escape; only the operating system's own picture chooser is stood in for."""
    template_id = (await w.acme.post("/v1/templates", json={**TEMPLATE, "execution": {}})).json()["id"]
    run = await w.dispatch(template_id)
    page, key = ed.page, ed.page.keyboard
    await ed.open(run.run_id)
    await expect(page.get_by_role("button", name="Start")).to_be_enabled()
    await tab_to(page, "form button")
    await key.press("Enter")
    await expect(page.locator(".list")).to_be_visible()

    await tab_to(page, "#s-read .control button")
    await key.press("Enter")
    await tab_to(page, "#s-in input[type=radio]")
    await key.press("Space")
    await takes_a_picture(page, "#s-in photo-field input[type=file]")
    await tab_to(page, "#s-way input[type=radio]")
    await key.press("ArrowDown")
    await tab_to(page, "#s-did input[type=checkbox]")
    await key.press("Space")
    await tab_to(page, "#s-meter input")
    await key.type("1234,5")
    await key.press("Enter")
    await tab_to(page, "#s-grade input")
    for _ in range(3):
        await key.press("ArrowRight")
    await takes_a_picture(page, "#s-pic photo-field input[type=file]")
    await expect(page.locator("#s-seen")).to_be_visible()  # once the photo is stored
    await tab_to(page, "#s-seen input")
    await key.type("A clean kitchen")
    await tab_to(page, "#s-key input[type=text]")
    await key.type("KEY-0042")
    await tab_to(page, "#s-left .field-row button")
    await key.press("Enter")
    await tab_to(page, "#s-tip .step-more")
    await key.press("Enter")
    await tab_to(page, "dialog .sheet-body .button:last-child")
    await key.press("Space")
    await tab_to(page, "#s-sign .control button")
    await signs_by_keyboard(page)
    await ed.is_done("s-read", "s-in", "s-way", "s-did", "s-meter", "s-grade", "s-pic", "s-seen", "s-key")
    await ed.is_done("s-left", "s-tip", "s-sign")

    await tab_to(page, ".form:not(.review) .bottom button:last-child")
    await key.press("Enter")
    await expect(page.locator(".review h1")).to_be_focused()
    await tab_to(page, ".closing-signature button")
    await signs_by_keyboard(page)
    await tab_to(page, ".review .bottom button:last-child")
    await key.press("Enter")
    await expect(page.get_by_role("heading", name="All done, thank you")).to_be_focused()
    done = await record(w, run.run_id)
    assert done["status"] == "completed"
    assert done["progress"] == {"total": 12, "answered": 11, "skipped": 1, "unable": 0}
    assert done["answers"]["s-way"]["value"] == "o-back"
    assert done["answers"]["s-grade"]["value"] == 4
    assert done["signature"]["typed_name"] == "Ed Moreau"


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, and see that it shows."""
    for _ in range(120):
        if await page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            shown = await page.evaluate(
                """() => {
                  const one = document.activeElement;
                  const places = [one, one.closest("label"), one.parentElement].filter(Boolean);
                  return places.some((place) => getComputedStyle(place).outlineStyle !== "none");
                }"""
            )
            assert shown, f"{selector} has the focus, and nothing shows it"
            hidden = await page.evaluate(COVERED)
            assert not hidden, f"{selector} has the focus behind a bar (WCAG 2.4.11)"
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}")


STICKY = """[...document.querySelectorAll(".top, .bottom")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).position === "sticky").length"""

# Whether a bar that stays where it is lies over the whole of what has the focus.
COVERED = """() => {
  const one = document.activeElement.closest("label") ?? document.activeElement;
  if (one.closest("dialog")) return false;
  const box = one.getBoundingClientRect();
  return [...document.querySelectorAll(".top, .bottom, .start-bar")]
    .filter((bar) => !bar.contains(one) && bar.offsetParent)
    .map((bar) => bar.getBoundingClientRect()).some((bar) => bar.top <= box.top && bar.bottom >= box.bottom);
}"""


async def takes_a_picture(page: Page, selector: str) -> None:
    await tab_to(page, selector)
    async with page.expect_file_chooser() as coming:
        await page.keyboard.press("Space")
    await (await coming.value).set_files(file("a.jpg", "image/jpeg", jpeg()))
    await expect(page.locator(selector.partition(" ")[0]).locator(".tile")).to_have_count(1)


async def signs_by_keyboard(page: Page) -> None:
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog .pad")).to_be_visible()
    await tab_to(page, "dialog .sign-ways button:first-child")
    await page.keyboard.press("Enter")
    await expect(page.locator("#typed-name")).to_be_focused()
    await page.keyboard.type("Ed Moreau")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)


# A second font beside the one that `system-ui` happens to be on this machine: letters as wide and lines as high as Noto
# Sans has them. It is made of a font that every machine has, so that the test comes out alike everywhere.
TALL_FONT = """() => {
  const face = (style, weight) => `@font-face {
    font-family: Tall; font-weight: ${weight}; size-adjust: 108%; ascent-override: 100%; descent-override: 28%;
    src: ${["Liberation Sans", "Arial", "DejaVu Sans"].map((name) => `local("${name}${style}")`).join()};
  }`;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`${face("", 400)} ${face(" Bold", 700)} html { font-family: Tall !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""


@pytest.mark.long
@pytest.mark.parametrize(("tag", "font"), [("en", "tall"), ("de", "own"), ("ar", "tall")])
async def test_nothing_is_lost_with_text_twice_as_large_on_a_small_phone(
    w: World, browser: Browser, base: str, tag: str, font: str
) -> None:
    """WCAG 1.4.4 and 1.4.10: at 320 px and 200 % nothing is cut off, covered or scrolled sideways."""
    run = await w.dispatch((await w.acme.post("/v1/templates", json=ALL)).json()["id"])
    async with phone(browser, base, viewport={"width": 320, "height": 640}) as ed:
        if font == "tall":
            await ed.page.add_init_script(f"({TALL_FONT})()")
        olga = Reader(ed, tag)
        settings = await ed.page.context.new_cdp_session(ed.page)
        await settings.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        await olga.open(run.run_id)
        if font == "tall":
            assert await ed.page.evaluate("document.fonts.check('16px Tall')")
        await fits(ed.page, "start")
        await ed.page.locator("#identity").fill("Olga")
        await olga.button("start").tap()
        await expect(ed.page.locator(".list")).to_be_visible()
        await ed.step("s-in").locator(".pick").first.tap()
        await ed.is_safe("s-in")
        await fits(ed.page, "list")
        assert await ed.page.evaluate(STICKY) == 0, "all the room is the list's"
        await olga.button("menu").tap()
        await expect(ed.page.locator("dialog")).to_be_visible()
        await fits(ed.page, "menu")
        await olga.leave()
        await ed.step("s-sign").locator(".control .button").tap()
        await expect(ed.page.locator(".pad")).to_be_visible()
        await fits(ed.page, "signature")
        await olga.leave()
        menu = await ed.more("s-way")
        await fits(ed.page, "menu of a step")
        await menu.get_by_role("button", name=olga.word("remark_add")).tap()
        await expect(ed.page.locator("#remark-text")).to_be_visible()
        await fits(ed.page, "remark")
        await olga.leave()
        await ed.choose("s-way", olga.word("unable"))
        await expect(ed.page.locator("#reason")).to_be_visible()
        await fits(ed.page, "unable")
        await olga.leave()
        await ed.page.locator(".form:not(.review) .bottom button").last.tap()
        await expect(ed.page.locator(".review")).to_be_visible()
        await fits(ed.page, "review")


@pytest.mark.long
@pytest.mark.parametrize(("tag", "scale"), [("en", 100), ("de", 200), ("es", 200)])
async def test_text_of_any_size_leaves_room_on_the_smallest_phone(
    w: World, browser: Browser, base: str, tag: str, scale: int
) -> None:
    """320×568, where only the text is scaled and not what styles know of the screen."""
    identity = {"execution": {"identity_required": "name"}}
    run_id = await dispatched(w, *({**YES_NO, "id": f"s-{n}"} for n in range(6)), **identity)
    async with phone(browser, base, viewport={"width": 320, "height": 568}, locale=tag) as ed:
        await ed.page.add_init_script(
            f"addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '{scale}%')"
        )
        await ed.open(run_id)
        await fits(ed.page, "start")
        await ed.page.locator("#identity").fill("Olga")
        await ed.page.locator("#identity").tap()  # which fails where something lies over it
        await ed.page.locator(".start form button").tap()
        await expect(ed.page.locator(".list")).to_be_visible()
        await fits(ed.page, "list")
        for n in range(6):
            await ed.step(f"s-{n}").locator(".pick").first.tap()
        await ed.is_done(*(f"s-{n}" for n in range(6)))
        await fits(ed.page, "all done")
        await ed.page.locator(".form:not(.review) .bottom button").last.tap()
        await expect(ed.page.locator(".review")).to_be_visible()
        await fits(ed.page, "review")
        await ed.page.locator(".review .bottom button").last.tap()
        await expect(ed.page.locator(".end-mark.good")).to_be_visible()
        await fits(ed.page, "thanks")


@pytest.mark.long
async def test_a_phone_on_its_side_leaves_room_for_the_list_and_for_signing(
    w: World, browser: Browser, base: str
) -> None:
    sign = {"id": "s-sign", "type": "signature", "label": "Signature of the person who takes the keys"}
    run_id = await dispatched(w, *(({**YES_NO, "id": f"s-{n}"}) for n in range(6)), sign)
    async with phone(browser, base, viewport={"width": 844, "height": 390}) as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        assert await ed.page.evaluate(STICKY) == 1
        assert await ed.page.locator(".form:not(.review) .bottom").evaluate("(bar) => bar.offsetHeight") < 0.16 * 390
        await ed.step("s-sign").locator(".control .button").tap()
        dialog = ed.page.locator("dialog")
        for _ in range(2):  # drawn, then typed
            for name in ("Use", "Back", "Close"):
                await expect(dialog.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
            await dialog.locator(".sign-ways .link").first.tap()
        await dialog.get_by_role("button", name="Back").tap()
        await ed.sign(ed.step("s-sign").locator(".control .button"))
        await ed.is_done("s-sign")


async def fits(page: Page, state: str) -> None:
    """No text cut off, nothing that sticks out sideways, and room left between the bars."""
    found = await page.evaluate(
        """() => {
          const root = document.documentElement;
          const sticksOut = root.scrollWidth > root.clientWidth ? ["the page scrolls sideways"] : [];
          const shown = [...document.querySelectorAll("h1, h2, h3, p, span, button, label, dt, dd, bdi, select")]
            .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .folded, [aria-hidden=true]"));
          const isOut = (box) => box.width > 1 && (box.left < -1 || box.right > root.clientWidth + 1);
          const wide = shown.filter((one) => isOut(one.getBoundingClientRect()));
          const cut = shown.filter((one) => getComputedStyle(one).overflow === "hidden" &&
            (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
          const inner = (one) => {
            const { paddingLeft, paddingRight } = getComputedStyle(one);
            return one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
          };
          // A word of a button or a fact may run over two lines only where it is longer than all the room there is.
          const isBroken = (text) => [...text.data.matchAll(/\\S+/g)].some((word) => {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const lines = [...range.getClientRects()];
            const width = lines.reduce((sum, line) => sum + line.width, 0);
            const box = text.parentElement.closest(".button, dt, dd");
            const outer = inner(box.parentElement) - (box.offsetWidth - inner(box));
            const room = box.matches(".button") ? outer : inner(box);
            return new Set(lines.map((line) => Math.round(line.top))).size > 1 && width < room;
          });
          const whole = ".button, .button > span, .facts dt, .facts dd, .facts bdi, .start-facts dd";
          const broken = [...document.querySelectorAll(whole)].filter((one) =>
            one.checkVisibility() && [...one.childNodes].some((node) => node instanceof Text && isBroken(node)));
          const name = (one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 60)}`;
          const stays = (one) => {
            const { position, insetBlockStart, insetBlockEnd } = getComputedStyle(one);
            const isAway = [insetBlockStart, insetBlockEnd].some((inset) => parseFloat(inset) < 0);
            return one.checkVisibility() && position === "sticky" && !isAway;
          };
          const bars = [...document.querySelectorAll(".top, .bottom")].filter(stays);
          const covered = bars.reduce((sum, bar) => sum + bar.offsetHeight, 0) / innerHeight;
          return [...sticksOut, ...wide.map((one) => `wide: ${name(one)}`), ...cut.map((one) => `cut: ${name(one)}`),
            ...broken.map((one) => `broken word: ${name(one)}`),
            ...(covered > 0.5 ? [`bars cover ${covered}`] : [])];
        }"""
    )
    assert found == [], state


async def test_every_target_is_44_px(w: World, browser: Browser, base: str) -> None:
    """WCAG 2.5.8 asks for 24 px; a thumb with a glove on asks for more. Links in running text are the exception,
    and the grades of a long scale, which says most in one row.
    """
    run = await w.dispatch((await w.acme.post("/v1/templates", json=ALL)).json()["id"])
    async with phone(browser, base, viewport={"width": 360, "height": 740}) as ed:
        await ed.open(run.run_id)
        await expect(ed.page.get_by_role("button", name="Start")).to_be_enabled()
        assert await small(ed.page) == []
        await ed.page.locator("#identity").fill("Olga")
        await ed.start()
        assert await small(ed.page) == []
        await ed.page.get_by_role("button", name="About this checklist").tap()
        await expect(ed.page.locator("dialog")).to_be_visible()
        assert await small(ed.page) == []


async def small(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(
        """[...document.querySelectorAll("button, select, input, textarea, .pick, .grade, label.button")]
           .filter((one) => one.checkVisibility() && !one.matches(".visually-hidden, .pick input, .grade input"))
           .map((one) => [one, one.getBoundingClientRect()]).filter(([one, box]) =>
             box.height < 44 || box.width < (one.matches(".many .grade") ? 24 : 40))
           .map(([one, box]) => `${one.tagName}.${one.className} ${box.width}x${box.height}`)"""
    )
    return found


def test_styles_know_no_left_and_right() -> None:
    """Logical properties only, so that the page is whole in both directions; safe areas of the screen are physical."""
    styles = paths.static() / "executor"
    physical = re.compile(
        r"(?:^|[\s;{])((?:margin|padding|border|inset)-(?:left|right|top-left|top-right)[\w-]*|left|right|float|clear"
        r"|border-(?:top|bottom)-(?:left|right)-radius)\s*:|text-align:\s*(?:left|right)"
    )
    shorthand = re.compile(r"(?:margin|padding|inset)\s*:\s*([^;}()]+)[;}]")  # not those made of env()
    for path in styles.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert physical.findall(text) == [], path.name
        for sides in (found.split() for found in shorthand.findall(text)):
            assert len(sides) < 4 or sides[1] == sides[3], f"{path.name}: {sides}"


async def test_errors_and_states_are_told_to_those_who_do_not_see(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, {"id": "s-pic", "type": "photo", "label": "The door"})
    await ed.open(run_id)
    await ed.start()
    field = ed.step("s-count").locator("input")
    await expect(field).to_have_accessible_name("How many?")
    await ed.fill("s-count", "0")
    await expect(ed.step("s-count").get_by_role("alert")).to_have_text("Must be at least 1.")
    await expect(field).to_have_accessible_description("Must be at least 1.")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await ed.fill("s-count", "2")
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    await expect(ed.page.get_by_role("radiogroup", name="All fine?")).to_be_visible()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok", "s-pic", "s-count")
    await expect(ed.step("s-pic").locator(".tile")).to_have_accessible_name("Photo 1: Safe on the server")
    await expect(ed.page.get_by_role("progressbar", name="Progress")).to_have_attribute("aria-valuenow", "3")
    await expect(ed.page.locator(".top").get_by_role("status")).to_have_text("All safe")


async def test_nothing_moves_where_less_motion_is_wanted(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="About this checklist").tap()
    await expect(ed.page.locator("dialog")).to_be_visible()
    moving = "document.getAnimations().length"
    assert await ed.page.evaluate(moving) == 0
    rules = """[...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
      .filter((rule) => rule instanceof CSSStyleRule && (rule.style.animationName || rule.style.transitionDuration))
      .map((rule) => rule.selectorText)"""
    assert await ed.page.evaluate(rules) == [], "motion stands only in a query for those who want it"
