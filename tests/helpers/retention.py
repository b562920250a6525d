"""Runs with photos that are kept for so many days, and the sweep."""

from typing import Any

from rundun.actions.erasure import retention as actions
from rundun.core.erasure.retention import Retention
from rundun.maintenance import retention
from tests.helpers.files.storage import assert_counted
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import Ed, World, new_photo_id

PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 9}}
AFTER = {
    "id": "s-after",
    "type": "boolean",
    "label": "Shut again?",
    "condition": {"when": {"step": "s-pic", "op": "answered"}},
}
HERE = {"lat": 52.1, "lng": 4.25, "accuracy": 3}


async def keep(w: World, **days: Any) -> None:
    """Set how long Acme keeps what it has."""
    await w.database.write(actions.put, w.acme_id, Retention(**days))


async def swept(w: World) -> None:
    """Sweep once, without rests."""

    async def rest(_: float) -> None: ...

    await retention.sweep(w.database, rest)
    await w.database.read(assert_counted)


async def template(w: World) -> str:
    return await w.template(PICTURE, AFTER, execution={"identity_required": "none"})


async def done(w: World, template_id: str, *photos: bytes, complete: bool = True) -> Ed:
    """A run with photos of its answer and one of its remark."""
    ed = await w.dispatch(template_id)
    await ed.start()
    ids = [new_photo_id() for _ in photos]
    for photo_id, data in zip(ids, photos, strict=True):
        assert (await ed.photo("s-pic", data, photo_id, params=HERE)).status_code == 201
    noted = new_photo_id()
    assert (await ed.photo("s-pic", jpeg(320, 240), noted, params={"remark": 1})).status_code == 201
    body = {"remark_id": "00000000-0000-4000-8000-000000000001", "text": "Scratched", "photos": [noted]}
    assert (await ed.call("PUT", "/steps/s-pic/remark", json=body)).status_code == 200
    await ed.answer("s-pic", photos=ids)
    await ed.answer("s-after", True)
    if complete:
        assert (await ed.complete()).status_code == 200
    return ed
