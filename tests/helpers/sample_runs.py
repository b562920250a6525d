"""Runs of the samples as they are on a real day: a flat with a broken machine, a van with a scratch."""

from collections.abc import Mapping
from typing import Any

from rundun.web import samples
from tests.helpers.pictures import images
from tests.helpers.service import Ed, World, new_photo_id
from tests.helpers.templates import get_sample_pictures

FLAT: dict[str, Any] = {
    "s-arrived": True,
    "s-state": 2,
    "s-surfaces": True,
    "s-fridge": True,
    "s-dishes": True,
    "s-bath": True,
    "s-towels": 4,
    "s-low": ["o-paper", "o-coffee"],
    "s-alarm": True,
    "s-broken": True,
    "s-broken-what": "The washing machine does not spin; water on the floor",
    "s-urgent": "o-no",
    "s-found": "A blue scarf",
    "s-heating": True,
    "s-key": True,
    "s-ready": "2026-01-01T13:30:00Z",
}
FLATS_PHOTOS = {"s-mess": 2, "s-surfaces": 1, "s-bath": 1, "s-beds": 2, "s-broken-what": 2, "s-key": 1}
VAN: dict[str, Any] = {
    "s-brief": None,
    "s-plate": "7412 KLM",
    "s-odo": 84211,
    "s-drive": "o-diesel",
    "s-fuel": 6,
    "s-lights": True,
    "s-tyres": 4,
    "s-damage": True,
    "s-damage-where": ["o-left"],
    "s-clean": 4,
    "s-lamps": [],
    "s-kit": ["o-papers", "o-triangle", "o-vest", "o-firstaid"],
    "s-service": "2026-05-01",
    "s-when": "2026-01-01T09:00:00Z",
    "s-notes": "The scratch was there before, says the driver.",
}
VANS_PHOTOS = {"s-odo": 1, "s-sides": 4, "s-tyres": 3, "s-damage-photo": 3, "s-clean": 1}


async def flat(w: World) -> Ed:
    """A turnover, done: nine photos, four flags, an office field and a secret."""
    fields = {"f-unit": "2A", "f-address": "Calle Mayor 3", "f-booking": "BK-77", "f-door": "4711"}
    return await _done(w, "turnover", FLAT, FLATS_PHOTOS, title="Calle Mayor 3, 2A", fields=fields)


async def van(w: World) -> Ed:
    """A hand-over, done: twelve photos, a scratch, a signature."""
    return await _done(w, "vehicle_handover", VAN, VANS_PHOTOS, title="7412 KLM")


async def _done(w: World, name: str, answers: Mapping[str, Any], photos: Mapping[str, int], **job: Any) -> Ed:
    await get_sample_pictures(w)
    made = await w.acme.post("/v1/templates", json=samples.read(name))
    assert made.status_code == 201, made.text
    ed = await w.dispatch(made.json()["id"], **job)
    asked = samples.read(name)["execution"]["identity_required"]
    assert (await ed.start(**({} if asked == "none" else {asked: "Maria"}))).status_code == 200
    for step_id, value in answers.items():
        answer = await ed.answer(step_id, value)
        assert answer.status_code == 200, (step_id, answer.text)
    side = 0
    for step_id, count in photos.items():
        ids = [new_photo_id() for _ in range(count)]
        slots = [slot["id"] for slot in _config(name, step_id).get("slots", ())]
        for number, photo_id in enumerate(ids):
            side += 1
            params = {"slot": slots[number]} if slots else {}
            width, height = (800, 600) if side % 3 else (600, 800)
            sent = await ed.photo(step_id, images.jpeg(width + side, height), photo_id, params=params)
            assert sent.status_code == 201, (step_id, sent.text)
        answer = await ed.answer(step_id, answers.get(step_id), photos=ids)
        assert answer.status_code == 200, (step_id, answer.text)
    if name == "turnover":
        await ed.put("s-linen", {"skipped": True})
    else:
        await ed.call("PUT", "/steps/s-sign/signature", content=images.png(), params={"typed_name": "J. Driver"})
        await ed.answer("s-sign")
    done = await ed.complete()
    assert done.status_code == 200, done.text
    return ed


def _config(name: str, step_id: str) -> Mapping[str, Any]:
    steps = [step for section in samples.read(name)["sections"] for step in section["steps"]]
    return next(step.get("config", {}) for step in steps if step["id"] == step_id)
