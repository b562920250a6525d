"""`make catalogs`: what the console and the executor's pages say, collected into a .pot and the .po of each language.

Tells what each language lacks. A language that is named is begun if there is none, and all that it lacks is listed.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from rundun import paths
from rundun.wording import i18n
from rundun.wording.console_words import list_untranslated
from rundun.wording.page_words import WORDS

ROOT = Path(__file__).parent.parent
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "NN_": (1, 2), "pgettext": ((1, "c"), 2)}
HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
ABOUT = {
    "console": "# What the console says, by `make catalogs` from its pages and modules: nothing is changed here.",
    "rundun": "# What the executor's pages say, by `make catalogs` from page_words.py: nothing is changed here.",
}


def collected(domain: str) -> Catalog:
    """All messages of the console, or of the executor's pages (`rundun`)."""
    if domain == "console":
        return extracted()
    catalog = Catalog(fuzzy=False)
    for name, message in WORDS.items():
        catalog.add(message, auto_comments=[name])
    return catalog


def pot_of(domain: str) -> Path:
    """The file with the English of a domain."""
    return paths.locales() / f"{domain}.pot"


def extracted() -> Catalog:
    """All messages of the console, in the order of the files they are in."""
    catalog = Catalog(fuzzy=False)
    for path, method in _sources():
        with path.open("rb") as file:
            for _, message, _, context in extract(method, file, KEYWORDS, options={"silent": "false"}):
                catalog.add(message, locations=[(path.relative_to(ROOT).as_posix(), None)], context=context)
    return catalog


def _sources() -> Iterator[tuple[Path, object]]:
    pages = [path for name in ("console", "report") for path in sorted((paths.templates() / name).rglob("*.html"))]
    yield from ((path, babel_extract) for path in pages)
    for folder in ("web/console", "wording"):
        yield from ((path, "python") for path in sorted((ROOT / "rundun" / folder).rglob("*.py")))


def po_of(tag: str, domain: str = "console") -> Path:
    """The catalogue file of a language."""
    return paths.locales() / tag.replace("-", "_") / "LC_MESSAGES" / f"{domain}.po"


def updated(tag: str, template: Catalog, domain: str = "console") -> Catalog:
    """A language's catalogue with the messages of `template`, those that are translated with their translations."""
    path = next((path for path in (po_of(tag, domain), *(po_of(tag, other) for other in ABOUT)) if path.exists()), None)
    known = i18n.read_catalog(path, tag) if path else Catalog(locale=tag.replace("-", "_"))
    catalog = Catalog(locale=known.locale, fuzzy=False)
    catalog._num_plurals, catalog._plural_expr = known.num_plurals, known.plural_expr
    for message in template:
        if message.id:
            before = known.get(message.id, message.context) if path == po_of(tag, domain) else None
            string = before.string if before and before.id == message.id else ""
            catalog.add(
                message.id, string, message.locations, auto_comments=message.auto_comments, context=message.context
            )
    return catalog


def text_of(catalog: Catalog, header: str) -> str:
    """A catalogue as its file has it: without dates, and lines of code, which would change with everything."""
    file = BytesIO()
    write_po(file, catalog, width=120, omit_header=True, include_lineno=False)
    return f"{header}\n{file.getvalue().decode()}"


def header_of(catalog: Catalog) -> str:
    """The first message of a language's catalogue."""
    return f'{HEADER}"Language: {catalog.locale}\\n"\n"Plural-Forms: {catalog.plural_forms}\\n"\n'


def english_of(message: Message) -> str:
    """What a message is in English, its singular where there are two forms."""
    return message.id if isinstance(message.id, str) else message.id[0]


def main() -> None:
    """Write all catalogs, and tell what they lack."""
    for domain, about in ABOUT.items():
        template = collected(domain)
        pot_of(domain).write_text(text_of(template, f"{about}\n{HEADER}"), "utf-8")
        begun = sys.argv[1:] if domain == "console" else []
        for tag in sorted({*i18n.catalog_files(paths.locales(), domain), *begun}):
            catalog = updated(tag, template, domain)
            po_of(tag, domain).parent.mkdir(parents=True, exist_ok=True)
            po_of(tag, domain).write_text(text_of(catalog, header_of(catalog)), "utf-8")
            missing = list_untranslated(catalog)
            print(f"{tag}, {domain}: {len(missing)} of {len(template)} missing")
            if tag in sys.argv[1:]:
                print(*(f"  {english_of(message)}" for message in missing), sep="\n")


if __name__ == "__main__":
    main()
