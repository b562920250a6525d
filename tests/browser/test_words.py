"""Every language has every word that the pages ask for, and no word nobody asks for."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from playwright.async_api import expect

from rundun import paths
from rundun.wording.i18n import COUNTED, Catalogs, compile_catalog, read_catalog
from rundun.wording.page_words import WORDS as PAGE_WORDS
from tests.browser.checklists import COUNT, YES_NO, dispatched
from tests.browser.phone import Phone
from tests.catalogs import english_of
from tests.helpers.service import World, pages

WORDS = pages().words

LANGUAGES = sorted(set(WORDS.entries) - {"en"})
# Keys put together from a part of the state, as in t(`photo_${state}`).
MADE = {
    "photo_": ["preparing", "safe", "refused", "elsewhere"],
    "closed_": [
        f"{kind}_{part}"
        for kind in ("completed", "cancelled", "expired", "erased", "unknown", "other_device")
        for part in ("title", "text")
    ],
    "identity_": ["name", "email", "phone", "name_needed", "email_needed", "phone_needed"],
    "count_": ["answered", "skipped", "unable"],
    "message_": ["share", "due"],  # what the console writes to the executor (rundun/web/console/dispatch/dispatch.py)
}
# Codes of the server (rundun/web/http/problems.py, rundun/core/runs/answer.py) that have words of their own here.
CODES = re.compile(r"problem_\w+|place_\w+")
# What two languages write alike.
ALIKE = {"es": {"No"}, "fr": {"Photo", "Photos", "1 photo", "1 minute", "1 signature", "Position ±{n} m"}}


def path_of(tag: str) -> Path:
    return paths.locales() / tag / "LC_MESSAGES" / "rundun.po"


def messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


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
    """As the guide says: Babel makes it, Rundun speaks it, and what is not translated yet is said in English."""
    shutil.copytree(paths.locales(), tmp_path / "locales")
    for tag in ("nl", "fa", "pt_BR"):
        made = tmp_path / "locales" / tag / "LC_MESSAGES" / "rundun.po"
        given = ["-D", "rundun", "-i", paths.locales() / "rundun.pot", "-o", made, "-l", tag]
        CommandLineInterface().run(["pybabel", "-q", "init", *map(str, given)])
    made.write_text(made.read_text().replace('msgid "Start"\nmsgstr ""', 'msgid "Start"\nmsgstr "Comece"'))
    words = Catalogs(tmp_path / "locales", PAGE_WORDS)
    assert words.names["nl"] == "Nederlands"
    assert words.language(["nl-BE"]).say("steps", n=2) == "2 steps"
    assert words.language(["fa-IR"]).direction == "rtl"
    assert words.language(["pt-BR"]).say("start") == "Comece"
    assert words.language(["pt-PT"]).say("start") == "Iniciar"


def test_every_word_is_there_and_every_word_is_needed() -> None:
    scripts = "\n".join(path.read_text() for path in (paths.static() / "executor").rglob("*.js"))
    pages = "\n".join(path.read_text() for path in (paths.templates() / "executor").glob("*.html"))
    asked = set(re.findall(r"\bt\(\"(\w+)\"", scripts + pages))
    asked |= set(re.findall(r"\bfact\(\"(\w+)\"", scripts))
    asked |= set(re.findall(r"\"(wrong_\w+)\"", scripts))
    asked |= {prefix + rest for prefix, rests in MADE.items() for rest in rests}
    asked -= set(MADE)
    words = set(PAGE_WORDS)
    assert asked <= words, sorted(asked - words)
    used = set(re.findall(r"\"(\w+)\"", scripts)) | asked
    unused = {word for word in words - used if not CODES.fullmatch(word)}
    assert unused == set()
    assert "`problem_${" in scripts
    assert "`place_${" in scripts


def test_codes_with_words_are_codes_the_server_has() -> None:
    sources = "\n".join(path.read_text() for path in Path(paths.__file__).parent.rglob("*.py"))
    for word in filter(CODES.fullmatch, PAGE_WORDS):
        assert f'"{word.split("_", 1)[1]}"' in sources, word


def faults(tag: str, catalog: Catalog) -> Iterator[str]:
    """Everything that keeps a language from being whole, a sentence each."""
    for message in messages(catalog):
        key = english_of(message)
        is_counted = isinstance(message.id, tuple)
        given = [form for form in forms(message) if form]
        if message.fuzzy:
            yield f"“{key}” is marked fuzzy: look at it, and remove the mark."
        if not given:
            yield f"“{key}” is not translated."
            continue
        if len(given) != (wanted_forms := catalog.num_plurals if is_counted else 1):
            yield f"“{key}” has {len(given)} of {wanted_forms} forms."
        wanted = placeholders(english(message)[-1])
        for form in given:
            if form.strip() != form:
                yield f"“{key}” begins or ends with white space."
            for name in sorted(wanted - placeholders(form) - ({"n"} if is_counted else set())):
                yield f"“{key}” has lost {{{name}}}."
            for name in sorted(placeholders(form) - wanted):
                yield f"“{key}” has {{{name}}}, which the English has not."
        is_alike = set(given) & set(english(message)) and re.sub(r"\{\w+\}|[\W\d]", "", given[0])
        if is_alike and key not in ALIKE.get(tag, set()):
            yield f"“{key}” is as in English. If that is right, name it under ALIKE in {Path(__file__).name}."


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_catalogue_is_whole(tag: str) -> None:
    found = list(faults(tag, read_catalog(path_of(tag), tag)))
    if found:
        pytest.fail("\n".join([f"{path_of(tag).name} of {tag}, {len(found)} to mend:", *found]), pytrace=False)


def test_what_a_catalogue_lacks_is_told_all_at_once() -> None:
    catalog = read_catalog(path_of("de"), "de")
    catalog["Yes"].string = ""
    catalog["1 step"].string = ("", "")
    catalog["{n} answered"].string = "{m} beantwortet"
    assert list(faults("de", catalog)) == [
        "“Yes” is not translated.",
        "“1 step” is not translated.",
        "“{n} answered” has lost {n}.",
        "“{n} answered” has {m}, which the English has not.",
    ]


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
    speaks = compile_catalog(read_catalog(path_of(tag), tag))
    for key, entry in WORDS.entries[tag].items():
        if isinstance(entry, str):
            continue
        for n in COUNTED:
            assert speaks.ngettext(*PAGE_WORDS[key], n) == entry[Locale.parse(tag).plural_form(n)], (key, n)


async def test_the_browser_chooses_the_same_form(page) -> None:  # type: ignore[no-untyped-def]
    script = "(tags) => tags.map((tag) => [...Array(201).keys()].map((n) => new Intl.PluralRules(tag).select(n)))"
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
