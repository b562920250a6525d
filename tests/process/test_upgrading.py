"""The guide Upgrading, done as it says with what an older version has left, and the way back."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2

from rundun import paths
from rundun.store.sqlite import connection
from tests.helpers.files.frozen_files import thawed
from tests.helpers.processes.service_process import PATIENCE, Serving, done, looking, rows, rundun, serving

GUIDE = (paths.templates() / "docs/upgrading.md").read_text("utf-8")
NEWEST = connection.list_migrations()[-1][0]
ANSWERS = {"boolean": True, "text": "Dark"}


def documented(*begin: str) -> list[str]:
    """The command of the guide that begins so, as one types it."""
    lines = re.findall(r"^(?:runuser -u rundun -- \S+/)?rundun (.+)$", GUIDE, re.MULTILINE)
    return next(line for line in lines if line.startswith(" ".join(begin))).split()


def answered(service: Serving, run_id: str) -> str:
    """Answer the first step of an open run that asks no more than a word; returns which it was."""
    with httpx2.Client(base_url=f"{service.url}/r/{run_id}", timeout=PATIENCE) as ed:
        state = ed.get("/state").json()
        steps = state["template"]["steps"]
        plain = (one for one in steps if one["type"] in ANSWERS and not one.get("photo") and not one.get("condition"))
        step = next(step for step in plain if step["id"] not in state["answers"])
        put = ed.put(f"/steps/{step['id']}", json={"value": ANSWERS[step["type"]]})
        assert put.status_code == 200, put.text
        return str(step["id"])


def still_says(folder: Path, told: Any) -> None:
    """All that the older version has told its clients stands there."""
    with looking(folder) as db:
        assert {(one,) for (one,) in rows(db, "SELECT id FROM events")} >= {tuple(one) for one in told["events"]}
        assert rows(db, "PRAGMA user_version") == [(NEWEST,)]


def test_an_upgrade_and_the_way_back(tmp_path: Path) -> None:
    told = thawed(tmp_path, 17)
    with closing(sqlite3.connect(tmp_path / "rundun.db")) as db, db:
        db.execute("UPDATE runs SET expires_at = NULL")  # the frozen runs are of a day gone by
        (open_run,) = db.execute("SELECT id FROM runs WHERE status = 'in_progress' AND device IS NULL").fetchone()
    snapshot = tmp_path / "rundun.db.schema-17"

    done(rundun(tmp_path, *with_folder(documented("backup"), tmp_path)))
    with serving(tmp_path, "--existing") as service:
        assert service.wait_for(r"database\.migrated (.*)$")[1] == f"from=17 to={NEWEST} snapshot={snapshot}"
        key = {"authorization": f"Bearer {told['keys']['Acme']}"}
        assert httpx2.get(f"{service.url}/v1/runs", headers=key, timeout=PATIENCE).status_code == 200
        step = answered(service, open_run)
        service.terminate()
        assert service.ended() == 0
        assert service.text.index("database.migrated") < service.text.index("service.started")
    assert snapshot.stat().st_mode & 0o777 == 0o600
    still_says(tmp_path, told)

    with closing(sqlite3.connect(tmp_path / "rundun.db")) as db:  # as a version after this one leaves it
        db.execute(f"PRAGMA user_version = {NEWEST + 5}")
    with serving(tmp_path) as older:
        assert older.ended() == 1
        refused = older.text.splitlines()[-1]
    assert refused == f"Error: rundun.db was written by a newer Rundun (schema {NEWEST + 5}, this knows {NEWEST})."
    assert re.sub(r"\d+", "N", refused) in re.sub(r"\d+", "N", GUIDE)
    for name in ("rundun.db.schema-17", "before-upgrade.db"):
        kept = done(rundun(tmp_path, *with_folder(documented("restore", name), tmp_path)))
        assert "rundun.db.before-restore-" in kept
        with looking(tmp_path) as db:
            assert rows(db, "PRAGMA user_version") == [(17,)]
    with serving(tmp_path, "--existing") as back:
        assert back.wait_for(r"database\.migrated from=17")
        assert answered(back, open_run) == step, "as it was"
        assert "service.held" not in back.text
    still_says(tmp_path, told)


def with_folder(words: list[str], folder: Path) -> list[str]:
    """The words with files in a folder, where the guide has changed into it."""
    return [str(folder / word) if ".db" in word else word for word in words]
