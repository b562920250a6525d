"""Asked again: a POST with an `Idempotency-Key` happens once, however often and however close together it comes."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rundun.actions.organizations import api_keys
from rundun.scheduler import clear_up
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Tx
from rundun.web.api import runs
from tests.helpers.files.storage import used
from tests.helpers.service import BOOLEAN, World

KEY = {"idempotency-key": '"booking-12345"'}


def runs_of(tx: Tx) -> int:
    return int(tx.db.execute("SELECT count(*) FROM runs").fetchone()[0])


def cells(tx: Tx) -> list[Any]:
    """All values of all tables."""
    tables = [row[0] for row in tx.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    rows = [row for table in tables for row in tx.db.execute(f"SELECT * FROM {table}").fetchall()]
    return [value for row in rows for value in row]


def kept(tx: Tx) -> int:
    return int(tx.db.execute("SELECT count(*) FROM idempotency_keys").fetchone()[0])


async def dispatch(w: World, body: Any, headers: Any = KEY) -> httpx2.Response:
    return await w.acme.post("/v1/runs", json=body, headers=headers)


async def test_the_same_dispatch_again_is_the_same_run(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN), "executor_ref": "booking_12345"}
    first, again = await dispatch(w, body), await dispatch(w, body)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await w.database.read(runs_of) == 1


@pytest.mark.parametrize("same", ["booking-12345", ' "booking-12345" '])
async def test_quoted_or_bare_it_is_the_same_key(w: World, same: str) -> None:
    body = {"template_id": await w.template(BOOLEAN)}
    first = await dispatch(w, body)
    again = await dispatch(w, body, {"idempotency-key": same})
    assert again.json() == first.json()


async def test_the_same_json_in_another_order_is_the_same_body(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await dispatch(w, {"template_id": template_id, "executor_ref": "a"})
    again = await dispatch(w, {"executor_ref": "a", "template_id": template_id})
    assert again.headers["idempotent-replayed"] == "true"


async def test_another_body_is_refused(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await dispatch(w, {"template_id": template_id})
    other = await dispatch(w, {"template_id": template_id, "executor_ref": "x"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await w.database.read(runs_of) == 1


async def test_a_credit_is_taken_once(w: World) -> None:
    def give(tx: Tx) -> None:
        tx.db.execute("UPDATE organizations SET credits = 2 WHERE id = ?", (w.acme_id,))

    body = {"template_id": await w.template(BOOLEAN)}
    await w.database.write(give)
    await dispatch(w, body)
    await dispatch(w, body)
    assert (await w.acme.get("/v1/organization")).json()["credits"] == 1


async def test_what_was_refused_may_go_well_the_next_time(w: World) -> None:
    def give(credits: int) -> Any:
        return lambda tx: tx.db.execute("UPDATE organizations SET credits = ? WHERE id = ?", (credits, w.acme_id))

    body = {"template_id": await w.template(BOOLEAN)}
    await w.database.write(give(0))
    assert (await dispatch(w, body)).status_code == 402
    assert (await dispatch(w, {"template_id": 7})).status_code == 422
    assert (await w.acme.post("/v1/runs", content=b"{", headers=KEY)).status_code == 415
    await w.database.write(give(1))
    assert (await dispatch(w, body)).status_code == 201


async def test_the_key_is_the_organizations_and_the_addresss_own(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    one = (await dispatch(w, {"template_id": template_id})).json()["run_id"]
    two = (await dispatch(w, {"template_id": template_id}, {"idempotency-key": "two"})).json()["run_id"]
    assert one != two
    for run_id in (one, two):
        cancelled = await w.acme.post(f"/v1/runs/{run_id}/cancel", json={"reason": "rain"}, headers=KEY)
        assert (cancelled.status_code, cancelled.json()["run_id"]) == (200, run_id)
    theirs = await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]}, headers=KEY)
    mine = await w.acme.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]}, headers=KEY)
    assert theirs.json()["id"] != mine.json()["id"]


async def test_every_post_keeps_its_answer(w: World) -> None:
    template = {"name": "Mine", "steps": [BOOLEAN]}
    first = await w.acme.post("/v1/templates", json=template, headers=KEY)
    again = await w.acme.post("/v1/templates", json=template, headers=KEY)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    ed = await w.dispatch(first.json()["id"])
    for path, body in (("extend", {"expires_in_hours": 100}), ("release", {}), ("cancel", {"reason": "rain"})):
        url = f"/v1/runs/{ed.run_id}/{path}"
        first = await w.acme.post(url, json=body, headers=KEY)
        assert first.status_code == 200, first.text
        revision = (await w.run(ed))["revision"]
        w.clock.forward(hours=1)
        again = await w.acme.post(url, json=body, headers=KEY)
        assert (again.status_code, again.content) == (200, first.content)
        assert (await w.run(ed))["revision"] == revision


async def test_after_24_hours_the_key_is_new(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN)}
    first = (await dispatch(w, body)).json()["run_id"]
    w.clock.forward(hours=24, seconds=-1)
    await clear_up(w.database)
    assert (await dispatch(w, body)).json()["run_id"] == first
    w.clock.forward(seconds=1)
    second = await dispatch(w, body)
    assert second.json()["run_id"] != first
    assert (await dispatch(w, body)).json() == second.json()
    assert await w.database.read(kept) == 1
    w.clock.forward(hours=24)
    await clear_up(w.database)
    assert await w.database.read(kept) == 0


async def test_a_dispatch_that_comes_again_brings_nobody_back(w: World) -> None:
    order = {"template_id": await w.template(BOOLEAN), "executor_ref": "Ed", "webhook": {"url": "http://127.0.0.1:9/h"}}

    async def dispatched(**more: Any) -> httpx2.Response:
        return await dispatch(w, {**order, **more})

    async def erase(response: httpx2.Response) -> None:
        assert (await w.acme.delete(f"/v1/runs/{response.json()['run_id']}")).status_code == 204

    first = await dispatched()
    w.clock.forward(seconds=7)
    await erase(first)
    assert [one for one in await w.database.read(cells) if "booking-12345" in str(one)] == []
    again, other = await dispatched(), await dispatched(executor_ref="Eve")
    assert (again.status_code, again.json()["code"]) == (410, "run_erased")
    assert again.json()["erased_at"] == "2026-01-01T00:00:07Z"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await w.database.read(runs_of) == 1
    assert await used(w)
    for _ in range(2):  # also where nobody has cleared up what is too old
        w.clock.forward(hours=24)
        made = await dispatched()
        assert (made.status_code, (await dispatched()).content) == (201, made.content)
        await erase(made)
        assert (await dispatched()).status_code == 410
    assert await w.database.read(kept) == 1
    assert await used(w)


async def test_while_the_first_is_under_way_the_second_waits_its_turn(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking_up, found = asyncio.Event(), asyncio.Event()

    async def slowly(*_: Any) -> list[Any]:
        looking_up.set()
        await found.wait()
        return []

    monkeypatch.setattr(runs, "destination_warnings", slowly)
    body = {"template_id": await w.template(BOOLEAN), "webhook": {"url": "http://127.0.0.1:9/hook"}}
    first = asyncio.create_task(dispatch(w, body))
    await looking_up.wait()
    second = await dispatch(w, body)
    assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
    assert second.headers["retry-after"] == "1"
    found.set()
    done = (await first).json()
    assert (await dispatch(w, body)).json() == done
    assert await w.database.read(runs_of) == 1


async def test_twenty_at_once_make_one_run(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN)}
    answers = await asyncio.gather(*(dispatch(w, body) for _ in range(20)))
    assert await w.database.read(runs_of) == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.json()["run_id"] for one in answers if one.status_code == 201}) == 1


@pytest.mark.parametrize("key", ["", '""', "x" * 256, '"' + "x" * 256 + '"', '"open', "a\tb", 'with"', "über"])
async def test_a_key_that_is_none_is_named(w: World, key: str) -> None:
    answer = await dispatch(w, {"template_id": await w.template(BOOLEAN)}, {"idempotency-key": key.encode()})
    if key == 'with"':
        assert answer.status_code == 201  # bare, and printable
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "Idempotency-Key" in answer.json()["detail"]


async def test_without_a_key_every_post_is_a_new_one(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN)}
    assert (await dispatch(w, body, {})).json()["run_id"] != (await dispatch(w, body, {})).json()["run_id"]
    assert await w.database.read(kept) == 0


DOOR = {"id": "f-door", "label": "Door code", "kind": "secret"}


def guesses(code: str, template_id: str, keys: list[bytes]) -> Iterator[bytes]:
    """Digests that somebody with the file, who knows all but the code, can think of."""
    fields = {"fields": {"f-door": code}}
    for content in ({"template_id": template_id, **fields}, fields, code):
        text = (content if isinstance(content, str) else json.dumps(content, sort_keys=True)).encode()
        yield hashlib.sha256(text).digest()
        yield from (hmac.digest(key, text, "sha256") for key in keys)


async def test_whoever_holds_the_file_can_not_guess_a_door_code(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=[DOOR])
    body = {"template_id": template_id, "fields": {"f-door": "4711"}}
    run_id = (await dispatch(w, body)).json()["run_id"]
    await w.acme.post(f"/v1/runs/{run_id}/cancel", json={}, headers=KEY)
    stored = await w.database.read(cells)
    blobs = [value for value in stored if isinstance(value, bytes) and len(value) <= 256]
    found = {blob[start : start + 32] for blob in blobs for start in range(max(1, len(blob) - 31))}
    texts = [value for value in stored if isinstance(value, str)]
    found |= {bytes.fromhex(digest) for text in texts for digest in re.findall("[0-9a-f]{64}", text)}
    keys = [blob for blob in blobs if len(blob) == 32]
    assert len(keys) >= 3  # of signatures, of cookies, and digests of API keys
    right = {code for code in map("{:04}".format, range(10_000)) if found & {*guesses(code, template_id, keys)}}
    assert right == set()


@pytest.mark.parametrize("member", ["fields", "webhook"])
async def test_another_secret_is_another_body(w: World, member: str) -> None:
    template_id = await w.template(BOOLEAN, fields=[DOOR])
    hook = {"url": "http://127.0.0.1:9/hook"}
    one = {"fields": {"f-door": "4711"}, "webhook": {**hook, "secret": "one secret of ours"}}
    two = {"fields": {"f-door": "4712"}, "webhook": {**hook, "secret": "two secrets of ours"}}
    body = {"template_id": template_id, **one}
    first = await dispatch(w, body)
    assert (await dispatch(w, body)).content == first.content
    without = {name: value for name, value in body.items() if name != member}
    for other in ({**body, member: two[member]}, without):
        assert (await dispatch(w, other)).json()["code"] == "idempotency_key_reused"


async def successor_of(w: World) -> dict[str, str]:
    """Headers of Acme's second API key, with the same `Idempotency-Key`."""
    return {
        **KEY,
        "authorization": f"Bearer {(await w.database.write(api_keys.create, w.acme_id, 'its successor'))[1]}",
    }


async def test_another_api_key_of_the_organization_may_ask_again(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN)}
    first, successor = await dispatch(w, body), await successor_of(w)
    again = await dispatch(w, body, successor)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = await dispatch(w, {**body, "executor_ref": "x"}, successor)
    assert other.json()["code"] == "idempotency_key_reused"
    assert "another body" in other.json()["detail"]


@pytest.mark.parametrize("code", ["4711", "4712"])
async def test_but_not_where_only_the_first_can_compare(w: World, code: str) -> None:
    body = {"template_id": await w.template(BOOLEAN, fields=[DOOR]), "fields": {"f-door": "4711"}}
    first, successor = await dispatch(w, body), await successor_of(w)
    other = await dispatch(w, {**body, "fields": {"f-door": code}}, successor)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert "retry with the API key that the request was begun with" in other.json()["detail"]
    assert "idempotent-replayed" not in other.headers
    assert await w.database.read(runs_of) == 1
    assert (await dispatch(w, body)).content == first.content


async def test_digests_from_before_are_erased(w: World) -> None:
    def age(tx: Tx) -> None:
        tx.db.execute("UPDATE idempotency_keys SET fingerprint = ?", (hashlib.sha256(b"4711").digest(),))
        tx.db.execute(dict(connection.list_migrations())[17])

    body = {"template_id": await w.template(BOOLEAN)}
    first = await dispatch(w, body)
    await w.database.write(age)
    assert (await dispatch(w, body)).content == first.content
    assert hashlib.sha256(b"4711").digest() not in await w.database.read(cells)
