"""Every language has every word that the pages ask for, and no word nobody asks for."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from playwright.async_api import expect

from rundun import places
from rundun.web.words import COUNTED, Words, catalogue, translations
from tests.browser.checklists import COUNT, YES_NO, dispatched
from tests.browser.phone import Phone
from tests.browser.test_parity import page  # noqa: F401  a fixture
from tests.world import World

WORDS = Words(places.locales())
LANGUAGES = sorted(set(WORDS.entries) - {"en"})
# Keys put together from a part of the state, as in t(`photo_${state}`).
MADE = {
    "photo_": ["preparing", "safe", "refused", "elsewhere"],
    "closed_": [
        f"{kind}_{part}"
        for kind in ("completed", "cancelled", "expired", "unknown", "other_device")
        for part in ("title", "text")
    ],
    "identity_": ["name", "email", "phone", "name_needed", "email_needed", "phone_needed"],
    "count_": ["answered", "skipped", "unable"],
    "message_": ["share"],  # what the console writes to the executor (rundun/web/console/dispatching.py)
}
# Codes of the server (rundun/web/problems.py, rundun/core/answer.py) that have words of their own here.
CODES = re.compile(r"problem_\w+|place_\w+")
# What two languages write alike.
ALIKE = {"es": {"no"}, "fr": {"photo", "photos", "photo_count", "minutes", "owed_photos", "owed_signatures"}}


def path_of(tag: str) -> Path:
    return places.locales() / tag / "LC_MESSAGES" / "rundun.po"


def messages(catalog: Catalog) -> dict[str, Message]:
    return {str(message.context): message for message in catalog if message.id}


ENGLISH = messages(catalogue(places.locales() / "rundun.pot", "en"))


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def english(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_there_are_these_languages() -> None:
    assert set(LANGUAGES) >= {"ar", "de", "es", "fr", "pt"}
    assert WORDS.names["ar"] == "العربية"


def test_a_language_is_one_more_file(tmp_path: Path) -> None:
    """As the README says: Babel makes it, Rundun speaks it, and what is not translated yet is said in English."""
    shutil.copytree(places.locales(), tmp_path / "locales")
    for tag in ("nl", "fa", "pt_BR"):
        made = tmp_path / "locales" / tag / "LC_MESSAGES" / "rundun.po"
        given = ["-D", "rundun", "-i", places.locales() / "rundun.pot", "-o", made, "-l", tag]
        CommandLineInterface().run(["pybabel", "-q", "init", *map(str, given)])
    made.write_text(made.read_text().replace('msgid "Start"\nmsgstr ""', 'msgid "Start"\nmsgstr "Comece"'))
    words = Words(tmp_path / "locales")
    assert words.names["nl"] == "Nederlands"
    assert words.speech(["nl-BE"]).say("steps", n=2) == "2 steps"
    assert words.speech(["fa-IR"]).direction == "rtl"
    assert words.speech(["pt-BR"]).say("start") == "Comece"
    assert words.speech(["pt-PT"]).say("start") == "Iniciar"


def test_every_word_is_there_and_every_word_is_needed() -> None:
    scripts = "\n".join(path.read_text() for path in (places.static() / "executor").glob("*.js"))
    pages = "\n".join(path.read_text() for path in (places.templates() / "executor").glob("*.html"))
    asked = set(re.findall(r"\bt\(\"(\w+)\"", scripts + pages))
    asked |= set(re.findall(r"\bfact\(\"(\w+)\"", scripts))
    asked |= set(re.findall(r"\"(wrong_\w+)\"", scripts))
    asked |= {prefix + rest for prefix, rests in MADE.items() for rest in rests}
    asked -= set(MADE)
    words = set(ENGLISH)
    assert asked <= words, sorted(asked - words)
    used = set(re.findall(r"\"(\w+)\"", scripts)) | asked
    unused = {word for word in words - used if not CODES.fullmatch(word)}
    assert unused == set()
    assert "`problem_${" in scripts
    assert "`place_${" in scripts


def test_codes_with_words_are_codes_the_server_has() -> None:
    sources = "\n".join(path.read_text() for path in Path(places.__file__).parent.rglob("*.py"))
    for word in filter(CODES.fullmatch, ENGLISH):
        assert f'"{word.split("_", 1)[1]}"' in sources, word


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_catalogue_is_whole(tag: str) -> None:
    catalog = catalogue(path_of(tag), tag)
    found = messages(catalog)
    assert list(found) == list(ENGLISH), "the words and their order are those of rundun.pot"
    for key, message in found.items():
        template = ENGLISH[key]
        assert message.id == template.id, f"{key}: the English has changed"
        assert not message.fuzzy, key
        assert len(forms(message)) == (catalog.num_plurals if isinstance(template.id, tuple) else 1), key
        assert all(form.strip() == form != "" for form in forms(message)), key
        wanted = placeholders(english(template)[-1])
        for form in forms(message):
            missing = wanted - placeholders(form)
            assert placeholders(form) <= wanted, key
            assert missing <= ({"n"} if isinstance(template.id, tuple) else set()), key
    alike = {key for key, message in found.items() if set(forms(message)) & set(english(ENGLISH[key]))}
    letters = {key for key in alike if re.sub(r"\{\w+\}|[\W\d]", "", forms(found[key])[0])}
    assert letters - ALIKE.get(tag, set()) == set(), "not translated"
    assert catalog.obsolete == {}


@pytest.mark.parametrize("tag", ["en", *LANGUAGES])
def test_a_count_is_never_lost(tag: str) -> None:
    """A form without {n} must belong to one number alone, such as the Arabic dual."""
    rule = Locale.parse(tag).plural_form
    numbers = {form: [n for n in COUNTED if rule(n) == form] for form in {rule(n) for n in COUNTED}}
    for key, entry in WORDS.entries[tag].items():
        if not isinstance(entry, str):
            silent = {form for form, text in entry.items() if "{n}" not in text}
            assert all(len(numbers[form]) == 1 for form in silent), key


@pytest.mark.parametrize("tag", LANGUAGES)
def test_gettext_and_the_page_choose_the_same_form(tag: str) -> None:
    """The rule in the file's header, which translators' tools read, is the one of CLDR, which browsers have."""
    speaks = translations(tag, catalogue(path_of(tag), tag))
    for key, entry in WORDS.entries[tag].items():
        if isinstance(entry, str):
            continue
        one, other = english(ENGLISH[key])
        for n in COUNTED:
            assert speaks.npgettext(key, one, other, n) == entry[Locale.parse(tag).plural_form(n)], (key, n)


async def test_the_browser_chooses_the_same_form(page) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    script = (
        "(tags) => tags.map((tag) => [...Array(201).keys()].map((n) => new Intl.PluralRules(tag).select(n)))"
    )
    tags = ["en", *LANGUAGES]
    for tag, said in zip(tags, await page.evaluate(script, tags), strict=True):
        assert said == [Locale.parse(tag).plural_form(n) for n in COUNTED], tag


async def test_only_the_chosen_language_is_sent(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    html = (await w.browser().get(f"/r/{run_id}?lang=ar")).text
    assert WORDS.entries["ar"]["next_open"] in html
    for tag in ("en", "de"):
        assert f'"{WORDS.entries[tag]["finish"]}"' not in html
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=de")
    await expect(ed.page.get_by_role("button", name="Starten")).to_be_enabled()
