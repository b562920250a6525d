"""The generation of the database, by which a phone notices that an older copy of the data was put back."""

import uuid

from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

PHOTO = {"id": "s-pic", "type": "photo", "label": "The hall"}
SIGN = {"id": "s-sign", "type": "signature", "label": "Sign"}
RESTORED = 2**53 - 1


async def started(w: World, **more: object) -> Ed:
    ed = await w.dispatch(await w.template(BOOLEAN, PHOTO, SIGN, **more))
    assert (await ed.start()).json()["generation"] == w.service.generation
    return ed


async def test_each_receipt_says_in_which_generation_it_was_given(w: World) -> None:
    png = images.png()
    for generation in (0, RESTORED):
        w.database.env.generation = generation
        ed = await started(w)
        remark = {"remark_id": str(uuid.uuid4()), "text": "Scratched"}
        photo_id = new_photo_id()
        photo, sign = images.jpeg(), {"content": png, "headers": {"content-type": "image/png"}}
        calls = [
            await ed.answer("s-ok", True),
            await ed.call("PUT", "/steps/s-ok/remark", json=remark),
            await ed.photo("s-pic", photo, photo_id),
            await ed.photo("s-pic", photo, photo_id),
            await ed.call("DELETE", f"/steps/s-pic/photos/{photo_id}"),
            await ed.photo("s-pic", photo),
            await ed.answer("s-pic"),
            await ed.call("PUT", "/steps/s-sign/signature", **sign),
            await ed.call("PUT", "/steps/s-sign/signature", **sign),
            await ed.answer("s-sign"),
            await ed.call("GET", "/state"),
            await ed.complete(),
            await ed.complete(),
        ]
        assert [one.status_code for one in calls] == [200, 200, 201, 200, 200, 201, 200, 201, 200, 200, 200, 200, 200]
        assert {one.json()["generation"] for one in calls} == {generation}


async def test_a_state_is_unchanged_only_in_the_generation_that_it_is_from(w: World) -> None:
    ed = await started(w)
    since = (await ed.state())["run"]["revision"]

    async def asked(**query: int) -> int:
        return (await ed.call("GET", "/state", params={"since": since, **query})).status_code

    assert (await asked(), await asked(generation=0), await asked(generation=RESTORED)) == (304, 304, 200)
    w.database.env.generation = RESTORED
    assert (await asked(), await asked(generation=0), await asked(generation=RESTORED)) == (304, 200, 304)
    refused = await ed.call("GET", "/state", params={"generation": 2**53})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/generation")


async def test_the_page_says_it_and_the_page_of_a_closed_run(w: World) -> None:
    w.database.env.generation = RESTORED
    ed = await started(w)
    assert f'"generation":{RESTORED}' in (await ed.call("GET", "")).text
    assert (await ed.call("POST", "/cancel", json={"reason": "Rain"})).json()["generation"] == RESTORED
    closed = await ed.call("GET", "/state")
    assert (closed.status_code, closed.json()["generation"]) == (410, RESTORED)
    assert f'data-kind="cancelled" data-generation="{RESTORED}"' in (await ed.call("GET", "")).text
    unknown = await w.browser().get(f"/r/r-{uuid.uuid4()}")
    assert 'data-kind="unknown">' in unknown.text


async def test_another_phone_is_told_it(w: World) -> None:
    w.database.env.generation = RESTORED
    ed = await started(w, execution={"scope": "first_device"})
    other = Ed(w, ed.run_id)
    refused = await other.call("GET", "/state")
    assert (refused.status_code, refused.json()["code"]) == (403, "other_device")
    assert refused.json()["generation"] == RESTORED
    assert f'data-kind="other_device" data-generation="{RESTORED}"' in (await other.call("GET", "")).text
