"""What `check` says of backups, and of a log that another program checkpoints."""

import ast
import re
from pathlib import Path

from rundun import address_health, backup_health, diagnostics, paths
from rundun.core import times
from rundun.core.text import MIB
from rundun.store import copies
from rundun.store.maintenance import Room
from tests.helpers.service import NOON, settings_for
from tests.helpers.service_process import done, looking, rundun


def judged(folder: Path, log: int = 0, missed_at: int | None = None, **flags: object) -> dict[str, tuple[str, str]]:
    """State and sentence by what was looked at."""
    results = backup_health.judge(settings_for(folder, **flags), missed_at, 8192, Room(log, 2**40), NOON)
    return {name: (state, text) for name, state, text in results}


def test_backups_are_told_with_their_age(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    flags = {"backup__folder": str(folder), "backup__every_hours": 6}
    assert judged(tmp_path) == {
        "backup": ("note", "None are made by themselves: set backup.folder, best to another disk.")
    }
    assert judged(tmp_path, **flags) == {
        "backup": ("wrong", f"{folder} can't be read: No such file or directory."),
        "journal": (
            "wrong",
            f"The erasure journal can't be compared with its copy in {folder}: No such file or directory.",
        ),
    }
    folder.mkdir()
    assert judged(tmp_path, **flags)["backup"] == ("note", "None has been made yet.")
    path = copies.backup_path(folder, tmp_path / "rundun.db", NOON - 9 * times.HOUR)
    path.write_text("a copy")
    made = "The last was made at 2025-12-31T15:00:00Z, 9.0 hours ago; there is 1 in all"
    assert judged(tmp_path, **flags)["backup"] == ("good", f"{made}.")
    state, text = judged(tmp_path, missed_at=NOON, **flags)["backup"]
    assert (state, text) == ("wrong", f"{made}. Since 2026-01-01T00:00:00Z none could be made; the log says why.")
    state, text = judged(tmp_path, **{**flags, "backup__every_hours": 5.9})["backup"]
    assert (state, text.removeprefix(made)[:22]) == ("wrong", ". The next is overdue:")


def test_a_log_that_nobody_checkpoints_is_told(tmp_path: Path) -> None:
    for size, state in ((255 * MIB, "good"), (256 * MIB, "note"), (1024 * MIB, "wrong")):
        found = judged(tmp_path, size, database__external_checkpoints=True)
        assert [*found] == ["checkpoints"], "Litestream is backup enough"
        assert found["checkpoints"][0] == state
        assert ("is that program (Litestream, say) running?" in found["checkpoints"][1]) == (state != "good")


def test_the_command_says_where_the_copy_is(tmp_path: Path) -> None:
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    target = tmp_path / "copy" / "rundun.db"
    target.parent.mkdir()
    said = done(rundun(tmp_path, "backup", str(target)))
    assert said.startswith(f"{target} is a whole and checked copy, ")
    again = rundun(tmp_path, "backup", str(target))
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: {target} is already there, and stays as it is; name another file.\n",
    )
    with looking(target.parent) as db:
        assert db.execute("SELECT name FROM organizations").fetchone()[0] == "Acme"


def test_every_finding_has_words_in_the_console() -> None:
    names = set[str]()
    for node in ast.walk(ast.parse(Path(diagnostics.__file__).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            names |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}
    for module in (address_health, backup_health):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                names |= {each.value for each in node.value.elts[:1] if isinstance(each, ast.Constant)}
    assert {"database", "retention", "erased", "alerts", "backup", "checkpoints", "address"} <= names
    said = set(
        re.findall(r'^msgctxt "health_(\w+)"', (paths.locales() / "console.pot").read_text("utf-8"), re.MULTILINE)
    )
    assert names - said == set()
