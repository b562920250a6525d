"""What `check` says of backups, and of a log that another program checkpoints."""

import ast
import os
import tempfile
import threading
from pathlib import Path

import pytest

from rundun.config import kinds
from rundun.core import times
from rundun.core.text import MIB
from rundun.maintenance import backup_health, diagnostics, https_health
from rundun.store.backups import copies
from rundun.store.erasure import journal_file
from rundun.store.erasure.journal import journal_path
from rundun.store.housekeeping import DiskSpace
from rundun.store.sqlite.transaction import JournalEntry
from rundun.web.console.settings.health import NAMES
from tests.helpers.files.rights import as_nobody, closed_to_us
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import done, looking, rundun
from tests.helpers.service import NOON, settings_for


def judged(
    folder: Path, log: int = 0, missed_at: int | None = None, now: int = NOON, *, is_held: bool = False, **flags: object
) -> dict[str, tuple[str, str]]:
    """State and sentence by what was looked at."""
    settings, space = settings_for(folder, **flags), DiskSpace(log, 2**40)
    results = backup_health.judge(settings, missed_at, 8192, space, now, is_held=is_held)
    return {name: (state, text) for name, state, text in results}


def test_backups_are_told_with_their_age(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    flags = {"backup__folder": str(folder), "backup__every_hours": 6}
    assert judged(tmp_path) == {
        "backup": ("note", "No backups are scheduled: set backup.folder, best to another disk.")
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


def test_the_reason_for_a_missing_backup_is_told_where_it_is_known(tmp_path: Path) -> None:
    with closed_to_us() as (folder, _):
        found = judged(Path("/"), missed_at=NOON, backup__folder=str(folder))["backup"]
        assert found[0] == "wrong" and found[1].startswith(f"{folder} can't be read: ")
    with as_nobody(), tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o500)
        state, text = judged(Path("/"), missed_at=NOON, backup__folder=name)["backup"]
        assert (state, text[-60:]) == ("wrong", f"No other can be made: this user may not write into {name}."[-60:])
    own = tmp_path / "own"
    own.mkdir()
    for given in ({"missed_at": NOON}, {}):
        state, text = judged(tmp_path, is_held=True, backup__folder=str(own), **given)["backup"]
        assert (state, "rundun live" in text, "log" in text) == ("note", True, False)
    journal_file.append(journal_path(tmp_path / "rundun.db"), [JournalEntry("key", "key-1", NOON)], tmp_path)
    missing = f"Of 1 erasures and revocations 1 are not in {own}"
    reasons = "it is not running, a hold has only just ended, or its log says why"
    later = NOON + backup_health.COPIED_WITHIN_MS
    for is_held, now, expected in (
        (True, later, ("note", f"{missing} yet: after a restore nothing is written there before “rundun live”.")),
        (False, later - 1, ("note", f"{missing} yet: the service adds them once a minute.")),
        (False, NOON - 1, ("note", f"{missing} yet: the service adds them once a minute.")),
        (False, later, ("wrong", f"{missing}, although the service adds them once a minute: {reasons}.")),
    ):
        assert judged(tmp_path, now=now, is_held=is_held, backup__folder=str(own))["journal"] == expected
    journal_file.append(own / "rundun.db.erasures", [JournalEntry("key", "key-1", NOON)], own)
    found = judged(tmp_path, now=later, backup__folder=str(own))["journal"]
    assert found == ("good", f"1 erasure or revocation is copied to {own}.")


def test_a_folder_that_does_not_answer_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(copies, "list_backups", lambda *given: release.wait(PATIENCE) and [])
    monkeypatch.setattr("os.path.isfile", lambda path: release.wait(PATIENCE))
    for module in (backup_health, kinds):
        monkeypatch.setattr(module, "FOLDER_SECONDS", 0.05)
    told = f"{tmp_path} does not answer within 0.05 seconds: is its disk away?"
    assert judged(tmp_path, backup__folder=str(tmp_path)) == {"backup": ("wrong", told)}
    release.set()


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
    for module in (https_health, backup_health):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                names |= {each.value for each in node.value.elts[:1] if isinstance(each, ast.Constant)}
    assert {"database", "retention", "erased", "alerts", "backup", "checkpoints", "address"} <= names
    assert names - set(NAMES) == set()
