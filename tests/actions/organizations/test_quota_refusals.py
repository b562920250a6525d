"""What is refused to an organization that has used up its quota, and what goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.actions.organizations import organizations
from rundun.core.picture import Derivatives
from rundun.store.organizations import quotas as quota_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import fill, used
from tests.helpers.pictures.images import jpeg, noise, png
from tests.helpers.service import BOOLEAN, TEXT, Receiver, World, new_photo_id, world

PHOTO = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"max": 9}}
SIGNED = {"id": "s-sign", "type": "signature", "label": "Sign here"}
JSON = {"content-type": "application/json"}
MERGE_PATCH = {"content-type": "application/merge-patch+json"}


async def refusals(w: World, template_id: str) -> dict[str, httpx2.Response]:
    """What Acme is answered to what is new."""
    template = {"name": "More", "steps": [BOOLEAN]}
    return {
        "a run": await w.acme.post("/v1/runs", json={"template_id": template_id}),
        "a template": await w.acme.post("/v1/templates", json=template),
        "a version": await w.acme.put(f"/v1/templates/{template_id}", json=template),
    }


async def test_a_full_organization_gets_nothing_new_but_its_runs_go_on(w: World) -> None:
    template_id = await w.template(BOOLEAN, PHOTO)
    ed, olga = await w.dispatch(template_id), await w.dispatch(template_id)
    await ed.start()
    photo_id = "ph-00000000-0000-4000-8000-000000000001"
    assert (await ed.photo("s-pic", jpeg(2400, 1800), photo_id)).status_code == 201
    await fill(w, 1.0)
    for what, response in (await refusals(w, template_id)).items():
        assert (response.status_code, response.json()["code"]) == (403, "quota_exceeded"), what
        assert "Ask the administrator for a larger quota." in response.json()["detail"]
    unchanged = await w.acme.get(f"/v1/templates/{template_id}")
    same = await w.acme.put(f"/v1/templates/{template_id}", json=unchanged.json())
    assert same.status_code == 200, "what changes nothing is not refused"
    made = await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": [BOOLEAN]})
    assert made.status_code == 201
    assert (await w.globex.post("/v1/runs", json={"template_id": made.json()["id"]})).status_code == 201

    await fill(w, 1.1)
    assert (await olga.start()).status_code == 200, "a run that is out can still be started"
    assert (await ed.answer("s-ok", True)).status_code == 200
    assert (await ed.photo("s-pic", jpeg(40, 30))).status_code == 201
    assert (await ed.answer("s-pic")).status_code == 200

    await fill(w, 1.25)
    yes = {"answer_id": "00000000-0000-4000-8000-000000000002", "value": False}
    for response in (await ed.put("s-ok", yes), await ed.photo("s-pic", jpeg(50, 40)), await olga.put("s-ok", yes)):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["retry-after"] == "60"
    assert (await ed.photo("s-pic", jpeg(2400, 1800), photo_id)).status_code == 200, "what is stored has its receipt"
    assert (await w.run(ed))["answers"]["s-ok"]["value"] is True
    assert (await w.acme.post(f"/v1/runs/{olga.run_id}/cancel", json={})).status_code == 200, "to end is never refused"
    assert (await ed.complete()).status_code == 200

    await w.database.write(organizations.set_quota, w.acme_id, None)
    assert {one.status_code for one in (await refusals(w, template_id)).values()} == {200, 201}, "at once"
    await used(w)


async def test_a_phone_that_repeats_is_taken_once_there_is_room(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, SIGNED, settings={"signature_on_complete": True}))
    await ed.start()
    await fill(w, 1.3)
    yes = {"answer_id": "00000000-0000-4000-8000-000000000001", "value": True}
    signature: dict[str, Any] = {"content": png()}
    for _ in range(3):
        assert (await ed.put("s-ok", yes)).status_code == 503
        assert (await ed.call("PUT", "/signature", **signature)).status_code == 503
    await fill(w, 0.5)
    assert (await ed.put("s-ok", yes)).status_code == 200
    assert (await ed.call("PUT", "/signature", **signature)).status_code == 201
    await fill(w, 1.3)
    assert (await ed.put("s-ok", yes)).status_code == 200, "and what was applied before changes nothing"
    assert (await ed.call("PUT", "/signature", **signature)).status_code == 200


async def test_deleting_a_photo_gives_its_bytes_back(w: World) -> None:
    template_id = await w.template(PHOTO)
    ed = await w.dispatch(template_id)
    await ed.start()
    photo_id = "ph-00000000-0000-4000-8000-000000000001"
    without = await used(w)
    await ed.photo("s-pic", jpeg(1200, 900), photo_id)
    await fill(w, 1.0)
    assert (await w.acme.post("/v1/runs", json={"template_id": template_id})).status_code == 403
    await ed.call("DELETE", f"/steps/s-pic/photos/{photo_id}")
    assert without <= await used(w) < without + 2000, "but for a line in the run's history"
    assert (await w.acme.post("/v1/runs", json={"template_id": template_id})).status_code == 201


async def test_deliveries_are_settled_however_full_it_is_but_not_sent_again(w: World) -> None:
    async with Receiver().listening() as receiver:
        hook = {"url": receiver.url, "events": ["run.started"]}
        ed = await w.dispatch(await w.template(BOOLEAN), webhook=hook)
        await ed.start()
        await fill(w, 2.0)
        await w.deliver()
        (delivery,) = await w.deliveries(ed)
        assert delivery["status"] == "delivered"
        for path, body in (
            (f"/v1/deliveries/{delivery['delivery_id']}/retry", {}),
            ("/v1/deliveries/retry", {"status": "failed"}),
        ):
            response = await w.acme.post(path, json=body)
            assert (response.status_code, response.json()["code"]) == (403, "quota_exceeded")
        await fill(w, 1.1)
        path = f"/v1/deliveries/{delivery['delivery_id']}/retry"
        assert (await w.acme.post(path, json={})).status_code == 202


async def test_no_change_of_a_run_is_repeated_past_the_quota_but_its_end_is_taken(w: World) -> None:
    """The attack's: the whole record is kept for each new Idempotency-Key."""
    hints = [{**BOOLEAN, "hint": "x" * 2000, "id": f"s-{n}"} for n in range(20)]
    ed = await w.dispatch(
        await w.template(TEXT, *hints), webhook={"url": "http://10.0.0.1/", "events": ["run.completed"]}
    )
    await ed.start()
    await ed.answer("s-why", "x" * 1000)
    path = f"/v1/runs/{ed.run_id}"

    async def steer() -> dict[str, int]:
        key = {"Idempotency-Key": new_photo_id()}
        hook = {"webhook": {"url": f"http://10.0.0.2/{new_photo_id()}"}}
        responses = {
            "release": await w.acme.post(f"{path}/release", json={}, headers=key),
            "extend": await w.acme.post(f"{path}/extend", json={"expires_in_hours": None}, headers=key),
            "another webhook": await w.acme.patch(path, content=json.dumps(hook), headers=MERGE_PATCH),
        }
        assert all(one.status_code == 200 or one.json()["code"] == "quota_exceeded" for one in responses.values())
        return {what: one.status_code for what, one in responses.items()}

    once = {"Idempotency-Key": "once"}
    first = await w.acme.post(f"{path}/release", json={}, headers=once)
    await fill(w, 1.01)
    assert set((await steer()).values()) == {200}
    await fill(w, 1.2)
    before = await used(w)
    assert set((await steer()).values()) == {403}
    assert await used(w) == before
    again = await w.acme.post(f"{path}/release", json={}, headers=once)
    assert (again.status_code, again.content) == (200, first.content), "what was answered is answered again"
    removed = await w.acme.patch(path, content='{"webhook": null}', headers=MERGE_PATCH)
    assert removed.status_code == 200
    assert (await w.acme.post(f"{path}/cancel", json={}, headers={"Idempotency-Key": "end"})).status_code == 200
    await used(w)


async def test_the_same_answer_under_ever_new_ids_is_not_kept_past_the_quota(w: World) -> None:
    ed = await w.dispatch(await w.template(TEXT))
    await ed.start()
    await ed.answer("s-why", "x" * 1000)
    await fill(w, 1.1)
    assert (await ed.answer("s-why", "x" * 1000)).status_code == 200
    await fill(w, 1.2)
    before = await used(w)
    assert {(await ed.answer("s-why", "x" * 1000)).status_code for _ in range(3)} == {503}
    assert (await ed.put("s-why", {"value": "x" * 1000})).status_code == 200, "what stores nothing is not refused"
    assert await used(w) == before


async def test_the_setting_is_for_all_without_a_quota_of_their_own(tmp_path: Path) -> None:
    async with world(tmp_path, limits__organization_mebibytes=1) as w:
        assert (await w.acme.get("/v1/organization")).json()["bytes_quota"] == 1024 * 1024
        template = {"name": "Large", "steps": [{**BOOLEAN, "hint": "x" * 2000, "id": f"s-{n}"} for n in range(180)]}
        sent = [await w.acme.post("/v1/templates", json=template) for _ in range(5)]
        assert [one.status_code for one in sent] == [201, 201, 201, 403, 403]
        await w.database.write(organizations.set_quota, w.acme_id, 0)
        assert (await w.acme.get("/v1/organization")).json()["bytes_quota"] is None
        assert (await w.acme.post("/v1/templates", json=template)).status_code == 201
        await w.database.write(organizations.set_quota, w.acme_id, 1)
    async with world(tmp_path) as w:  # a restart knows who is full

        def dispatch(tx: Tx) -> bool:
            return bool(tx.quotas.full)

        assert await w.database.read(dispatch)


async def test_many_templates_at_once_are_not_more_than_fit(tmp_path: Path) -> None:
    """The audit's: 60 × 469 KB in 7 s, each kept a second time for its Idempotency-Key."""
    async with world(tmp_path, limits__organization_mebibytes=10) as w:
        template = {"name": "Large", "steps": [{**BOOLEAN, "hint": "x" * 2000, "id": f"s-{n}"} for n in range(220)]}
        sent = [
            await w.acme.post(
                "/v1/templates", content=json.dumps(template), headers={"Idempotency-Key": f"{n}", **JSON}
            )
            for n in range(16)
        ]
        statuses = [one.status_code for one in sent]
        assert statuses == sorted(statuses) and set(statuses) == {201, 403}
        assert await used(w) < 11 * 1024 * 1024


async def test_a_large_photo_is_not_begun_once_others_have_taken_the_room(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ed = await w.dispatch(await w.template(PHOTO))
    await ed.start()
    imaging = type(w.service.imaging)
    derive = imaging.derive

    async def others_were_faster(self: Any, read: Callable[[], bytes], org_id: str) -> Derivatives:
        derived = await derive(self, read, org_id)
        await w.database.write(quota_rows.put, w.acme_id, 1)
        return derived

    monkeypatch.setattr(imaging, "derive", others_were_faster)
    pages = await w.database.read(lambda tx: tx.number("PRAGMA page_count"))
    assert (await ed.photo("s-pic", noise(2400, 98))).status_code == 503
    grown = await w.database.read(lambda tx: tx.number("PRAGMA page_count")) - pages
    assert grown < 10, "not even for as long as it takes to refuse it"
