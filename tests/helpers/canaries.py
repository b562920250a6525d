"""Runs with a canary in every field and picture that anybody can fill, to see what is left of one."""

import io
from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo

from rundun.maintenance import overwriting
from rundun.store.database import Database
from tests.helpers.pictures.images import encoded, noise, quadrants
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

FIELDS = [{"id": "f-door", "label": "Door code", "kind": "secret"}, {"id": "f-unit", "label": "Unit", "kind": "text"}]
STEPS: list[dict[str, Any]] = [
    {**BOOLEAN, "required": False},
    {"id": "s-why", "type": "text", "label": "Why not?", "required": False},
    {"id": "s-ahead", "type": "text", "label": "Known before?", "required": False},
    {"id": "s-pic", "type": "photo", "label": "The door", "required": False},
    {"id": "s-sign", "type": "signature", "label": "Sign here", "required": False},
]
TEMPLATE: dict[str, Any] = {"execution": {"identity_required": "name"}, "fields": FIELDS}


def photo(canary: str, side: int = 0) -> bytes:
    """A JPEG with the canary as its comment; of noise with `side`, so that it is large."""
    picture = encoded(quadrants(64, 48), comment=canary.encode())
    return picture if not side else picture[:2] + picture[2:].split(b"\xff\xdb")[0] + noise(side, 80)[2:]


def signature(canary: str) -> bytes:
    """A PNG with the canary as a text of its own."""
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("Comment", canary)
    quadrants(300, 120).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


async def with_canary(w: World, template_id: str, canary: str, hook: dict[str, Any], side: int = 0) -> Ed:
    """A run under way with a canary in all there is; `hook` is its webhook, which gets a canary of its own."""
    job = {"title": f"title {canary}", "note": f"note {canary}", "fields": {"f-door": canary, "f-unit": canary}}
    url = f"{hook['url']}?{canary}"
    order = {
        "template_id": template_id,
        "executor_ref": f"ref {canary}",
        "webhook": {**hook, "url": url, "secret": f"a secret {canary}"},
        "prefill": {"s-ahead": f"prefill {canary}"},
        **job,
    }
    made = await w.acme.post("/v1/runs", json=order, headers={"idempotency-key": canary})
    assert made.status_code == 201, made.text
    ed = Ed(w, made.json()["run_id"])
    assert (await ed.start(name=f"Ed {canary}")).status_code == 200
    for value in (f"first {canary}", f"then {canary}"):
        assert (await ed.answer("s-why", value)).status_code == 200
    assert (await ed.put("s-ok", {"unable": {"reason": f"unable {canary}"}})).status_code == 200
    of_answer, of_remark = new_photo_id(), new_photo_id()
    assert (await ed.photo("s-pic", photo(canary, side), of_answer)).status_code == 201
    remarked = await ed.photo("s-why", photo(canary), of_remark, params={"remark": "1"})
    assert remarked.status_code == 201, remarked.text
    for text in (f"before {canary}", f"remark {canary}"):
        body = {"remark_id": new_photo_id().removeprefix("ph-"), "text": text, "photos": [of_remark]}
        assert (await ed.call("PUT", "/steps/s-why/remark", json=body)).status_code == 200
    assert (await ed.answer("s-pic", None, photos=[of_answer])).status_code == 200
    signed = await ed.call(
        "PUT", "/steps/s-sign/signature", content=signature(canary), params={"typed_name": f"Typed {canary}"}
    )
    assert signed.status_code == 201, signed.text
    assert (await ed.answer("s-sign")).status_code == 200
    headers = {"idempotency-key": canary}
    extended = await w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 500}, headers=headers)
    assert extended.status_code == 200
    return ed


async def overwrite(w: World) -> None:
    """Overwrite what is left of all that was erased, also by what is delivered meanwhile."""
    while not await overwriting.overwrite(w.database):
        pass


async def checkpoint(database: Database) -> None:
    """Move the log into the file, and cut it to nothing."""
    moved = await database._writer._db.call(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[:])
    assert moved[0] == 0


async def bytes_on_disk(w: World) -> bytes:
    """The file with its log, after a checkpoint."""
    await checkpoint(w.database)
    path = Path(w.settings.database.path)
    log = Path(f"{path}-wal")
    return path.read_bytes() + (log.read_bytes() if log.exists() else b"")
