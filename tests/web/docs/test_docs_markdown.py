"""The guides' Markdown: what becomes of it, and that nothing in it becomes HTML that we did not write."""

import re

from rundun.web.docs.markdown import MANY_HEADINGS, to_html

PAGES = {"webhooks.md": "/docs/webhooks", "reference.html": "/docs/reference/runs"}
PAGES["reference.html#executor"] = "/docs/reference/executor"
NASTY = '<script>alert(1)</script><img src=x onerror="a()">'


def html(text: str) -> str:
    return str(to_html(text, PAGES, lambda target, words: f"<p>{words} of {target}</p>" if "in/" in target else None))


def test_html_is_text_wherever_it_stands() -> None:
    for text in (
        NASTY,
        f"# {NASTY}",
        f"`{NASTY}`",
        f"| a | b |\n|---|---|\n| {NASTY} | c |",
        f"* {NASTY}",
        f"[{NASTY}](a.md)",
    ):
        assert "<script" not in html(text) and "<img" not in html(text), text
    fenced = html(f"```text {NASTY}\n{NASTY}\n```")
    assert "<script" not in fenced and "<img" not in fenced
    assert fenced.count("&lt;script&gt;") == 2, "its title and its text"
    assert "<a " not in html("[a](javascript:alert(1))"), "no script as an address"
    assert "&lt;script&gt;" in html("\n\n".join(f"## {NASTY}" for _ in range(9)))


def test_headings_have_the_ids_that_github_gives_them() -> None:
    shown = html("# A page\n\n## What `rundun` does, & why\n\n## Twice\n\n## Twice")
    assert re.findall(r'id="([^"]+)"', shown) == ["a-page", "what-rundun-does--why", "twice", "twice-1"]


def test_a_page_with_many_headings_begins_with_a_list_of_them() -> None:
    headings = "".join(f"\n\n## Part {number}\n\nWords." for number in range(MANY_HEADINGS))
    shown = html(f"# A page\n\nWhat it is for.{headings}")
    assert shown.index('class="lead"') < shown.index('aria-label="On this page"') < shown.index("<h2")
    assert re.findall(r'<li><a href="#([^"]+)">', shown) == [f"part-{number}" for number in range(MANY_HEADINGS)]
    assert "On this page" not in html(f"# A page\n\nWhat it is for.{headings.replace('## Part 0', 'Part 0')}")


def test_tables_say_what_their_rows_are_about() -> None:
    narrow = html("| Code | |\n|---|---|\n| `a` | first |\n| `b` | second |")
    assert re.findall(r'<th role="rowheader" scope="row">(.*?)</th>', narrow) == ["<code>a</code>", "<code>b</code>"]
    assert narrow.count('role="columnheader" scope="col"') == 2 and narrow.count('<td role="cell">') == 2
    assert narrow.count('role="rowgroup"') == 2 and narrow.count('role="row"') == 3 and 'role="table"' in narrow
    wide = html("| What | Who | When |\n|---|---|---|\n| a | b | c |")
    assert re.findall(r'<td role="cell" data-label="(\w+)">(\w)</td>', wide) == [("Who", "b"), ("When", "c")]
    two = html("| a | b |\n|---|---|\n| c | d |\n\n| e | f |\n|---|---|\n| g | h |")
    assert "data-label" not in two and two.count("rowheader") == 2


def test_links_between_files_lead_to_pages() -> None:
    shown = html(
        "See [a](webhooks.md#verify), [b](reference.html), [c](reference.html#executor), "
        "[d](https://a.example) and [e](#x)."
    )
    assert re.findall(r'href="([^"]+)"', shown) == [
        "/docs/webhooks#verify",
        "/docs/reference/runs",
        "/docs/reference/executor",
        "https://a.example",
        "#x",
    ]
    assert shown.count('rel="noreferrer"') == 1


def test_a_link_alone_in_its_paragraph_stands_for_what_it_leads_to() -> None:
    assert html("Before.\n\n[The `whole` file](in/a.py)\n\nAfter.") == (
        "<p>Before.</p>\n<p>The whole file of in/a.py</p><p>After.</p>\n"
    )
    for plain in ("See [it](in/a.py)", "[it](in/a.py) [too](in/b.py)", "* [it](in/a.py)", "[it](out/a.py)"):
        assert " of in/" not in html(plain), plain
