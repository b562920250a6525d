"""The document's examples, from a run that is really made: `python -m tests.examples` writes them again.

One story: the kitchen is checked for booking_12345. Names that chance gives, sizes and durations are those of the file.
"""

import asyncio
import json
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from rundun.actions.backups import backups
from rundun.actions.deliveries import alerts
from rundun.actions.organizations import organizations
from rundun.core import times
from rundun.store.organizations import quotas as quota_rows
from rundun.web.docs.openapi import document
from tests.helpers.pictures import images
from tests.helpers.service import Clock, Ed, Receiver, World, answering, world

FILE = Path(document.__file__).with_name("examples.json")
SITE = "https://check.example.com"
SECRET = "at least 12 characters"
NAMES = {
    "r": "7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11",
    "t": "3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90",
    "d": "6b0e2f4d-8a1c-4e3b-9d57-2c4a6e8f0b1d",
    "org": "b2a0e6d4-91c7-4d8e-b0a5-72f1c9d3e480",
    "u": "5e0d7a31-8a4f-4a4b-9d0c-1f6b2c3d4e5f",
    "evt": "0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
    "dlv": "91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e",
    "ph": "c0ffee00-1234-4abc-8def-0123456789ab",
    "shr": "4f6a8b1c-0d2e-4a35-8b7c-9d1e2f3a4b5c",
}
PHOTO_ID, ANSWER_ID = f"ph-{NAMES['ph']}", "2f1e0d9c-8b7a-4655-9443-322110ffeedd"
KITCHEN: dict[str, Any] = {
    "id": "g-kit1",
    "title": "Kitchen",
    "steps": [
        {"id": "s-kc01", "type": "boolean", "label": "Is the oven clean?", "photo": {"min": 1, "max": 3}},
        {
            "id": "s-kc02",
            "type": "text",
            "label": "What is wrong with it?",
            "condition": {"when": {"step": "s-kc01", "op": "eq", "value": False}},
        },
        {"id": "s-kc03", "type": "number", "label": "Meter reading", "required": False, "config": {"unit": "kWh"}},
    ],
}
TEMPLATE: dict[str, Any] = {
    "name": "Turnover check",
    "settings": {"allow_skip": True},
    "execution": {"identity_required": "name"},
    "fields": [
        {"id": "f-address", "label": "Address", "kind": "address", "show": "start"},
        {"id": "f-door", "label": "Door code", "kind": "secret"},
    ],
    "sections": [KITCHEN],
}
DISPATCH: dict[str, Any] = {
    "template_id": f"t-{NAMES['t']}",
    "executor_ref": "booking_12345",
    "expires_in_hours": 72,
    "title": "Beach house 3 · check-out 11:00",
    "note": "Two dogs stayed here: please look for hairs.",
    "due_at": "2026-03-02T14:00:00Z",
    "fields": {"f-address": "1 Sea Road, Barcelona", "f-door": "4711#"},
    "prefill": {"s-kc03": 42150},
    "webhook": {"url": "https://hooks.example.com/rundun", "secret": SECRET},
}
REMARK = {"remark_id": "7a1c2e4f-3b5d-4c6e-8f70-91a2b3c4d5e6", "text": "The door of the oven sticks.", "photos": []}
ANSWER = {"answer_id": ANSWER_ID, "value": True, "answered_at": "2026-03-02T09:15:00Z"}
MEDIA = {
    "original": "/media/MTE.9pLr4sWd2yQ7vB1n.heic",
    "thumbnail_url": "/media/MTM.Zx5cN8bM3hK6gF0d.jpg",
    "url": "/media/MTI.k2Vw0mJxq3T6uS8a.jpg",
}
FIXED = {
    "picture_id": f"pic-{'0c' * 32}",
    "digest": "4f1c8a7e9d2b6035c1e8f7a4d3b2906e5a7c1f0d8e9b4a63725c0d1e2f3a4b5c",
    "sha256": "b41dbaa9353b532d1b87c6808791191924a4703c1f07888d836090d278d30fae",
    "bytes": 1843201,
    "bytes_used": 8762945536,  # it differs by how many digits chance gave the numbers of files
    "bytes_quota": 10737418240,
    "width": 1536,
    "height": 2048,
    "duration_ms": 83,
    "runs_this_month": 41,
    "thumbnail": "/9j/4AAQSkZJRg==",
    "run": NAMES["r"][:8],
    "destination": "https://hooks.example.com:443",
}


class Story:
    """Runs of one template, each as far as it is needed."""

    def __init__(self, w: World, hook: Receiver) -> None:
        self.w, self.hook = w, hook
        self.found: dict[str, dict[str, Any]] = {}
        self.template_id = ""
        self.picture = images.heic(96, 128)

    async def call(self, name: str, method: str, path: str, body: Any = None, shown: Any = None) -> Any:
        """Call as Acme, and keep request and answer as an example of the operation `name`."""
        response = await self.w.acme.request(method, path, json=body)
        assert response.is_success, response.text
        return self.keep(name, response, body if shown is None else shown)

    def keep(self, name: str, response: Any, request: Any = None) -> Any:
        """Keep what was answered as an example."""
        example = self.found.setdefault(name, {})
        if request is not None:
            example["request"] = request
        example[str(response.status_code)] = response.json()
        return response.json()

    def at(self, time: str) -> None:
        """Let it be that time."""
        moment = times.parse(time)
        assert moment is not None
        self.w.clock.now = moment

    async def templates(self) -> None:
        """A picture, and a template in its third version."""
        self.at("2026-01-12T08:00:00Z")
        for _ in range(2):  # stored, and stored before
            self.keep("uploadPicture", await self.w.acme.post("/v1/pictures", content=self.picture))
        picture_id = self.found["uploadPicture"]["201"]["picture_id"]
        await self.call("getPicture", "GET", f"/v1/pictures/{picture_id}")
        await self.call("checkTemplate", "POST", "/v1/templates/check", TEMPLATE)
        made = await self.call("createTemplate", "POST", "/v1/templates", TEMPLATE)
        path = f"/v1/templates/{made['id']}"
        self.template_id = made["id"]
        await self.w.acme.put(path, json={**TEMPLATE, "settings": {}})
        self.at("2026-02-20T16:30:00Z")
        await self.call("reviseTemplate", "PUT", path, TEMPLATE)
        await self.call("getTemplate", "GET", path)
        step = {"type": "yes_no", "label": "Is the fridge empty?"}
        begun = await self.call("createDraft", "POST", "/v1/templates/drafts", {"name": "Fridge", "steps": [step]})
        path, mended = f"/v1/templates/drafts/{begun['id']}", {**step, "type": "boolean"}
        await self.call("writeDraft", "PUT", path, {"name": "Fridge", "steps": [mended]})
        await self.call("getDraft", "GET", path)

    async def dispatch(self, *events: str) -> Ed:
        """A run and its link."""
        self.at("2026-03-02T08:50:00Z")
        webhook = {"url": self.hook.url, "secret": SECRET, **({"events": events} if events else {})}
        body = {**DISPATCH, "template_id": self.template_id, "webhook": webhook}
        return Ed(self.w, (await self.call("dispatchRun", "POST", "/v1/runs", body, DISPATCH))["run_id"])

    async def begin(self, *events: str) -> Ed:
        """A run whose first step is answered."""
        ed = await self.dispatch(*events)
        self.at("2026-03-02T09:12:30Z")
        assert (await ed.start(name="Ed", language="en")).is_success
        self.at("2026-03-02T09:14:58Z")
        about = {"params": {"source": "camera", "taken_at": "2026-03-02T09:14:40Z"}}
        for _ in range(2):  # stored, and stored before
            self.keep("putPhoto", await ed.photo("s-kc01", self.picture, PHOTO_ID, **about))
        self.at("2026-03-02T09:15:01Z")
        where = {"lat": 41.38712, "lng": 2.17013, "accuracy": 12}
        assert (await ed.put("s-kc01", {**ANSWER, "geo": where})).is_success
        self.at("2026-03-02T09:15:02Z")
        self.keep("putRemark", await ed.call("PUT", "/steps/s-kc01/remark", json=REMARK), REMARK)
        return ed

    async def runs(self) -> None:
        """Looked at, cancelled, extended, released."""
        ed = await self.begin()
        await self.call("getRun", "GET", f"/v1/runs/{ed.run_id}")
        self.keep("getState", await ed.call("GET", "/state"))
        await self.steer(ed, "release", {})
        await self.steer(ed, "cancel", {"reason": "The guest has left early."})
        share = {"fields": ["f-address"], "language": "es"}
        await self.call("shareRun", "POST", f"/v1/runs/{ed.run_id}/shares", share)
        await self.call("listShares", "GET", f"/v1/runs/{ed.run_id}/shares")
        await self.call("repeatRun", "POST", f"/v1/runs/{ed.run_id}/again", {"fields": {"f-door": "0815#"}})
        await self.steer(await self.begin(), "extend", {"expires_in_hours": 96})
        ed, body = await self.begin(), {"due_at": "2026-03-02T15:00:00Z", "fields": {"f-door": "0815#"}}
        self.at("2026-03-02T09:20:00Z")
        await self.call("patchRun", "PATCH", f"/v1/runs/{ed.run_id}", body)

    async def steer(self, ed: Ed, what: str, body: Any) -> None:
        """Do it to the run."""
        self.at("2026-03-02T09:20:00Z")
        await self.call(f"{what}Run", "POST", f"/v1/runs/{ed.run_id}/{what}", body)

    async def events(self) -> None:
        """Each event once, as the webhook receives it."""
        ed = await self.begin("*", "run.started", "run.changed")
        assert (await ed.put("s-kc03", {"skipped": True})).is_success
        changed = {"due_at": "2026-03-02T15:00:00Z"}
        assert (await self.w.acme.patch(f"/v1/runs/{ed.run_id}", json=changed)).is_success
        self.at("2026-03-02T09:21:02Z")
        assert (await ed.complete()).is_success
        await self.w.deliver()
        given_up = await self.begin("run.cancelled")
        assert (await given_up.call("POST", "/cancel", json={"reason": "Nobody opens the door."})).is_success
        expired = await self.begin("run.expired")
        await self.w.deliver()
        self.w.clock.forward(hours=24 * 7)
        await self.w.sweep()
        await self.w.deliver()
        assert (await self.w.run(expired))["status"] == "expired"
        erased = await self.begin("run.erased")
        self.at("2026-05-02T09:41:07Z")
        await self.erase(erased)
        await self.w.deliver()
        body = {"url": self.hook.url, "secret": SECRET}
        self.at("2026-03-02T09:15:01Z")
        await self.call("testWebhook", "POST", "/v1/webhooks/test", body, {**DISPATCH["webhook"]})
        del self.found["testWebhook"]["200"]  # the signature in it would be another each time
        order = ("run.started", "run.changed", "step.completed", "step.skipped", "run.completed",
                 "run.cancelled", "run.expired", "run.erased")  # fmt: skip
        ours = {None, ed.run_id, given_up.run_id, expired.run_id, erased.run_id}
        received = {one.json["event"]: one.json for one in self.hook.received if one.json["run_id"] in ours}
        self.found["webhooks"] = {name: received[name] for name in (*order, "webhook.test")}

    async def problems(self) -> None:
        """What some refusals say beside their title."""
        found = self.found["problems"] = {}
        ed = await self.begin()
        for response in (
            await self.w.acme.post("/v1/runs", json={**DISPATCH, "expires_in_hours": 9000}),
            await self.w.acme.get("/v1/runs/r-1"),
        ):
            found |= refusal(response)
        assert (await ed.put("s-kc01", {"value": False})).is_success
        found |= refusal(await ed.complete())
        assert (await ed.put("s-kc02", {"value": "It is black."})).is_success
        self.at("2026-03-02T09:41:07Z")
        assert (await ed.complete()).is_success
        found |= refusal(await ed.put("s-kc01", {"value": True}))
        self.at("2026-05-02T09:41:07Z")
        await self.erase(ed)
        found |= refusal(await self.w.acme.get(f"/v1/runs/{ed.run_id}"))

    async def erase(self, ed: Ed) -> None:
        """Erase the run."""
        assert (await self.w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204

    async def person(self) -> None:
        """All runs of one person, listed."""
        ed = await self.dispatch()
        self.at("2026-03-02T09:12:30Z")
        assert (await ed.start(name="Mia Jones")).is_success
        body: dict[str, Any] = {"person": {"name": "Mia Jones"}}
        await self.call("erasePerson", "POST", "/v1/erasures", body)
        listed = self.found["erasePerson"]
        listed["request:erase"] = erasing = {**body, "digest": listed["200"]["digest"], "run_ids": [ed.run_id]}
        listed["200:erased"] = (await self.w.acme.post("/v1/erasures", json=erasing)).raise_for_status().json()
        self.found["getPersonArchive"] = {"request": body}

    async def deliveries(self) -> None:
        """One that is not taken, sent again, given up, and told of."""
        ed = await self.refused()
        (delivery,) = await self.w.deliveries(ed)
        path = f"/v1/deliveries/{delivery['delivery_id']}/retry"
        await self.call("retryDelivery", "POST", path, {})
        self.hook.answer = answering("204 No Content")
        await self.w.deliver()
        await self.refused()
        for _ in range(4):
            self.w.clock.forward(hours=3)  # longer than any pause
            await self.w.deliver()
        use = await self.w.database.read(quota_rows.get, self.w.acme_id)
        near = (quota_rows.put, self.w.acme_id, int(use.used / 0.82))
        await self.w.database.write(backups.note_last, self.w.clock() - 37 * times.HOUR)
        for note, *of in (near, (backups.note_missed,), (quota_rows.put, self.w.acme_id, 0)):
            error = "/mnt/backup can't be used: No such file or directory."
            alert = await self.w.database.read(partial(alerts.make_next_alert, for_all=False, backup_error=error))
            self.found["webhooks"][alert.name] = json.loads(alert.body)
            await self.w.database.write(note, *of)
        test = await self.w.database.read(alerts.test_alert)
        self.found["webhooks"][test.name] = json.loads(test.body)
        body = {"status": "failed", "since": "2026-03-01T00:00:00Z"}
        await self.call("retryDeliveries", "POST", "/v1/deliveries/retry", body)

    async def refused(self) -> Ed:
        """A completed run whose receiver has refused the event once."""
        self.hook.answer = answering("502 Bad Gateway")
        ed = await self.begin("run.completed")
        self.at("2026-03-02T09:21:02Z")
        assert (await ed.complete()).is_success
        await self.w.deliver()
        return ed

    async def rest(self) -> None:
        """The organization, and what the executor's side is sent."""
        profile = ("Acme Stays", "Call +34 600 000 000", "", None)
        await self.w.database.write(organizations.put_profile, self.w.acme_id, *profile)
        await self.call("getOrganization", "GET", "/v1/organization")
        code = {"id": "s-code", "type": "barcode", "label": "Scan"}
        ed = await self.w.dispatch(await self.w.template(code))
        await ed.start()
        self.keep("decodeBarcode", await ed.call("POST", "/decode", content=images.barcode("4006381333931")))


def refusal(response: Any) -> dict[str, Any]:
    """What a problem says beside what is the same for all of its code, by its code."""
    problem = response.json()
    common = ("type", "title", "status", "code", "request_id")
    return {problem["code"]: {name: value for name, value in problem.items() if name not in common}}


async def record(folder: Path) -> dict[str, Any]:
    """The examples by operation."""
    async with (
        Receiver().listening() as hook,
        world(folder, Clock(), server__public_url=SITE, alerts__url="http://127.0.0.1:1/", backup__folder=folder) as w,
    ):
        (folder / "rundun-2026-03-02T061700Z.db").write_bytes(b"a backup")
        story = Story(w, hook)
        parts = (story.rest, story.templates, story.runs, story.person, story.events, story.problems, story.deliveries)
        for part in parts:
            await part()
        sent = {
            "startRun": {"name": "Ed", "language": "en"},
            "answerStep": ANSWER,
            "completeRun": {},
            "giveUpRun": {"reason": "Nobody opens the door."},
        }
        found = {**story.found, **{name: {"request": body} for name, body in sent.items()}}
        (folder / "limited").mkdir()
        async with world(folder / "limited", limits__requests_per_minute=20) as limited:
            answers = [await limited.acme.get("/v1/organization") for _ in range(21)]
            found["problems"] |= refusal(answers[-1])
        order = [*(route.operation.name for route in document.ROUTES), "webhooks", "problems"]
        return {name: named(found[name], hook.url) for name in order if name in found}


def named(value: Any, hook: str, key: str = "", parent: str = "") -> Any:
    """`value` with the names of the file in the place of those that chance gave."""
    if isinstance(value, dict):
        return {name: named(one, hook, name, key) for name, one in value.items()}
    if isinstance(value, list):
        return [named(one, hook, key, parent) for one in value]
    if value is not None and key in FIXED:
        return FIXED[key]
    if not isinstance(value, str):
        return value
    if "/share/" in value:
        return f"{SITE}/share/Zk3vQm0yT8sJ4nW1bX6hR9cL2pF7gD5aE0uK8iO3wYs"
    if "/media/" in value:
        return value.partition("/media/")[0] + MEDIA.get(parent if parent == "original" else key, "")
    value = value.replace(hook, DISPATCH["webhook"]["url"])
    return re.sub(r"\b(org|evt|dlv|shr|ph|r|t|d|u)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", _name, value)


def _name(match: re.Match[str]) -> str:
    return f"{match[1]}-{NAMES[match[1]]}"


def text(examples: dict[str, Any]) -> str:
    """As the file has it."""
    return json.dumps(examples, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(text(asyncio.run(record(Path(folder)))), "utf-8")
