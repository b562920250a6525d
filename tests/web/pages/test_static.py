"""Scripts and styles as they are served: minified, and with the files that they take in."""

import posixpath
import re
from pathlib import Path

import pytest

from rundun import paths
from rundun.core.organizations import colour
from rundun.web.pages import static
from rundun.web.pages.static import ENDS, PARTS, Assets, _minified
from tests.helpers.service import pages

ASSETS = pages().assets
OURS = sorted(path for path in paths.static().rglob("*") if path.suffix in (".js", ".css"))
NAMES = {path: path.relative_to(paths.static()).as_posix() for path in OURS}
IMPORT = re.compile(r'import ?(\{[^}]*\}|\* ?as \w+) ?from ?"([^"]+)";')
# A line that names another file, which a browser would ask for.
NAMING = re.compile(r'(@import|export ?\*|import)[^";]*"([^"]+)";')
ALONE = [path for path in OURS if NAMES[path] not in PARTS]
MAX_LINE = 120


def sent(name: str) -> str:
    """The file as a browser gets it, without its end."""
    text, end = ASSETS._assets[name].plain.decode(), ENDS[Path(name).suffix].decode()
    assert text.endswith(f"\n{end}")
    return text.removesuffix(end)


TEXT_OR_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|(?<![:\\])//[^\n]*""", re.DOTALL
)


@pytest.mark.parametrize("path", ALONE, ids=[path.name for path in ALONE])
def test_comments_and_white_space_stay_here_and_nothing_else(path: Path) -> None:
    written = TEXT_OR_COMMENT.sub(lambda match: match[1] or "", path.read_text("utf-8"))
    served = sent(NAMES[path])
    white_space = r"\s|;(?=\s*})"  # and the last semicolon of a block
    assert re.sub(white_space, "", served) == re.sub(white_space, "", written)
    assert len(served) < len(written)


def test_what_stands_in_a_text_stays() -> None:
    script = b'const a = " // x  y"; // why\nconst b = `https://x // ${a}  y`;\n'
    assert _minified("a.js", script) == b'const a=" // x  y";const b=`https://x // ${a}  y`;\n//end'
    assert _minified("a.svg", b"// as it is\n") == b"// as it is\n"


STYLES = [path for path in OURS if path.suffix == ".css"]
COLOUR = re.compile(r"((--[\w-]+:(#[0-9a-f]{6}|rgb\([^()]*\))|--shadow:none)(;|$))+")


@pytest.mark.parametrize("path", STYLES, ids=[path.name for path in STYLES])
def test_the_dark_changes_colours_and_nothing_else(path: Path) -> None:
    """So whatever holds in the light, but for what is to be seen of colours, holds in the dark."""
    served = ASSETS._assets[NAMES[path]].plain.decode()
    blocks = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{((?:[^{}]*\{[^{}]*\})*\s*)\}", served)
    assert len(blocks) == served.count("prefers-color-scheme")
    for block in blocks:
        root = re.fullmatch(r"\s*:root\{([^{}]*)\}\s*", block)
        assert root and COLOUR.fullmatch(root[1]), block
    for light, dark in re.findall(r"light-dark\(([^,]*),([^)]*)\)", served):
        assert re.fullmatch("#[0-9a-f]{6}", light.strip()) and re.fullmatch("#[0-9a-f]{6}", dark.strip())


def test_a_part_from_another_folder_imports_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "PARTS", {"main.js": ["inner/outbox.js"], "inner/shown.js": ["inner/outbox.js"]})
    files = {
        "main.js": 'import { Outbox } from "./inner/outbox.js";\nimport { t } from "./dom.js";\nt(Outbox);\n',
        "dom.js": "export const t = (one) => one;\n",
        "inner/outbox.js": 'import { t } from "../dom.js";\nimport * as db from "./db.js";\nexport class Outbox {}\n',
        "inner/db.js": "export const one = 1;\n",
        "inner/shown.js": 'import { a, t as u } from "../dom.js";\nimport { Outbox } from "./outbox.js";\na(u);\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    served = {name: asset.plain.decode() for name, asset in Assets(tmp_path)._assets.items()}
    assert sorted(IMPORT.findall(served["main.js"])) == [("*as db", "./inner/db.js"), ("{t}", "./dom.js")]
    assert sorted(IMPORT.findall(served["inner/shown.js"])) == [("*as db", "./db.js"), ("{t,a,t as u}", "../dom.js")]


def test_no_script_asks_for_the_dark() -> None:
    assert [path.name for path in OURS if path.suffix == ".js" and "color-scheme" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("name", PARTS)
def test_a_file_is_sent_with_its_parts(name: str) -> None:
    """One request instead of several: the browser finds no line left that would make it ask for one of them."""
    whole, folder = sent(name), (paths.static() / name).parent
    for part in PARTS[name]:
        body = NAMING.sub("", sent(part))
        assert re.sub(r"\s", "", body) in re.sub(r"\s", "", whole), part
    assert not re.search(r"@import|export ?\* ?from", whole)
    asked = {(folder / source).resolve() for _, source in IMPORT.findall(whole)}
    assert not asked & {(paths.static() / part).resolve() for part in PARTS[name]}
    imported = [(one, source) for names, source in IMPORT.findall(whole) for one in re.findall(r"[\w*]+", names)]
    assert len(imported) == len(set(imported)), "a name imported twice is no script"


def test_what_is_a_part_is_asked_for_by_nobody_else() -> None:
    """A module that came in two files would be two modules; and a style that names another would wait for it."""
    files = [{name, *parts} for name, parts in PARTS.items()]
    for path, name in NAMES.items():
        for word, address in NAMING.findall(path.read_text("utf-8")):
            source = (path.parent / address).resolve().relative_to(paths.static().resolve()).as_posix()
            if word != "import" or any(source in parts for parts in PARTS.values()):
                assert any({name, source} <= file for file in files), f"{name} names {source}"


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


def test_modules_that_are_loaded_later_import_only_what_the_page_has() -> None:
    """Firefox and WebKit never again ask for an import that failed, unless its importer has another address: so a
    second address for a module that is loaded later has to be enough, and its imports have to be there.
    """
    scripts = {name: path.read_text("utf-8") for path, name in NAMES.items() if name.startswith("executor/")}
    later = set(re.findall(r'loadModule(?:Once)?\("([\w/]+)"\)', "\n".join(scripts.values())))
    assert {"review", "steps/geo", "end/closing", "photos/dialog"} <= later
    here = _imported("executor/main.js")
    assert {f"executor/{name}.js" for name in ("main", "dom", "http", "offline/db", "rules")} == here
    for name in later:
        assert _imported(f"executor/{name}.js") <= here | {f"executor/{name}.js"}, name


def _imported(name: str) -> set[str]:
    """The files that a script makes a browser ask for, with itself."""
    found, new = set[str](), {name}
    while new:
        found |= new
        asked = [(one, source) for one in new for _, source in IMPORT.findall(sent(one))]
        new = {posixpath.normpath(posixpath.join(posixpath.dirname(one), source)) for one, source in asked} - found
    return found
