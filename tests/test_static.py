"""Scripts and styles as they are served: without the comments that only their authors read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rundun import places
from rundun.web.static import _bare
from tests.world import pages

ASSETS = pages().assets
OURS = sorted(path for path in places.static().rglob("*") if path.suffix in (".js", ".css"))


@pytest.mark.parametrize("path", OURS, ids=[path.name for path in OURS])
def test_comments_on_lines_of_their_own_stay_here(path: Path) -> None:
    name = path.relative_to(places.static()).as_posix()
    written, served = path.read_text("utf-8"), ASSETS._assets[name].plain.decode()
    assert served.count("\n") == written.count("\n"), "an error's place is the one in the file"
    assert not re.search(r"^\s*(//|/\*\*?\s)", served, re.MULTILINE)
    for kept, line in zip(served.split("\n"), written.split("\n"), strict=True):
        assert kept in (line, ""), "and nothing else is touched"


def test_a_comment_is_not_looked_for_within_a_line() -> None:
    script = b'const a = "x"; // why\n  // alone\nconst b = `https://x`;\n/* two\n lines */\nc();\n'
    assert _bare("a.js", script) == b'const a = "x"; // why\n\nconst b = `https://x`;\n\n\nc();\n'
    assert _bare("a.svg", b"// as it is\n") == b"// as it is\n"


STYLES = [path for path in OURS if path.suffix == ".css"]
COLOUR = re.compile(r"\s*((--[\w-]+: (#[0-9a-f]{6}|rgb\([^()]*\))|--shadow: none);\s*)+")


@pytest.mark.parametrize("path", STYLES, ids=[path.name for path in STYLES])
def test_the_dark_changes_colours_and_nothing_else(path: Path) -> None:
    """So whatever holds in the light, but for what is to be seen of colours, holds in the dark."""
    served = pages().assets._assets[path.relative_to(places.static()).as_posix()].plain.decode()
    blocks = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{(.*?)\n\}", served, re.DOTALL)
    assert len(blocks) == served.count("prefers-color-scheme")
    for block in blocks:
        root = re.fullmatch(r"\s*:root \{([^{}]*)\}\s*", block)
        assert root and COLOUR.fullmatch(root[1]), block
    for light, dark in re.findall(r"light-dark\(([^,]*),([^)]*)\)", served):
        assert re.fullmatch("#[0-9a-f]{6}", light.strip()) and re.fullmatch("#[0-9a-f]{6}", dark.strip())


def test_no_script_asks_for_the_dark() -> None:
    assert [
        path.name for path in OURS if path.suffix == ".js" and "color-scheme" in path.read_text("utf-8")
    ] == []
