"""A phone whose clock is off: the record names by how much, the farthest that was said."""

import pytest

from tests.helpers.service import BOOLEAN, TEXT, World

YEAR = 365 * 24 * 3600


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([None], None),
        ([299], None),
        ([-299], None),
        ([300], 300),
        ([-300], -300),
        ([-YEAR, 400], -YEAR),
        ([400, -YEAR, 401], -YEAR),
        ([500, -500], 500),
        ([-4_000_000_000], -4_000_000_000),
    ],
)
async def test_the_farthest_that_was_said_is_kept(w: World, said: list[int | None], kept: int | None) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    for number, seconds in enumerate(said):
        answer = {"value": number % 2 == 0, "clock_skew_seconds": seconds}
        assert (await ed.call("PUT", "/steps/s-ok", json=answer)).status_code == 200
    run = await w.run(ed)
    assert run["clock_skew_seconds"] == kept
    assert run["revision"] == 2 + len(said), "no more than the answers themselves"
    events = (await w.acme.get(f"/v1/runs/{ed.run_id}/events")).json()["data"]
    assert "clock_skew" not in str(events)
    assert (await w.acme.get("/v1/runs")).json()["data"][0]["clock_skew_seconds"] == kept


async def test_a_start_may_say_it_and_the_end_keeps_it(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    assert (await ed.call("POST", "/start", json={"clock_skew_seconds": 34_560_000})).status_code == 200
    await ed.answer("s-ok", True)
    assert (await ed.complete()).status_code == 200
    assert (await w.run(ed))["clock_skew_seconds"] == 34_560_000


@pytest.mark.parametrize("wrong", [4_000_000_001, 1.5, "300", True])
async def test_what_is_no_such_number_is_refused(w: World, wrong: object) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, TEXT))
    for method, path, body in (("POST", "/start", {}), ("PUT", "/steps/s-ok", {"value": True})):
        refused = await ed.call(method, path, json={**body, "clock_skew_seconds": wrong})
        assert refused.status_code == 422
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/clock_skew_seconds"]


async def test_an_answer_that_calls_for_attention_may_say_it(w: World) -> None:
    ed = await w.dispatch(await w.template({**BOOLEAN, "flag": {"when": {"op": "eq", "value": False}}}))
    await ed.start()
    said = await ed.call("PUT", "/steps/s-ok", json={"value": False, "clock_skew_seconds": 400})
    run = await w.run(ed)
    assert (said.status_code, run["flagged"], run["clock_skew_seconds"]) == (200, 1, 400)
