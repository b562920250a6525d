"""Signatures: of a step, and the one that closes a run."""

import hashlib

from tests.helpers.pictures import images
from tests.helpers.pictures.photos import SIGN, count, started
from tests.helpers.service import BOOLEAN, World


async def test_a_signature_is_stored_and_then_answered(w: World) -> None:
    ed = await started(w, SIGN)
    data = images.png()
    receipt = await ed.call("PUT", "/steps/s-sign/signature?typed_name=Ed%20Li", content=data)
    assert receipt.status_code == 201
    assert receipt.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert (await ed.call("PUT", "/steps/s-sign/signature", content=data)).status_code == 200
    answered = await ed.answer("s-sign", None)
    assert answered.json()["step"]["done"] is True
    url = (await w.run(ed))["answers"]["s-sign"]["value"]
    assert (await w.browser().get(url)).content == data
    told = (await w.events(ed))[-1]
    assert told["data"]["answer"] == url
    assert (await ed.call("PUT", "/steps/s-sign/signature", content=images.jpeg())).status_code == 422


async def test_a_signature_may_come_after_its_answer(w: World) -> None:
    ed = await started(w, SIGN)
    assert (await ed.answer("s-sign", None)).json()["step"]["waiting_for"] == ["signature"]
    assert (await ed.complete()).json()["errors"][0]["code"] == "missing_signature"
    await ed.call("PUT", "/steps/s-sign/signature", content=images.png())
    assert (await ed.complete()).status_code == 200


async def test_another_signature_answered_with_is_another_event(w: World) -> None:
    ed = await started(w, SIGN)
    for size in (300, 400):
        png = images.encoded(images.quadrants(size, 100), "PNG")
        await ed.call("PUT", "/steps/s-sign/signature", content=png)
        await ed.answer("s-sign", None)
    first, second = [told["data"]["answer"] for told in await w.events(ed) if told["event"] == "step.completed"]
    assert first != second
    assert (await w.browser().get(second)).content == png


async def test_a_signature_closes_the_run(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, settings={"signature_on_complete": True}))
    await ed.start()
    await ed.answer("s-ok", True)
    refused = await ed.complete()
    assert [(one["step_id"], one["code"]) for one in refused.json()["errors"]] == [("", "missing_signature")]
    await ed.call("PUT", "/signature?typed_name=Ed", content=images.png())
    assert (await ed.complete()).status_code == 200
    signature = (await w.run(ed))["signature"]
    assert signature["typed_name"] == "Ed"
    assert (await w.browser().get(signature["url"])).content == images.png()
    assert (await w.events(ed))[-1]["data"]["signature"] == signature
    plain = await started(w, BOOLEAN)
    assert (await plain.call("PUT", "/signature", content=images.png())).status_code == 422


async def test_a_signature_given_for_a_run_that_ends_otherwise_is_shown(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, settings={"signature_on_complete": True}))
    await ed.start()
    png = images.encoded(images.quadrants(300, 100), "PNG")
    assert (await ed.call("PUT", "/signature?typed_name=Ed", content=png)).status_code == 201
    assert (await w.run(ed))["signature"] is None, "it has closed nothing yet"
    assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).status_code == 200
    shown = (await w.run(ed))["signature"]
    assert (shown["typed_name"], shown["received_at"]) == ("Ed", "2026-01-01T00:00:00Z")
    assert (await w.browser().get(shown["url"])).content == png


async def test_an_earlier_signature_again_changes_nothing(w: World) -> None:
    ed = await started(w, SIGN)
    first, second = images.png(), images.png(200, 100)
    receipt = await ed.call("PUT", "/steps/s-sign/signature", content=first)
    await ed.call("PUT", "/steps/s-sign/signature", content=second)
    again = await ed.call("PUT", "/steps/s-sign/signature", content=first)
    assert (again.status_code, again.json()) == (200, receipt.json())
    await ed.answer("s-sign", None)
    url = (await w.run(ed))["answers"]["s-sign"]["value"]
    assert (await w.browser().get(url)).content == second
    await ed.complete()
    assert (await ed.call("PUT", "/steps/s-sign/signature", content=first)).status_code == 200


async def test_signatures_that_nothing_stands_on_do_not_pile_up(w: World) -> None:
    ed = await started(w, SIGN)
    drawn = [images.png(100 + number, 50) for number in range(12)]
    await ed.call("PUT", "/steps/s-sign/signature", content=drawn[0])
    await ed.answer("s-sign", None)
    for png in drawn[1:]:
        assert (await ed.call("PUT", "/steps/s-sign/signature", content=png)).status_code == 201
    assert await count(w, "signatures") <= 6
    assert await count(w, "chunks") == await count(w, "signatures")
    url = (await w.run(ed))["answers"]["s-sign"]["value"]
    assert (await w.browser().get(url)).content == drawn[0], "what was answered stays"
