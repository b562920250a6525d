"""API keys in the console."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from rundun.actions import commands
from rundun.actions.organizations import api_keys
from rundun.errors import Problem
from rundun.store.organizations import api_keys as key_rows
from rundun.web.console.settings import keys, people
from tests.helpers.console.console import PASSWORD, field, operator
from tests.helpers.service import World, world


def client_with(w: World, key: str) -> Any:
    return w.browser(authorization=f"Bearer {key}")


async def test_a_key_is_shown_once_works_and_dies(w: World) -> None:
    ann = await operator(w)
    assert "rdk_live_" not in (await ann.get("/settings/keys")).text
    made = await ann.post("/settings/keys", name=" booking backend ")
    assert made.status_code == 200
    key = re.search(r"rdk_live_[A-Za-z0-9]{32}", made.text)
    assert key and f"Authorization: Bearer {key[0]}" in html.unescape(made.text)
    again = (await ann.get("/settings/keys")).text
    assert "booking backend" in again
    assert key[0] not in again, "shown once"
    backend = client_with(w, key[0])
    assert (await backend.get("/v1/organization")).json()["id"] == w.acme_id
    kept = {one.name: one for one in await w.database.read(key_rows.list_of_org, w.acme_id)}
    gone = await ann.post(f"/settings/keys/{kept['booking backend'].key_id}/revoke")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/settings/keys?flash=key_revoked")
    assert (await backend.get("/v1/organization")).status_code == 401
    page = (await ann.get("/settings/keys?flash=key_revoked")).text
    assert "The key is revoked." in page
    folded = page[page.index('<details class="folded">') :]
    assert "1 revoked key" in folded and "booking backend" in folded


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x07b"])
async def test_a_key_without_a_name_is_not_made(w: World, name: str) -> None:
    ann = await operator(w)
    before = await w.database.read(key_rows.list_of_org, w.acme_id)
    refused = await ann.post("/settings/keys", name=name)
    assert (refused.status_code, "1 to 200 characters" in refused.text) == (422, True)
    assert await w.database.read(key_rows.list_of_org, w.acme_id) == before


async def test_keys_are_as_many_as_an_organization_may_have(w: World) -> None:
    def make_100(tx: Any) -> list[str]:
        tx.db.execute("UPDATE keys SET revoked_at = created_at")
        return [api_keys.create(tx, w.acme_id, f"key {number}")[0].key_id for number in range(100)]

    made = await w.database.write(make_100)
    ann = await operator(w)
    await ann.get("/settings/keys")
    refused = await ann.post("/settings/keys", name="one more")
    assert (refused.status_code, "There can be 100 keys. Revoke one first." in refused.text) == (422, True)
    with pytest.raises(Problem, match="at most 100 valid keys"):
        await w.database.write(commands.COMMANDS["keys create"], org=w.acme_id, name="one more")
    for key_id in made[:60]:
        w.clock.forward(seconds=1)
        await w.database.write(key_rows.revoke, key_id)
    assert (await ann.post("/settings/keys", name="one more")).status_code == 200
    page = (await ann.get("/settings/keys")).text
    valid, folded = page.split('<details class="folded">')
    named = [int(number) for number in re.findall(r"<bdi>key (\d+)</bdi>", folded)]
    assert named == list(range(59, 9, -1)), "those that were revoked last"
    assert "Only those revoked last are listed." in folded
    assert len(re.findall(r"<bdi>key \d+</bdi>", valid)) == 40


async def test_keys_are_not_made_without_end(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    limiter, request = w.service.rate_limiter, Request({"type": "http", "client": ("192.0.2.9", 1)})
    for policy, place in ((keys.MADE, "/settings/keys"), (people.INVITED, "/settings/people/invitations")):
        for _ in range(policy.quota):
            limiter.count(request, policy, w.acme_id)
        assert (await ann.post(place, name="one more", email="bob@example.com")).status_code == 429


async def test_last_use_is_noted_in_memory_and_kept_by_the_clock(w: World) -> None:
    key, secret = await w.database.write(api_keys.create, w.acme_id, "noted")
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))

    async def kept() -> int | None:
        return (await w.database.read(key_rows.get_of_org, w.acme_id, key.key_id)).used_at

    backend, ann = client_with(w, secret), await operator(w)
    seen.clear()
    for _ in range(50):
        w.clock.forward(seconds=1)
        assert (await backend.get("/v1/organization")).status_code == 200
    assert [one for one in seen if "used_at" in one] == [], "no request writes"
    assert await kept() is None
    assert "00:00 +00:00" in (await ann.get("/settings/keys")).text, "what is noted is shown at once"
    await w.service.keys.store_used()
    assert await kept() == w.clock.now
    assert len([one for one in seen if "SET used_at" in one]) == 1
    seen.clear()
    await w.service.keys.store_used()
    assert seen == [], "nothing new, nothing written"
    refused = client_with(w, "rdk_live_" + "x" * 32)
    assert (await refused.get("/v1/organization")).status_code == 401
    assert w.service.keys.used == {}


async def test_last_use_outlives_the_service(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        key, secret = await w.database.write(api_keys.create, w.acme_id, "noted")
        w.clock.forward(seconds=7)
        assert (await client_with(w, secret).get("/v1/organization")).status_code == 200
        at = w.clock.now
    async with world(tmp_path) as again:
        assert (await again.database.read(key_rows.get_of_org, w.acme_id, key.key_id)).used_at == at


async def test_a_key_may_erase_only_where_an_owner_ticks_it(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    for form in ({"name": "plain"}, {"name": "cleaner", "rights": "erase", "old": PASSWORD}):
        assert (await ann.post("/settings/keys", **form)).status_code == 200
    kept = {key.name: key.may_erase for key in await w.database.read(key_rows.list_of_org, w.acme_id)}
    assert (kept["plain"], kept["cleaner"]) == (0, 1)
    assert (await ann.get("/settings/keys")).text.count("May delete jobs") == 2, "the one of the tests, too"


async def test_a_key_that_can_only_read_is_made_listed_and_told(w: World) -> None:
    ann = await operator(w)
    assert '"write" checked' in (await ann.get("/settings/keys")).text
    made = await ann.post("/settings/keys", name="report", rights="read")
    assert made.status_code == 200 and "rdk_live_" in made.text
    kept = {key.name: key.read_only for key in await w.database.read(key_rows.list_of_org, w.acme_id)}
    assert kept == {"test": 0, "report": 1}
    assert (await ann.get("/settings/keys")).text.count("Can only read") == 1
    assert "which can only read" in (await ann.get("/settings/history")).text
    wrong = await ann.post("/settings/keys", name="", rights="read")
    assert wrong.status_code == 422 and '"read" checked' in wrong.text, "what was chosen stays"


async def test_a_key_that_may_erase_is_made_with_the_password_only(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    for typed, status, says in (({}, 200, "once more"), ({"old": "a guess at it"}, 422, "not your password")):
        asked = await ann.post("/settings/keys", name="cleaner", rights="erase", **typed)
        assert (asked.status_code, says in asked.text, "rdk_live_" in asked.text) == (status, True, False)
    assert [key.name for key in await w.database.read(key_rows.list_of_org, w.acme_id)] == ["test"]
    again = {name: field(asked.text, name) for name in ("name", "rights")}
    assert "rdk_live_" in (await ann.post("/settings/keys", **again, old=PASSWORD)).text, "the page asked has it all"
