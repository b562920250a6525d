"""Who asks too often: limits for each key, each run, and each address that tries keys or links."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, strategies as st

from rundun.actions.organizations import api_keys
from rundun.core.token_bucket import Bucket, Policy, take
from rundun.web.http import rate_limit
from tests.helpers.service import BOOLEAN, World, world


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, limits__requests_per_minute=12, limits__failures_per_minute=3) as one:
        yield one


def left(answer: httpx2.Response) -> tuple[int, int]:
    match = re.fullmatch(r'"\w+";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert match
    return int(match[1]), int(match[2])


async def test_every_answer_says_what_is_left(strict: World) -> None:
    first = await strict.acme.get("/v1/runs")
    assert first.headers["ratelimit-policy"] == '"default";q=12;w=60'
    assert left(first) == (11, 5)
    refused = await strict.acme.post("/v1/runs", json={})
    assert refused.status_code == 422
    assert left(refused) == (10, 10)
    strict.clock.forward(seconds=5)
    assert left(await strict.acme.get("/v1/runs")) == (10, 10)


async def test_too_many_of_one_key_are_429_and_others_are_not(strict: World) -> None:
    for _ in range(12):
        assert (await strict.acme.get("/v1/runs")).status_code == 200
    over = await strict.acme.get("/v1/runs")
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert over.headers["retry-after"] == "5"
    assert left(over) == (0, 60)
    assert (await strict.globex.get("/v1/runs")).status_code == 200
    strict.clock.forward(seconds=5)
    assert (await strict.acme.get("/v1/runs")).status_code == 200
    assert (await strict.acme.get("/v1/runs")).status_code == 429


async def another_key(w: World) -> httpx2.AsyncClient:
    """Olga works for Acme too, with a key of her own."""
    _, secret = await w.database.write(api_keys.create, w.acme_id, "Olga's")
    return w.browser(authorization=f"Bearer {secret}")


async def test_keys_of_one_organization_share_a_limit_that_others_have_to_themselves(strict: World) -> None:
    keys = [await another_key(strict) for _ in range(5)]
    for key in keys[:4]:
        for _ in range(12):
            assert (await key.get("/v1/runs")).status_code == 200
        assert (await key.get("/v1/runs")).status_code == 429, "which is the key's, not the organization's"
    over = await keys[4].get("/v1/runs")
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert over.json()["detail"] == "More than 48 in 60 seconds by all keys of this organization; try again in 2 s."
    assert over.headers["ratelimit-policy"] == '"organization";q=48;w=60'
    assert (over.headers["ratelimit"], over.headers["retry-after"]) == ('"organization";r=0;t=60', "2")
    assert (await strict.globex.get("/v1/runs")).status_code == 200
    strict.clock.forward(seconds=2)
    assert (await keys[4].get("/v1/runs")).headers["ratelimit"] == '"organization";r=0;t=60'
    strict.clock.forward(seconds=60)
    assert (await keys[4].get("/v1/runs")).headers["ratelimit"] == '"default";r=11;t=5', "the nearer one is told"


async def test_a_limit_of_an_organization_can_be_set_by_itself(tmp_path: Path) -> None:
    limits = {"limits__requests_per_minute": 0, "limits__organization_requests_per_minute": 2}
    async with world(tmp_path, **limits) as w:
        sent = [await w.acme.get("/v1/runs") for _ in range(3)]
        assert [one.status_code for one in sent] == [200, 200, 429]
        assert [one.headers["ratelimit-policy"] for one in sent] == ['"organization";q=2;w=60'] * 3


async def test_a_run_has_its_own_limit_and_its_phones_share_it(strict: World) -> None:
    template_id = await strict.template(BOOLEAN)
    ed, olga = await strict.dispatch(template_id), await strict.dispatch(template_id)
    for _ in range(12):
        assert (await ed.call("GET", "/state")).status_code == 200
    over = await strict.browser().get(f"/r/{ed.run_id}/state")
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert (await ed.start()).status_code == 429
    assert (await olga.call("GET", "/state")).status_code == 200, "the same address, another run"
    strict.clock.forward(seconds=5)
    assert (await ed.start()).status_code == 200


async def test_who_guesses_links_is_slowed_down_and_who_has_one_is_not(strict: World) -> None:
    ed = await strict.dispatch(await strict.template(BOOLEAN))
    browser = strict.browser()
    for path in ("", "/state", ""):
        assert (await browser.get(f"/r/r-{uuid.uuid4()}{path}")).status_code == 404
    for path in ("", "/state"):
        over = await browser.get(f"/r/r-{uuid.uuid4()}{path}")
        assert (over.status_code, over.headers["retry-after"]) == (429, "20")
        assert over.headers["ratelimit-policy"] == '"failures";q=3;w=60'
    assert (await ed.call("GET", "/state")).status_code == 200


async def test_people_who_open_a_link_too_often_read_it_in_their_language(strict: World) -> None:
    ed = await strict.dispatch(await strict.template(BOOLEAN))
    browser = strict.browser(accept="text/html,*/*;q=0.8", **{"accept-language": "de"})
    for _ in range(12):
        assert (await browser.get(f"/r/{ed.run_id}")).status_code == 200
    for _ in range(3):
        assert (await browser.get(f"/r/r-{uuid.uuid4()}")).status_code == 404
    for run_id, wait in ((ed.run_id, "5"), (f"r-{uuid.uuid4()}", "20")):
        over = await browser.get(f"/r/{run_id}")
        assert (over.status_code, over.headers["retry-after"]) == (429, wait)
        assert over.headers["content-type"].startswith("text/html")
        assert "<h1>Erneut versuchen<" in over.text
        assert over.headers["cache-control"] == "no-store"
    assert (await browser.get(f"/r/{ed.run_id}", headers={"accept": "*/*"})).json()["code"] == "rate_limited"
    assert (await browser.get(f"/r/{ed.run_id}/state")).json()["code"] == "rate_limited"


async def test_who_guesses_keys_is_slowed_down_and_who_has_one_is_not(strict: World) -> None:
    browser = strict.browser()
    for _ in range(3):
        assert (await browser.get("/v1/runs")).status_code == 401
    wrong = {"authorization": f"Bearer rdk_live_{'x' * 32}"}
    assert (await browser.get("/v1/runs", headers=wrong)).status_code == 429
    assert (await strict.acme.get("/v1/runs")).status_code == 200


async def test_zero_is_no_limit(tmp_path: Path) -> None:
    async with world(tmp_path, limits__requests_per_minute=0, limits__failures_per_minute=0) as w:
        answer = await w.acme.get("/v1/runs")
        assert "ratelimit" not in answer.headers
        for _ in range(100):
            assert (await w.browser().get(f"/r/r-{uuid.uuid4()}/state")).status_code == 404


async def test_memory_is_bounded(strict: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_REMEMBERED", 5)
    browser = strict.browser()
    for _ in range(20):
        await browser.get(f"/r/r-{uuid.uuid4()}/state")
    assert len(strict.service.rate_limiter._buckets["default"]) == 5


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_address_is_what_one_customer_has(address: str, counted_as: str) -> None:
    scope = {"type": "http", "client": (address, 1), "headers": []}
    assert rate_limit.address_of(rate_limit.Request(scope)) == counted_as


@given(quota=st.integers(1, 50), pauses=st.lists(st.integers(-5_000, 30_000), max_size=200))
def test_never_more_than_the_bucket_and_what_has_flowed_in(quota: int, pauses: list[int]) -> None:
    policy, bucket, now, granted, passed = Policy("x", quota), Bucket(quota, 0), 0, 0, 0
    for pause in pauses:
        now += pause
        passed += max(0, pause)
        allowance = take(policy, bucket, now)
        granted += allowance.granted
        assert granted <= quota + passed * quota / 60_000 + 1e-6
        assert 0 <= allowance.remaining <= quota
        assert 0 <= allowance.reset <= 60
        if not allowance.granted:
            later = Bucket(bucket.tokens, bucket.at)
            assert take(policy, later, now + allowance.wait * 1000).granted
