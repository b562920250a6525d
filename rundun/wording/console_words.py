"""The console's words. Pages and modules contain them in English, for gettext to translate: `_("Signed in as {name}",
name=name)`, and `ngettext("{n} key", "{n} keys", n)` where a number selects the form.

`rundun/locales/console.pot` lists all messages, `<language>/LC_MESSAGES/console.po` has their translations; `make
catalogs` writes both. A message without a translation is shown in English.
"""

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message

from rundun.core.text import size
from rundun.store.organizations.statistics import MAX_COUNTED
from rundun.wording import i18n
from rundun.wording.i18n import ENGLISH

ENGLISH_LOCALE = "en_GB"  # the format of days and times in any English: never the month first
_FSI, _PDI = "\u2068", "\u2069"  # Unicode's first strong isolate, and its end
_LACKING = 0.05  # of all messages: a page in English is better than one in two languages


def N_(message: str) -> str:
    """Return a message unchanged. It marks the message for `make catalogs`; `gettext` translates it later."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:
    """Return both forms of a message unchanged, marked for `make catalogs`; `ngettext` translates them later."""
    return singular, plural


def isolate(text: str) -> str:
    """Return a text in Unicode isolates, so that its direction does not affect the sentence around it."""
    return f"{_FSI}{text}{_PDI}"


@dataclass(frozen=True, slots=True)
class ConsoleLanguage:
    """The console's language for one reader; `tag` is the language that the reader asked for, such as es-MX."""

    tag: str
    translations: gettext.NullTranslations = field(default_factory=gettext.NullTranslations)

    @property
    def direction(self) -> str:
        """Return `ltr` or `rtl`, for the attribute `dir`."""
        return i18n.direction(self.tag)

    @property
    def arrow(self) -> str:
        """Return the arrow from before to after, in the reading direction."""
        return "←" if self.direction == "rtl" else "→"

    @property
    def locale(self) -> str:
        """Return the name of Babel's locale for days and times: en_GB for any English."""
        return ENGLISH_LOCALE if self.is_english else self.tag.replace("-", "_")

    @property
    def is_english(self) -> bool:
        """Tell whether the language is any English."""
        return self.tag.split("-")[0] == ENGLISH

    def knows(self, message: str) -> bool:
        """Tell whether the translation of a message differs from its English."""
        return self.translations.gettext(message) != message

    def gettext(self, message: str, /, **values: str | int) -> str:
        """Return a message translated, else in English, its {name}s filled in, with the language's numbers."""
        return self._fill(self.translations.gettext(message), values)

    def pgettext(self, context: str, message: str, /, **values: str | int) -> str:
        """Return a message translated as in `context`, where it has another meaning."""
        return self._fill(self.translations.pgettext(context, message), values)

    def ngettext(self, singular: str, plural: str, n: int, /, **values: str | int) -> str:
        """Return a message translated in the form for the number `n`, which fills in {n}."""
        return self._fill(self.translations.ngettext(singular, plural, n), {"n": n, **values})

    def _fill(self, message: str, values: Mapping[str, str | int]) -> str:
        """Return a message with its {name}s filled in; in a language read from the right, text values are isolated."""
        if self.direction == "rtl":
            values = {name: isolate(value) if isinstance(value, str) else value for name, value in values.items()}
        return i18n.fill_in(message, self.tag, values)

    def number(self, value: float) -> str:
        """Return a number in the language's format, with all its digits."""
        return i18n.format_number(value, self.tag)

    def size(self, count: int) -> str:
        """Return a number of bytes as text with a unit, such as “1.5 MiB”."""
        value, _, unit = size(count).partition(" ")
        return f"{self.number(float(value))} {unit}"

    def page_names(self) -> dict[str, Any]:
        """Return the names for pages: `language`, and its functions `_` (for `gettext`), `pgettext`, `ngettext`."""
        functions = {"_": self.gettext, "pgettext": self.pgettext, "ngettext": self.ngettext}
        return {"language": self, **functions}


class ConsoleCatalogs:
    """The console's languages: English, and those with a nearly complete catalogue, which is read at its first use."""

    def __init__(self, folder: Path) -> None:
        self._files = i18n.catalog_files(folder, "console")
        self._read: dict[str, gettext.NullTranslations | None] = {ENGLISH: gettext.NullTranslations()}

    @property
    def names(self) -> dict[str, str]:
        """Return each available language's name for itself, by its tag."""
        return {tag: i18n.own_name(tag) for tag in sorted({ENGLISH, *self._files}) if self._translations(tag)}

    def language(self, preferred: Sequence[str]) -> ConsoleLanguage:
        """Return the available language that fits a reader best, else English; `preferred` has the best first."""
        tags = {ENGLISH, *self._files}
        while True:
            tag, catalog = i18n.choose(preferred, tags)
            if translations := self._translations(catalog):
                return ConsoleLanguage(tag, translations)
            tags.remove(catalog)

    def _translations(self, tag: str) -> gettext.NullTranslations | None:
        if tag not in self._read:  # two threads may both read it, with the same result
            catalog = i18n.read_catalog(self._files[tag], tag)
            missing = list_untranslated(catalog)
            for message in missing:
                message.string = ""  # also if it has some forms: gettext needs all or none
            is_complete = len(missing) <= _LACKING * len(catalog)
            self._read[tag] = i18n.compile_catalog(catalog) if is_complete else None
        return self._read[tag]


def list_untranslated(catalog: Catalog) -> list[Message]:
    """List the messages of a catalogue that lack a translation, or one of its forms, or are fuzzy."""
    return [message for message in catalog if message.id and (message.fuzzy or not _is_complete(message.string))]


def _is_complete(string: Any) -> bool:
    return bool(string) if isinstance(string, str) else all(string)


def format_count(language: ConsoleLanguage, number: int) -> str:
    """Return a number as text; above `MAX_COUNTED`, where counting stops, with a plus sign."""
    return f"{language.number(MAX_COUNTED)}+" if number > MAX_COUNTED else language.number(number)
