"""The map in rundun/README.md is true: every module is named there, and a class name stands for one thing."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rundun"
MAP = (PACKAGE / "README.md").read_text("utf-8")
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")

# Each line of the map that names a folder, or a heading that does, and the files that follow it.
FOLDER = re.compile(r"`([a-z_/]+/)`")
FILE = re.compile(r"`(\w+\.py)`")


def named(text):
    """The modules a map names, each below the folder that was named last before it."""
    found, heading = set(), ""
    for line in text.splitlines():
        if line.startswith(("## ", "| outside in")):
            heading = ""
        folders = FOLDER.findall(line)
        if line.startswith("### "):
            heading = folders[0] if len(folders) == 1 else ""
        if not line.startswith("|"):
            continue
        folder = heading
        for match in re.finditer(r"`([a-z_/]+/|\w+\.py)`", line):
            if match[1].endswith("/"):
                folder = match[1] if match[1].startswith(heading) else heading + match[1]
            else:
                found.add(Path(folder) / match[1])
    return found


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text


def test_every_module_is_named_in_the_map_and_nothing_else_is():
    assert named(MAP) == set(MODULES)


def test_no_two_public_classes_share_a_name():
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_docstring_can_be_read_by_itself(path):
    """Not “the same”, “as above” or “one of them”: its first line is all that many readers see."""
    vague = re.compile(r"(the same|as above|one of them|it|see there|as it was)\b", re.IGNORECASE)
    tree = ast.parse((PACKAGE / path).read_text("utf-8"))
    assert [(name, text.split("\n")[0]) for name, text in docstrings(tree) if vague.match(text)] == []


def test_the_map_is_read_as_it_is_written():
    text = "| outside in | |\n| `cli/` | `main.py` x · `context.py` |\n"
    text += "### `web/`: who\n| `auth.py` | |\n| `api/` | `runs.py` |"
    assert named(text) == {
        *(Path("cli/main.py"), Path("cli/context.py")),
        *(Path("web/auth.py"), Path("web/api/runs.py")),
    }
