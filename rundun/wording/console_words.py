"""The console's words. In English they stand where they are used, in pages and modules, for gettext to translate:
`_("Signed in as {name}", name=name)`, and `ngettext("{n} key", "{n} keys", n)` where a number chooses the form.

`rundun/locales/console.pot` lists them all, `<language>/LC_MESSAGES/console.po` has them in other languages; `make
catalogs` writes both. What a catalogue lacks is said in English.
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

ENGLISH_LOCALE = "en_GB"  # for days and times, whichever English it is: never the month first
_FSI, _PDI = "\u2068", "\u2069"  # Unicode's first strong isolate, and its end
_LACKING = 0.05  # of all messages: English is better to read than a page of both


def N_(message: str) -> str:
    """Return a message as it is, which is translated when it is said: `make catalogs` finds it by this."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:
    """Return both forms of a message as they are, as `N_` does."""
    return singular, plural


def isolated(text: str) -> str:
    """Return a text so that one in another direction leaves the sentence around it alone."""
    return f"{_FSI}{text}{_PDI}"


@dataclass(frozen=True, slots=True)
class ConsoleLanguage:
    """The console in one language, for one reader; `tag` is what the reader asked for, such as es-MX."""

    tag: str
    translations: gettext.NullTranslations = field(default_factory=gettext.NullTranslations)

    @property
    def direction(self) -> str:
        """Return `ltr` or `rtl`, for the attribute `dir`."""
        return i18n.direction(self.tag)

    @property
    def arrow(self) -> str:
        """Return what stands between before and after, the way that the language is read."""
        return "←" if self.direction == "rtl" else "→"

    @property
    def locale(self) -> str:
        """Return the name of Babel's locale for days and times."""
        return ENGLISH_LOCALE if self.is_english else self.tag.replace("-", "_")

    @property
    def is_english(self) -> bool:
        """Tell whether it is English, in which there are more words."""
        return self.tag.split("-")[0] == ENGLISH

    def knows(self, message: str) -> bool:
        """Tell whether it has words of its own for a message."""
        return self.translations.gettext(message) != message

    def gettext(self, message: str, /, **values: str | int) -> str:
        """Translate a message and fill in its {name}s, numbers as the language writes them."""
        return self._filled(self.translations.gettext(message), values)

    def pgettext(self, context: str, message: str, /, **values: str | int) -> str:
        """Translate a message that means something else in another context."""
        return self._filled(self.translations.pgettext(context, message), values)

    def ngettext(self, singular: str, plural: str, n: int, /, **values: str | int) -> str:
        """Translate a message in the form for the number `n`, which is its {n}."""
        return self._filled(self.translations.ngettext(singular, plural, n), {"n": n, **values})

    def _filled(self, message: str, values: Mapping[str, str | int]) -> str:
        """Fill in the {name}s; where a language is read from the right, names and times that are not are kept whole."""
        if self.direction == "rtl":
            values = {name: isolated(value) if isinstance(value, str) else value for name, value in values.items()}
        return i18n.filled(message, self.tag, values)

    def number(self, value: float) -> str:
        """Write a number as the language does, with all its digits."""
        return i18n.number(value, self.tag)

    def size(self, count: int) -> str:
        """Write a number of bytes as people say it."""
        value, _, unit = size(count).partition(" ")
        return f"{self.number(float(value))} {unit}"

    def for_pages(self) -> dict[str, Any]:
        """Return what pages know of a language, by the names they have for it."""
        functions = {"_": self.gettext, "pgettext": self.pgettext, "ngettext": self.ngettext}
        return {"language": self, **functions}


class ConsoleCatalogs:
    """The console's languages: English, and those with a catalogue that is next to whole, read when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._files = i18n.files(folder, "console")
        self._read: dict[str, gettext.NullTranslations | None] = {ENGLISH: gettext.NullTranslations()}

    @property
    def names(self) -> dict[str, str]:
        """Return what each language calls itself, by its tag."""
        return {tag: i18n.own_name(tag) for tag in sorted({ENGLISH, *self._files}) if self._translations(tag)}

    def language(self, preferred: Sequence[str]) -> ConsoleLanguage:
        """Choose a reader's language, the most preferred first."""
        tags = {ENGLISH, *self._files}
        while True:
            tag, catalog = i18n.choose(preferred, tags)
            if translations := self._translations(catalog):
                return ConsoleLanguage(tag, translations)
            tags.remove(catalog)

    def _translations(self, tag: str) -> gettext.NullTranslations | None:
        if tag not in self._read:  # two threads at once read it twice, to the same end
            catalog = i18n.read_catalog(self._files[tag], tag)
            missing = lacking(catalog)
            for message in missing:
                message.string = ""  # not even some of its forms: gettext takes both of the English
            is_whole = len(missing) <= _LACKING * len(catalog)
            self._read[tag] = i18n.translations(catalog) if is_whole else None
        return self._read[tag]


def lacking(catalog: Catalog) -> list[Message]:
    """List the messages that a catalogue does not translate, or not in all forms."""
    return [message for message in catalog if message.id and (message.fuzzy or not _is_whole(message.string))]


def _is_whole(string: Any) -> bool:
    return bool(string) if isinstance(string, str) else all(string)


def format_count(language: ConsoleLanguage, number: int) -> str:
    """Format a number that is counted to `MAX_COUNTED` only."""
    return f"{language.number(MAX_COUNTED)}+" if number > MAX_COUNTED else language.number(number)
