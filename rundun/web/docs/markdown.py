"""The guides' Markdown: CommonMark and tables, with the structure and names of our pages. HTML in it is text."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

LANGUAGES = {"sh": "Shell", "json": "JSON", "py": "Python", "python": "Python", "js": "JavaScript", "mjs": "JavaScript"}
LANGUAGES |= {"ts": "TypeScript", "toml": "TOML", "yaml": "YAML", "ini": "Unit", "text": "Text", "http": "Headers"}
_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row"}

# Takes a link's target and words; returns the HTML to insert, or None for a plain link.
Insert = Callable[[str, str], str | None]
MANY_HEADINGS = 6  # from this number on, a page begins with a list of its headings
_CODE = re.compile("`([^`]+)`")


def to_html(text: str, pages: Mapping[str, str], insert: Insert) -> Markup:
    """Return a guide as HTML. `pages` has the addresses of linked files. A link alone in its paragraph is replaced by
    the HTML of `insert`, if any; the plain text thus stays readable in the repository.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(text)
    _name_headings(tokens)
    _label_tables(tokens)
    for token in _links(tokens):
        _set_address(token, pages)
    shown = _insert_html(tokens, insert)
    if _mark_lead(shown):
        shown[6:6] = _contents_list(shown)
    return Markup(parser.renderer.render(shown, parser.options, {}))  # noqa: S704 (HTML is off)


def mark_code(text: str) -> Markup:
    """Return text as escaped markup, with `code` in code elements."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped first)


def code_figure(text: str, title: str) -> str:
    """Return code as an HTML figure with its title, both escaped."""
    return (
        f'<figure class="code">\n<figcaption>{escape(title)}</figcaption>\n'
        f'<pre tabindex="0"><code>{escape(text)}</code></pre>\n</figure>\n'
    )


class _Renderer(RendererHTML):
    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a code block as HTML. Its info string has the language, optionally followed by a title."""
        language, _, title = tokens[idx].info.strip().partition(" ")
        return code_figure(tokens[idx].content.rstrip("\n"), title or LANGUAGES.get(language, language))

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return the start of a table as HTML, in a box that scrolls if the table is too wide."""
        return f'<div class="table stacked">\n{self.renderToken(tokens, idx, options, env)}'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return the end of a table as HTML."""
        return f"{self.renderToken(tokens, idx, options, env)}</div>\n"


def _name_headings(tokens: Sequence[Token]) -> None:
    """Set the ids of headings, formed as on GitHub."""
    seen: Counter[str] = Counter()
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            slug = re.sub(r"[^\w\- ]", "", _words(content).lower()).replace(" ", "-")
            token.attrSet("id", f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1


def _mark_lead(tokens: Sequence[Token]) -> bool:
    """Mark the paragraph below the title as the page's summary; tell whether there is one."""
    has_lead = len(tokens) > 5 and tokens[0].tag == "h1" and tokens[3].type == "paragraph_open"
    if has_lead:
        tokens[3].attrSet("class", "lead")
    return has_lead


def _contents_list(tokens: Sequence[Token]) -> list[Token]:
    """Return one token, the HTML of a list of links to the headings below a page's title; [] for fewer than
    `MANY_HEADINGS`.
    """
    found = [(one.attrs["id"], _words(inline)) for one, inline in pairwise(tokens) if one.type == "heading_open"][1:]
    rows = "".join(f'<li><a href="#{slug}">{escape(words)}</a></li>\n' for slug, words in found)
    html = f'<ul class="contents here" aria-label="On this page">\n{rows}</ul>\n'
    return [Token("html_block", "", 0, content=html)] if len(found) >= MANY_HEADINGS else []


def _label_tables(tokens: Sequence[Token]) -> None:
    """Make the first cell of each row its header, and write out all roles: on a phone rows are blocks, for which
    browsers drop the table's semantics. Cells of tables with several other columns get the column's name.
    """
    names: list[str] = []
    column, is_head = 0, False
    opened: list[Token] = []
    for token, content in pairwise(tokens):
        name = token.tag
        if token.type in ("td_close", "th_close"):
            token.tag = opened.pop().tag
        elif token.type in ("td_open", "th_open"):
            if is_head:
                names.append(_words(content))
            if is_head or not column:
                token.tag = "th"
                token.attrs = {"role": "columnheader" if is_head else "rowheader", "scope": "col" if is_head else "row"}
            else:
                token.attrs = {"role": "cell", **({"data-label": names[column]} if len(names) > 2 else {})}
            opened.append(token)
            column += 1
        elif token.type.endswith("_open") and name in _ROLES:
            token.attrs = {"role": _ROLES[name]}
        if token.type in ("table_open", "tr_open"):
            column, names = 0, [] if name == "table" else names
        is_head = name == "thead" if name in ("thead", "tbody") else is_head


def _links(tokens: Sequence[Token]) -> Iterator[Token]:
    return (child for token in tokens for child in token.children or () if child.type == "link_open")


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def _set_address(link: Token, pages: Mapping[str, str]) -> None:
    href = str(link.attrs["href"])
    target, hash_, anchor = href.partition("#")
    if href in pages:
        link.attrs["href"] = pages[href]
    elif target in pages:
        link.attrs["href"] = f"{pages[target]}{hash_}{anchor}"
    elif target.startswith("https://"):
        link.attrSet("rel", "noreferrer")


def _insert_html(tokens: Sequence[Token], insert: Insert) -> list[Token]:
    """Return the tokens, with links alone in their paragraph replaced by inserted HTML."""
    rest = list(tokens)
    for number, token in enumerate(tokens):
        children = token.children or []
        is_alone = len(children) > 1 and token.level == 1 and tokens[number - 1].type == "paragraph_open"
        is_link = is_alone and children[0].type == "link_open" and children[-1].type == "link_close"
        if not is_link or any(child.type == "link_open" for child in children[1:]):
            continue
        html = insert(str(children[0].attrs["href"]), _words(token))
        if html is not None:
            rest[number] = Token("html_block", "", 0, content=html)
            rest[number - 1] = rest[number + 1] = Token("html_block", "", 0)
    return rest
