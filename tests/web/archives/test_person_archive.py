"""What somebody gets who asks what is kept of them: all of it, and nothing that opens anything."""

import io
import json
import re
import uuid
import zipfile
from typing import Any

from tests.helpers.persons import BY_EMAIL, EMAIL
from tests.helpers.pictures.images import jpeg, png
from tests.helpers.service import TEXT, Ed, Receiver, World, new_photo_id

STEPS = (
    TEXT,
    {"id": "s-pic", "type": "photo", "label": "The door"},
    {"id": "s-sign", "type": "signature", "label": "Signed"},
)
SECRET = "a secret of their webhook"
DOOR = {"id": "f-door", "label": "Door code", "kind": "secret"}


async def past_of(w: World, hook: Receiver) -> Ed:
    """A run in which everything was said twice."""
    webhook = {"url": f"{hook.url}/their-secret-path", "secret": SECRET}
    template_id = await w.template(*STEPS, execution=BY_EMAIL, fields=[DOOR])
    ed = await w.dispatch(template_id, webhook=webhook, title="Beach house 3", fields={"f-door": "4711#"})
    await ed.start(email=EMAIL)
    for said in ("First", "Second"):
        await ed.answer(TEXT["id"], said)
        remark = {"remark_id": str(uuid.uuid4()), "text": f"{said} remark", "photos": []}
        assert (await ed.call("PUT", f"/steps/{TEXT['id']}/remark", json=remark)).is_success
    photo_id = new_photo_id()
    await ed.photo("s-pic", jpeg(), photo_id)
    await ed.answer("s-pic", None, photos=[photo_id])
    assert (await ed.call("PUT", "/steps/s-sign/signature", content=png())).is_success
    await ed.answer("s-sign")
    changed = await w.acme.patch(f"/v1/runs/{ed.run_id}", json={"title": "Beach house 4"})
    assert changed.status_code == 200, changed.text
    await w.deliver()
    return ed


async def test_an_archive_has_the_past_and_opens_nothing(w: World) -> None:
    async with Receiver().listening() as hook:
        ed = await past_of(w, hook)
    response = await w.acme.post("/v1/erasures/archive", json={"person": {"email": EMAIL}})
    found = zipfile.ZipFile(io.BytesIO(response.content))
    texts = {
        name.partition("/")[2]: found.read(name).decode()
        for name in found.namelist()
        if name.endswith(("json", "html"))
    }

    def content(name: str) -> Any:
        return json.loads(texts[name])

    record = content("run.json")
    assert [one["text"] for one in record["replaced_remarks"][TEXT["id"]]] == ["First remark"]
    assert [one["value"] for one in record["replaced_answers"][TEXT["id"]]] == ["First"]
    (change,) = record["changes"]
    assert (change["what"], change["before"], change["after"]) == (
        "job_changed", {"title": "Beach house 3"}, {"title": "Beach house 4"},
    )  # fmt: skip
    feed = (await w.acme.get(f"/v1/runs/{ed.run_id}/events")).json()["data"]
    assert [one["event_id"] for one in content("events.json")] == [one["event_id"] for one in feed]
    (sent, *_) = content("deliveries.json")
    assert (sent["event"], sent["host"], sent["status"]) == ("step.completed", hook.url.split("/")[2], "delivered")
    assert sent["attempts"][0]["status"] == 204 and sent["attempts"][0]["started_at"]
    assert all(said in texts["report.html"] for said in ("Beach house 4", "First remark", "Second remark", "First"))
    names = {name.partition("/")[2] for name in found.namelist()}
    (photo,) = record["answers"]["s-pic"]["photos"]
    assert {photo["url"], photo["original"]["url"], record["answers"]["s-sign"]["value"]} <= names
    assert set(re.findall(r'src="([^"]*)"', texts["report.html"])) <= names
    for name, text in texts.items():
        for opens in ("/media/", f"/r/{ed.run_id}", "their-secret-path", SECRET, "4711#"):
            assert opens not in text, (name, opens)
