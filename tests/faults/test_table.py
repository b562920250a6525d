"""The table itself: a test for each row, named after it, and a row for each test."""

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


async def test_table(w: World) -> None:
    page = (await w.browser().get("/docs/faults")).text
    rows = re.findall(r'<tr role="row" id="([a-z0-9-]+)">(.*)</tr>', page)
    ids, tests = {name.replace("-", "_") for name, _ in rows}, named()
    assert ids <= {*tests}
    assert [name for name in tests if name not in ids and not any(name.startswith(f"{one}_") for one in ids)] == []
    for name, row in rows:
        cells = re.findall(r"<t[hd][^>]*>(.+?)</t[hd]>", row)
        assert len(cells) == 4, name
        assert all(cell.endswith(".") for cell in cells), name
