"""Scripts and styles as they are served: minified, and with the files that they take in."""

import re
from pathlib import Path

import pytest

from rundun import paths
from rundun.core.organizations import colour
from rundun.web.pages.static import Assets, _minified
from tests.helpers.service import pages

ASSETS = pages().assets
OURS = sorted(path for path in paths.static().rglob("*") if path.suffix in (".js", ".css"))
PARTS = "session|run_job|outbox|store|chosen|lazy_geo|status|told"
TAKES_IN = re.compile(
    rf'^(?:@import|export \* from|import \{{[^}}]*\}} from(?= "[./\w]+/(?:{PARTS})\.js")) "([^"]+)";$', re.MULTILINE
)
IMPORT = re.compile(r'import ?(\{[^}]*\}|\* ?as \w+) ?from ?"([^"]+)";')
ALONE = [path for path in OURS if not TAKES_IN.search(path.read_text("utf-8"))]
MAX_LINE = 120


TEXT_OR_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|(?<![:\\])//[^\n]*""", re.DOTALL
)


@pytest.mark.parametrize("path", ALONE, ids=[path.name for path in ALONE])
def test_comments_and_white_space_stay_here_and_nothing_else(path: Path) -> None:
    written = TEXT_OR_COMMENT.sub(lambda match: match[1] or "", path.read_text("utf-8"))
    served = ASSETS._assets[path.relative_to(paths.static()).as_posix()].plain.decode()
    white_space = r"\s|;(?=\s*})"  # and the last semicolon of a block
    assert re.sub(white_space, "", served) == re.sub(white_space, "", written)
    assert len(served) < len(written)


def test_what_stands_in_a_text_stays() -> None:
    script = b'const a = " // x  y"; // why\nconst b = `https://x // ${a}  y`;\n'
    assert _minified("a.js", script).strip() == b'const a=" // x  y";const b=`https://x // ${a}  y`;'
    assert _minified("a.svg", b"// as it is\n") == b"// as it is\n"


STYLES = [path for path in OURS if path.suffix == ".css"]
COLOUR = re.compile(r"((--[\w-]+:(#[0-9a-f]{6}|rgb\([^()]*\))|--shadow:none)(;|$))+")


@pytest.mark.parametrize("path", STYLES, ids=[path.name for path in STYLES])
def test_the_dark_changes_colours_and_nothing_else(path: Path) -> None:
    """So whatever holds in the light, but for what is to be seen of colours, holds in the dark."""
    served = pages().assets._assets[path.relative_to(paths.static()).as_posix()].plain.decode()
    blocks = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{((?:[^{}]*\{[^{}]*\})*\s*)\}", served)
    assert len(blocks) == served.count("prefers-color-scheme")
    for block in blocks:
        root = re.fullmatch(r"\s*:root\{([^{}]*)\}\s*", block)
        assert root and COLOUR.fullmatch(root[1]), block
    for light, dark in re.findall(r"light-dark\(([^,]*),([^)]*)\)", served):
        assert re.fullmatch("#[0-9a-f]{6}", light.strip()) and re.fullmatch("#[0-9a-f]{6}", dark.strip())


def test_a_script_that_is_taken_in_from_another_folder_imports_what_it_did(tmp_path: Path) -> None:
    files = {
        "main.js": 'import { Outbox } from "./inner/outbox.js";\nimport { t } from "./dom.js";\nt(Outbox);\n',
        "dom.js": "export const t = (one) => one;\n",
        "inner/outbox.js": 'import { t } from "../dom.js";\nimport * as db from "./db.js";\nexport class Outbox {}\n',
        "inner/db.js": "export const one = 1;\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    sent = Assets(tmp_path)._assets["main.js"].plain.decode()
    assert sorted(IMPORT.findall(sent)) == [("*as db", "./inner/db.js"), ("{t}", "./dom.js")]


def test_no_script_asks_for_the_dark() -> None:
    assert [path.name for path in OURS if path.suffix == ".js" and "color-scheme" in path.read_text("utf-8")] == []


def test_a_file_is_sent_with_those_that_it_takes_in() -> None:
    """One request instead of several: the browser finds no line left that would make it ask for another file."""
    for path in set(OURS) - set(ALONE):
        name = path.relative_to(paths.static()).as_posix()
        sent = ASSETS._assets[name].plain.decode()
        assert not re.search(rf'@import|export ?\* ?from|from ?"[./\w]+/(?:{PARTS})\.js"', sent), name
        for part in TAKES_IN.findall(path.read_text("utf-8")):
            taken = (path.parent / part).resolve().relative_to(paths.static().resolve()).as_posix()
            body = IMPORT.sub("", ASSETS._assets[taken].plain.decode())
            assert re.sub(r"\s", "", body) in re.sub(r"\s", "", sent), name
        imported = [(one, source) for names, source in IMPORT.findall(sent) for one in re.findall(r"[\w*]+", names)]
        assert len(imported) == len(set(imported)), "and none that imports a name twice"


def test_lines_can_be_read() -> None:
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
    folder = paths.static() / "executor"
    scripts = {
        path.relative_to(folder).as_posix().removesuffix(".js"): path.read_text("utf-8")
        for path in folder.rglob("*.js")
    }
    named = set(re.findall(r'loadModule(?:Once)?\("([\w/]+)"\)', "\n".join(scripts.values())))
    named |= set(re.findall(r'names\.push\("([\w/]+)"\)', scripts["main"]))
    assert {"steps/fields", "photos/fields", "steps/geo", "end/closing"} <= named
    assert [name for name in named if not re.search(r"^export ", scripts[name], re.MULTILINE)] == []
