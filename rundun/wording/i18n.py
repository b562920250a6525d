"""Languages and their catalogs, for the pages of executors; for those of operators see console_words.py.

page_words.py has the English words, `rundun/locales/<language>/LC_MESSAGES/rundun.po` those of other languages; each
file is read once, at its first use.
"""

import gettext
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from rundun.core import languages

Entry = str | Mapping[str, str]  # one text, or one by each plural category of CLDR
English = Mapping[str, str | tuple[str, str]]  # by name: one text, or the singular and the plural
ENGLISH = "en"
_NAME = re.compile(r'"(\w+)"')
_NAME_START = re.compile(r"`(\w+)\$\{")
COUNTED = range(201)  # has a number of each plural category, but for those of millions


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language, for one reader.

    `tag` is the requested language, such as es-MX, `catalog` the tag of the catalogue with its words, `texts` the
    language of the template's own texts, and `names` each available language's name for itself.
    """

    tag: str
    catalog: str
    texts: str
    entries: Mapping[str, Entry]
    names: Mapping[str, str]

    @property
    def direction(self) -> str:
        """Return the direction of the language, `ltr` or `rtl`, for the attribute `dir`."""
        return direction(self.tag)

    def knows(self, word: str) -> bool:
        """Tell whether there are words under the name `word`, which may be English if not translated."""
        return word in self.entries

    def say(self, word: str, **values: str | int) -> str:
        """Return the words under the name `word`, else the English ones, {name}s filled in; `n` chooses the plural."""
        entry = self.entries[word]
        if not isinstance(entry, str):
            entry = entry.get(_locale(self.tag).plural_form(int(values["n"])), entry["other"])
        return fill_in(entry, self.tag, values)

    def time(self, wire: str) -> str:
        """Return a time in UTC (RFC 3339) as text ending in “UTC”; only the page's script knows the reader's zone."""
        at, locale = datetime.fromisoformat(wire), _locale(self.tag)
        day, hour = dates.format_date(at, "medium", locale), dates.format_time(at, "short", locale=locale)
        return f"{day} {hour} UTC"

    def for_scripts(self, words: Iterable[str], unknown: bool | Sequence[str] = True) -> dict[str, object]:
        """Return the data for `static/executor/dom.js`: the entries of `words`, and under "" data about the language.
        `unknown` are the ids of template parts whose texts are in an unknown language, True for all parts.
        """
        about = {"languages": list(self.names.items()), "texts": self.texts, "unknown": unknown}
        return {"": about, **{word: self.entries[word] for word in sorted(words)}}

    def language_of(self, part_id: str, unknown: bool | Sequence[str]) -> str | None:
        """Return the attribute `lang` for texts of a template part: None for the page's language, "" for an unknown
        one, else the tag of the template's texts.
        """
        if unknown is True or (unknown and part_id in unknown):
            return ""
        return None if _locale(self.texts).language == _locale(self.tag).language else self.texts


class Entries(Mapping[str, Mapping[str, Entry]]):
    """The entries of each language by its tag, English first, read at their first use."""

    def __init__(self, folder: Path, english: English) -> None:
        self._files, self._english = catalog_files(folder, "rundun"), english
        self._read: dict[str, Mapping[str, Entry]] = {}

    def __getitem__(self, tag: str) -> Mapping[str, Entry]:
        entries = self._read.get(tag)
        if entries is None:  # two threads at once may read it twice, with the same result
            spoken = gettext.NullTranslations()
            if tag != ENGLISH:
                spoken = compile_catalog(read_catalog(self._files[tag], tag))
            entries = self._read[tag] = _entries(tag, self._english, spoken)
        return entries

    def __iter__(self) -> Iterator[str]:
        return iter((ENGLISH, *self._files))

    def __len__(self) -> int:
        return 1 + len(self._files)


class Catalogs:
    """The catalogs of all languages."""

    def __init__(self, folder: Path, english: English) -> None:
        self.entries = Entries(folder, english)

    @cached_property
    def names(self) -> dict[str, str]:
        """Return each language's name for itself, by its tag."""
        return {tag: own_name(tag) for tag in sorted(self.entries)}

    def language(self, preferred: Sequence[str], translated: Sequence[str] = ()) -> Language:
        """Return the reader's language, English if none fits. `preferred` are tags, the best first, `translated` those
        of the template.
        """
        tag, catalog = choose(preferred, self.entries)
        texts = languages.choose(preferred, [*translated, *self.entries])
        return Language(tag, catalog, texts[0] if texts else tag, self.entries[catalog], self.names)

    def words_in(self, scripts: Iterable[str]) -> frozenset[str]:
        """Return the names of the words that occur in the texts of `scripts`, in full ("finish") or by their start
        (`photo_${state}`).
        """
        text = "\n".join(scripts)
        names, starts = set(_NAME.findall(text)), tuple(_NAME_START.findall(text))
        return frozenset(word for word in self.entries[ENGLISH] if word in names or word.startswith(starts))


def catalog_files(folder: Path, domain: str) -> dict[str, Path]:
    """Return the catalogue files of a domain, `rundun` or `console`, by their languages' tags; English has none."""
    found = sorted(folder.glob(f"*/LC_MESSAGES/{domain}.po"))
    return {path.parent.parent.name.replace("_", "-"): path for path in found}


def choose(preferred: Sequence[str], catalogs: Iterable[str]) -> tuple[str, str]:
    """Return the tag of the reader's language, such as es-MX, and that of its catalogue, both English if none fits;
    `preferred` has the best first.
    """
    requested, catalog = languages.choose(preferred, list(catalogs)) or (ENGLISH, ENGLISH)
    # A reader who prefers Arabic, then that of Egypt, gets Egypt's digits.
    variety = f"{requested.lower()}-"
    requested = next(
        (tag for tag in preferred if tag.lower().startswith(variety) and _is_known(tag, catalog)), requested
    )
    return str(_locale(requested)).replace("_", "-") if _is_known(requested, catalog) else catalog, catalog


def fill_in(text: str, tag: str, values: Mapping[str, str | int]) -> str:
    """Return a text with its {name}s replaced, numbers in the form of the language `tag`."""
    return re.sub(r"\{(\w+)\}", lambda match: _formatted(values[match[1]], tag), text)


def _formatted(value: str | int, tag: str) -> str:
    return value if isinstance(value, str) else format_number(value, tag)


def format_number(value: float, tag: str) -> str:
    """Return a number with all its digits in the form of the language `tag`."""
    return numbers.format_decimal(value, locale=_locale(tag), decimal_quantization=False, numbering_system="default")


def direction(tag: str) -> str:
    """Return the direction of the language `tag`, `ltr` or `rtl`."""
    return _locale(tag).text_direction


def read_catalog(path: Path, tag: str) -> Catalog:
    """Return a catalogue read from its file, with the plural forms of its header."""
    with path.open("rb") as file:
        return read_po(file, locale=tag.replace("-", "_"), abort_invalid=True)


def compile_catalog(catalog: Catalog) -> gettext.GNUTranslations:
    """Return the translations of a catalogue, compiled for gettext."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _entries(tag: str, english: English, spoken: gettext.NullTranslations) -> dict[str, Entry]:
    locale = _locale(tag)
    samples = {locale.plural_form(n): n for n in reversed(COUNTED)}
    samples.setdefault("other", COUNTED[-1])
    entries: dict[str, Entry] = {}
    for word, text in english.items():
        if isinstance(text, str):
            entries[word] = spoken.gettext(text)
        else:
            entries[word] = {form: spoken.ngettext(*text, n) for form, n in samples.items()}
    return entries


@lru_cache(256)  # clients may send any tag
def _locale(tag: str) -> Locale:
    """Return Babel's locale of a tag; that of its language alone where Babel lacks its region or script."""
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(tag.split("-")[0])


def _is_known(requested: str, catalog: str) -> bool:
    """Tell whether `requested` is the catalogue's tag or a longer one, such as es-MX, that Babel and browsers know."""
    tag = requested.lower()
    return tag.startswith(catalog.lower()) and str(_locale(requested)).lower() == tag.replace("-", "_")


def own_name(tag: str) -> str:
    """Return a language's name for itself, with a capital letter."""
    name = _locale(tag).display_name or tag
    return name[:1].upper() + name[1:]
