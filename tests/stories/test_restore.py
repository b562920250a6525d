"""Going back to a backup: nobody is shown what is another's, misses an event or gets back in, and nothing goes out
before somebody says so.
"""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from rundun.actions import commands
from rundun.actions.deliveries import alerts
from rundun.actions.erasure import erasures
from rundun.actions.organizations import operators
from rundun.core import times
from rundun.maintenance import diagnostics
from rundun.maintenance.backups import Backups
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.erasure import erasure, journal_file
from rundun.store.organizations import api_keys as key_rows
from rundun.store.runs import events as event_rows
from rundun.store.sqlite import service_state
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.files.restoring import back_up, restored
from tests.helpers.metrics import samples
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Receiver, World, answering, world

PHOTO = {"id": "s-photo", "type": "photo", "label": "The door"}


@pytest.fixture
async def first(tmp_path: Path) -> Any:
    """The service as it was; closed by the story."""
    async with AsyncExitStack() as stack:
        w = await stack.enter_async_context(world(tmp_path))
        w.end = stack.aclose  # type: ignore[attr-defined]
        yield w


async def feed(w: World, after: str | None = None) -> tuple[list[str], str]:
    """The ids of Acme's events behind a cursor, and the next one."""
    answer = await w.acme.get("/v1/events", params={"after": after} if after else {})
    assert answer.status_code == 200, answer.text
    return [event["event_id"] for event in answer.json()["data"]], answer.json()["next_cursor"]


async def test_a_reader_of_the_feed_misses_nothing_and_gets_nothing_twice(first: Any) -> None:
    template_id = await first.template(BOOLEAN)
    await (await first.dispatch(template_id)).start()
    copy = back_up(first)
    for _ in range(3):  # lost, though the reader has them
        await (await first.dispatch(template_id)).start()
    read, cursor = await feed(first)
    assert len(read) == 4
    await first.end()
    async with restored(first, copy) as w:
        assert await feed(w, cursor) == ([], cursor)
        await (await w.dispatch(template_id)).start()
        new, cursor = await feed(w, cursor)
        assert len(new) == 1 and not set(new) & set(read)
        await (await w.dispatch(template_id)).start()
        assert len((await feed(w, cursor))[0]) == 1
        assert (await feed(w))[0][:2] == [read[0], new[0]]
        assert await w.database.read(event_rows.read_newest) < 2**53


async def test_an_address_of_a_photo_that_was_lost_shows_no_other(first: Any) -> None:
    template_id = await first.template(PHOTO)

    async def upload(w: World, data: bytes) -> str:
        ed = await w.dispatch(template_id)
        await ed.start()
        return str((await ed.photo("s-photo", data)).json()["url"])

    of_kept = await upload(first, images.jpeg(64, 48))
    copy = back_up(first)
    of_lost = await upload(first, images.jpeg(48, 64))
    await first.end()
    async with restored(first, copy) as w:
        of_new = await upload(w, images.jpeg(80, 60))
        browser = w.browser()
        assert (await browser.get(of_kept)).status_code == 200
        assert (await browser.get(of_lost)).status_code == 404
        assert (await browser.get(of_new)).status_code == 200


async def test_who_was_kept_out_since_the_backup_stays_out(first: Any) -> None:
    await first.database.write(operators.add, first.acme_id, "ann@example.com", "Ann", "owner", "hash")
    ids = {row.key_id for row in await first.database.read(key_rows.list_all) if row.org_id == first.acme_id}
    copy = back_up(first)
    await first.database.write(operators.remove_by_email, "ann@example.com")
    await first.database.write(key_rows.revoke, *ids)
    await first.database.write(commands.COMMANDS["keys rotate-signing"])
    former = await first.database.read(lambda tx: tx.links.key)
    await first.end()
    async with restored(first, copy) as w:
        assert (await w.acme.get("/v1/runs")).status_code == 401
        assert (await w.globex.get("/v1/runs")).status_code == 200
        assert await w.database.read(operators.list_candidates, "ann@example.com") == []
        assert await w.database.read(lambda tx: tx.links.rotations) == 2  # the key of the backup signs nothing any more
        assert w.service.links.key != former
        count = len(journal_file.read(w.database.journal.path))
        await w.database.write(operators.add, w.acme_id, "ann@example.com", "Another Ann", "owner", "hash")
    async with world(w.settings.database.path.parent, w.clock) as again:  # by then there is nothing to do
        assert [row.name for row, _ in await again.database.read(operators.list_candidates, "ann@example.com")] == [
            "Another Ann"
        ]
        assert await again.database.read(lambda tx: tx.links.rotations) == 2
        assert len(journal_file.read(again.database.journal.path)) == count


async def test_what_was_erased_since_the_backup_stays_erased_on_another_machine_too(first: Any, tmp_path: Path) -> None:
    template_id = await first.template(BOOLEAN)
    kept, erased = [await first.dispatch(template_id, executor_ref=f"Ed {number}") for number in range(2)]
    copy = back_up(first)
    later = await first.dispatch(template_id)
    for ed in (erased, later):
        await first.database.write(erasures.erase, None, ed.run_id, "command line")
    count = len(journal_file.read(first.database.journal.path))
    assert count == 2
    await first.end()
    journal = first.database.journal.path
    shutil.copy(journal, copy.parent)  # as it is written there, too, where the folder is known to the service
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in (None, elsewhere):
        async with restored(first, copy, folder) as w:
            gone = await w.acme.get(f"/v1/runs/{erased.run_id}")
            assert gone.status_code == 410 and gone.json()["code"] == "run_erased"
            assert (await w.run(kept))["executor_ref"] == "Ed 0"
            assert (await w.acme.get(f"/v1/runs/{later.run_id}")).status_code == 404
            assert len(journal_file.read(w.database.journal.path)) == count
        assert b"Ed 1" not in w.settings.database.path.read_bytes()


async def test_it_is_told_after_a_restore_when_and_by_whom_a_run_was_erased(first: Any) -> None:
    template_id = await first.template(BOOLEAN)
    by_key, by_hand, before = [await first.dispatch(template_id) for _ in range(3)]
    copy = back_up(first)
    first.clock.forward(seconds=600)
    for ed in (by_key, before):
        assert (await first.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    await first.database.write(erasures.erase, None, by_hand.run_id, "command line")
    at = first.clock.now
    whose = (await first.database.read(erasure.find, by_key.run_id)).erased_by
    first.clock.forward(seconds=600)
    assert (await first.acme.delete(f"/v1/runs/{by_key.run_id}")).status_code == 204, "again, which changes nothing"
    await first.end()
    journal = first.database.journal.path
    entries = journal_file.read(journal)
    assert {(entry.id, entry.at, entry.by) for entry in entries[:2]} == {
        (one.run_id, at, whose) for one in (by_key, before)
    }
    lines = journal.read_text().splitlines()
    journal.write_text("".join(f"{line}\n" for line in lines if before.run_id not in line))
    with journal.open("a") as file:  # as older versions have written them
        file.write(f'{{"what":"run","id":"{before.run_id}","at":{at}}}\n')
    async with restored(first, copy) as w:
        found = [await w.database.read(erasure.find, ed.run_id) for ed in (by_key, by_hand, before)]
        said = [(one.erased_at, one.erased_by) for one in found if one]
        assert said == [(at, whose), (at, "command line"), (at, "journal")]
        assert {event["ts"] for event in (await w.acme.get("/v1/events")).json()["data"]} == {times.wire(w.clock.now)}


async def test_a_journal_that_was_lost_grows_again(first: Any) -> None:
    ed = await first.dispatch(await first.template(BOOLEAN))
    await first.database.write(erasures.erase, None, ed.run_id, "command line")
    await first.end()
    first.database.journal.path.unlink()
    async with world(first.settings.database.path.parent, first.clock) as again:
        assert [entry.id for entry in journal_file.read(again.database.journal.path)] == [ed.run_id]


async def test_what_is_tried_out_on_a_copy_does_not_happen_to_the_service(first: Any, tmp_path: Path) -> None:
    ed = await first.dispatch(await first.template(BOOLEAN))
    copy = back_up(first)
    await first.end()
    folder = tmp_path / "laptop"
    folder.mkdir()
    async with restored(first, copy, folder, is_live=False, backup__folder=str(copy.parent)) as laptop:
        await laptop.database.write(erasures.erase, None, ed.run_id, "command line")
        maker = Backups(laptop.database, copy.parent, laptop.settings.backup)
        await maker.turn()
        await maker.copy_journal()
        assert list(copy.parent.iterdir()) == [copy]
        await laptop.database.write(commands.COMMANDS["live"])
        await maker.copy_journal()
        await maker.close()
        journal = copy.parent / "rundun.db.erasures"
        assert [entry.id for entry in journal_file.read(journal)] == [ed.run_id], "by then it is the service itself"
        journal.unlink()
    async with restored(first, copy, backup__folder=str(copy.parent)) as service:
        assert (await service.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 200


async def test_a_start_learns_from_the_copy_of_the_journal_what_must_stay_gone(first: Any, tmp_path: Path) -> None:
    ed = await first.dispatch(await first.template(BOOLEAN))
    copy, folder = back_up(first), tmp_path / "disk of the backups"
    folder.mkdir()
    await first.database.write(erasures.erase, None, ed.run_id, "command line")
    shutil.move(first.database.journal.path, folder)  # as the backups have it there, and the disk beside is lost
    await first.end()
    (elsewhere := tmp_path / "elsewhere").mkdir()
    async with restored(first, copy, elsewhere, backup__folder=str(folder)) as w:
        assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).json()["code"] == "run_erased"


async def test_nothing_goes_out_before_somebody_says_that_this_is_the_service(first: Any, receiver: Receiver) -> None:
    hook = {"url": receiver.url, "events": ["run.started", "run.cancelled"]}
    receiver.answer = answering("503 Not Yet")
    template_id = await first.template(BOOLEAN)
    old = await first.dispatch(template_id, webhook=hook)
    await old.start()
    failed = await first.dispatch(template_id, webhook={**hook, "url": "http://127.0.0.1:1/hook"})
    await failed.start()

    def fail(tx: Any) -> None:
        number = tx.number("SELECT number FROM deliveries WHERE run_id = ?", failed.run_id)
        tx.db.execute("UPDATE deliveries SET status = 'failed', next_attempt_at = NULL WHERE number = ?", (number,))
        delivery_rows.put_awaiting_alert(tx, number)

    await first.deliver()
    receiver.answer = Receiver.answer
    await first.database.write(fail)
    copy = back_up(first)
    await first.end()
    receiver.received.clear()
    async with restored(first, copy, is_live=False) as w:
        assert await w.database.read(delivery_rows.list_awaiting_alert, 1)
        assert not await w.database.read(alerts.has_alert)
        new = await w.dispatch(template_id, webhook=hook)
        await new.start()
        (one,) = await w.deliveries(failed)
        again = await w.acme.post(f"/v1/deliveries/{one['delivery_id']}/retry", json={})
        assert again.status_code == 202 and again.json()["status"] == "pending"
        await w.deliver()
        await w.dispatcher.tick()
        assert receiver.received == []
        tried = await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})
        assert (tried.status_code, tried.json()["code"]) == (409, "held")
        assert receiver.received == []
        ann = await operator(w)
        await ann.get("/settings/webhooks")
        tried = text_of((await ann.post("/settings/webhooks/test", url=receiver.url)).text)
        assert "The data was put back from a backup." in tried
        assert "nothing goes out" in text_of(await shown(ann, ""))
        assert "3 wait" in text_of(await shown(ann, "/settings/health"))
        found = {one.name: one for one in diagnostics.report(w.settings, w.clock).findings}
        assert found["held"].state == "note" and "2026-01-01T01:00:00Z" in found["held"].text
        assert samples((await w.browser().get("/metrics")).text)["rundun_held", None] == 1
        w.clock.forward(hours=2)
        found = {one.name: one for one in diagnostics.report(w.settings, w.clock).findings}
        assert (found["held"].state, found["deliveries"].state) == ("wrong", "good")

        ended = await w.database.write(commands.COMMANDS["live"])
        assert ended == {"since": "2026-01-01T01:00:00Z", "deliveries": 3}
        await w.deliver()
        assert sorted(one.json["run_id"] for one in receiver.received) == sorted([old.run_id, new.run_id])
        assert (await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})).status_code == 200
        assert samples((await w.browser().get("/metrics")).text)["rundun_held", None] == 0
        assert "nothing goes out" not in text_of(await shown(ann, ""))
    async with world(w.settings.database.path.parent, w.clock) as later:
        assert await later.database.read(service_state.find_held_since) is None
