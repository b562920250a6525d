"""Work of an executor: a phone that sends one thing after the other, keeps its cookie, and repeats itself."""

import hashlib
import re
import uuid
from typing import Any

import httpx2

from tests.crash.clients import Client, kind
from tests.crash.ledger import Answer, Picture, Run, Write, WrongAnswer
from tests.helpers.pictures.images import jpeg, png
from tests.helpers.service import new_photo_id

CLOSED = ("run_closed", "not_started", "other_device")
_JPEG = jpeg(64, 48)
_PNG = png(60, 24)


def picture(size: int) -> bytes:
    """A small JPEG that no other is like, of about so many bytes: the rest is comments."""
    mark = uuid.uuid4().bytes
    comments = [b"\xff\xfe\xff\xff" + (mark * 4096)[:65533]] * (size // 65536)
    return _JPEG[:2] + b"\xff\xfe\x00\x12" + mark + b"".join(comments) + _JPEG[2:]


@kind(10)
async def start(client: Client) -> None:
    """Tap Start; again, the person stays the same."""
    run = client.pick_run(started=False)
    if run is None:
        return

    def told(response: httpx2.Response) -> None:
        person = response.json()["assigned_to"]
        if run.person not in ("", person):
            raise WrongAnswer(f"{run.run_id} was started by {run.person} and by {person}")
        run.person, run.is_started = person, True
        if cookie := re.match(r"rundun_device=[^;]+", response.headers.get("set-cookie", "")):
            run.cookie = cookie[0]

    async with run.phone:
        write = Write("POST", f"/r/{run.run_id}/start", (200,), ("run_closed", "other_device"), told, run)
        write.arguments = {"json": {}}
        await client.write(write)


_CONTENTS: dict[str, list[dict[str, Any]]] = {
    "s-ok": [{"value": True}, {"value": False}, {"unable": {"reason": "It is dark"}}],
    "s-why": [{"value": "…"}, {"value": "…"}, {"skipped": True}, {"unable": {"reason": "No idea"}}],
    "s-num": [{"value": 1}, {"value": 2}, {"value": 2.5}, {"skipped": True}],
    "s-if": [{"value": "…"}, {"skipped": True}],
    "s-pic": [{"value": None}, {"skipped": True}],
    "s-sign": [{"value": None}, {"skipped": True}],
}


@kind(30)
async def answer(client: Client) -> None:
    """Answer a step: a value, a skip, or “I can't”; some say what is in force already."""
    run = client.pick_run(started=True)
    if run is None:
        return
    step_id = client.rng.choice(list(_CONTENTS))
    content = dict(client.rng.choice(_CONTENTS[step_id]))
    if content.get("value") == "…":
        content["value"] = client.rng.choice(["yes", "no", client.ledger.name("because")])
    if step_id == "s-pic" and "value" in content and client.rng.random() < 0.5:
        content["photos"] = [one.photo_id for one in run.pictures if one.photo_id and not one.deleted][:10]
    answer_id = str(uuid.uuid4())

    def told(response: httpx2.Response) -> None:
        _require_in_force(run, step_id, sent, response.json()["step"])

    async with run.phone:
        write = Write("PUT", f"/r/{run.run_id}/steps/{step_id}", (200,), CLOSED, told, run)
        write.arguments = {"json": {"answer_id": answer_id, **content}}
        unable = content.get("unable", {}).get("reason")
        sent = Answer(answer_id, content.get("value"), "skipped" in content, unable, write)
        run.answers.setdefault(step_id, []).append(sent)
        await client.write(write)


def _require_in_force(run: Run, step_id: str, sent: Answer, step: dict[str, Any]) -> None:
    """Require that what was sent is in force, or another that was sent after it, or before without being heard."""
    said = step.get("value"), bool(step.get("skipped")), (step.get("unable") or {}).get("reason")
    others = [one for one in run.answers[step_id] if one is not sent and one.write.may_be_done]
    possible = [one.content for one in others if not one.write.told_at or one.write.told_at > sent.write.sent_at]
    if step_id == "s-sign" and said[0] is not None:
        said = (None, *said[1:])  # its value is the picture's address
    if said != sent.content and said not in possible:
        raise WrongAnswer(f"{run.run_id} {step_id}: {sent.content} was sent, and in force is {said}")


@kind(2)
async def repeat_answer(client: Client) -> None:
    """Send an old answer again: whatever came after it stays."""
    run = client.pick_run(started=True)
    if run is None or run.phone.locked() or not run.answers:
        return
    async with run.phone:
        old = client.rng.choice(run.answers[client.rng.choice(list(run.answers))])
        await client.send(old.write)


@kind(4)
async def remark(client: Client) -> None:
    """Note a remark on a step, answered or not, or an old one again: whatever came after it stays."""
    run = client.pick_run(started=True)
    if run is None:
        return
    async with run.phone:
        if run.remarks and client.rng.random() < 0.2:
            await client.send(client.rng.choice(list(run.remarks.values()))[2])
            return
        step_id, text, remark_id = client.rng.choice(list(_CONTENTS)), client.ledger.name("noted"), str(uuid.uuid4())
        write = Write("PUT", f"/r/{run.run_id}/steps/{step_id}/remark", (200,), CLOSED, run=run)
        write.arguments = {"json": {"remark_id": remark_id, "text": text}}
        run.remarks[remark_id] = (step_id, text, write)
        await client.write(write)


async def _put_photo(client: Client, size: int) -> None:
    run = client.pick_run(started=True)
    if run is None:
        return
    data, photo_id = picture(size), new_photo_id()
    digest = hashlib.sha256(data).hexdigest()

    def told(response: httpx2.Response) -> None:
        if response.json()["sha256"] != digest or response.json()["bytes"] != len(data):
            raise WrongAnswer(f"{run.run_id} {photo_id}: the receipt is for other bytes: {response.text}")

    async with run.phone:
        path = f"/r/{run.run_id}/steps/s-pic/photos/{photo_id}"
        write = Write("PUT", path, (200, 201), (*CLOSED, "too_many_photos"), told, run, arguments={"content": data})
        run.pictures.append(Picture("s-pic", photo_id, digest, write))
        await client.write(write)


@kind(4)
async def put_photo(client: Client) -> None:
    """Upload a photo that is written in one commit."""
    await _put_photo(client, 0)


@kind(1)
async def put_large_photo(client: Client) -> None:
    """Upload a photo that is written chunk by chunk."""
    if client.rng.random() < 0.3:
        await _put_photo(client, 5 * 1024 * 1024)


@kind(2)
async def delete_photo(client: Client) -> None:
    """Delete a photo for good."""
    run = client.pick_run(started=True)
    photos = [one for one in run.pictures if one.photo_id and one.put.is_told and not one.deleted] if run else []
    if run is None or not photos:
        return
    async with run.phone:
        photo = client.rng.choice(photos)
        photo.put.is_repeatable = False
        photo.deleted = Write("DELETE", photo.put.path, (200,), CLOSED, run=run)
        await client.write(photo.deleted)


@kind(2)
async def sign(client: Client) -> None:
    """Sign a step, or the run where its template wants that."""
    run = client.pick_run(started=True)
    if run is None:
        return
    step_id = "" if run.dispatch.template.facts["is_signed"] and client.rng.random() < 0.7 else "s-sign"
    data = _PNG + uuid.uuid4().bytes  # what follows the end of a PNG is no harm
    path = f"/r/{run.run_id}/steps/{step_id}/signature" if step_id else f"/r/{run.run_id}/signature"
    async with run.phone:
        write = Write("PUT", path, (200, 201), CLOSED, run=run, arguments={"content": data})
        run.pictures.append(Picture(step_id, "", hashlib.sha256(data).hexdigest(), write))
        await client.write(write)


@kind(3)
async def complete(client: Client) -> None:
    """Submit the run."""
    run = client.pick_run(started=True)
    if run is not None:
        async with run.phone:
            write = Write("POST", f"/r/{run.run_id}/complete", (200,), (*CLOSED, "steps_missing"), run=run)
            write.arguments = {"json": {}}
            await client.write(write)


@kind(1)
async def give_up(client: Client) -> None:
    """Give the run up."""
    run = client.pick_run(started=True)
    if run is not None and client.rng.random() < 0.3:
        async with run.phone:
            write = Write("POST", f"/r/{run.run_id}/cancel", (200,), ("run_closed", "other_device"), run=run)
            write.arguments = {"json": {"reason": client.ledger.name("tired")}}
            await client.write(write)


@kind(3)
async def resume(client: Client) -> None:
    """Read where the run stands, as another look at the page does: all receipts are there."""
    run = client.pick_run()
    if run is None:
        return
    async with run.phone:
        # Another device is refused: ours while nobody has heard with which cookie it started.
        refusals = (410,) if run.cookie else (403, 410)
        answered = await client.get(f"/r/{run.run_id}/state", *refusals, run=run)
        if answered.status_code != 200:
            return
        shown = {one["photo_id"]: one["sha256"] for one in answered.json()["photos"].get("s-pic", [])}
        for one in run.pictures:
            if one.photo_id and one.put.is_told and not one.deleted and shown.get(one.photo_id) != one.sha256:
                raise WrongAnswer(f"{run.run_id} {one.photo_id} is not shown: {shown}")
