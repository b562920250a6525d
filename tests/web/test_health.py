"""What watches the service: /healthz, /readyz and /metrics, without a key."""

import asyncio
import re
import threading
import uuid

import pytest

from rundun.store import housekeeping
from rundun.store.sqlite.transaction import Tx
from tests.helpers.metrics import Samples, samples
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, Receiver, World, answering

PHOTO = {"id": "s-pic", "type": "photo", "label": "The meter"}


async def test_ready_is_proven_once_a_second_however_often_it_is_asked(w: World) -> None:
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))

    def proofs() -> int:
        return len([one for one in seen if "INTO proof" in one])

    async def ask() -> set[int]:
        asked = [w.browser().get("/readyz") for _ in range(20)]
        return {one.status_code for one in await asyncio.gather(*asked)}

    assert await ask() == {200}
    assert proofs() == 1, "a real write, but one for all of them"
    w.clock.forward(seconds=0.999)
    assert await ask() == {200}
    assert proofs() == 1
    w.clock.forward(seconds=0.001)
    assert await ask() == {200}
    assert proofs() == 2
    w.clock.forward(seconds=-10)
    assert await ask() == {200}
    assert proofs() == 3, "a clock that was set back proves nothing"


def make_full(tx: Tx) -> None:
    """From now on what `/readyz` writes is rolled back, with all that would be committed with it."""
    tx.db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON proof BEGIN SELECT raise(ROLLBACK, 'disk full'); END")


async def test_what_cannot_be_written_is_not_ready(w: World) -> None:
    await w.database.write(make_full)
    for _ in range(2):
        answer = await w.browser().get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await w.browser().get("/healthz")).status_code == 200
    await w.database.write(lambda tx: tx.db.execute("DROP TRIGGER temp.full") and None)
    assert (await w.browser().get("/readyz")).status_code == 200, "a failure is not remembered"


async def metrics(w: World) -> Samples:
    """Every sample, by its name and its label's value."""
    answer = await w.browser().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    return samples(answer.text)


async def test_metrics_count_what_happens(w: World, receiver: Receiver) -> None:
    before = await metrics(w)
    receiver.answer = answering("500 Oops")
    template_id = await w.template(BOOLEAN)
    done = await w.dispatch(template_id, webhook={"url": receiver.url})
    await w.dispatch(template_id, expires_in_hours=None)
    await done.start()
    middle = await metrics(w)

    assert gained(before, middle, "rundun_runs", "pending") == 1, "one that never expires counts as well"
    assert gained(before, middle, "rundun_runs", "in_progress") == 1
    await done.answer("s-ok", True)
    assert (await done.answer("s-none", True)).status_code == 404
    await w.deliver()
    after = await metrics(w)
    assert gained(before, after, "rundun_attempts_total", "retry") == 1
    assert after["rundun_deliveries", "pending"] == 1
    assert gained(before, after, "rundun_requests_total", "4xx") == 1
    assert gained(before, after, "rundun_requests_total", "2xx") == 7, "template, two runs, start, two metrics, answer"
    for _ in range(4):
        w.clock.forward(hours=2)
        await w.deliver()
    receiver.answer = answering("204 No Content")
    await done.complete()
    await w.deliver()
    last = await metrics(w)
    assert gained(before, last, "rundun_attempts_total", "failed") == 1
    assert gained(before, last, "rundun_attempts_total", "delivered") == 1
    assert (last["rundun_deliveries", "pending"], last["rundun_deliveries", "failed"]) == (0, 1)
    assert gained(before, last, "rundun_runs", "in_progress") == 0
    assert last["rundun_database_bytes", None] % housekeeping.PAGE == 0
    assert last["process_start_time_seconds", None] > 1_700_000_000


async def test_metrics_name_nobody(w: World, receiver: Receiver) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await w.browser().get(f"/r/{ed.run_id}")
    await w.browser().get(f"/r/r-{uuid.uuid4()}")
    text = (await w.browser().get("/metrics")).text
    for secret in (ed.run_id[2:10], w.acme_id[4:12], "127.0.0.1", "/r/"):
        assert secret not in text
    assert len(text.splitlines()) < 160
    assert all(re.fullmatch("[a-z0-9_]+|[0-9.]+|[+]Inf", label) for _, label in samples(text) if label)


def gained(before: Samples, after: Samples, name: str, label: str | None = None) -> float:
    return after[name, label] - before[name, label]


async def test_metrics_tell_what_waits_and_for_how_long(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("500 Oops")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", True)
    assert (await metrics(w))["rundun_deliveries_overdue_seconds", None] == 0, "it was due just now"
    await w.deliver()
    w.clock.forward(seconds=20)
    assert (await metrics(w))["rundun_deliveries_overdue_seconds", None] == 0, "the next attempt is not due yet"
    w.clock.forward(seconds=3600)
    overdue = (await metrics(w))["rundun_deliveries_overdue_seconds", None]
    assert 3580 <= overdue <= 3600, "since the second attempt was due, half a minute after the first"
    receiver.answer = answering("204 No Content")
    await w.deliver()
    assert (await metrics(w))["rundun_deliveries_overdue_seconds", None] == 0


async def test_metrics_tell_how_long_requests_uploads_and_commits_take(w: World) -> None:
    ed = await w.dispatch(await w.template(PHOTO))
    await ed.start()
    cursor = (await w.acme.get("/v1/events")).json()["next_cursor"]
    before = await metrics(w)
    poll = asyncio.create_task(w.acme.get("/v1/events", params={"after": cursor, "wait": "30"}))
    while (await metrics(w))["rundun_polls_waiting", None] == 0:
        pass
    asked = await metrics(w)
    assert (await ed.photo("s-pic", jpeg(60, 40))).status_code == 201
    assert (await ed.photo("s-none", jpeg(60, 40))).status_code == 404
    assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={"reason": "done"})).status_code == 200
    assert len((await poll).json()["data"]) == 1
    after = await metrics(w)
    assert gained(before, after, "rundun_upload_seconds_count") == 1
    assert gained(before, after, "rundun_upload_seconds_sum") > 0
    counted = gained(asked, after, "rundun_request_seconds_count")
    assert counted == 3, "the refusal, which was no upload yet, the end, and the look before; not the poll"
    commits = gained(before, after, "rundun_commit_seconds_count")
    assert commits >= 2
    assert gained(before, after, "rundun_commit_writes_count") == commits
    assert gained(before, after, "rundun_commit_writes_sum") >= commits
    while gained(before, after, "rundun_loop_lateness_seconds_count") == 0:  # of each beat, and this was quick
        after = await metrics(w)
    assert after["rundun_wal_bytes", None] > 0
    assert after["rundun_disk_free_bytes", None] > 0


async def test_metrics_tell_what_stands_behind_a_slow_write(w: World) -> None:
    """The writer is busy with one, three more wait: they are committed together."""
    busy, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    before = await metrics(w)
    first = asyncio.create_task(w.database.write(slow))
    assert await asyncio.to_thread(busy.wait, PATIENCE)
    others = [asyncio.create_task(w.database.write(housekeeping.write_proof)) for _ in range(3)]
    await asyncio.sleep(0)
    during = await metrics(w)
    go_on.set()
    await asyncio.gather(first, *others)
    after = await metrics(w)
    assert (during["rundun_writer_queue", None], after["rundun_writer_queue", None]) == (3, 0)
    assert gained(before, after, "rundun_commit_writes_bucket", "1.0") == 1
    assert gained(before, after, "rundun_commit_writes_bucket", "5.0") == 2
    assert gained(before, after, "rundun_commits_failed_total") == 0


async def test_metrics_tell_of_commits_that_failed_and_of_a_file_that_is_lost(w: World) -> None:
    await w.database.write(make_full)
    before = await metrics(w)
    assert (await w.browser().get("/readyz")).status_code == 503
    after = await metrics(w)
    assert gained(before, after, "rundun_commits_failed_total") == 1
    assert after["rundun_database_in_place", None] == 1
    folder = w.settings.database.path.parent
    folder.rename(folder.with_name("away"))
    await w.database.examine_file()
    lost = await metrics(w)
    assert lost["rundun_database_in_place", None] == 0
    assert not {name for name, _ in lost} & {"rundun_database_bytes", "rundun_disk_free_bytes"}, "nobody knows"
    folder.with_name("away").rename(folder)
    await w.database.examine_file()
    assert (await metrics(w)).keys() == after.keys()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_only_looking_is_allowed(w: World, path: str) -> None:
    assert (await w.browser().post(path)).status_code == 405
