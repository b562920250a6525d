"""The catalogue has every word the page asks for, and no word nobody asks for."""

from __future__ import annotations

import re

from jinja2 import Environment, FileSystemLoader

from rundun import places

# Keys put together from a part of the state, as in t(`photo_${state}`).
MADE = {
    "photo_": ["preparing", "waiting", "safe", "refused", "elsewhere"],
    "closed_": [
        f"{kind}_{part}"
        for kind in ("completed", "cancelled", "expired", "unknown", "other_device")
        for part in ("title", "text")
    ],
    "identity_": ["name", "email", "phone", "name_needed", "email_needed", "phone_needed"],
    "count_": ["answered", "skipped", "unable"],
}


def catalogue() -> set[str]:
    environment = Environment(loader=FileSystemLoader(places.templates()), autoescape=True)
    return set(environment.get_template("executor/words/en.jinja").module.words)  # type: ignore[attr-defined]


def test_every_word_is_there_and_every_word_is_needed() -> None:
    scripts = "\n".join(path.read_text() for path in (places.static() / "executor").glob("*.js"))
    pages = "\n".join(path.read_text() for path in (places.templates() / "executor").glob("*.html"))
    asked = set(re.findall(r"\bt\(\"(\w+)\"", scripts)) | set(re.findall(r"\bwords\.(\w+)", pages))
    asked |= set(re.findall(r"\bfact\(\"(\w+)\"", scripts + pages))
    asked |= set(re.findall(r"\"(wrong_\w+)\"", scripts))
    asked |= {prefix + rest for prefix, rests in MADE.items() for rest in rests}
    words = catalogue()
    assert asked <= words, sorted(asked - words)
    literals = set(re.findall(r"\"(\w+)\"", scripts)) | asked
    assert words <= literals, sorted(words - literals)
