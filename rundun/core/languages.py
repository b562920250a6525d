"""Languages: the choice of a reader's language, and the translation of templates.

Tags are BCP 47, compared without regard to case. A tag matches itself and each shorter tag that is left when
subtags are cut off its end (RFC 4647 section 3.4): es-MX matches es-MX, else es.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

MAX_TAGS = 50  # of a header; no real reader has more
TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}", re.ASCII)
_RANGE = re.compile(r"\s*([A-Za-z0-9-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.ASCII)
Untranslated = Literal[True] | Sequence[str]  # ids of parts with a text in its author's language; True: all parts
_OF_TEMPLATE = ("name", "description")
_OF_SECTION = ("title", "description")
_OF_STEP = ("label", "hint")
_OF_FIELD = ("label",)
_OF_FLAG = ("tell",)
_OF_CONFIG = {  # by the type of the step; a translation may have others, which a step of before had
    "boolean": ("true_label", "false_label"),
    "text": ("placeholder",),
    "number": ("unit",),
    "rating": ("min_label", "max_label"),
    "instruction": ("body",),
}
_TEXTS = {*_OF_TEMPLATE, *_OF_SECTION, *_OF_STEP, *_OF_FLAG, *chain(*_OF_CONFIG.values())}
_TEXTS -= {"unit"}  # the same in every language


def is_tag(text: str) -> bool:
    """Tell whether a text has the form of a language tag (BCP 47): 2 to 8 letters, then at most six subtags."""
    return TAG.fullmatch(text) is not None


def accepted_tags(header: str) -> list[str]:
    """List the valid tags among the first `MAX_TAGS` entries of an Accept-Language header (RFC 9110 section 12.5.4),
    most preferred first, without `*` and tags of weight 0.
    """
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:MAX_TAGS]:
        match = _RANGE.fullmatch(part)
        if match and is_tag(match[1]) and float(match[2] or 1) > 0:
            weighted.append((float(match[2] or 1), match[1]))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def fallbacks(tag: str, available: Iterable[str]) -> list[str]:
    """List the available languages that are `tag` or its beginning, the longest first; else only the first with the
    main language of `tag` (pt-BR for pt), if there is one.
    """
    known = list(available)
    lowered = {language.lower(): language for language in reversed(known)}
    parts = tag.lower().split("-")
    cuts = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
    matches = [lowered[cut] for cut in cuts if cut in lowered]
    return matches or [language for language in known if language.lower().split("-")[0] == parts[0]][:1]


def choose(preferred: Sequence[str], available: Sequence[str]) -> tuple[str, str] | None:
    """Return (tag, language): the first `preferred` tag with an available language, and that language; None if none."""
    for tag in preferred:
        if matches := fallbacks(tag, available):
            return tag, matches[0]
    return None


def translate(template: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """Return a template's JSON in the language `tag`: each text in the closest language of its `translations` that has
    it (es for es-MX), else as its author wrote it. `translations` stays.
    """
    translations = template.get("translations") or {}
    texts: dict[str, dict[str, str]] = {}
    for language in reversed(fallbacks(tag, translations)):
        for target, words in translations[language].items():
            texts[target] = {**texts.get(target, {}), **words}
    if not texts:
        return dict(template)
    translated = _replace(template, texts.get("", {}), _OF_TEMPLATE)
    if template.get("steps"):
        translated["steps"] = [_translate_step(step, texts) for step in template["steps"]]
    if template.get("fields"):
        translated["fields"] = [_replace(field, texts.get(field["id"], {}), _OF_FIELD) for field in template["fields"]]
    if template.get("sections"):
        translated["sections"] = [_translate_section(section, texts) for section in template["sections"]]
    return translated


def _replace(part: Mapping[str, Any], words: Mapping[str, str], fields: Iterable[str]) -> dict[str, Any]:
    return {**part, **{field: words[field] for field in fields if field in words}}


def _translate_section(section: Mapping[str, Any], texts: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    translated = _replace(section, texts.get(section["id"], {}), _OF_SECTION)
    return {**translated, "steps": [_translate_step(step, texts) for step in section.get("steps") or ()]}


def _translate_step(step: Mapping[str, Any], texts: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    words = texts.get(step["id"], {})
    translated = _replace(step, words, _OF_STEP)
    if step.get("flag"):
        translated["flag"] = _replace(step["flag"], words, _OF_FLAG)
    config = _replace(step.get("config") or {}, words, _OF_CONFIG.get(step["type"], ()))
    for name in ("options", "slots"):
        if config.get(name):
            config[name] = [_replace(part, texts.get(part["id"], {}), ("label",)) for part in config[name]]
    return {**translated, "config": config} if config else translated


def untranslated(original: Mapping[str, Any], translated: Mapping[str, Any], tag: str) -> Untranslated:
    """Return the ids of parts ("" for the template itself) with a text that the translation left as in the `original`,
    in an unknown language. True: there is no translation to `tag` at all.
    """
    if not fallbacks(tag, original.get("translations") or ()):
        return True
    pairs = zip(_parts(original), _parts(translated), strict=True)
    return [
        part_id
        for (part_id, before), (_, after) in pairs
        if any(before.get(text) and before.get(text) == after.get(text) for text in _TEXTS)
    ]


def _parts(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield pairs of id and part for all parts of a template with texts; "" is the id of the template itself."""
    yield "", template
    yield from ((field["id"], field) for field in template.get("fields") or ())
    yield from ((section["id"], section) for section in template.get("sections") or ())
    for step in list_steps(template):
        config = step.get("config") or {}
        yield step["id"], {**config, **(step.get("flag") or {}), **step}
        yield from ((part["id"], part) for name in ("options", "slots") for part in config.get(name) or ())


def list_steps(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a template's steps, also of those in sections."""
    sections = template.get("sections") or ()
    yield from chain(template.get("steps") or (), *(section.get("steps") or () for section in sections))
