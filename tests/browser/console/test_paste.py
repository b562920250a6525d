"""Lists that the office has already, pasted into a checklist."""

from typing import Any

from hypothesis import strategies as some
from playwright.async_api import Page, expect

from tests.browser.console.desktop import labels, row, template_of
from tests.browser.console.test_editor_operations import ask
from tests.browser.executor.steps.test_parity import drawn
from tests.browser.phone import Phone
from tests.helpers.service import World

WORDS = {
    "types": {
        "boolean": "Ja oder nein",
        "photo": "Foto",
        "number": "Zahl",
        "choice": "Auswahl",
        "signature": "Unterschrift",
        "datetime": "Datum oder Zeit",
        "section": "Abschnitt",
    },
    "modes": {"date": "Datum", "datetime": "Datum und Uhrzeit"},
    "yes": "Ja",
    "no": "Nein",
    "done": "Erledigt",
    "not_done": "Nicht erledigt",
}
LIST = """Boat hand-over:
1. Engine hours noted
2. Fuel: Full / Half / Empty
☐ Any damage?
• Photo of the hull

# Afterwards
Keys handed over"""
LINES: list[tuple[str, tuple[str, str, list[str]]]] = [
    ("Küche:", ("section", "Küche", [])),
    ("## Küche", ("section", "Küche", [])),
    ("Photos :", ("section", "Photos", [])),
    ("- Küche：", ("section", "Küche", [])),
    ("#1 prüfen", ("section", "1 prüfen", [])),
    ("•\tHerd aus", ("task", "Herd aus", [])),
    ("12)  Herd aus", ("task", "Herd aus", [])),
    ("[x] Herd aus", ("task", "Herd aus", [])),
    ("– Herd aus", ("task", "Herd aus", [])),
    ("3.5 Liter Öl", ("task", "3.5 Liter Öl", [])),
    ("-5 Grad", ("task", "-5 Grad", [])),
    ("Herd aus?", ("boolean", "Herd aus?", [])),
    ("هل الموقد مطفأ؟", ("boolean", "هل الموقد مطفأ؟", [])),
    ("Tank: voll / halb / leer", ("choice", "Tank", ["voll", "halb", "leer"])),
    ("Tank? voll / leer", ("choice", "Tank?", ["voll", "leer"])),
    ("Tank – voll / leer", ("choice", "Tank", ["voll", "leer"])),
    ("voll / leer", ("choice", "voll / leer", ["voll", "leer"])),
    ("Licht an: ja / nein", ("boolean", "Licht an", [])),
    ("Müll: erledigt / nicht erledigt", ("task", "Müll", [])),
    ("km/h ablesen", ("task", "km/h ablesen", [])),
    ("Foto vom Bad", ("photo", "Foto vom Bad", [])),
    ("fotos: vorn / hinten", ("photo", "fotos", ["vorn", "hinten"])),
    ("Photo of the bath", ("photo", "Photo of the bath", [])),
    ("Fotograf rufen", ("task", "Fotograf rufen", [])),
    ("Foto gemacht?", ("boolean", "Foto gemacht?", [])),
    ("1\tÖl\tzahl", ("number", "Öl", [])),
    ("Öl\tnumber\t", ("number", "Öl", [])),
    ("Reifen\tAuswahl\tgut; schlecht", ("choice", "Reifen", ["gut", "schlecht"])),
    ("Reifen\tgut, schlecht", ("choice", "Reifen", ["gut", "schlecht"])),
    ("Reifen\tirgendwie\tgut", ("task", "Reifen", ["irgendwie", "gut"])),
    ('Sagt "halt"\tgut|"x"', ("choice", 'Sagt "halt"', ["gut", '"x"'])),
    ('"Ein ""Wort"""\tfoto', ("photo", 'Ein "Wort"', [])),
    ("Reifen\tmal sehen", ("task", "Reifen", ["mal sehen"])),
    ("Stand\tZahl\tmindestens 4", ("number", "Stand", ["mindestens 4"])),
    ('"an\nBord"\tja, nein', ("boolean", "an Bord", [])),
    ("- [ ] Anker", ("task", "Anker", [])),
    ("(3) Anker", ("task", "Anker", [])),
    ("a) Anker", ("task", "Anker", [])),
    ("Stand (Zahl)", ("number", "Stand", [])),
    ("Stand (alt)", ("task", "Stand (alt)", [])),
    ("Stand (Zahl, ab 4)", ("number", "Stand", ["ab 4"])),
    ("Rumpf (Fotos: links / rechts)", ("photo", "Rumpf", ["links", "rechts"])),
    ("Rumpf (Fotos: links, rechts)", ("photo", "Rumpf", ["links", "rechts"])),
    ("Tank: voll / leer\ttäglich prüfen", ("choice", "Tank", ["voll", "leer", "täglich prüfen"])),
    ("Stand (Zahl, ab 4)\tgenau", ("number", "Stand", ["ab 4", "genau"])),
    ("Tempo\tZahl\tmin 3,5 km/h", ("number", "Tempo", ["min 3,5 km/h"])),
    ("Öl\tAuswahl\t2,1; 2,3", ("choice", "Öl", ["2,1", "2,3"])),
    ("- 2. Gang", ("task", "2. Gang", [])),
    ("10:30 / 11:30", ("choice", "10:30 / 11:30", ["10:30", "11:30"])),
    ("Licht (oder)", ("task", "Licht (oder)", [])),
    ("Licht (ja/nein)", ("boolean", "Licht", [])),
    ("Licht (vorn / hinten)", ("choice", "Licht", ["vorn", "hinten"])),
    ("Reifen\tNein", ("task", "Reifen", ["Nein"])),
    ("Wann (date)", ("datetime", "Wann", [])),
    ("Unterschrift des Skippers", ("signature", "Unterschrift des Skippers", [])),
    ("Reifen?\t", ("boolean", "Reifen?", [])),
]


SHEET = 'Oil level\tNumber\nTyres\tchoice\t"good\nworn\nbad"\nLights on?\n'


READ = "return m.readLines(given[0], given[1]);"


async def paste(page: Page, text: str) -> None:
    """Paste a text where the cursor is."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    await page.keyboard.press("Control+v")


async def test_a_pasted_list_is_shown_changed_and_taken(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new")
    await page.get_by_label("Name of the checklist").fill("Boat")
    await page.keyboard.press("Enter")
    await paste(page, LIST)
    dialog = page.get_by_role("dialog", name="These rows will be added")
    lines = dialog.locator("li")
    await expect(lines).to_have_count(7)
    await lines.nth(1).get_by_label("Kind of answer").select_option("Number")
    await lines.nth(1).get_by_label("Question or task").fill("Engine hours")
    await lines.nth(2).get_by_label("Options").fill("Full / Empty")
    await lines.nth(0).get_by_label("Question or task").fill("At the pier")
    await lines.nth(5).get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Add them").click()
    await expect(row(page, 6).get_by_label("Question or task")).to_be_focused()
    assert await shape(page) == [
        ("At the pier", "number", "Engine hours", []),
        ("At the pier", "choice", "Fuel", ["Full", "Empty"]),
        ("At the pier", "boolean", "Any damage?", []),
        ("At the pier", "photo", "Photo of the hull", []),
        ("At the pier", "boolean", "Keys handed over", ["Done", "Not done"]),
    ]
    await page.keyboard.press("Control+z")
    assert await labels(page) == [""], "all lines are one change"
    await page.get_by_role("button", name="+ Paste a list").click()
    await paste(page, "\n".join("Line" for _ in range(500)))
    await expect(page.get_by_role("dialog")).to_contain_text("Only the first 499 of 500 lines")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="+ Paste a list").click()
    await paste(page, SHEET)
    await expect(dialog.get_by_role("button", name="Add them")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await shape(page) == [
        (None, "number", "Oil level", []),
        (None, "choice", "Tyres", ["good", "worn", "bad"]),
        (None, "boolean", "Lights on?", []),
    ]
    await row(page, 3).get_by_label("Question or task").fill("Lights? ")
    await paste(page, "one line, \n")
    await expect(row(page, 3).get_by_label("Question or task")).to_have_value("Lights? one line,")
    await row(page, 2).get_by_label("Question or task").click()
    await row(page, 2).get_by_role("button", name="Add an option").click()
    await paste(page, "- flat\n- gone\n")
    assert (await shape(page))[1] == (None, "choice", "Tyres", ["good", "worn", "bad", "flat", "gone"])


async def shape(page: Page) -> list[tuple[Any, ...]]:
    """The (section, type, label, options or wording) of each step."""
    template = await template_of(page)
    sections = template.get("sections") or [{"title": None, "steps": template["steps"]}]
    return [
        (section["title"], step["type"], step["label"], said(step.get("config", {})))
        for section in sections
        for step in section["steps"]
    ]


def said(config: dict[str, Any]) -> list[str]:
    return [option["label"] for option in config["options"]] if "options" in config else list(config.values())


async def test_lines_are_read(page: Page) -> None:
    """Each of them as somebody would who reads it, in the language of the page, with the English words of types."""
    script = "return given[0].map((text) => m.readLines(text, given[1]));"
    read = await ask(page, script, [[f"\n{text}\r\n\n" for text, _ in LINES], WORDS])
    assert [[(one["type"], one["label"], one["options"]) for one in lines] for lines in read] == [
        [one] for _, one in LINES
    ]


async def test_lines_that_are_numbered_lose_their_numbers(page: Page) -> None:
    for text, expected in (
        ("1 Öl\n2 Reifen", ["Öl", "Reifen"]),
        ("2 Reifen\n2 Lampen", ["2 Reifen", "2 Lampen"]),
        ("1 Schlüssel", ["1 Schlüssel"]),
        ("Boot\n1 Öl\n2 Reifen", ["Boot", "Öl", "Reifen"]),
        ("1 Öl\nReifen\n2 Lampen\nLeinen", ["1 Öl", "Reifen", "2 Lampen", "Leinen"]),
    ):
        assert [line["label"] for line in await ask(page, READ, [text, WORDS])] == expected


async def test_what_a_column_says_is_in_the_step(page: Page) -> None:
    script = "return m.readLines(given[0], given[1]).map((line) => m.rowOf(line, makeId, given[1]).part);"
    text = "Wann\tDatum und Uhrzeit\nStand\tZahl\tmindestens 4\nBug\tAbschnitt\tvorn"
    rows = await ask(page, script, [text, WORDS])
    assert rows[0]["config"] == {"mode": "datetime"}
    assert rows[1]["hint"] == "mindestens 4"
    assert rows[2]["description"] == "vorn"
    english = {**WORDS, "modes": {"date": "a date", "datetime": "a date and a time"}}
    (row,) = await ask(page, script, ["When (date and time)", english])
    assert (row["type"], row["config"]) == ("datetime", {"mode": "datetime"})
    shots = " / ".join(str(number) for number in range(31))
    (row,) = await ask(page, script, [f"Foto: {shots}", WORDS])
    assert (len(row["config"]["slots"]), row["hint"]) == (30, "30"), "more than can be shown as parts"


async def test_every_text_becomes_rows_that_can_be_shown(page: Page) -> None:
    letters = some.text(some.sampled_from('ab:?/#-•1.) \t\n\r"；\u00a0') | some.characters(codec="utf-8"), max_size=60)
    script = """return given[0].map((text) => {
      const lines = m.readLines(text, given[1]);
      const rows = lines.map((line) => m.rowOf(line, makeId, given[1]));
      const first = m.newStep("boolean", makeId);
      const template = m.insertRows({ name: "N", steps: [first] }, first.id, rows, naming);
      const shown = m.outlineOf(template).map(({ part }) => part.title ?? part.label);
      const isTaken = JSON.stringify(shown.slice(-lines.length)) === JSON.stringify(lines.map(({ label }) => label));
      return m.isShowable(template) && (isTaken || !lines.length) && lines.every(({ label }) => label.trim());
    });"""
    texts = drawn(letters, 300)
    good = await ask(page, script, [texts, WORDS])
    assert [text for text, is_good in zip(texts, good, strict=True) if not is_good] == []
