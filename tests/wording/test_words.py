"""The console's words: English stands in pages and modules, and catalogs translate it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message

from rundun import paths
from rundun.wording import i18n
from rundun.wording.console_words import ConsoleCatalogs, ConsoleLanguage, list_untranslated
from rundun.wording.editor_words import editor_words
from rundun.wording.time_zone import Zone
from tests.catalogs import ABOUT, collected, english_of, extracted, header_of, po_of, pot_of, text_of, updated
from tests.helpers.console.console import operator, shown
from tests.helpers.service import HOUR, NOON, World

LANGUAGES = sorted(i18n.catalog_files(paths.locales(), "console"))


def messages(catalog: Catalog) -> dict[tuple[Any, Any], Message]:
    return {(message.context, message.id): message for message in catalog if message.id}


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("domain", ABOUT)
def test_catalogs_have_what_the_pages_say(domain: str) -> None:
    said = list(messages(collected(domain)))
    for path in (pot_of(domain), *i18n.catalog_files(paths.locales(), domain).values()):
        catalog = i18n.read_catalog(path, "en")
        assert list(messages(catalog)) == said and not catalog.obsolete, f"{path}: run `make catalogs`."


def test_a_task_has_two_answers_in_each_language() -> None:
    """The editor parts its name at " / "."""
    catalogs = ConsoleCatalogs(paths.locales())
    names = [editor_words(catalogs.language([tag]))["type_task"] for tag in LANGUAGES]
    assert [len(name.split(" / ")) for name in names] == [2] * len(LANGUAGES)


def test_no_translation_lost_a_place() -> None:
    assert [fault for tag in LANGUAGES for fault in faults(i18n.read_catalog(po_of(tag), tag))] == []


def faults(catalog: Catalog) -> Iterator[str]:
    """What would fail or be lost when a message is said; a form for one number alone may do without {n}."""
    for message in messages(catalog).values():
        english, string = message.id, message.string
        is_counted = not isinstance(english, str)
        wanted = placeholders(english[-1] if is_counted else english)
        for form in filter(None, string if is_counted else [string]):
            if placeholders(form) | ({"n"} & wanted if is_counted else set()) != wanted:
                yield f"{english}: {form}"


def test_every_message_can_be_found_by_its_english() -> None:
    """As one is said once with a number and once without, gettext would find either by the other's English."""
    for domain, least in (("console", 500), ("rundun", 200)):
        firsts = [(message.context, english_of(message)) for message in messages(collected(domain)).values()]
        assert len(firsts) > least
        assert {first for first in firsts if firsts.count(first) > 1} == set(), "give one of them a context"


def translated(folder: Path, tag: str, words: dict[str, Any]) -> ConsoleCatalogs:
    """Catalogs with one in which all is translated: to `words`, else to itself in brackets."""
    catalog = updated(tag, extracted())
    for message in catalog:
        if isinstance(message.id, str) and message.id:
            message.string = words.get(message.id, f"[{message.id}]")
        elif message.id:
            message.string = words.get(message.id[0], (f"[{message.id[1]}]",) * catalog.num_plurals)
    shutil.copytree(paths.locales(), folder / "locales")
    path = folder / "locales" / tag / "LC_MESSAGES" / "console.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(catalog, header_of(catalog)))
    return ConsoleCatalogs(folder / "locales")


def test_a_language_is_one_more_file(tmp_path: Path) -> None:
    forms = ("لا رموز", "رمز واحد", "رمزان", "{n} رموز", "{n} رمزًا", "{n} رمز")
    some = ("", *forms[1:])
    words = {"You have {n} recovery code left.": forms, "{n} revoked key": some, "Overview": "نظرة عامة"}
    catalogs = translated(tmp_path, "ar", words)
    arabic = catalogs.language(["xx", "ar-EG", "en"])
    assert (arabic.tag, arabic.direction, catalogs.names["ar"]) == ("ar-EG", "rtl", "العربية")
    assert arabic.gettext("Overview") == "نظرة عامة"
    code = ("You have {n} recovery code left.", "You have {n} recovery codes left.")
    assert [arabic.ngettext(*code, n) for n in (0, 1, 2, 3, 11)] == [*forms[:3], "3 رموز", "11 رمزًا"]
    key = ("{n} revoked key", "{n} revoked keys")
    assert [arabic.ngettext(*key, n) for n in (0, 1)] == ["0 revoked keys", "1 revoked key"], "a form is missing"
    assert arabic.pgettext("photo", "From") == "[From]"
    assert catalogs.language(["nl", "en-GB"]).tag == "en-GB"
    assert catalogs.language([]).gettext("{done} of {total}", done=1, total=1234) == "1 of 1,234"


def test_a_language_that_lacks_much_is_not_there_yet(tmp_path: Path) -> None:
    begun = updated("nl", extracted())
    assert begun.num_plurals == 2 and len(list_untranslated(begun)) == len(extracted())
    catalogs = translated(tmp_path, "nl", dict.fromkeys(map(english_of, list_untranslated(begun)[:100]), ""))
    assert catalogs.language(["nl", "en-GB"]).tag == "en-GB"
    assert "nl" not in catalogs.names


def test_what_a_translation_lost_is_told() -> None:
    catalog = updated("es", extracted())
    catalog["{done} of {total}"].string = "{done} de {todo}"
    catalog["{n} revoked key"].string = ("una clave", "{n} claves")
    assert list(faults(catalog)) == ["{done} of {total}: {done} de {todo}"]


async def test_a_page_is_in_the_browsers_language(w: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogs = translated(tmp_path, "ar", {"Jobs": "<b>مهام</b>", "The job is deleted.": "حُذفت"})
    monkeypatch.setattr(w.service.pages, "console_words", catalogs)
    ann = await operator(w)
    spoken = {"accept-language": "xx, ar-EG;q=0.9, en;q=0.8"}
    page = (await ann.get("/runs?flash=run_erased", headers=spoken)).text
    assert '<html lang="ar-EG" dir="rtl">' in page and "حُذفت" in page and "[Find jobs]" in page
    assert "&lt;b&gt;مهام&lt;/b&gt;" in page and "<b>مهام" not in page
    page = (await ann.get("/settings/usage", headers=spoken)).text
    assert "يناير 2026" in page and "January" not in page
    for nothing in ("", "run_", "<script>", "Saved."):
        page = (await ann.get("/runs", params={"flash": nothing})).text
        assert '<html lang="en" dir="ltr">' in page and 'role="status"' not in page


def test_times_are_written_as_the_language_does() -> None:
    at = NOON + 63 * HOUR
    said = {tag: Zone("Europe/Madrid", ConsoleLanguage(tag).locale) for tag in ("en-US", "de", "ar-EG")}
    assert said["en-US"].exact_time(at) == "3 Jan 2026, 16:00:00 +01:00"
    assert said["en-US"].short_time(at) == "3 Jan 2026, 16:00"
    assert said["de"].exact_time(at) == "3. Jan. 2026, 16:00:00 +01:00"
    assert said["ar-EG"].short_time(at) == "3 يناير 2026, 16:00"


def test_names_stay_whole_where_a_language_is_read_from_the_right() -> None:
    for tag, said in (("ar", "\u2068Ed (2)\u2069: 3"), ("en", "Ed (2): 3")):
        assert ConsoleLanguage(tag).gettext("{name}: {n}", name="Ed (2)", n=3) == said
    assert [ConsoleLanguage(tag).arrow for tag in ("ar", "he-IL", "es")] == ["←", "←", "→"]


def test_english_needs_no_catalogue() -> None:
    assert ConsoleLanguage("en").ngettext("{n} day", "{n} days", 1) == "1 day"


async def test_an_operator_chooses_a_language(w: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, mia = await operator(w), await operator(w)
    page = await shown(ann, "/settings/account")
    assert "Language of the console" not in page or LANGUAGES, "with one there is no choice"
    monkeypatch.setattr(w.service.pages, "console_words", translated(tmp_path, "ar", {"Overview": "نظرة عامة"}))
    page = await shown(ann, "/settings/account")
    assert '<option value="ar" lang="ar">العربية</option>' in page
    saved = await ann.post("/settings/account/language", language="ar")
    assert saved.headers["location"] == "/console/settings/account?flash=language_changed"
    page = await shown(ann, "/settings/account?flash=language_changed")
    assert '<html lang="ar" dir="rtl">' in page and '<option value="ar" lang="ar" selected>' in page
    assert '<p class="notice good" role="status">[The console is in this language from now on.]</p>' in page
    assert 'lang="ar-EG"' in await shown(ann, "/settings/account", headers={"accept-language": "fr, ar-EG"})
    for wrong in ("xx", "<script>", "ar-EG"):
        refused = await ann.post("/settings/account/language", language=wrong)
        assert refused.status_code == 422 and "<script>" not in refused.text.replace('<script type="module"', "")
    assert '<html lang="en"' in await shown(mia, "/settings/account"), "it is one's own"
    await ann.post("/settings/account/language", language="")
    assert '<html lang="en"' in await shown(ann, "/settings/account")
