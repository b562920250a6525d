"""Outdated translations: those of a text that its author has changed since they were made or confirmed."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from rundun.core import text
from rundun.core.templates.rules import raw_steps
from rundun.core.templates.translation_rules import MAX_LENGTHS, has_text_id, read_array

Outdated = dict[str, dict[str, dict[str, str]]]
"""The outdated translations of a template, by language tag, id of the part ("" for the template itself) and member:
the digest of the author's text for which each was last confirmed. All others were confirmed for the author's text as it
is. A text that is missing is "".
"""
Place = tuple[str, str, str]  # of a translation: language tag, id of the part, member
_DIGEST = re.compile("[0-9a-f]{16}")


def digest(author_text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a text as it is stored."""
    try:
        author_text = text.clean(author_text)
    except ValueError:
        pass  # a draft may have more combining marks than can be published; its text is digested as typed
    return hashlib.sha256(author_text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def after_change(outdated: Outdated, before: Any, after: Any) -> Outdated:
    """Return the outdated translations of the template `after`, into which `before` was changed, both as JSON, valid or
    not. Translations that `before` did not have in these words count as confirmed.
    """
    known, old_texts, new_texts = dict(_translations(before)), author_texts(before), author_texts(after)
    digest_once, confirmed = cache(digest), dict[Place, str]()
    for place, words in _translations(after):
        if known.get(place) != words:
            continue
        old = old_texts.get(place[1:], "")
        if (listed := _get(outdated, place)) is not None:
            confirmed[place] = listed
        elif old != new_texts.get(place[1:], ""):
            confirmed[place] = digest_once(old)
    return _outdated(confirmed, new_texts, digest_once)


def read_sent(sent: Any, template: Any) -> Outdated:
    """Return the outdated translations of a template, as JSON, valid or not, that an editor has `sent`: in place of
    each digest an object with the author's text for which the translation was confirmed as `text`, or with its
    `digest`. Whatever else it sends is left out.
    """
    digest_once, confirmed = cache(digest), dict[Place, str]()
    for place, _ in _translations(template):
        known = _get(sent, place)
        author_text, listed = (known.get("text"), known.get("digest")) if isinstance(known, dict) else (None, None)
        if isinstance(author_text, str):
            confirmed[place] = digest_once(author_text)
        elif isinstance(listed, str) and _DIGEST.fullmatch(listed):
            confirmed[place] = listed
    return _outdated(confirmed, author_texts(template), digest_once)


def count(outdated: Outdated) -> dict[str, int]:
    """Count the outdated translations by language tag."""
    return {tag: sum(map(len, parts.values())) for tag, parts in outdated.items()}


def _outdated(
    confirmed: Mapping[Place, str], texts: Mapping[tuple[str, str], str], digest_once: Callable[[str], str]
) -> Outdated:
    """Return the translations that are `confirmed` for digests of other texts than the author's `texts`."""
    found = Outdated()
    for (tag, part_id, member), known in confirmed.items():
        if digest_once(texts.get((part_id, member), "")) != known:
            found.setdefault(tag, {}).setdefault(part_id, {})[member] = known
    return found


def _get(tree: Any, place: Place) -> Any:
    for name in place:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _translations(template: Any) -> Iterator[tuple[Place, str]]:
    for tag, parts in _members(template, "translations"):
        for part_id in parts if isinstance(parts, dict) else ():
            for member, words in _members(parts, part_id):
                if isinstance(words, str):
                    yield (tag, part_id, member), words


def _members(holder: Any, name: str) -> list[tuple[str, Any]]:
    members = holder.get(name) if isinstance(holder, dict) else None
    return [*members.items()] if isinstance(members, dict) else []


def author_texts(template: Any) -> dict[tuple[str, str], str]:
    """Return the author's texts that may be translated, by id of the part and member."""
    parts = [("", "", template)]
    parts += [("f", each["id"], each) for each in read_array(template, "fields") if has_text_id(each)]
    parts += [("g", each["id"], each) for each in read_array(template, "sections") if has_text_id(each)]
    for _, step in raw_steps(template):
        if not has_text_id(step):
            continue
        config = step.get("config")
        parts += [("s", step["id"], holder) for holder in (step, config, step.get("flag"))]
        parts += [("o", each["id"], each) for each in read_array(config, "options") if has_text_id(each)]
        parts += [("p", each["id"], each) for each in read_array(config, "slots") if has_text_id(each)]
    return {
        (part_id, member): holder[member]
        for kind, part_id, holder in parts
        for member in MAX_LENGTHS[kind]
        if isinstance(holder, dict) and isinstance(holder.get(member), str)
    }
