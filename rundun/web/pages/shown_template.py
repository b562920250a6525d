"""Templates as the executor's page shows them in one language, cached, as all runs of a version share them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from rundun.core import languages
from rundun.core.languages import Untranslated

MAX_BYTES = 8 * 1024 * 1024  # of all cached templates together, in UTF-8
OVERHEAD = 2000  # bytes of a cached template beside its JSON
Version = tuple[str, int, bool]  # template id, version, and whether it is shown before Start
_IN_HEAD = ("name", "description", "settings", "execution")


@dataclass(frozen=True, slots=True)
class ShownTemplate:
    """A template in one language. `json` is all of it, `head` the parts that the page shows without a script. `unknown`
    are the ids of parts left in an unknown language.
    """

    head: Mapping[str, Any]
    unknown: Untranslated
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
    unknown = languages.untranslated(template, shown, tag)
    shown.pop("translations", None)
    return ShownTemplate({name: shown[name] for name in _IN_HEAD if name in shown}, unknown, script_json(shown))


def script_json(value: Any) -> Markup:
    """Return `value` as JSON for a script element, in UTF-8: an escaped Arabic letter takes three times the bytes."""
    return htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))
