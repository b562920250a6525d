"""Texts that would be markup, were they not escaped."""

import html

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><b>x",
    "</script><b>x",
    "{{ 7*7 }}${7*7}",
    "=1+1|cmd",
    "\u202egnp.exe",
    "a&lt;b&amp;",
]


def has_no_markup_of(page: str, nasty: str) -> None:
    """What was typed stands there as text, and nowhere as it is."""
    if any(mark in nasty for mark in "<>\"'"):
        assert nasty not in page, nasty


NASTY_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea></select><svg/onload=alert(1)>",
    "&lt;b&gt; &amp;amp; \N{HEBREW LETTER ALEF}",
)


def is_text_only(page: str, nasty: str) -> bool:
    """What somebody typed stands there, and only as text."""
    return html.escape(nasty).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page and not any(
        mark in page for mark in ("<script>alert", "<img src=x", "<svg/onload", "' onmouseover='")
    )
