"""The list of faults itself: a test for each, named after it, and a fault for each test."""

import ast
import re
from pathlib import Path

from tests.helpers.service import World

HERE = Path(__file__)


def named() -> list[str]:
    """The names of all tests in this folder but the one below, without `test_`."""
    files = [file for file in HERE.parent.glob("test_*.py") if file != HERE]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    functions = [one for tree in trees for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return sorted(one.name.removeprefix("test_") for one in functions if one.name.startswith("test_"))


async def test_list(w: World) -> None:
    page = (await w.browser().get("/docs/faults")).text
    faults = re.findall(r'<h2 id="([a-z0-9-]+)">.*?</h2>(.*?)(?=<h2|<footer)', page, re.DOTALL)
    ids, tests = {name.replace("-", "_") for name, _ in faults}, named()
    assert ids <= {*tests}
    assert [name for name in tests if name not in ids and not any(name.startswith(f"{one}_") for one in ids)] == []
    for name, said in faults:
        parts = [" ".join(part.split()) for part in re.findall(r"<(?:p|li)>(.+?)</(?:p|li)>", said, re.DOTALL)]
        assert len(parts) == 4 and all(part.endswith(".") for part in parts), name
        labels = [re.match(r"<strong>(.+?):</strong>", part) for part in parts[1:]]
        assert [label and label[1] for label in labels] == ["Clients get", "Recovers by itself", "How you hear of it"]
