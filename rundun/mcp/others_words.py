"""Untrusted texts for assistants: shortened, without invisible characters and without ids of runs."""

import re
from collections.abc import Callable
from typing import Any

from rundun.logs import redact

MAX_TEXT = 1_000  # characters of a text
MAX_SHORT = 300  # characters of a text where there may be many
REPLACED = "\N{REPLACEMENT CHARACTER}"
# Characters that a model reads and a person doesn't see: controls, marks of direction, all other format characters but
# the few visible ones (such as Arabic number signs), fillers, tags, and variation selectors beyond the sixteen.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# Persian is misspelt without one of the joiners, and emoji fall apart without the other and their selectors. A single
# one is legitimate, and so is a selector followed by a joiner; more in a row only hide data.
_JOINERS = "\u200c\u200d\ufe00-\ufe0f"
_HIDDEN = re.compile(f"[{_UNSEEN}]|(?!\ufe0f\u200d(?![{_JOINERS}]))[{_JOINERS}]{{2,}}")

# A UUID, complete or without its end, or its 32 digits alone; with any kind of dash.
_DASH = "[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_DIGIT = "[0-9a-f]"
_UUID = re.compile(
    f"({_DIGIT}{{8}}){_DASH}(?:{_DIGIT}{{4}}{_DASH}){{3}}{_DIGIT}{{6,}}"
    f"|(?<![0-9a-z])({_DIGIT}{{8}}){_DIGIT}{{24}}(?![0-9a-z])",
    re.IGNORECASE,
)
_RUN = re.compile(f"(?<![0-9a-z])r{_DASH}{_UUID.pattern}", re.IGNORECASE)


def cut(text: str, maximum: int = MAX_TEXT) -> str:
    """Return the first `maximum` characters of a text, followed by the number of characters cut off, if any."""
    rest = len(text) - maximum
    return text if rest <= 0 else f"{text[:maximum]}… ({rest} more characters)"


def sanitize(value: Any, maximum: int = MAX_TEXT) -> Any:
    """Return a JSON value with all texts, names of members as well, cut to `maximum` characters, invisible characters
    replaced, keys and media paths removed as in logs, and UUIDs cut to 8 digits: the id of an open run is its link, and
    any UUID may be such an id.
    """
    if isinstance(value, str):
        return cut(redact(_HIDDEN.sub(REPLACED, _UUID.sub(_shortened, value))), maximum)
    return _each(value, lambda one: sanitize(one, maximum))


def without_run_ids(document: Any) -> Any:
    """Return a template, as JSON, with the ids of runs cut; otherwise unchanged, as revising it needs exact texts."""
    return _RUN.sub(_shortened, document) if isinstance(document, str) else _each(document, without_run_ids)


def has_hidden_characters(document: Any) -> bool:
    """Tell whether a JSON value has texts, apart from names of members, with invisible characters."""
    if isinstance(document, dict):
        return any(has_hidden_characters(one) for one in document.values())
    if isinstance(document, list):
        return any(has_hidden_characters(one) for one in document)
    return isinstance(document, str) and _HIDDEN.search(document) is not None


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {change(str(name)): change(one) for name, one in value.items()}
    return [change(one) for one in value] if isinstance(value, list) else value


def _shortened(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    return f"r-{digits}" if found[0][0] in "rR" else str(digits)
