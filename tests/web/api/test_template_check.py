"""POST /v1/templates/check: the verdict of POST /v1/templates, and nothing is kept."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import fill
from tests.helpers.pictures import images
from tests.helpers.processes.service_process import beside
from tests.helpers.service import BOOLEAN, World, world

CHECK, CREATE = "/v1/templates/check", "/v1/templates"
RIGHT: dict[str, Any] = {"name": "Check", "steps": [BOOLEAN]}
UNKNOWN = f"pic-{'0c' * 32}"


def rows(tx: Tx, _: str = "") -> dict[str, int]:
    """How many rows each table has."""
    tables = [name for (name,) in tx.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {name: tx.db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def said(response: httpx2.Response) -> dict[str, Any]:
    """A problem without the name of its request."""
    problem: dict[str, Any] = response.json()
    assert problem.pop("request_id")
    return problem


async def test_a_draft_is_judged_and_nothing_is_kept(w: World) -> None:
    before = await w.database.read(rows)
    warned = {**RIGHT, "fields": [{"id": "f-door", "label": "Door", "kind": "text", "required": True}]}
    for draft, warnings in ((RIGHT, []), (warned, ["required_fields"])):
        # Ignored, whatever came with the key before.
        checked = await w.acme.post(CHECK, json=draft, headers={"idempotency-key": "one"})
        assert checked.status_code == 200
        assert checked.json()["valid"] is True
        assert [one["code"] for one in checked.json()["warnings"]] == warnings
        assert "idempotent-replayed" not in checked.headers
        assert "ratelimit" in checked.headers
    assert await w.database.read(rows) == before


@pytest.mark.parametrize(
    "sent",
    [
        b"{",
        b"[]",
        b"{}",
        json.dumps({**RIGHT, "id": "t-1", "v": 1, "name": ""}).encode(),
        json.dumps({**RIGHT, "nmae": "x", "steps": [BOOLEAN, BOOLEAN, {"type": "what"}]}).encode(),
        json.dumps({**RIGHT, "name": "", "steps": [{**BOOLEAN, "pictures": [UNKNOWN]}]}).encode(),
        json.dumps({**RIGHT, "steps": [{**BOOLEAN, "pictures": [UNKNOWN]}]}).encode(),
        json.dumps(RIGHT).encode() + b" " * 1024 * 1024,
        json.dumps({**RIGHT, "steps": [{**BOOLEAN, "id": f"s-{n}", "hint": "x" * 2000} for n in range(300)]}).encode(),
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
async def test_what_is_wrong_is_answered_as_at_its_creation(shared: World, sent: bytes, media_type: str) -> None:
    headers = {"content-type": media_type}
    created = await shared.acme.post(CREATE, content=sent, headers=headers)
    checked = await shared.acme.post(CHECK, content=sent, headers=headers)
    assert created.status_code == checked.status_code >= 400
    assert said(checked) == said(created)


async def test_a_picture_must_be_there_and_is_kept_no_longer_for_that(w: World) -> None:
    picture = (await w.acme.post("/v1/pictures", content=images.jpeg())).json()
    draft = {**RIGHT, "steps": [{**BOOLEAN, "pictures": [picture["picture_id"]]}]}
    assert (await w.globex.post(CHECK, json=draft)).json()["errors"][0]["pointer"] == "/steps/0/pictures/0"
    assert (await w.acme.post(CHECK, json=draft)).json() == {"valid": True, "warnings": []}
    assert (await w.acme.get(f"/v1/pictures/{picture['picture_id']}")).json() == picture


async def test_a_quota_that_is_used_up_is_no_fault_of_the_draft(w: World) -> None:
    await w.template(BOOLEAN)
    await fill(w, 1.1)
    assert (await w.acme.post(CREATE, json=RIGHT)).json()["code"] == "quota_exceeded"
    assert (await w.acme.post(CHECK, json=RIGHT)).status_code == 200


async def test_checks_count_as_all_requests_do(tmp_path: Path) -> None:
    async with world(tmp_path, limits__requests_per_minute=2) as w:
        answers = [(await w.acme.post(CHECK, json=RIGHT)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]


async def test_the_command_line_says_the_same(shared: World, tmp_path: Path) -> None:
    wrong = [{**RIGHT, "name": ""}, {**RIGHT, "id": "t-1"}, {**RIGHT, "steps": []}, [], {**RIGHT, "extra": 1}]
    search = {"id": "s-t", "type": "text", "label": "?", "config": {"max_length": 20_000}}
    condition = {"op": "or", "rules": [
        {"when": {"step": "s-t", "op": "contains", "value": f"{n}{'x' * 200}"}} for n in range(40)]}  # fmt: skip
    slow = {**RIGHT, "steps": [search, {**BOOLEAN, "condition": condition}]}
    for draft in (RIGHT, *wrong, slow):
        file = tmp_path / "draft.json"
        file.write_text(json.dumps(draft), "utf-8")
        checked = await shared.acme.post(CHECK, json=draft)
        typed = await beside(tmp_path, "templates", "check", str(file))
        assert (checked.status_code, typed.exit_code) in ((200, 0), (422, 1)), draft
