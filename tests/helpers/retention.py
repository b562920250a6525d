"""Runs that are kept for so many days, with photos or without, and the sweep."""

from typing import Any

from rundun.actions.erasure import retention as retention_actions
from rundun.core.erasure.retention import Retention
from rundun.maintenance import retention
from rundun.maintenance.retention import Sweeper
from tests.helpers.files.storage import assert_counted
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

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
    await w.database.write(retention_actions.put, w.acme_id, Retention(**days))


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


class Service:
    """A service that has just started, with two clocks: that of the world may jump, the monotonic one only passes."""

    def __init__(self, w: World) -> None:
        self._clock = w.clock
        self._seconds = 0.0
        self.jumps = 0.0  # of the clock, in the next rest
        self._sweeper = Sweeper(w.database, lambda: self._seconds, self._rest)

    async def _rest(self, _: float) -> None:
        self._clock.forward(seconds=self.jumps)
        self.jumps = 0

    async def run(self, minutes: float, every: float = 10) -> None:
        """Let time pass, with a look at what is due every ten minutes or so, and one at the end."""
        while minutes > 0:
            step = min(minutes, every)
            self._clock.forward(seconds=60 * step)
            self._seconds += step * 60
            minutes -= step
            await self._sweeper.tick()


async def closed(w: World, runs: int = 1) -> list[Ed]:
    """Runs that were closed just now and are kept for 30 days."""
    template_id = await w.template(BOOLEAN)
    await keep(w, runs_days=30)
    closed_runs = [await w.dispatch(template_id) for _ in range(runs)]
    for ed in closed_runs:
        await ed.start()
        await ed.answer("s-ok", True)
        assert (await ed.complete()).status_code == 200
    return closed_runs


async def left(w: World, runs: list[Ed]) -> int:
    return [(await w.acme.get(f"/v1/runs/{ed.run_id}")).status_code for ed in runs].count(200)
