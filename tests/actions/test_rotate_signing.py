"""`keys rotate-signing`: what was signed before is void at once, what is read afterwards is good, and phones go on."""

import asyncio
import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from rundun.actions import signing_key
from rundun.actions.organizations import operators
from rundun.actions.runs import execution
from rundun.actions.runs.execution import AnswerInput
from rundun.store.sqlite.connection import list_migrations, open_writer
from tests.helpers.console.console import operator
from tests.helpers.pictures.images import jpeg, png, sideways_jpeg
from tests.helpers.pictures.photos import OVERLAY, SIGN, started
from tests.helpers.processes.service_process import done, rundun
from tests.helpers.service import BOOLEAN, TEXT, Ed, Receiver, World, answering, new_photo_id, world

STEPS = [OVERLAY, SIGN, TEXT]
MEDIA = re.compile(r"/media/[^\"/]+")


async def rotate(folder: Path) -> str:
    """The command, beside this service."""
    return done(await asyncio.to_thread(rundun, folder, "keys", "rotate-signing"))


async def answered(w: World, **more: Any) -> Ed:
    """A run with a photo, a signature and a text that looks like an address."""
    ed = await started(w, *STEPS, **more)
    photo = (await ed.photo("s-ok", sideways_jpeg())).json()
    await ed.call("PUT", "/steps/s-sign/signature", content=png())
    await ed.answer("s-ok", True)
    await ed.answer("s-sign", None)
    await ed.answer("s-why", f"http://rundun.test{photo['url']}")
    return ed


async def judge(w: World, content: Any, typed: int = 1) -> set[str]:
    """Open all addresses in JSON: all are good, but for what somebody has typed. Returns the good ones."""
    found = {path: (await w.browser().get(path)).status_code for path in MEDIA.findall(json.dumps(content))}
    assert sorted(found.values()) == [200] * (len(found) - typed) + [404] * typed
    return {path for path, status in found.items() if status == 200}


async def test_addresses_of_before_are_dead_and_those_read_now_are_good(w: World, tmp_path: Path) -> None:
    ed = await answered(w)
    before = await w.acme.get(f"/v1/runs/{ed.run_id}")
    old, revision = await judge(w, before.json(), typed=0), before.json()["revision"]
    assert len(old) == 4
    assert (await ed.call("GET", f"/state?since={revision}")).status_code == 304
    assert await rotate(tmp_path) == "Pictures have new addresses, and 0 sessions of the console have ended."
    for path in old:
        assert (await w.browser().get(path)).status_code == 404
    after = await w.acme.get(f"/v1/runs/{ed.run_id}", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200, "not 304, to somebody with dead addresses"
    assert len(await judge(w, after.json())) == 4
    known = {"if-none-match": after.headers["etag"]}
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}", headers=known)).status_code == 304
    state = await ed.call("GET", f"/state?since={revision}")
    assert state.status_code == 200, "nor to the phone"
    await judge(w, state.json())
    assert ((await ed.complete()).status_code, (await ed.call("GET", "")).status_code) == (200, 410)


async def test_a_closed_run_and_its_events(w: World, tmp_path: Path) -> None:
    ed = await answered(w)
    await ed.complete()
    before = await w.acme.get(f"/v1/runs/{ed.run_id}")
    for _ in range(2):
        await rotate(tmp_path)
        after = await w.acme.get(f"/v1/runs/{ed.run_id}", headers={"if-none-match": before.headers["etag"]})
        assert (after.status_code, after.json()["revision"]) == (200, before.json()["revision"])
        assert len(await judge(w, after.json())) == 4
        for path in ("/v1/events", f"/v1/runs/{ed.run_id}/events"):
            feed = (await w.acme.get(path)).json()["data"]
            assert len(await judge(w, feed)) == 3, "without the original"
        assert [event["event"] for event in feed] == ["run.started", *["step.completed"] * 3, "run.completed"]
        told = [one for one in feed[-1]["data"]["answers"].values() if one["value"] == feed[3]["data"]["answer"]]
        assert len(told) == 1, "what was typed is as it was"
        before = after


async def test_photos_of_remarks_have_addresses_that_are_good(w: World, tmp_path: Path) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    photo_id = new_photo_id()
    await ed.photo("s-ok", jpeg(), photo_id, params={"remark": "1"})
    remark = {"remark_id": photo_id[3:], "text": "Rust", "photos": [photo_id]}
    assert (await ed.call("PUT", "/steps/s-ok/remark", json=remark)).status_code == 200
    await ed.answer("s-ok", True)
    await ed.complete()
    await rotate(tmp_path)
    feed = (await w.acme.get("/v1/events")).json()["data"]
    assert feed[-1]["data"]["remarks"]["s-ok"]["text"] == "Rust"
    assert len(await judge(w, feed, typed=0)) == 2, "the picture and its thumbnail"


async def test_steps_that_were_skipped_or_could_not_be_done(w: World, tmp_path: Path) -> None:
    steps = [{**SIGN, "required": False}, {**SIGN, "id": "s-other"}, {**OVERLAY, "required": False}]
    ed = await w.dispatch(await w.template(*steps, settings={"allow_skip": True, "allow_unable": True}))
    await ed.start()
    await ed.put("s-sign", {"skipped": True})
    await ed.put("s-other", {"unable": {"reason": "no pen"}})
    await ed.put("s-ok", {"skipped": True})
    assert (await ed.complete()).status_code == 200
    before = await w.events(ed)
    await rotate(tmp_path)
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code == 200
    feed = (await w.acme.get("/v1/events")).json()["data"]
    assert [one["data"] for one in feed] == [{**one["data"]} for one in before]


async def test_a_delivery_that_waits_carries_addresses_that_are_good(
    w: World, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.answer = answering("503 Busy")
    secret = "twelve characters"
    ed = await answered(w, webhook={"url": receiver.url, "secret": secret})
    await w.deliver()
    await rotate(tmp_path)
    await ed.complete()  # an event of the new key
    receiver.received.clear()
    w.clock.forward(seconds=60)
    await w.deliver()
    assert sorted(receiver.events()) == ["run.completed", *["step.completed"] * 3]
    assert len(await judge(w, [one.json for one in receiver.received])) == 3


async def test_a_stored_response_shows_addresses_that_are_good(w: World, tmp_path: Path) -> None:
    ed = await answered(w)
    path, body = f"/v1/runs/{ed.run_id}/extend", {"expires_in_hours": None}
    first = await w.acme.post(path, json=body, headers={"idempotency-key": "once"})
    await rotate(tmp_path)
    again = await w.acme.post(path, json=body, headers={"idempotency-key": "once"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert len(await judge(w, again.json())) == 4
    assert MEDIA.sub("", again.text) == MEDIA.sub("", first.text)


async def test_sessions_end_and_forms_are_stale_but_invitations_stay(w: World, tmp_path: Path) -> None:
    ann, stranger = await operator(w), w.browser()
    token = await w.database.write(operators.invite, w.acme_id, "bea@example.com", "member")
    join = await stranger.get(f"/console/join/{token}")
    form = {"name": "Bea", "email": "bea@example.com", "password": "correct horse battery"}
    csrf = re.search(r'name="csrf" value="([^"]+)"', join.text)
    assert csrf
    assert await rotate(tmp_path) == "Pictures have new addresses, and 1 session of the console has ended."
    page = await ann.get("/runs")
    assert (page.status_code, page.headers["location"]) == (303, "/console/sign-in?next=/runs")
    refused = await ann.post("/settings/organization", name="Acme 2")
    assert refused.status_code == 403
    stale = await stranger.post(f"/console/join/{token}", data={**form, "csrf": csrf[1]})
    assert (stale.status_code, "open for too long" in stale.text) == (403, True)
    fresh = re.search(r'name="csrf" value="([^"]+)"', (await stranger.get(f"/console/join/{token}")).text)
    assert fresh
    assert (await stranger.post(f"/console/join/{token}", data={**form, "csrf": fresh[1]})).status_code == 303


async def alone(w: World) -> Ed:
    """A run that one device only may do."""
    ed = await w.dispatch(await w.template(OVERLAY, execution={"scope": "first_device"}))
    await ed.start()
    return ed


async def test_the_phone_of_an_open_run_goes_on_and_no_other(w: World, tmp_path: Path) -> None:
    ed = await alone(w)
    cookie = ed.client.cookies["rundun_device"]
    await rotate(tmp_path)
    assert (await ed.answer("s-ok", True)).status_code == 200
    assert (await Ed(w, ed.run_id).answer("s-ok", True)).status_code == 403
    other = await alone(w)
    stolen = w.browser(cookie=f"rundun_device={cookie}")
    assert (await stolen.get(f"/r/{other.run_id}/state")).status_code == 403, "a cookie is for one run"


async def test_what_is_committed_with_a_rotation_is_signed_with_the_key_it_is_read_with(w: World) -> None:
    eds = [await started(w, OVERLAY) for _ in range(20)]
    for ed in eds:
        await ed.photo("s-ok", jpeg())
    answers = [w.database.write(execution.answer, ed.run_id, "s-ok", AnswerInput(None, value=True), None) for ed in eds]
    await asyncio.gather(*answers[:10], w.database.write_last(signing_key.rotate), *answers[10:])
    feed = (await w.acme.get("/v1/events?limit=100")).json()["data"]
    assert len(await judge(w, feed, typed=0)) == 20


async def test_a_rotation_that_can_not_be_written_changes_nothing(w: World) -> None:
    ed = await answered(w)
    old = await judge(w, await w.run(ed), typed=0)

    def fail(tx: Any) -> None:
        signing_key.rotate(tx)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await w.database.write_last(fail)
    assert await judge(w, await w.run(ed), typed=0) == old


async def test_cookies_and_addresses_of_an_older_database_stay_good(tmp_path: Path) -> None:
    older = list(takewhile(lambda one: "'device'" not in one[1], list_migrations()))
    assert older
    db = open_writer(tmp_path / "rundun.db", older)
    db.execute("DELETE FROM secrets WHERE name = 'device'")  # which came with the migration
    before = bytes(db.execute("SELECT value FROM secrets").fetchone()[0])
    db.close()
    async with world(tmp_path) as w:
        assert w.database.env.links.key == w.database.env.device_key == before
        await w.database.write_last(signing_key.rotate)
        assert w.database.env.links.key != w.database.env.device_key == before
    async with world(tmp_path) as w:
        assert w.database.env.links.rotations == 1
        assert w.database.env.links.key != w.database.env.device_key == before
