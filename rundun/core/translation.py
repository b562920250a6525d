"""Which language somebody reads, and a template in it.

Tags are BCP 47, compared without regard to case. A tag stands for itself and what is left when its end is cut off
(RFC 4647 section 3.4): es-MX means es-MX, else es.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_TAGS = 50  # a header longer than this is nobody's
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}", re.ASCII)
_RANGE = re.compile(r"\s*([A-Za-z0-9-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.ASCII)
_OF_TEMPLATE = ("name", "description")
_OF_SECTION = ("title", "description")
_OF_STEP = ("label", "hint")
_OF_CONFIG = ("body", "placeholder", "true_label", "false_label", "min_label", "max_label", "unit")


def is_tag(text: str) -> bool:
    """True for what BCP 47 could mean by a tag."""
    return _TAG.fullmatch(text) is not None


def accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, the dearest first (RFC 9110 section 12.5.4); nonsense is passed over."""
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:MAX_TAGS]:
        match = _RANGE.fullmatch(part)
        if match and is_tag(match[1]) and float(match[2] or 1) > 0:
            found.append((float(match[2] or 1), match[1]))
    return [tag for _, tag in sorted(found, key=lambda one: -one[0])]


def fallbacks(tag: str, available: Iterable[str]) -> list[str]:
    """Those of `available` that speak `tag`, the closest first; where none does, a sister such as pt-BR for pt."""
    known = list(available)
    lowered = {one.lower(): one for one in reversed(known)}
    parts = tag.lower().split("-")
    cuts = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
    found = [lowered[cut] for cut in cuts if cut in lowered]
    return found or [one for one in known if one.lower().split("-")[0] == parts[0]][:1]


def choose(wanted: Sequence[str], available: Sequence[str]) -> tuple[str, str] | None:
    """(the first of `wanted` that some of `available` speaks, the one that speaks it), or None."""
    for tag in wanted:
        if speaks := fallbacks(tag, available):
            return tag, speaks[0]
    return None


def translate(template: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """A template's JSON with its texts in `tag`; a text that is not translated stays as it was written."""
    translations = template.get("translations") or {}
    texts: dict[str, dict[str, str]] = {}
    for one in reversed(fallbacks(tag, translations)):
        for target, words in translations[one].items():
            texts[target] = {**texts.get(target, {}), **words}
    if not texts:
        return dict(template)
    said = _said(template, texts.get("", {}), _OF_TEMPLATE)
    if template.get("steps"):
        said["steps"] = [_step(step, texts) for step in template["steps"]]
    if template.get("sections"):
        said["sections"] = [_section(section, texts) for section in template["sections"]]
    return said


def _said(thing: Mapping[str, Any], words: Mapping[str, str], fields: Iterable[str]) -> dict[str, Any]:
    return {**thing, **{field: words[field] for field in fields if field in words}}


def _section(section: Mapping[str, Any], texts: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    said = _said(section, texts.get(section["id"], {}), _OF_SECTION)
    return {**said, "steps": [_step(step, texts) for step in section.get("steps") or ()]}


def _step(step: Mapping[str, Any], texts: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    words = texts.get(step["id"], {})
    said = _said(step, words, _OF_STEP)
    config = _said(step.get("config") or {}, words, _OF_CONFIG)
    if "options" in config:
        config["options"] = [_said(one, texts.get(one["id"], {}), ("label",)) for one in config["options"]]
    return {**said, "config": config} if config else said
