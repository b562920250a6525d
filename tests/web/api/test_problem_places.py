"""Problems say where they are: each entry of `errors` has one shape, whatever was wrong and wherever it stood."""

import uuid
from typing import Any

import httpx2
import pytest

from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World, new_photo_id

PHOTO = {"id": "s-pic", "type": "photo", "label": "Show it", "config": {"min": 2}}
SIGNED = {"settings": {"signature_on_complete": True}}


def places(response: httpx2.Response, status: int = 422) -> list[tuple[str, str, str]]:
    assert response.status_code == status, response.text
    errors = response.json()["errors"]
    assert all(error.keys() >= {"where", "pointer", "code", "detail"} for error in errors)
    return [(error["where"], error["pointer"], error["code"]) for error in errors]


async def test_places_in_a_body_a_query_a_header_and_a_path(shared: World) -> None:
    w = shared
    body = await w.acme.post("/v1/runs", json={"template_id": 7, "webhook": {"url": "x"}})
    assert places(body) == [("body", "/template_id", "wrong_type"), ("body", "/webhook/url", "bad_format")]
    query = await w.acme.get("/v1/runs?limit=0&missed=maybe")
    assert places(query) == [("query", "/limit", "out_of_range"), ("query", "/missed", "not_allowed")]
    header = await w.acme.post("/v1/runs", json={}, headers={"idempotency-key": "k" * 256})
    assert places(header) == [("header", "/Idempotency-Key", "bad_format")]
    ed = await w.dispatch(await w.template(PHOTO))
    await ed.start()
    path = await ed.photo("s-pic", images.jpeg(), "ph-1")
    assert places(path) == [("path", "/photo_id", "bad_format")]


async def test_places_in_the_query_of_a_photo(shared: World) -> None:
    slotted = {
        "id": "s-pic",
        "type": "photo",
        "label": "Show",
        "config": {"slots": [{"id": "p-port", "label": "Port"}]},
    }
    ed = await shared.dispatch(await shared.template(slotted))
    await ed.start()
    for query, pointer, code in (
        ("", "/slot", "required"),
        ("?slot=p-bow", "/slot", "unknown_reference"),
        ("?slot=p-port&lat=1", "/lng", "required"),
        ("?slot=p-port&accuracy=many", "/accuracy", "wrong_type"),
    ):
        refused = await ed.call("PUT", f"/steps/s-pic/photos/{new_photo_id()}{query}", content=images.jpeg())
        assert ("query", pointer, code) in places(refused)


async def test_what_a_run_lacks_is_named_by_its_place_in_the_record(shared: World) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN, PHOTO, **SIGNED))
    await ed.start()
    await ed.photo("s-pic", images.jpeg())
    missing = await ed.complete()
    assert places(missing, 409) == [
        ("run", "/answers/s-ok", "missing_answer"),
        ("run", "/answers/s-pic", "missing_answer"),
        ("run", "/signature", "missing_signature"),
    ]
    assert [error["step_id"] for error in missing.json()["errors"]] == ["s-ok", "s-pic", ""], "as before"
    assert missing.json()["detail"] == "3 things are still missing."
    await ed.answer("s-ok", True)
    remark = {"remark_id": str(uuid.uuid4()), "text": "Look", "photos": [new_photo_id()]}
    assert (await ed.call("PUT", "/steps/s-ok/remark", json=remark)).status_code == 200
    await ed.answer("s-pic", None)
    missing = await ed.complete()
    assert ("run", "/remarks/s-ok", "missing_photos") in places(missing, 409)
    assert "still needs 1 photo." in missing.text


async def test_one_thing_is_still_missing(shared: World) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    await ed.start()
    assert (await ed.complete()).json()["detail"] == "1 thing is still missing."


async def test_an_unknown_template_in_a_body_has_its_place(shared: World) -> None:
    unknown = await shared.acme.post("/v1/runs", json={"template_id": "t-nowhere"})
    assert places(unknown, 404) == [("body", "/template_id", "unknown_reference")]
    globex = await shared.globex.post("/v1/runs", json={"template_id": await shared.template(BOOLEAN)})
    assert places(globex, 404) == [("body", "/template_id", "unknown_reference")], "as if it were nowhere"


@pytest.mark.parametrize("status", ["pending", "cancelled"])
async def test_a_wrong_status_says_which_it_is(status: str, shared: World) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))

    async def refused(method: str, path: str, body: Any) -> None:
        answer = await shared.acme.request(method, f"/v1/runs/{ed.run_id}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_status")
        assert answer.json()["run_status"] == status

    if status == "pending":
        await refused("POST", "/again", {})
        return
    assert (await shared.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).status_code == 200
    await refused("POST", "/cancel", {})
    await refused("POST", "/extend", {"expires_in_hours": None})
    await refused("POST", "/release", {})
    await refused("PATCH", "", {"title": "Other"})
    await refused("PATCH", "", {"webhook": {"url": "http://127.0.0.1:1/"}})
