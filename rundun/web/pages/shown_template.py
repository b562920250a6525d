"""A template as the executor's page shows it in one language: the same for all runs of a version, so made once."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from rundun.core import languages

MAX_BYTES = 8 * 1024 * 1024  # of what is kept of all templates together, in UTF-8
OVERHEAD = 2000  # bytes of one, beside its JSON
Version = tuple[str, int, bool]  # template id, version, and whether it is shown before Start
Unknown = Literal[True] | Sequence[str]  # ids of parts with a text that stayed in its author's language; True: all
# Without "unit": kWh is kWh.
_TEXTS = (
    *("name", "title", "description", "label", "hint", "body", "placeholder", "true_label", "false_label"),
    *("min_label", "max_label", "tell"),
)
_IN_HEAD = ("name", "description", "settings", "execution")


@dataclass(frozen=True, slots=True)
class ShownTemplate:
    """A template in one language: the whole as `json`, and the parts that the page shows without a script as `head`."""

    head: Mapping[str, Any]
    step_types: frozenset[str]
    takes_photos: bool
    unknown: Unknown
    json: Markup

    def put_into(self, state: Mapping[str, Any]) -> Markup:
        """Return `state` as JSON for a script element, with the whole template as its member `template`."""
        rest = in_page({name: value for name, value in state.items() if name != "template"})
        return Markup('{"template":') + self.json + Markup(",") + rest[1:]


class ShownTemplates:
    """The templates shown last, for the thread of the turns alone; the least recently shown are dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Version, tuple[str, ...]], tuple[ShownTemplate, int]] = OrderedDict()
        self._bytes = 0

    def get(self, version: Version, template: Mapping[str, Any], tag: str) -> ShownTemplate:
        """Return a version's template in the language `tag`, made of its JSON, `template`, where it is not kept."""
        # By the translations that it takes: tags can be made up.
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
    """Return a template's JSON as it is shown in the language `tag`. Its other languages are left out: they would be
    most of the page's weight.
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
        in_page(shown),
    )


def in_page(value: Any) -> Markup:
    """Return JSON for a script element, in UTF-8: an Arabic letter as an escape is three times as long."""
    return htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))


def untranslated(original: Mapping[str, Any], translated: Mapping[str, Any], tag: str) -> Unknown:
    """Return ids of parts with a text that stayed as in the `original`, and so in a language that nobody knows; True
    when nothing is translated to `tag` at all.
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
    """Yield the parts of a template that have texts, with their ids: "" is the template itself."""
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
