"""A full disk in the middle of a batch: nothing acknowledged is lost, nothing half done is kept, and it passes.

It is full in two ways: SQLite may take no more pages, or the process may write no larger file; a third, a small file
system without a block left, is in tests/faults/. Each of them fails at another place and with another error.
"""

import asyncio
import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rundun.actions import commands
from rundun.actions.organizations import organizations
from rundun.actions.runs import runs
from rundun.actions.templates import templates
from rundun.core.runs.run import DispatchRequest
from rundun.errors import Problem
from rundun.store.database import Database
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures.images import jpeg
from tests.helpers.pictures.photos import count
from tests.helpers.service import BOOLEAN, PUBLIC_URL, Clock, Receiver, World, new_photo_id, world

NO_LIMIT = 4294967294  # pages; the most that SQLite takes


def allow_no_more_pages(tx: Tx) -> None:
    """From now on the file may not grow."""
    pages = tx.db.execute("PRAGMA page_count").fetchone()[0]
    tx.db.execute(f"PRAGMA max_page_count = {pages}")


def allow_more_pages(tx: Tx) -> None:
    """Somebody has made room."""
    tx.db.execute(f"PRAGMA max_page_count = {NO_LIMIT}")


def note(tx: Tx, name: str) -> str:
    """A little to keep, on pages that are there already."""
    organization_rows.add(tx, name)
    return name


def note_much(tx: Tx, name: str) -> None:
    """More to keep than there is room for."""
    note(tx, name)
    tx.db.execute(
        "INSERT INTO organizations (id, name, contact, created_at) VALUES ('org-big', ?, ?, 0)", (name, "x" * 10**6)
    )


def names(tx: Tx) -> list[str]:
    return sorted(one.name for one in organization_rows.list_all(tx))


def assert_unavailable(error: object) -> None:
    assert isinstance(error, Problem), error
    assert (error.code, error.retry_after) == ("unavailable", 5)


@pytest.fixture
async def db(tmp_path: Path) -> Any:
    one = await Database.open(tmp_path / "rundun.db", clock=Clock(), public_url=PUBLIC_URL, grace=0)
    yield one
    await one.close()


# ---- one batch


async def test_everyone_of_the_batch_is_refused_and_nothing_of_it_is_kept(db: Database) -> None:
    await db.write(note, "long ago")
    await db.write(allow_no_more_pages)
    results = await asyncio.gather(
        *(db.write(note, f"before {number}") for number in range(10)),
        db.write(note_much, "too much"),
        *(db.write(note, f"after {number}") for number in range(10)),
        return_exceptions=True,
    )
    for result in results:
        assert_unavailable(result)
    assert await db.read(names) == ["long ago"]
    assert await db.write(note, "small") == "small", "what still finds room is kept"
    await db.write(allow_more_pages)
    await db.write(note_much, "much")
    assert await db.read(names) == ["long ago", "much", "much", "small"]


async def test_nobody_hears_of_a_commit_that_was_none(db: Database) -> None:
    heard: list[set[str]] = []
    db.subscribe(heard.append)

    def touch(tx: Tx) -> None:
        tx.touched.add("outbox")

    await db.write(allow_no_more_pages)
    await asyncio.gather(db.write(touch), db.write(note_much, "x"), db.write(touch), return_exceptions=True)
    assert heard == []


async def test_a_refusal_that_rests_on_the_batch_falls_with_it(db: Database) -> None:
    """The last credit is taken, so the next is told that none is left; then the disk is full and it was not taken."""
    org_id = (await db.write(organizations.create, "Acme")).org_id
    template_id = await db.write(commands.import_template, org_id, {"name": "Check", "steps": [BOOLEAN]})
    await db.write(organizations.add_credits, org_id, 1)
    await db.write(allow_no_more_pages)
    order = DispatchRequest(template_id)
    first, second, _ = await asyncio.gather(
        db.write(runs.dispatch, org_id, order),
        db.write(runs.dispatch, org_id, order),
        db.write(note_much, "x"),
        return_exceptions=True,
    )
    assert_unavailable(first)
    assert_unavailable(second)
    await db.write(allow_more_pages)
    assert (await db.write(runs.dispatch, org_id, order)).status == "pending"
    with pytest.raises(Problem, match="no credits left"):
        await db.write(runs.dispatch, org_id, order)


def check(name: str) -> templates.SentTemplate:
    return templates.read_sent({"name": name, "steps": [BOOLEAN]})


async def test_a_version_that_never_came_to_be_is_not_remembered(db: Database) -> None:
    org_id = (await db.write(organizations.create, "Acme")).org_id
    template_id = await db.write(commands.import_template, org_id, {"name": "First", "steps": [BOOLEAN]})
    await db.write(allow_no_more_pages)
    lost = await asyncio.gather(
        db.write(templates.revise, org_id, template_id, check("Lost"), None),
        db.write(runs.dispatch, org_id, DispatchRequest(template_id)),
        db.write(note_much, "x"),
        return_exceptions=True,
    )
    for one in lost:
        assert_unavailable(one)
    await db.write(allow_more_pages)
    await db.write(templates.revise, org_id, template_id, check("Second"), None)
    run = await db.write(runs.dispatch, org_id, DispatchRequest(template_id))
    state, _ = await db.read(runs.get, org_id, run.run_id)
    assert (state.version.v, state.version.template.name) == (2, "Second")


# ---- a service


async def test_a_photo_on_a_full_disk_is_refused_whole_and_taken_later(w: World) -> None:
    ed = await w.dispatch(await w.template({"id": "s-pic", "type": "photo", "label": "The meter"}))
    await ed.start()
    photo_id, data = new_photo_id(), jpeg(1600, 1200)
    await w.database.write(allow_no_more_pages)
    refused = await ed.photo("s-pic", data, photo_id)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert (await ed.state())["photos"] == {}

    assert await count(w, "files") == 0
    await w.database.write(allow_more_pages)
    assert (await ed.photo("s-pic", data, photo_id)).status_code == 201
    (receipt,) = (await ed.state())["photos"]["s-pic"]
    assert receipt["bytes"] == len(data)


async def test_deliveries_wait_for_room_and_go_out_then(w: World, receiver: Receiver) -> None:
    """The disk is full when the receiver's answer is to be written: that is done once there is room."""
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    wal = Path(f"{w.settings.database.path}-wal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(received: Any) -> bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, before[1]))
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    content, receiver.answer = receiver.answer, full
    try:
        assert (await ed.answer("s-ok", True)).status_code == 200
        await w.deliver()
        assert receiver.events() == ["step.completed"]
        with pytest.raises(Problem) as caught:
            await w.dispatcher.tick()
        assert_unavailable(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    receiver.answer = content
    (waiting,) = await w.deliveries(ed)
    assert waiting["status"] == "pending"
    await w.dispatcher.tick()
    await w.deliver()
    (sent,) = await w.deliveries(ed)
    assert sent["status"] == "delivered"
    assert [one.json["event_id"] for one in receiver.received] == [sent["event_id"]]


async def test_the_file_is_sound_after_all_of_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        template_id = await w.template(BOOLEAN)
        await w.database.write(allow_no_more_pages)
        answers: list[int] = []
        while answers.count(503) < 100:
            wave = await asyncio.gather(
                *(w.acme.post("/v1/runs", json={"template_id": template_id}) for _ in range(50))
            )
            answers += [one.status_code for one in wave]
        assert set(answers) <= {201, 503}
        await w.database.write(allow_more_pages)
        about = (await w.acme.get("/v1/organization")).json()
        assert about["runs_this_month"] == answers.count(201)
    db = sqlite3.connect(tmp_path / "rundun.db")
    assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == answers.count(201)
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
