"""One hand-over with everything: what the sender wrote, what Ed did with the network away in the middle, and all of it
again on the record, in the webhook and at the console.
"""

import time
from typing import Any

from playwright.async_api import Browser, expect

from rundun.core import times
from tests.browser.executor.photos.test_photo_origins import of_2008
from tests.browser.executor.photos.test_pictures import uploaded
from tests.browser.executor.steps.test_remarks import note
from tests.browser.phone import Phone
from tests.browser.pictures import file, jpeg
from tests.helpers.console.console_page import session_of, somebody
from tests.helpers.pictures import images
from tests.helpers.service import Receiver, World

CODE = "canary-4711"
TELL = "Not to be driven in the dark. Please call the fleet desk."
FIELDS: list[dict[str, Any]] = [
    {"id": "f-vehicle", "label": "Vehicle", "kind": "text", "show": "start"},
    {"id": "f-branch", "label": "Branch", "kind": "address", "show": "job"},
    {"id": "f-desk", "label": "Fleet desk", "kind": "phone"},
    {"id": "f-keys", "label": "Key box code", "kind": "secret"},
    {"id": "f-contract", "label": "Contract", "kind": "text", "show": "office"},
]
VALUES = {"f-vehicle": "Van 12", "f-branch": "Dock 4, Cork", "f-desk": "+353 21 000", "f-contract": "C-77"}
STEPS: list[dict[str, Any]] = [
    {"id": "s-plate", "type": "text", "label": "Registration plate", "config": {"case": "upper"}},
    {"id": "s-odo", "type": "number", "label": "Odometer", "config": {"unit": "km"}},
    {"id": "s-sides", "type": "photo", "label": "Both ends", "config": {"slots": [
        {"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}]}},
    {"id": "s-lights", "type": "boolean", "label": "Do all lights work?",
     "flag": {"when": {"op": "eq", "value": False}, "tell": TELL}},
]  # fmt: skip


async def take(ed: Phone, slot: str, source: str, picture: bytes) -> None:
    """Take the picture of a named shot."""
    place = ed.step("s-sides").get_by_role("group", name=slot, exact=True)
    await place.get_by_label(f"{slot}: {source}").set_input_files([file("a.jpg", "image/jpeg", picture)])
    await expect(place.locator(".tile:not([state=preparing])")).to_be_visible()


async def does_it(ed: Phone, w: World, run_id: str) -> None:
    """Start, confirm what is filled in, lose the network, do all else and finish, and find the network again."""
    page = ed.page
    await ed.open(run_id)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Van 12 to Cork")
    await expect(page.locator(".job-fields")).to_have_text("VehicleVan 12")
    await ed.start()
    await ed.everything_is_loaded()
    card = page.locator(".job-card")
    await ed.unfold_job()
    await expect(card.get_by_role("link", name="Dock 4, Cork")).to_be_visible()
    await expect(card.get_by_role("link", name="+353 21 000")).to_have_attribute("href", "tel:+35321000")
    await card.get_by_role("button", name="Show", exact=True).tap()
    await expect(card.locator(".secret")).to_have_text(CODE)
    await expect(ed.step("s-sides").locator(".shown img")).to_have_count(2)
    await ed.step("s-plate").get_by_role("button", name="Confirm", exact=True).tap()
    await ed.is_done("s-plate")

    w.clock.forward(seconds=60)
    await page.context.set_offline(True)
    await ed.fill("s-odo", "42170")
    await take(ed, "Front", "Take photo", jpeg())
    await take(ed, "Rear", "Gallery", of_2008())
    await ed.pick("s-lights", "No")
    await expect(ed.step("s-lights").get_by_role("status")).to_have_text(TELL)
    await note(ed, "s-lights", "Left indicator", file("b.jpg", "image/jpeg", jpeg(optimize=True)))
    await ed.until_kept(run_id, "remark", "remark s-lights")
    await ed.review()
    await ed.finish()
    await expect(page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
    assert list((await w.acme.get(f"/v1/runs/{run_id}")).json()["answers"]) == ["s-plate"]
    await page.context.set_offline(False)
    await ed.until_thanked()


def of_photos(photos: list[Any]) -> list[tuple[Any, ...]]:
    """Slot, source, and by whose word it was taken when."""
    return [(one["slot"], one["source"], one["taken_at_from"]) for one in photos]


async def test_a_hand_over_from_its_dispatch_to_the_office(
    w: World, ed: Phone, receiver: Receiver, browser: Browser, base: str
) -> None:
    w.clock.now = int(time.time() * 1000) - 60_000  # as the phone's, but for the time that is let pass
    pictures = await uploaded(w.acme, images.jpeg(640, 480), images.jpeg(480, 640))
    steps = [{**step, "pictures": pictures} if step["id"] == "s-sides" else step for step in STEPS]
    due_at = times.wire(w.clock.now + 30_000)
    template = await w.template(*steps, fields=FIELDS, name="Vehicle hand-over")
    run = await w.dispatch(
        template, title="Van 12 to Cork", note="Keys are at the desk.", due_at=due_at, webhook={"url": receiver.url},
        fields={**VALUES, "f-keys": CODE}, prefill={"s-plate": "AB 12 CDE", "s-odo": 42150},
    )  # fmt: skip
    assert (await w.run(run))["fields"] == {**VALUES, "f-keys": CODE}
    await does_it(ed, w, run.run_id)

    record = await w.run(run)
    assert (record["status"], record["late"], record["flagged"]) == ("completed", True, 1)
    assert (record["title"], record["note"], record["due_at"]) == ("Van 12 to Cork", "Keys are at the desk.", due_at)
    assert record["fields"] == VALUES, "the secret is gone with the close"
    answers = record["answers"]
    values = {step_id: one["value"] for step_id, one in answers.items()}
    assert values == {"s-plate": "AB 12 CDE", "s-odo": 42170, "s-sides": None, "s-lights": False}
    assert answers["s-plate"]["answered_at"] <= answers["s-odo"]["answered_at"] <= answers["s-lights"]["answered_at"]
    assert answers["s-plate"]["at"] < answers["s-odo"]["at"], "confirmed is answered, there and then"
    assert answers["s-lights"]["flagged"] is True
    assert of_photos(answers["s-sides"]["photos"]) == [
        ("p-front", "camera", "camera"), ("p-rear", "gallery", "exif_local"),
    ]  # fmt: skip
    assert answers["s-sides"]["photos"][1]["taken_at"] == "2008-10-22T14:28:39Z"
    (remark,) = record["remarks"].values()
    assert (remark["text"], of_photos(remark["photos"])) == ("Left indicator", [(None, "gallery", None)])

    await w.deliver()
    assert CODE not in "".join(one.body.decode() for one in receiver.received)
    closing = next(one.json["data"] for one in receiver.received if one.json["event"] == "run.completed")
    assert closing["job"] == {"title": "Van 12 to Cork", "due_at": due_at, "fields": VALUES}
    assert (closing["late"], closing["flagged"]) == (True, 1)
    assert {step_id: one["value"] for step_id, one in closing["answers"].items()} == values
    assert closing["remarks"]["s-lights"]["text"] == "Left indicator"
    told = [one.json["data"] for one in receiver.received if one.json["event"] == "step.completed"]
    assert sorted(data["step_id"] for data in told) == sorted(values)
    assert all(data["job"] == {"title": "Van 12 to Cork", "due_at": due_at} for data in told)

    async with somebody(browser, base, session=await session_of(w)) as ann:
        await ann.goto(f"{base}/console/runs/{run.run_id}")
        await expect(ann.get_by_role("heading", level=1)).to_have_text("Van 12 to Cork")
        await expect(ann.locator("#states")).to_contain_text("Done")
        await expect(ann.locator("#states")).to_contain_text("Late")
        for words in ("Do all lights work?", TELL, "Left indicator"):
            await expect(ann.locator("#summary")).to_contain_text(words)
        for words in ("Keys are at the desk.", *VALUES.values(), "for you only"):
            await expect(ann.locator("#job")).to_contain_text(words)
        assert CODE not in await ann.content()
        for step_id, value, proposal in (("s-plate", "AB 12 CDE", "As proposed"), ("s-odo", "42,170 km", "42,150 km")):
            for words in (value, proposal):
                await expect(ann.locator(f"#{step_id}")).to_contain_text(words)
        origins = ("the picture’s own data, in the phone’s time zone", "phone’s clock")
        for words in ("Front", "Rear", "From the gallery", *origins):
            await expect(ann.locator("#s-sides")).to_contain_text(words)
        await expect(ann.locator("#s-sides .gallery img")).to_have_count(2)
        await expect(ann.locator("#s-lights")).to_contain_text("Left indicator")
        await expect(ann.locator("#s-lights .gallery img")).to_have_count(1)
