"""Retention: what is deleted once it was kept for as long as was set, and what stays."""

from pathlib import Path

import pytest
from pydantic_core import from_json

from rundun.actions.deliveries import alerts
from rundun.actions.erasure import retention as retention_actions
from rundun.core import times
from rundun.core.erasure.retention import TemplateRetention
from rundun.errors import Invalid
from rundun.maintenance import diagnostics, retention
from rundun.store import files
from rundun.store.erasure import erasure, retention as retention_rows
from rundun.store.organizations import statistics
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import assert_counted
from tests.helpers.pictures.images import heic, jpeg
from tests.helpers.retention import HERE, done, keep, swept, template
from tests.helpers.service import BOOLEAN, Clock, Receiver, World, answering, new_photo_id, world
from tests.helpers.webhooks import hooked


def stored(tx: Tx) -> dict[str, int]:
    """How many rows of files there are, and bytes in their chunks."""
    size = tx.number("SELECT ifnull(sum(length(bytes)), 0) FROM chunks")
    return {"files": tx.number("SELECT count(*) FROM files"), "bytes": size}


async def test_photos_go_when_their_days_are_over_and_all_else_of_the_run_stays(w: World) -> None:
    template_id = await template(w)
    empty = await w.database.read(stored)
    ed = await done(w, template_id, jpeg(), heic())
    open_run = await done(w, template_id, jpeg(), complete=False)
    kept_for_the_open_run = (await w.database.read(stored))["bytes"]
    await keep(w, photos_days=90)
    w.clock.forward(hours=90 * 24, seconds=-1)
    await swept(w)
    before = await w.acme.get(f"/v1/runs/{ed.run_id}")
    assert len(before.json()["answers"]["s-pic"]["photos"]) == 2
    events = await w.events(ed)
    w.clock.forward(seconds=1)
    await swept(w)

    after = await w.acme.get(f"/v1/runs/{ed.run_id}", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200, "it has changed"
    was, record = before.json(), after.json()
    assert record["answers"]["s-pic"] == {**was["answers"]["s-pic"], "photos": [], "photos_removed": 2}
    assert record["remarks"]["s-pic"] == {**was["remarks"]["s-pic"], "photos": [], "photos_removed": 1}
    assert record["answers"]["s-after"] == was["answers"]["s-after"], "what it was asked for is done still"
    assert (record["progress"], record["status"]) == (was["progress"], "completed")
    for photo in was["answers"]["s-pic"]["photos"]:
        for url in (photo["url"], photo["thumbnail_url"], photo["original"]["url"]):
            assert (await w.browser().get(url)).status_code == 404
    assert await w.events(ed) == events
    assert (await w.run(open_run))["answers"]["s-pic"]["photos"], "nothing of an open run"
    assert (await w.database.read(stored))["bytes"] < kept_for_the_open_run
    assert empty["bytes"] < (await w.database.read(stored))["bytes"]


async def test_a_photo_that_comes_again_has_its_receipt_though_its_pictures_are_gone(w: World) -> None:
    data, photo_id = jpeg(), new_photo_id()
    ed = await w.dispatch(await template(w))
    await ed.start()
    receipt = (await ed.photo("s-pic", data, photo_id, params=HERE)).json()
    await ed.answer("s-pic", photos=[photo_id])
    await ed.answer("s-after", True)
    await ed.complete()
    await keep(w, photos_days=1)
    w.clock.forward(hours=24)
    await swept(w)
    again = await ed.photo("s-pic", data, photo_id)
    assert (again.status_code, again.json()["sha256"]) == (200, receipt["sha256"])
    geo = "SELECT count(*) FROM photos WHERE geo IS NOT NULL"
    assert await w.database.read(lambda tx: tx.number(geo)) == 0, "where it was taken goes with it"


async def test_a_run_that_fails_holds_up_nobody(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await template(w)
    runs = [await done(w, template_id, jpeg()) for _ in range(3)]
    await keep(w, photos_days=1)
    w.clock.forward(hours=24)

    def stubborn(tx: Tx, run_id: str) -> int:
        if run_id == runs[1].run_id:
            raise ValueError(run_id)
        return 1

    async def left() -> list[int]:
        return [len((await w.run(ed))["answers"]["s-pic"]["photos"]) for ed in runs]

    with monkeypatch.context() as patched:
        patched.setattr(retention_rows, "count_removed_photos", stubborn)
        await swept(w)
    assert await left() == [0, 1, 0]
    await swept(w)
    assert await left() == [0, 0, 0]
    pages = "PRAGMA wal_autocheckpoint"
    assert await w.database.write(lambda tx: tx.number(pages)) == 1000, "as it was before"


async def test_an_event_that_is_sent_again_shows_no_thumbnail_any_more(w: World, receiver: Receiver) -> None:
    ed = await w.dispatch(await template(w), webhook={"url": receiver.url, "events": ["step.completed"]})
    await ed.start()
    await ed.photo("s-pic", jpeg())
    await ed.answer("s-pic")
    await w.deliver()
    await ed.answer("s-after", True)
    await ed.complete()
    await keep(w, photos_days=1, attempts_days=None)
    w.clock.forward(hours=24)
    await swept(w)
    delivery = (await w.deliveries(ed))[0]["delivery_id"]
    await w.acme.post(f"/v1/deliveries/{delivery}/retry", json={})
    await w.deliver()
    first, again = [one.json for one in receiver.received if one.json["seq"] == receiver.received[0].json["seq"]]
    assert first["data"]["photos"][0]["thumbnail"] and again["data"]["photos"][0]["thumbnail"] is None
    assert again["data"]["photos"][0]["photo_id"] == first["data"]["photos"][0]["photo_id"]


async def test_what_a_template_says_comes_first(w: World) -> None:
    plain, longer, forever = [await template(w) for _ in range(3)]
    runs = [await done(w, template_id, jpeg()) for template_id in (plain, longer, forever)]
    await keep(w, photos_days=1)
    await w.database.write(retention_actions.put_of_template, w.acme_id, longer, TemplateRetention(photos_days=2))
    await w.database.write(retention_actions.put_of_template, w.acme_id, forever, TemplateRetention(photos_days=0))

    async def left() -> list[int]:
        return [len((await w.run(ed))["answers"]["s-pic"]["photos"]) for ed in runs]

    w.clock.forward(hours=24)
    await swept(w)
    assert await left() == [0, 1, 1]
    w.clock.forward(hours=24)
    await swept(w)
    assert await left() == [0, 0, 1]
    w.clock.forward(hours=24 * 36_500)
    await swept(w)
    assert await left() == [0, 0, 1]


async def test_a_sweep_that_ends_in_the_middle_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 1000)  # so that each photo has several chunks,
    monkeypatch.setattr(retention_actions, "STEP_BYTES", 3000)  # and takes several steps
    clock, steps = Clock(), 0
    async with world(tmp_path, clock) as w:
        ed = await done(w, await template(w), jpeg(), jpeg(1200, 900))
        await keep(w, photos_days=1)
        clock.forward(hours=24)

        async def rest(_: float) -> None:
            nonlocal steps
            steps += 1
            if steps == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await retention.sweep(w.database, rest)
        await w.database.read(assert_counted)
        assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 200
    async with world(tmp_path, clock) as w:
        await swept(w)
        found = await w.database.read(stored)
        assert await w.database.read(lambda tx: retention_rows.count_due(tx)["photos"]) == 0
        originals = await w.database.read(lambda tx: tx.number("SELECT count(DISTINCT original) FROM photos"))
        assert (originals, await w.database.read(lambda tx: tx.number("SELECT count(*) FROM changes"))) == (3, 1)
        assert found["bytes"] == await w.database.read(
            lambda tx: tx.number("SELECT ifnull(sum(f.bytes), 0) FROM files AS f WHERE f.removed_at IS NULL")
        )


async def test_whole_runs_go_when_their_days_are_over(w: World) -> None:
    plain, own = [await template(w) for _ in range(2)]
    gone, kept = [await done(w, template_id, jpeg()) for template_id in (plain, own)]
    open_run = await done(w, plain, jpeg(), complete=False)
    pending = await w.dispatch(plain, expires_in_hours=None)
    await keep(w, runs_days=30)
    await w.database.write(retention_actions.put_of_template, w.acme_id, own, TemplateRetention(runs_days=31))

    async def statuses() -> list[int]:
        runs = (gone, kept, open_run, pending)
        return [(await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code for ed in runs]

    w.clock.forward(hours=30 * 24, seconds=-1)
    await swept(w)
    assert await statuses() == [200, 200, 200, 200]
    w.clock.forward(seconds=1)
    await swept(w)
    assert await statuses() == [410, 200, 200, 200]
    assert (await gone.call("GET", "/state")).json()["code"] == "run_erased"
    by = await w.database.read(erasure.find, gone.run_id)
    assert by is not None and (by.erased_by, by.erased_at) == ("retention", w.clock.now)
    await swept(w)
    assert (await w.database.read(erasure.find, gone.run_id)) == by
    w.clock.forward(hours=24)
    await w.sweep()
    await swept(w)
    assert await statuses() == [410, 410, 200, 200], "what expired has its days from then on"


async def test_a_run_that_expired_while_the_service_was_off_has_its_days_from_when_that_is_noticed(w: World) -> None:
    ed = await done(w, await template(w), complete=False)
    await keep(w, runs_days=30)
    w.clock.forward(hours=24 * 60)
    assert await w.sweep() == 1
    expired_at = (await w.run(ed))["expired_at"]
    w.clock.forward(hours=30 * 24, seconds=-1)
    await swept(w)
    assert (await w.run(ed))["expired_at"] == expired_at == "2026-01-05T00:00:00Z", "at its deadline all the same"
    refused = (await ed.answer("s-after", False)).json()
    assert refused["code"] == "run_closed", "the phone does not delete what it has"
    w.clock.forward(seconds=1)
    await swept(w)
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 410


async def test_attempts_of_settled_deliveries_go_after_ninety_days_and_the_delivery_stays(
    w: World, receiver: Receiver
) -> None:
    receiver.answer = answering("410 Gone")
    hook = {"url": receiver.url, "events": ["step.completed"]}
    ed = await w.dispatch(await w.template(BOOLEAN), webhook=hook)
    await ed.start()
    await ed.answer("s-ok", True)
    await w.deliver()
    (failed,) = await w.deliveries(ed)
    assert (failed["status"], len(failed["attempts"])) == ("failed", 1)
    w.clock.forward(hours=90 * 24, seconds=-1)
    await swept(w)
    assert await w.deliveries(ed) == [failed]
    w.clock.forward(seconds=1)
    await swept(w)
    assert await w.deliveries(ed) == [{**failed, "attempts": [], "attempts_removed": 1}]

    receiver.answer = answering("204 No Content")
    retried = await w.acme.post(f"/v1/deliveries/{failed['delivery_id']}/retry", json={})
    assert retried.status_code == 202, retried.text
    await w.deliver()
    (again,) = await w.deliveries(ed)
    assert (again["status"], again["attempts_removed"]) == ("delivered", 1)
    assert [attempt["number"] for attempt in again["attempts"]] == [2]
    w.clock.forward(hours=90 * 24)
    await keep(w, attempts_days=None)
    await swept(w)
    assert (await w.deliveries(ed))[0]["attempts"], "for ever"
    await keep(w, attempts_days=90)
    await swept(w)
    assert (await w.deliveries(ed))[0]["attempts_removed"] == 2


async def found(w: World, org_id: str | None = None) -> tuple[str, str] | None:
    """What `check` has found: its state, and from what is due on what it says."""
    report = diagnostics.report(w.settings, w.clock, org_id=org_id, seconds=0)
    findings = [(one.state, one.text.partition(": ")[2]) for one in report.findings if one.name == "retention"]
    return findings[0] if findings else None


async def test_what_is_still_to_be_done_is_told(w: World) -> None:
    async def due() -> list[str]:
        lines = (await w.browser().get("/metrics")).text.splitlines()
        return [line.partition("{")[2] for line in lines if line.startswith("rundun_retention_due{")]

    template_id = await template(w)
    for _ in range(2):
        await done(w, template_id, jpeg())
    await keep(w, photos_days=1)
    w.clock.forward(hours=24, seconds=-1)
    assert await due() == ['what="photos"} 0', 'what="runs"} 0', 'what="attempts"} 0']
    w.clock.forward(seconds=1)
    assert await due() == ['what="photos"} 2', 'what="runs"} 0', 'what="attempts"} 0']
    assert await found(w) == ("good", "2 runs with photos.")
    w.clock.forward(hours=1)
    state, text = await found(w) or ("", "")
    assert state == "note" and "no Rundun has run for an hour" in text
    await keep(w, photos_days=1, runs_days=1)
    assert await found(w) == ("good", "2 runs, 2 runs with photos."), "the sweep could not know before"
    w.clock.forward(hours=1)
    assert ((await found(w)) or ("",))[0] == "note"
    await w.database.write(
        retention_actions.erase_run, (await w.database.read(retention_rows.list_due_runs, "runs", 1))[0]
    )
    await keep(w, photos_days=1, runs_days=1)
    assert await found(w) == ("good", "1 run, 1 run with photos.")
    globex = (await w.globex.get("/v1/organization")).json()["id"]
    assert await found(w, globex) is None, "that is none of their business"
    await swept(w)
    assert await due() == ['what="photos"} 0', 'what="runs"} 0', 'what="attempts"} 0']
    assert await found(w) is None


async def test_what_is_due_is_counted_to_a_bound(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_COUNTED", 1)
    template_id = await w.template(BOOLEAN)
    for _ in range(3):
        await w.acme.post(f"/v1/runs/{(await w.dispatch(template_id)).run_id}/cancel", json={})
    await keep(w, runs_days=1)
    w.clock.forward(hours=24)
    assert await w.database.read(retention_rows.count_due) == {"photos": 0, "runs": 2, "attempts": 0}


async def test_days_are_from_1_to_36500(w: World) -> None:
    with pytest.raises(Invalid) as refused:
        await keep(w, photos_days=0, runs_days=36_501, attempts_days=-1)
    assert [error.pointer for error in refused.value.errors] == ["/photos_days", "/runs_days", "/attempts_days"]


async def test_of_a_failed_delivery_is_told_also_once_its_attempts_are_gone(w: World) -> None:
    async with Receiver(answering("410 Gone")).listening() as receiver:
        await hooked(w, receiver.url, events=["run.started"])
        w.dispatcher._alerting = True
        await w.deliver()
    failed_at = w.clock.now
    w.clock.forward(hours=90 * 24)
    await swept(w)
    alert = await w.database.read(lambda tx: alerts.make_next_alert(tx, for_all=False))
    assert alert is not None
    told = from_json(alert.body)
    assert [told[name] for name in ("attempts", "status", "error")] == [1, None, None]
    assert told["last_attempt_at"] == times.wire(failed_at)
