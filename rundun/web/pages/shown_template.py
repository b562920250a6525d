"""Templates as the executor's page shows them in one language, cached, as all runs of a version share them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from rundun.core import languages

MAX_BYTES = 8 * 1024 * 1024  # of all cached templates together, in UTF-8
OVERHEAD = 2000  # bytes of a cached template beside its JSON
Version = tuple[str, int, bool]  # template id, version, and whether it is shown before Start
Unknown = Literal[True] | Sequence[str]  # ids of parts with a text in its author's language; True: all parts
# Without "unit", which is the same in every language.
_TEXTS = (
    *("name", "title", "description", "label", "hint", "body", "placeholder", "true_label", "false_label"),
    *("min_label", "max_label", "tell"),
)
_IN_HEAD = ("name", "description", "settings", "execution")


@dataclass(frozen=True, slots=True)
class ShownTemplate:
    """A template in one language. `json` is all of it, `head` the parts that the page shows without a script. `unknown`
    are the ids of parts left in an unknown language.
    """

    head: Mapping[str, Any]
    step_types: frozenset[str]
    takes_photos: bool
    unknown: Unknown
    json: Markup

    def embed_in(self, state: Mapping[str, Any]) -> Markup:
        """Return `state` as JSON for a script element, with the whole template as its member `template`."""
        rest = script_json({name: value for name, value in state.items() if name != "template"})
        return Markup('{"template":') + self.json + Markup(",") + rest[1:]


class ShownTemplates:
    """A cache of shown templates; the least recently used are dropped first. Only `TurnTaking`'s thread uses it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Version, tuple[str, ...]], tuple[ShownTemplate, int]] = OrderedDict()
        self._bytes = 0

    def get(self, version: Version, template: Mapping[str, Any], tag: str) -> ShownTemplate:
        """Return a version's `ShownTemplate` in the language `tag`, from the cache or made of its JSON `template`."""
        # The key has the translations used, not the tag: the number of tags is unlimited.
        key = version, tuple(languages.fallbacks(tag, template.get("translations") or ()))
        if key not in self._kept:
            shown = shown_template(template, tag)
            self._kept[key] = shown, OVERHEAD + len(shown.json.encode())
            self._bytes += self._kept[key][1]
        self._kept.move_to_end(key)
        found = self._kept[key][0]
        while self._bytes > MAX_BYTES:
            self._bytes -= self._kept.popitem(last=False)[1][1]
        return found


def shown_template(template: Mapping[str, Any], tag: str) -> ShownTemplate:
    """Return the `ShownTemplate` of a template's JSON in the language `tag`. All other languages are left out, as they
    would be most of the page's weight.
    """
    shown = languages.translate(template, tag)
    unknown = untranslated(template, shown, tag)
    shown.pop("translations", None)
    steps = [*_steps(shown)]
    return ShownTemplate(
        {name: shown[name] for name in _IN_HEAD if name in shown},
        frozenset(step["type"] for step in steps),
        any(step.get("photo") for step in steps),
        unknown,
        script_json(shown),
    )


def script_json(value: Any) -> Markup:
    """Return `value` as JSON for a script element, in UTF-8: an escaped Arabic letter takes three times the bytes."""
    return htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))


def untranslated(original: Mapping[str, Any], translated: Mapping[str, Any], tag: str) -> Unknown:
    """Return the ids of parts ("" for the template itself) with a text that the translation left as in the `original`,
    in an unknown language. True: there is no translation to `tag` at all.
    """
    if not languages.fallbacks(tag, original.get("translations") or ()):
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
    for step in _steps(template):
        config = step.get("config") or {}
        yield step["id"], {**config, **(step.get("flag") or {}), **step}
        yield from ((part["id"], part) for name in ("options", "slots") for part in config.get(name) or ())


def _steps(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    sections = template.get("sections") or ()
    yield from chain(template.get("steps") or (), *(section.get("steps") or () for section in sections))
