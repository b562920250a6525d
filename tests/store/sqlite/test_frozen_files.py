"""Databases as older versions have left them are opened by this one, and what those told of them is still so.

schema_4: what 855d391 made by its own API, console and commands, every table filled: a run of each status, answers to
each type of step with replaced ones, photos of three formats, signatures, deliveries that arrived, failed and wait,
versions, archived and revoked things, a logo. `answers` in its told.json is what it then said of all that.

schema_17: what fc0e2a6e left when it was killed while sixteen clients were at work: all that it had told them, which
its told.json names, stands in the WAL. The keys and passwords in both open nothing else.
"""

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.store.backups.restore import restore
from rundun.store.sqlite import connection
from rundun.web.routes import starlette_app
from tests.helpers.console.console import Browser, shown
from tests.helpers.files.frozen_files import OURS, contents, missing, thawed
from tests.helpers.files.storage import assert_counted
from tests.helpers.files.whole_file import require_sound, require_whole
from tests.helpers.processes.service_process import ROOT, environment, rows
from tests.helpers.service import PUBLIC_URL, Clock, Ed, World, pages, world

# ---- 855d391


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """The database of 855d391 lies in `tmp_path`."""
    return thawed(tmp_path, 4)


@pytest.fixture
async def w(tmp_path: Path, told: Any) -> AsyncIterator[World]:
    """This version serves it."""
    async with world(tmp_path, Clock(told["now"])) as one:
        yield one


def with_key(w: World, key: str) -> httpx2.AsyncClient:
    return w.browser(authorization=f"Bearer {key}")


def unjudged(w: World, key: str) -> httpx2.AsyncClient:
    """With a key, and no judge: events from before lack what later versions tell in theirs."""
    app = starlette_app(pages().assets, None)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {"context": w.service}}, receive, send)

    headers = {"authorization": f"Bearer {key}"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=with_state), base_url=PUBLIC_URL, headers=headers)


def cookies(jar: dict[str, str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}


async def test_a_file_of_855d391_is_whole_and_says_all_that_it_said(tmp_path: Path, told: Any) -> None:
    file = tmp_path / "rundun.db"
    with closing(sqlite3.connect(file)) as db:
        assert rows(db, "PRAGMA user_version") == [(4,)]
        for (table,) in rows(db, OURS):
            assert rows(db, f"SELECT count(*) FROM {table}") > [(0,)], f"{table} is empty"
    async with world(tmp_path, Clock(told["now"])) as w:
        await w.database.read(assert_counted)
        acme, ed, key = with_key(w, told["keys"]["acme"]), w.browser(), told["keys"]["acme"]
        jars = {f"/r/{told['runs'][name]}/state": cookies(jar) for name, jar in told["devices"].items()}
        for path, then in told["answers"].items():
            who = ed if path.startswith("/r/") else unjudged(w, key) if "/events" in path else acme
            answer = await who.get(path, headers=jars.get(path))
            assert answer.status_code == 200, answer.text
            assert list(missing(then, answer.json())) == [], path
        for address, sha256 in told["media"].items():
            assert hashlib.sha256((await ed.get(address)).content).hexdigest() == sha256, address
    with closing(sqlite3.connect(file)) as db:
        require_whole(db)


async def test_who_had_a_way_into_855d391_has_it(w: World, told: Any) -> None:
    for key in told["keys"].values():
        assert (await with_key(w, key).get("/v1/organization")).status_code == 200
    assert (await with_key(w, told["revoked"]).get("/v1/organization")).status_code == 401
    for jar in told["sessions"].values():
        assert (await w.browser().get("/console", headers=cookies(jar))).status_code == 200
    for token in (told["invitation"], told["setup"]):
        await shown(Browser(w.browser()), f"/join/{token}")
    ann = Browser(w.browser())
    await ann.get("/sign-in")
    signed_in = await ann.post("/sign-in", email="ann@example.com", password=told["password"])
    assert signed_in.status_code == 303, signed_in.text


async def test_what_855d391_had_begun_goes_on(w: World, told: Any) -> None:
    ann = Browser(w.browser(**cookies(told["sessions"]["ann"])))
    for run_id in told["runs"].values():
        assert run_id in await shown(ann, f"/runs/{run_id}")
    acme, once = with_key(w, told["keys"]["acme"]), told["idempotent"]
    again = await acme.post("/v1/runs", json=once["body"], headers={"idempotency-key": once["key"]})
    assert (again.json(), again.headers["idempotent-replayed"]) == (once["answer"], "true")
    fay = Ed(w, told["runs"]["open"])
    fay.client.headers.update(cookies(told["devices"]["open"]))
    assert (await fay.answer("s-grade", 5)).status_code == 200, "on the phone that began, and no other"
    assert (await w.browser().get(f"/r/{fay.run_id}/state")).json()["code"] == "other_device"
    ed = Ed(w, told["runs"]["untouched"])
    assert (await ed.start()).status_code == 200
    assert (await ed.answer("s-ok", True)).status_code == 200
    await w.database.read(assert_counted)


# ---- fc0e2a6e, killed under load, and its upgrade killed


@pytest.mark.long
async def test_an_upgrade_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    told = thawed(before, 17)
    script = ROOT / "tests/helpers/files/killed_upgrades.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], env=environment(), check=True)
    copies = sorted(tmp_path.iterdir())
    then = contents(before / "rundun.db")
    assert len(copies) > 2 + 2 * (connection.list_migrations()[-1][0] - 17), "at both ends of each migration"
    for copy in copies:
        for snapshot in copy.glob("*.schema-17"):
            assert contents(snapshot) == then, "one that has its name is whole"
        with closing(connection.open_writer(copy / "rundun.db")) as db:
            require_sound(db)
            assert list(lost(db, told)) == []
        now = contents(copy / "rundun.db")
        assert [place for place, values in then.items() if now[place] != values] == []
    async with world(copies[0], Clock(told["now"])) as w:
        for key in told["keys"].values():
            assert (await with_key(w, key).get("/v1/organization")).status_code == 200
    with closing(sqlite3.connect(copies[0] / "rundun.db")) as db:
        require_whole(db)


def lost(db: sqlite3.Connection, told: Any) -> Iterator[str]:
    """What clients were told and the database does not have."""
    for kind, query in {
        "answers": "SELECT run_id, step_id, answer_id, value, skipped, unable FROM answers",
        "remarks": "SELECT run_id, step_id, remark_id, text FROM remarks",
        "photos": "SELECT run_id, photo_id, sha256 FROM photos JOIN files ON files.number = original",
        "replies": "SELECT path, key, status, CAST(body AS TEXT) FROM idempotency_keys",
        "events": "SELECT id FROM events",
    }.items():
        found = rows(db, query)
        yield from (f"{kind}: {one}" for one in told[kind] if tuple(one) not in found)
    revisions = dict(rows(db, "SELECT id, revision FROM runs"))
    yield from (f"{run_id} was at {revision}" for run_id, revision in told["runs"] if revisions[run_id] < revision)


# ---- both, restored


@pytest.mark.parametrize("schema", [4, 17])
def test_what_older_versions_made_is_restored_before_its_upgrade_and_after_it(tmp_path: Path, schema: int) -> None:
    told = thawed(tmp_path, schema)
    database, copy = tmp_path / "restored.db", tmp_path / "copy.db"
    again = tmp_path / "again.db"
    with closing(sqlite3.connect(tmp_path / "rundun.db")) as db, closing(sqlite3.connect(copy)) as target:
        db.backup(target)
    restore(database, copy, told["now"], is_live=False)
    restore(again, database, told["now"], is_live=False)  # with the table that a restore adds
    with closing(connection.open_writer(again)) as db:
        db.execute("ANALYZE")
        db.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")  # as Litestream makes them
        db.execute("CREATE TABLE _litestream_lock (id INTEGER)")
    restore(database, again, told["now"], is_live=False)
    with closing(connection.open_writer(database)) as db:
        require_sound(db)
