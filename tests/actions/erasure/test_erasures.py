"""Erasing a run: all of it goes, from every table; that it was there, and when, stays."""

from dataclasses import replace
from typing import Any

import pytest

from rundun.actions.erasure import erasures
from rundun.actions.health import read_health
from rundun.actions.organizations import api_keys
from rundun.actions.runs import photos
from rundun.maintenance import diagnostics
from rundun.scheduler import index_runs
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.erasure import erased_bytes, erasure
from rundun.store.sqlite.transaction import Tx
from rundun.store.worker import MAX_BATCH
from tests.helpers.canaries import STEPS, TEMPLATE, overwrite, with_canary
from tests.helpers.files.storage import used
from tests.helpers.pictures.images import jpeg
from tests.helpers.pictures.photos import count, digest, started
from tests.helpers.retention import swept
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering, new_photo_id
from tests.helpers.webhooks import SECRET, hooked, verify
from tests.web.api.runs.test_run_patch_under_way import under_way

CANARY = "canary-4711"
ROW, GONE, NONE = "stays, see tests/store/runs/test_columns.py", "all rows go", "has nothing of a run"

# What erasing a run does to each table: whoever adds one says it here.
TABLES = {
    "removed_operators": NONE,
    "default_webhooks": NONE,
    "runs": ROW,
    "answers": GONE,
    "attempts": GONE,
    "changes": GONE,
    "chunks": GONE,
    "deliveries": "all rows go but that of `run.erased`",
    "events": "all rows go but `run.erased`",
    "files": GONE,
    "idempotency_keys": "all rows go but that of the dispatch, without its key and what was answered",
    "photos": GONE,
    "remarks": GONE,
    "run_secrets": GONE,
    "run_texts": GONE,
    "runs_to_index": "has its number until the index was looked after",
    "run_search": "does not find it",
    **dict.fromkeys(("run_search_data", "run_search_idx"), "what the index has of it goes as bytes are overwritten"),
    "shares": "digests and times stay, so that a link says that its report is gone",
    "signatures": GONE,
    "run_search_config": NONE,
    "indexed_runs": NONE,
    "invitations": NONE,
    "keys": NONE,
    "operators": NONE,
    "organization_changes": NONE,
    "organizations": NONE,
    "password_resets": NONE,
    "pictures": NONE,
    "drafts": NONE,
    "draft_pictures": NONE,
    "proof": NONE,
    "recovery_codes": NONE,
    "rotations": NONE,
    "second_factors": NONE,
    "secrets": NONE,
    "service_state": NONE,
    "sent_tables": "a digest goes, which other runs of the table have in common with it; its number stays",
    "sessions": NONE,
    "table_parts": "of runs that are not made yet",
    "tallies": "counts stay",
    "template_versions": NONE,
    "templates": NONE,
}
# How the rows of a test's one run are found, where not by `run_id`: all files but those of the samples are its own.
_SHOWN = "(SELECT file FROM pictures UNION SELECT thumbnail FROM pictures)"
FOUND = {
    "attempts": "1",
    "run_secrets": "1",
    "run_texts": "1",
    "files": f"number NOT IN {_SHOWN}",
    "chunks": f"file NOT IN {_SHOWN}",
}


def tables(tx: Tx) -> set[str]:
    rows = tx.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {row[0] for row in rows}


def row_counts(tx: Tx) -> dict[str, int]:
    """How many rows of the one run each table has that loses some."""
    return {
        name: tx.number(f"SELECT count(*) FROM {name} WHERE {FOUND.get(name, 'run_id IS NOT NULL')}")
        for name, what in TABLES.items()
        if "rows go" in what
    }


def dump(tx: Tx) -> str:
    return "".join(str([*row]) for name in sorted(tables(tx)) for row in tx.db.execute(f"SELECT * FROM {name}"))


def stub(tx: Tx, ed: Ed) -> dict[str, Any]:
    return dict(tx.get_row("run", "SELECT * FROM runs WHERE id = ?", ed.run_id))


async def erase(w: World, ed: Ed) -> None:
    response = await w.acme.delete(f"/v1/runs/{ed.run_id}")
    assert (response.status_code, response.content) == (204, b""), response.text


async def feed(w: World) -> list[str]:
    """All of the organization's feed, from the beginning."""
    names, after = [], ""
    while True:
        page = (await w.acme.get(f"/v1/events?limit=1{after}")).json()
        names += [each["event"] for each in page["data"]]
        after = f"&after={page['next_cursor']}"
        if not page["data"]:
            return names


async def test_every_table_says_what_erasing_a_run_does_to_it(w: World) -> None:
    assert await w.database.read(tables) == TABLES.keys()


async def test_nothing_of_it_is_left_in_any_table(w: World, receiver: Receiver) -> None:
    hook = {"url": receiver.url, "events": ["*", "run.erased"]}
    ed = await with_canary(w, await w.template(*STEPS, **TEMPLATE), CANARY, hook)
    await w.deliver()
    await index_runs(w.database)
    full = await w.database.read(row_counts)
    assert min(full.values()) > 0, full
    before, organization = await used(w), (await w.acme.get("/v1/organization")).json()
    assert CANARY in await w.database.read(dump)

    await erase(w, ed)
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM files WHERE is_whole")) == len(
        await w.database.read(lambda tx: tx.db.execute(_SHOWN.strip("()")).fetchall())
    ), "no address leads to a picture of it any more"
    await overwrite(w)
    left = await w.database.read(row_counts)
    assert {name: n for name, n in left.items() if n} == {"events": 1, "deliveries": 1}
    assert await count(w, "idempotency_keys") == 1
    await w.deliver()
    assert receiver.received[-1].json["data"] == {"executor_ref": None}
    assert receiver.received[-1].json["identity"] == {"mode": "anonymous", "user_id": None}
    assert CANARY not in await w.database.read(dump), "the webhook's, too, once it is delivered"
    row = await w.database.read(stub, ed)
    assert (row["status"], row["closed_at"], row["progress"]) == ("cancelled", None, "{}")
    assert await used(w) < before - 5000
    now = (await w.acme.get("/v1/organization")).json()
    assert {**now, "bytes_used": 0} == {**organization, "bytes_used": 0}, "counts and credits stay"
    assert receiver.events().count("run.erased") == 1 and "run.cancelled" not in receiver.events()


async def test_an_erased_run_says_so_wherever_it_is_asked_for(w: World) -> None:
    ed, other = await started(w, BOOLEAN), await started(w, BOOLEAN)
    w.clock.forward(seconds=7)
    for _ in range(2):
        await erase(w, ed)
    v1 = f"/v1/runs/{ed.run_id}"
    merge = {"content-type": "application/merge-patch+json"}
    answers = [
        await w.acme.get(v1),
        await w.acme.get(f"{v1}/events"),
        await w.acme.get(f"{v1}/deliveries"),
        await w.acme.post(f"{v1}/cancel", json={}),
        await w.acme.post(f"{v1}/extend", json={"expires_in_hours": 99}),
        await w.acme.post(f"{v1}/release", json={}),
        await w.acme.post(f"{v1}/again", json={}),
        await w.acme.patch(v1, json={"title": "New"}, headers=merge),
        await ed.call("GET", "/state"),
        await ed.start(),
        await ed.answer("s-ok", True),
        await ed.complete(),
        await ed.call("POST", "/cancel", json={}),
        await ed.photo("s-ok", jpeg()),
    ]
    expected = (410, "run_erased", "2026-01-01T00:00:07Z")
    said = [(one.status_code, one.json()["code"], one.json().get("erased_at")) for one in answers]
    assert said == [expected] * len(answers)
    listed = (await w.acme.get("/v1/runs")).json()["data"]
    assert [one["run_id"] for one in listed] == [other.run_id]
    assert (await w.acme.get("/v1/runs?status=cancelled")).json()["data"] == []


async def test_only_keys_that_were_made_for_it_may_erase_and_only_what_is_theirs(w: World) -> None:
    ed = await started(w, BOOLEAN)
    _, leaked = await w.database.write(api_keys.create, w.acme_id, "leaked")
    bearer = {"authorization": f"Bearer {leaked}"}
    refused = await w.browser().delete(f"/v1/runs/{ed.run_id}", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "erasure_not_allowed")
    unknown = "/v1/runs/r-00000000-0000-4000-8000-000000000000"
    strangers = [await w.globex.delete(f"/v1/runs/{ed.run_id}"), await w.acme.delete(unknown)]
    assert [one.status_code for one in strangers] == [404, 404]
    assert (await w.run(ed))["status"] == "in_progress", "nothing is gone"
    await erase(w, ed)
    gone = [await w.globex.delete(f"/v1/runs/{ed.run_id}"), await w.globex.get(f"/v1/runs/{ed.run_id}")]
    assert [one.status_code for one in gone] == [404, 404], "also who asks for what was erased of others"


async def test_the_feed_goes_on_behind_what_was_erased(w: World) -> None:
    runs = [await started(w, BOOLEAN) for _ in range(4)]
    for ed in runs:
        await ed.answer("s-ok", True)
    cursor = (await w.acme.get("/v1/events")).json()["next_cursor"]
    await erase(w, runs[-1])  # the newest events of all
    await erase(w, runs[1])
    new = (await w.acme.get(f"/v1/events?after={cursor}")).json()["data"]
    assert [(one["event"], one["run_id"]) for one in new] == [("run.erased", runs[n].run_id) for n in (3, 1)]
    await runs[0].complete()
    names = [*["run.started"] * 2, *["step.completed"] * 2, "run.erased", "run.erased", "run.completed"]
    assert await feed(w) == names


async def test_an_upload_under_way_ends_and_leaves_nothing(w: World) -> None:
    ed = await started(w, {"id": "s-pic", "type": "photo", "label": "The door"})
    picture, before = jpeg(), await count(w, "files")

    async def body() -> Any:
        yield picture[:1000]
        await erase(w, ed)
        yield picture[1000:]

    path = f"/steps/s-pic/photos/{new_photo_id()}"
    answer = await ed.call("PUT", path, content=body(), headers=digest(picture))
    assert (answer.status_code, answer.json()["code"]) == (410, "run_erased")
    assert await count(w, "files") == before
    assert await used(w)


async def test_a_large_upload_under_way_leaves_none_of_its_pieces(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ed = await started(w, {"id": "s-pic", "type": "photo", "label": "The door"})
    small, write_heavy = jpeg(), w.database.write_heavy
    large = small[:2] + (b"\xff\xfe\xff\xff" + b"x" * 65533) * 80 + small[2:]  # long comments: 5 MiB
    begun: list[Any] = []

    async def erasing(weight: int, action: Any, *args: Any, **more: Any) -> Any:
        assert weight <= MAX_BATCH
        begun.append(action)
        if action is photos.add_photo:
            await erase(w, ed)
        return await write_heavy(weight, action, *args, **more)

    monkeypatch.setattr(w.database, "write_heavy", erasing)
    answer = await ed.photo("s-pic", large, headers=digest(large))
    assert (answer.status_code, answer.json()["code"]) == (410, "run_erased")
    assert begun == [photos.add_pieces, photos.add_photo]
    assert (await count(w, "files"), await count(w, "chunks")) == (0, 0)


@pytest.mark.parametrize("status", ["204 No Content", "500 Oops"])
async def test_a_delivery_under_way_ends_with_its_run(w: World, receiver: Receiver, status: str) -> None:
    """Another delivery may have its number by then, which must not be taken for delivered, nor for tried."""
    receiver.answer = answering(status)
    ed, go_on = await under_way(w, receiver)
    await erase(w, ed)
    assert await count(w, "deliveries") == 0
    async with Receiver().listening() as other:
        await hooked(w, other.url, events=["run.started"])
        go_on.set()
        for _ in range(2):  # what has the number waits until it is free
            await w.deliver()
        assert (len(receiver.received), other.events()) == (1, ["run.started"])
    (delivery,) = (await w.acme.get("/v1/deliveries")).json()["data"]
    assert (delivery["status"], len(delivery["attempts"])) == ("delivered", 1)


@pytest.mark.parametrize("is_bulk", [False, True])
async def test_a_failed_notice_of_it_can_be_sent_again_and_leaves_nothing_once_it_arrives(
    w: World, receiver: Receiver, is_bulk: bool
) -> None:
    receiver.answer = answering("410 Gone")
    await hooked_and_erased(w, receiver)
    (delivery,) = (await w.acme.get("/v1/deliveries?status=failed")).json()["data"]
    assert (delivery["event"], len(delivery["attempts"])) == ("run.erased", 1)
    receiver.answer = Receiver.answer
    one, all_failed = f"/v1/deliveries/{delivery['delivery_id']}/retry", "/v1/deliveries/retry"
    path, body = (all_failed, {"status": "failed"}) if is_bulk else (one, {})
    again = await w.acme.post(path, json=body, headers={"idempotency-key": "again"})
    assert again.status_code == 202, again.text
    await w.deliver()
    verify(delivery["attempts"][0]["url"], receiver.received[-1], SECRET)
    assert CANARY not in await w.database.read(dump)
    refused = await w.acme.post(one, json={})
    assert refused.json()["code"] == "wrong_status" and "erased" in refused.json()["detail"]
    assert await used(w)


async def test_a_failed_notice_of_it_leaves_nothing_once_the_time_of_attempts_is_over(
    w: World, receiver: Receiver
) -> None:
    receiver.answer = answering("410 Gone")
    await hooked_and_erased(w, receiver)
    assert len(await w.database.read(delivery_rows.list_awaiting_alert, 9)) == 1, "as of any other"
    w.clock.forward(hours=90 * 24, seconds=-1)
    await swept(w)
    assert CANARY in await w.database.read(dump)
    w.clock.forward(seconds=1)
    await swept(w)
    assert CANARY not in await w.database.read(dump)
    assert await w.database.read(delivery_rows.list_awaiting_alert, 9) == [], "of which there is nothing to tell"
    (delivery,) = (await w.acme.get("/v1/deliveries?status=failed")).json()["data"]
    assert (delivery["attempts"], delivery["attempts_removed"]) == ([], 1)


async def hooked_and_erased(w: World, receiver: Receiver) -> None:
    """A run whose `run.erased` was sent once, to a webhook with a canary."""
    ed = await hooked(w, f"{receiver.url}?{CANARY}", events=["run.erased"], secret=SECRET)
    await erase(w, ed)
    w.dispatcher._alerting = True
    await w.deliver()
    assert CANARY in await w.database.read(dump)


async def test_the_journal_hears_of_each_erasure_that_asks_for_it(w: World) -> None:
    ed = await started(w, BOOLEAN)

    def twice(tx: Tx, **more: Any) -> list[str]:
        erasures.erase(tx, None, ed.run_id, "retention", **more)
        return [f"{entry.what} {entry.id}" for entry in tx.journal]

    assert await w.database.write(twice, journal=False) == []
    assert await w.database.write(twice) == [f"run {ed.run_id}"]
    left = await w.database.read(erasure.find, ed.run_id)
    assert left is not None and (left.erased_by, left.erased_at) == ("retention", w.clock.now)


async def test_check_tells_where_what_was_erased_is_not_overwritten(w: World) -> None:
    ed = await started(w, BOOLEAN)
    await erase(w, ed)
    w.clock.forward(hours=1)
    soon = replace(await w.database.read(read_health, None, 0), is_overwritten=True)
    assert [*diagnostics._erased(soon)] == []
    w.clock.forward(seconds=1)
    await w.database.write(erased_bytes.put_mark)
    late = replace(await w.database.read(read_health, None, 0), is_overwritten=True)
    (finding,) = diagnostics._erased(late)
    assert (finding.state, "2026-01-01T00:00:00Z" in finding.text) == ("note", True)
    assert [
        "without sqlite_dbpage" in one.text for one in diagnostics._erased(replace(soon, is_overwritten=False))
    ] == [True]
    await overwrite(w)
    assert [*diagnostics._erased(replace(await w.database.read(read_health, None, 0), is_overwritten=True))] == []
