"""Pictures of barcodes: for started runs that ask for one, one at a time, and never in the way of anybody's photo."""

import asyncio
import threading
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from rundun.core.picture import Barcode
from rundun.imaging import barcodes
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, started
from tests.helpers.service import BOOLEAN, Ed, World

CODE = {"id": "s-code", "type": "barcode", "label": "Scan"}


def drawn(kind: zxingcpp.BarcodeFormat = zxingcpp.BarcodeFormat.Code128) -> bytes:
    """A picture of a barcode."""
    barcode = zxingcpp.create_barcode("RUNDUN-42", kind)
    image = Image.fromarray(zxingcpp.write_barcode_to_image(barcode, scale=4))
    return images.encoded(image.convert("RGB"), "PNG")


class Slow:
    """In place of the decoder: begins when a thread takes it, ends when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go, self.calls = threading.Event(), threading.Event(), 0
        monkeypatch.setattr(barcodes, "decode_barcode", self)

    def __call__(self, data: bytes, **limits: Any) -> Barcode:
        """As `barcodes.decode_barcode`."""
        self.calls += 1
        self.begun.set()
        assert self.go.wait(2 * PATIENCE)
        return Barcode("found", "qr_code")


async def test_a_run_that_is_not_started_or_asks_for_no_barcode_has_nothing_to_scan(w: World) -> None:
    early = await w.dispatch(await w.template(CODE))
    refused = await early.call("POST", "/decode", content=drawn())
    assert (refused.status_code, refused.json()["code"]) == (409, "not_started")
    other = await (await started(w, BOOLEAN)).call("POST", "/decode", content=drawn())
    assert (other.status_code, other.json()["code"]) == (422, "invalid")
    assert "barcode" in other.json()["detail"]
    await early.start()
    assert (await early.call("POST", "/decode", content=drawn())).json()["text"] == "RUNDUN-42"


async def test_only_the_formats_that_the_steps_take_are_looked_for(w: World) -> None:
    steps = [{**CODE, "id": f"s-{name}", "config": {"formats": [name]}} for name in ("qr_code", "code_39")]
    ed = await started(w, *steps)
    for kind in (zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code39):
        assert (await ed.call("POST", "/decode", content=drawn(kind))).status_code == 200
    other = await ed.call("POST", "/decode", content=drawn())
    assert (other.status_code, other.json()["code"]) == (422, "unreadable_image")


async def test_one_picture_of_a_run_at_a_time_and_photos_go_on(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    ed, olga, photographer = [await started(w, step) for step in (CODE, CODE, OVERLAY)]
    try:
        first = asyncio.create_task(ed.call("POST", "/decode", content=b"picture"))
        assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
        second = await ed.call("POST", "/decode", content=b"picture")
        assert (second.status_code, second.json()["code"]) == (503, "unavailable")
        assert int(second.headers["retry-after"]) > 0
        waiting = asyncio.create_task(olga.call("POST", "/decode", content=b"picture"))
        async with asyncio.timeout(PATIENCE):
            assert (await photographer.photo("s-ok", images.jpeg())).status_code == 201
        assert not waiting.done()
    finally:
        slow.go.set()
    assert [one.json()["text"] for one in await asyncio.gather(first, waiting)] == ["found", "found"]
    assert (await ed.call("POST", "/decode", content=b"picture")).status_code == 200


async def test_organizations_take_turns_and_one_has_no_place_of_another(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit's attack: five links with pictures that take seconds kept the reader from everybody."""
    gate, order = threading.Event(), []

    def when_let(data: bytes, **limits: Any) -> Barcode:
        order.append(data)
        assert gate.wait(PATIENCE)
        return Barcode("found", "qr_code")

    monkeypatch.setattr(barcodes, "decode_barcode", when_let)
    eves, body = [await started(w, CODE) for _ in range(5)], {"name": "Theirs", "steps": [CODE]}
    theirs = (await w.globex.post("/v1/templates", json=body)).json()["id"]
    ed = Ed(w, (await w.globex.post("/v1/runs", json={"template_id": theirs})).json()["run_id"])
    await ed.start()
    pool, tasks = w.service.imaging.barcodes, []  # type: ignore[attr-defined]
    try:
        for one, picture in [*((eve, b"eve") for eve in eves[:4]), (ed, b"ed")]:
            tasks.append(asyncio.create_task(one.call("POST", "/decode", content=picture)))
            async with asyncio.timeout(PATIENCE):
                while pool.count_taken() < len(tasks):
                    await asyncio.sleep(0)
        fifth = await eves[4].call("POST", "/decode", content=b"eve")
        assert (fifth.status_code, fifth.headers["retry-after"]) == (503, "5")
    finally:
        gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*tasks)] == [200] * 5
    assert order.index(b"ed") <= 2, "the first of its organization"


async def test_nobody_looks_at_the_picture_of_a_client_that_went_away(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    ed, olga = await started(w, CODE), await started(w, CODE)
    try:
        first = asyncio.create_task(ed.call("POST", "/decode", content=b"picture"))
        assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
        async with asyncio.timeout(PATIENCE):
            assert await left_behind(w, olga) == []
    finally:
        slow.go.set()
    await first
    assert (await olga.call("POST", "/decode", content=b"picture")).status_code == 200
    assert slow.calls == 2, "the one and the last; not the one in between"


async def left_behind(w: World, ed: Ed) -> list[Any]:
    """What is sent to a client that leaves as soon as its body is sent, once the service is done with it."""
    coming = [{"type": "http.request", "body": b"picture", "more_body": False}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    path = f"/r/{ed.run_id}/decode"
    headers = [(b"content-length", b"7"), (b"host", b"rundun.test")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await w.app(scope, receive, send)
    return sent
