"""Scripts and styles as they are served: without comments, and with the files that they take in."""

import re
from pathlib import Path

import pytest

from rundun import paths
from rundun.core import colour
from rundun.web.static import _without_comments
from tests.helpers.service import pages

ASSETS = pages().assets
OURS = sorted(path for path in paths.static().rglob("*") if path.suffix in (".js", ".css"))
PARTS = "session|run_job|outbox|photo_store|lazy_geo|step_status"
TAKES_IN = re.compile(
    rf'^(?:@import|export \* from|import \{{[^}}]*\}} from(?= "\./(?:{PARTS})\.js")) "([^"]+)";$', re.MULTILINE
)
IMPORT = re.compile(r'^import (\{[^}]*\}|\* as \w+) from "([^"]+)";$', re.MULTILINE)
ALONE = [path for path in OURS if not TAKES_IN.search(path.read_text("utf-8"))]
MAX_LINES, MAX_LINE = 350, 120


@pytest.mark.parametrize("path", ALONE, ids=[path.name for path in ALONE])
def test_comments_stay_here(path: Path) -> None:
    name = path.relative_to(paths.static()).as_posix()
    written, served = path.read_text("utf-8"), ASSETS._assets[name].plain.decode()
    assert served.count("\n") == written.count("\n"), "an error's place is the one in the file"
    assert not re.search(r"^\s*(//|/\*\*?\s)", served, re.MULTILINE)
    for kept, line in zip(served.split("\n"), written.split("\n"), strict=True):
        text = line.lstrip(" \t")
        rest = text.removeprefix(kept)
        assert kept in (text, "") or rest.lstrip().startswith("// "), "and nothing else is touched but indentation"
    assert all(line.count("`") % 2 == 0 for line in served.splitlines()), "no text goes over several lines"


def test_a_comment_is_not_looked_for_within_a_text() -> None:
    script = b'const a = " // x"; // why\n  // alone\nconst b = `https://x // y`;\n/* two\n lines */\nc();   // ms\n'
    assert _without_comments("a.js", script) == b'const a = " // x";\n\nconst b = `https://x // y`;\n\n\nc();\n'
    assert _without_comments("a.svg", b"// as it is\n") == b"// as it is\n"


STYLES = [path for path in OURS if path.suffix == ".css"]
COLOUR = re.compile(r"\s*((--[\w-]+: (#[0-9a-f]{6}|rgb\([^()]*\))|--shadow: none);\s*)+")


@pytest.mark.parametrize("path", STYLES, ids=[path.name for path in STYLES])
def test_the_dark_changes_colours_and_nothing_else(path: Path) -> None:
    """So whatever holds in the light, but for what is to be seen of colours, holds in the dark."""
    served = pages().assets._assets[path.relative_to(paths.static()).as_posix()].plain.decode()
    blocks = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{((?:[^{}]*\{[^{}]*\})*\s*)\}", served)
    assert len(blocks) == served.count("prefers-color-scheme")
    for block in blocks:
        root = re.fullmatch(r"\s*:root \{([^{}]*)\}\s*", block)
        assert root and COLOUR.fullmatch(root[1]), block
    for light, dark in re.findall(r"light-dark\(([^,]*),([^)]*)\)", served):
        assert re.fullmatch("#[0-9a-f]{6}", light.strip()) and re.fullmatch("#[0-9a-f]{6}", dark.strip())


def test_no_script_asks_for_the_dark() -> None:
    assert [path.name for path in OURS if path.suffix == ".js" and "color-scheme" in path.read_text("utf-8")] == []


def test_a_file_is_sent_with_those_that_it_takes_in() -> None:
    """One request instead of several: the browser finds no line left that would make it ask for another file."""
    for path in set(OURS) - set(ALONE):
        name = path.relative_to(paths.static()).as_posix()
        sent = ASSETS._assets[name].plain.decode()
        assert not TAKES_IN.search(sent), name
        for part in TAKES_IN.findall(path.read_text("utf-8")):
            taken = (path.parent / part).resolve().relative_to(paths.static().resolve()).as_posix()
            body = IMPORT.sub("", ASSETS._assets[taken].plain.decode()).strip("\n")
            assert body in sent, name
        imported = [(one, source) for names, source in IMPORT.findall(sent) for one in re.findall(r"[\w*]+", names)]
        assert len(imported) == len(set(imported)), "and none that imports a name twice"


def test_files_have_one_subject_and_lines_that_can_be_read() -> None:
    pages = paths.templates().rglob("*.html")
    long = {path.name: n for path in [*OURS, *pages] if (n := path.read_text("utf-8").count("\n")) > MAX_LINES}
    assert long == {}
    wide = [
        f"{path.name}:{at}"
        for path in OURS
        if path.suffix == ".js"
        for at, line in enumerate(path.read_text("utf-8").split("\n"), 1)
        if len(line) > MAX_LINE
    ]
    assert wide == []


def test_an_organizations_colour_is_made_readable_on_the_grounds_that_the_page_has() -> None:
    light, dark = (paths.static() / "tokens.css").read_text("utf-8").split("@media (prefers-color-scheme: dark)")
    for text, grounds in ((light, colour.LIGHT), (dark, colour.DARK)):
        tokens = dict(re.findall(r"--(ground|card): (#\w{6});", text))
        assert (tokens["ground"], tokens["card"]) == tuple(colour.css(ground) for ground in grounds)


def test_every_module_that_is_loaded_later_exports_something() -> None:
    """One without exports passes for a file that was cut short, and would be asked for without end."""
    scripts = {path.stem: path.read_text("utf-8") for path in (paths.static() / "executor").glob("*.js")}
    named = set(re.findall(r'loadModule(?:Once)?\("(\w+)"\)', "\n".join(scripts.values())))
    named |= set(re.findall(r'names\.push\("(\w+)"\)', scripts["main"]))
    assert {"fields", "photo_steps", "geo", "closing"} <= named
    assert [name for name in named if not re.search(r"^export ", scripts[name], re.MULTILINE)] == []
