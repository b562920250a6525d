"""Runs as the console shows them, one with an answer of every kind."""

import re
from typing import Any

import httpx2
from PIL import Image

from rundun.web.console import cookies
from tests.helpers.console.console import Browser
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import encoded, jpeg
from tests.helpers.service import Ed, World

PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 3}}


async def rows(browser: Browser, query: str = "") -> list[str]:
    """Ids of the runs a list shows."""
    answer = await browser.get(f"/runs{query}")
    assert answer.status_code == 200, answer.text
    return re.findall(r'<li id="row-(r-[0-9a-f-]+)"', answer.text)


EVERY: list[dict[str, Any]] = [
    {"id": "s-ok", "type": "boolean", "label": "All fine?", "config": {"true_label": "Fine & dandy"}},
    {"id": "s-plain", "type": "boolean", "label": "And now?"},
    {
        "id": "s-one",
        "type": "choice",
        "label": "Which?",
        "config": {"options": [{"id": "o-a", "label": "The attic"}, {"id": "o-b", "label": "The cellar"}]},
    },
    {
        "id": "s-many",
        "type": "multi_choice",
        "label": "Which ones?",
        "config": {"options": [{"id": "o-c", "label": "A chair"}, {"id": "o-d", "label": "A desk"}]},
    },
    {"id": "s-text", "type": "text", "label": "Say it", "config": {"multiline": True}},
    {"id": "s-num", "type": "number", "label": "Meter", "geo": True, "config": {"unit": "kWh"}},
    {"id": "s-rate", "type": "rating", "label": "Grade", "config": {"max": 5, "max_label": "best"}},
    {"id": "s-day", "type": "datetime", "label": "Day"},
    {"id": "s-when", "type": "datetime", "label": "When", "config": {"mode": "datetime"}},
    {"id": "s-read", "type": "instruction", "label": "Read", "config": {"body": "Mind the step."}},
    {**PICTURE},
    {"id": "s-sign", "type": "signature", "label": "Sign"},
    {"id": "s-way", "type": "boolean", "label": "Way in?"},
    {"id": "s-tip", "type": "text", "label": "A tip", "required": False},
    {
        "id": "s-why",
        "type": "text",
        "label": "Why not?",
        "condition": {"when": {"step": "s-ok", "op": "eq", "value": False}},
    },
    {"id": "s-last", "type": "boolean", "label": "Left open"},
]
SETTINGS = {"allow_skip": True}


async def everything(w: World, **more: Any) -> Ed:
    """A run with an answer of every kind, not finished."""
    ed = await w.dispatch(
        await w.template(*EVERY, settings=SETTINGS, execution={"identity_required": "name"}),
        executor_ref="booking_77",
        **more,
    )
    await ed.start(name="Ed Miller")
    w.clock.forward(seconds=30)
    for step, value in (
        ("s-why", "Dark"),
        ("s-ok", False),
        ("s-ok", True),
        ("s-plain", False),
        ("s-one", "o-b"),
        ("s-many", ["o-c", "o-d"]),
        ("s-text", "line one\nline two"),
        ("s-rate", 5),
        ("s-day", "2026-02-03"),
        ("s-when", "2026-02-03T04:05:06Z"),
        ("s-read", None),
    ):
        answer = await ed.answer(step, value)
        assert answer.status_code == 200, answer.text
        w.clock.forward(seconds=1)
    geo = {"lat": 51.5034, "lng": -0.1276, "accuracy": 7.4}
    await ed.answer("s-num", 1234.5, geo=geo, answered_at="2026-01-01T02:30:00Z")
    query = "source=camera&taken_at=2026-01-01T02:29:00Z&lat=1.5&lng=2.5&accuracy=9"
    photo = await ed.call("PUT", f"/steps/s-pic/photos/{PHOTO}?{query}", content=jpeg())
    assert photo.status_code == 201, photo.text
    await ed.answer("s-pic", photos=[PHOTO])
    other = await ed.photo("s-pic", jpeg(320, 240))
    assert other.status_code == 201
    signed = await ed.call("PUT", "/steps/s-sign/signature?typed_name=E.+Miller", content=PNG)
    assert signed.status_code == 201, signed.text
    await ed.answer("s-sign")
    await ed.put("s-way", {"unable": {"reason": "No key"}})
    assert (await ed.put("s-tip", {"skipped": True})).status_code == 200
    return ed


PHOTO = "ph-00000000-0000-4000-8000-000000000001"
PNG = encoded(Image.new("RGB", (40, 20), (255, 255, 255)), "PNG")


async def listening(w: World, ann: Browser, base: str, query: str = "") -> Any:
    """An open stream of changes, over a real connection."""
    cookie = f"{cookies.SESSION}={ann.client.cookies.get(cookies.SESSION)}"
    client = httpx2.AsyncClient(base_url=base, headers={"cookie": cookie}, timeout=PATIENCE)
    w.clients.append(client)
    return client.stream("GET", f"/console/runs/live{query}")
