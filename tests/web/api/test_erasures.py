"""A person's runs found, given out and erased: nobody else's, and only as they were listed."""

import asyncio
import hashlib
import io
import json
import struct
import uuid
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.actions.erasure import person_runs
from rundun.actions.organizations import api_keys
from rundun.store.erasure import person_runs as person_run_rows
from rundun.store.sqlite.transaction import Tx
from rundun.web.api import erasures
from rundun.web.erasure import person as erasing
from tests.helpers.console.console import operator
from tests.helpers.patience import PATIENCE
from tests.helpers.persons import BY_EMAIL, EMAIL, many_runs, run_of
from tests.helpers.pictures.images import jpeg
from tests.helpers.processes.served import served
from tests.helpers.service import TEXT, Ed, World

OF_A_RUN = ("run.json", "events.json", "deliveries.json", "report.html")
PICTURE = {"id": "s-pic", "type": "photo", "label": "The door"}


async def asked(client: httpx2.AsyncClient, status: int = 200, **body: Any) -> Any:
    """What POST /v1/erasures answers."""
    response = await client.post("/v1/erasures", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def is_gone(w: World, ed: Ed) -> bool:
    response = await w.acme.get(f"/v1/runs/{ed.run_id}")
    return bool(response.status_code == 410 and response.json()["code"] == "run_erased")


async def test_a_person_is_found_whatever_the_case_and_then_erased(w: World) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    first = await run_of(w, template_id, EMAIL, title="Beach house 3")
    w.clock.forward(seconds=5)
    second = await run_of(w, template_id, "ED@Example.com")
    others = [await run_of(w, template_id, one) for one in ("fred@example.com", "ed@example.com.au")]
    await second.complete()
    unstarted = await w.dispatch(template_id)
    found = await asked(w.acme, person={"email": "Ed@example.COM"})
    assert [(run["run_id"], run["title"], run["status"]) for run in found["runs"]] == [
        (first.run_id, "Beach house 3", "in_progress"),
        (second.run_id, None, "completed"),
    ]
    assert (found["erased"], found["has_more"], found["copies"]) == (0, False, [])
    assert await asked(w.acme, person={"email": EMAIL}) == found
    assert not await is_gone(w, first), "looking changes nothing"
    done = await asked(w.acme, person={"email": EMAIL}, digest=found["digest"])
    assert done == {**found, "erased": 2, "runs": []}
    assert [await is_gone(w, ed) for ed in (first, second, *others, unstarted)] == [True, True, False, False, False]
    nobody = await asked(w.acme, person={"email": EMAIL})
    assert nobody["runs"] == []
    assert (await asked(w.acme, person={"email": EMAIL}, digest=nobody["digest"]))["erased"] == 0


@pytest.mark.parametrize(
    ("field", "stated", "asked_for"),
    [
        ("phone", "+34 600 111-222", "+34600111222"),
        ("phone", "0034600111222", "+34 600 111222"),
        ("phone", "+34600111222", "00 34 600111222"),
        ("name", "Zoe\u0308 M.", "Zoë M."),
    ],
)
async def test_all_that_start_asks_for_names_a_person(w: World, field: str, stated: str, asked_for: str) -> None:
    template_id = await w.template(TEXT, execution={"identity_required": field})
    ed, other = await w.dispatch(template_id, executor_ref="zoe"), await w.dispatch(template_id, executor_ref="zoe 2")
    await ed.start(**{field: stated})
    await other.start(**{field: "1234567"})
    user = (await w.run(ed))["assigned_to"]
    for person in ({field: asked_for}, {"executor_ref": "zoe"}, {"assigned_to": user}):
        (run,) = (await asked(w.acme, person=person))["runs"]
        assert run["run_id"] == ed.run_id


async def test_two_people_of_one_name_are_told_apart(w: World) -> None:
    template_id = await w.template(TEXT, name="Turnover", execution={"identity_required": "name"})
    hers, his, other = [await w.dispatch(template_id, executor_ref=ref) for ref in ("7", "8", "9")]
    for ed, name in ((hers, "Alex Kim"), (his, "Alex Kim"), (other, "alex kim")):
        await ed.start(name=name)
    person = {"name": "Alex Kim"}
    found = await asked(w.acme, person=person)
    records = [await w.run(ed) for ed in (hers, his)]
    for name in ("run_id", "executor_ref", "assigned_to", "identity"):
        assert [run[name] for run in found["runs"]] == [record[name] for record in records]
    assert [run["template_name"] for run in found["runs"]] == ["Turnover", "Turnover"]
    chosen = {"person": person, "run_ids": [hers.run_id]}
    listed = await asked(w.acme, **chosen)
    assert [run["run_id"] for run in listed["runs"]] == [hers.run_id] and listed["digest"] != found["digest"]
    await asked(w.acme, 409, **chosen, digest=found["digest"])
    await asked(w.acme, 409, person=person, digest=listed["digest"])
    copy = await w.acme.post("/v1/erasures/archive", json=chosen)
    names = zipfile.ZipFile(io.BytesIO(copy.content)).namelist()
    assert any(name.startswith(hers.run_id) for name in names) and not any(his.run_id in name for name in names)
    for path, body in (("", {}), ("/archive", {}), ("", {"digest": listed["digest"]})):
        others = {"person": person, "run_ids": [hers.run_id, other.run_id], **body}
        refused = await w.acme.post(f"/v1/erasures{path}", json=others)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/run_ids/1", "unknown_reference")
    assert (await asked(w.acme, **chosen, digest=listed["digest"]))["erased"] == 1
    assert [await is_gone(w, ed) for ed in (hers, his, other)] == [True, False, False]


async def test_who_has_the_address_elsewhere_is_somebody_else(w: World) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    ed = await run_of(w, template_id, EMAIL)
    theirs = await w.globex.post("/v1/templates", json={"name": "Check", "steps": [TEXT], "execution": BY_EMAIL})
    dispatched = await w.globex.post("/v1/runs", json={"template_id": theirs.json()["id"]})
    other = Ed(w, dispatched.json()["run_id"])
    await other.start(email=EMAIL)
    for client, run_id in ((w.acme, ed.run_id), (w.globex, other.run_id)):
        (run,) = (await asked(client, person={"email": EMAIL}))["runs"]
        assert run["run_id"] == run_id
    digest = (await asked(w.acme, person={"email": EMAIL}))["digest"]
    await asked(w.globex, 409, person={"email": EMAIL}, digest=digest)
    await asked(w.acme, person={"email": EMAIL}, digest=digest)
    assert (await w.globex.get(f"/v1/runs/{other.run_id}")).status_code == 200


async def test_a_list_that_has_changed_erases_nothing(w: World) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    ed = await run_of(w, template_id, EMAIL)
    digest = (await asked(w.acme, person={"email": EMAIL}))["digest"]
    await ed.answer(TEXT["id"], "another")
    for now in ("1 run;", "2 runs;"):
        refused = await asked(w.acme, 409, person={"email": EMAIL}, digest=digest)
        assert refused["code"] == "erasure_changed" and now in refused["detail"]
        assert not await is_gone(w, ed)
        digest = (await asked(w.acme, person={"email": EMAIL}))["digest"]
        second = await run_of(w, template_id, EMAIL)
    digest = (await asked(w.acme, person={"email": EMAIL}))["digest"]
    erased = await w.acme.delete(f"/v1/runs/{second.run_id}")
    assert erased.status_code == 204
    await asked(w.acme, 409, person={"email": EMAIL}, digest=digest)


async def test_a_leaked_key_that_may_not_erase_destroys_nothing(w: World) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    ed = await run_of(w, template_id, EMAIL)
    digest = (await asked(w.acme, person={"email": EMAIL}))["digest"]
    _, key = await w.database.write(api_keys.create, w.acme_id, "leaked")
    leaked = w.browser(authorization=f"Bearer {key}")
    for path, body in (
        ("", {"person": {"email": EMAIL}}),
        ("", {"person": {"email": EMAIL}, "digest": digest}),
        ("/archive", {"person": {"email": EMAIL}}),
    ):
        response = await leaked.post(f"/v1/erasures{path}", json=body)
        assert (response.status_code, response.json()["code"]) == (403, "erasure_not_allowed")
    assert not await is_gone(w, ed)


@pytest.mark.parametrize(
    "person",
    [{}, {"email": EMAIL, "name": "Ed"}, {"email": "ed"}, {"email": None}, {"phone": "x"}, {"name": " "},
     {"assigned_to": "u-1"}, {"executor_ref": ""}, {"id": "1"}],
)  # fmt: skip
async def test_whoever_is_not_named_exactly_is_refused(shared: World, person: Any) -> None:
    refused = await asked(shared.acme, 422, person=person)
    assert all(error["pointer"].startswith("/person") for error in refused["errors"])


async def test_a_list_has_an_end_and_goes_on_behind_it(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_runs, "MAX_LISTED", 5)
    monkeypatch.setattr(person_run_rows, "AT_ONCE", 2)
    monkeypatch.setattr(erasing, "AT_ONCE", 2)
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    await many_runs(w, template_id, EMAIL, 13)
    counts = []
    while (found := await asked(w.acme, person={"email": EMAIL}))["runs"]:
        counts.append((len(found["runs"]), found["has_more"]))
        erased = await asked(w.acme, person={"email": EMAIL}, digest=found["digest"])
        assert erased["erased"] == len(found["runs"])
    assert counts == [(6, True), (6, True), (1, False)]


async def test_a_thousand_runs_go_but_for_those_that_a_kill_left(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    await many_runs(w, template_id, EMAIL, 1000)
    await many_runs(w, template_id, "fred@example.com", 10)
    listed = await asked(w.acme, person={"email": EMAIL})
    assert len(listed["runs"]) == 1000
    for run in listed["runs"][:3]:  # as far as it came
        assert (await w.acme.delete(f"/v1/runs/{run['run_id']}")).status_code == 204
    await asked(w.acme, 409, person={"email": EMAIL}, digest=listed["digest"])
    listed = await asked(w.acme, person={"email": EMAIL})
    assert len(listed["runs"]) == 997
    assert (await asked(w.acme, person={"email": EMAIL}, digest=listed["digest"]))["erased"] == 997
    assert (await asked(w.acme, person={"email": EMAIL}))["runs"] == []
    assert len((await asked(w.acme, person={"email": "fred@example.com"}))["runs"]) == 10


async def test_an_erasure_is_answered_once_and_nothing_tells_of_whom(w: World) -> None:
    template_id = await w.template(TEXT, execution=BY_EMAIL)
    ed = await run_of(w, template_id, EMAIL, title="Beach house 3")
    once = {"idempotency-key": "list"}
    listed = await w.acme.post("/v1/erasures", json={"person": {"email": EMAIL}}, headers=once)
    body = {"person": {"email": EMAIL}, "digest": listed.json()["digest"]}
    once = {"idempotency-key": "erase"}
    first, again = [await w.acme.post("/v1/erasures", json=body, headers=once) for _ in range(2)]
    assert first.json()["erased"] == 1 and first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    reused = await w.acme.post("/v1/erasures", json={**body, "person": {"email": "eve@example.com"}}, headers=once)
    assert reused.json()["code"] == "idempotency_key_reused"

    def read(tx: Tx) -> list[Any]:
        return [tuple(row) for row in tx.db.execute("SELECT key, body, fingerprint FROM idempotency_keys")]

    ((key, stored, fingerprint),) = await w.database.read(read)
    assert key == "erase" and ed.run_id.encode() not in stored
    guess = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    assert fingerprint[:32] != guess, "who was erased can't be found by trying"


async def test_a_leaked_key_is_told_no_answer_of_an_erasure(w: World) -> None:
    await run_of(w, await w.template(TEXT, execution=BY_EMAIL), EMAIL)
    body = {"person": {"email": EMAIL}, "digest": (await asked(w.acme, person={"email": EMAIL}))["digest"]}
    once = {"idempotency-key": "erase"}
    assert (await w.acme.post("/v1/erasures", json=body, headers=once)).json()["erased"] == 1
    _, key = await w.database.write(api_keys.create, w.acme_id, "leaked")
    leaked = w.browser(authorization=f"Bearer {key}")
    for tried in (body, {"person": {"email": "eve@example.com"}}, {}):
        response = await leaked.post("/v1/erasures", json=tried, headers=once)
        assert (response.status_code, response.json()["code"]) == (403, "erasure_not_allowed")


def read_forwards(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Read an archive from its beginning, as APPNOTE.TXT 4.3 has it, without the directory at its end."""
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        flags, method, checksum, size, length, name, extra = struct.unpack("<6xHH4xLLLHH", data[at : at + 30])
        assert not flags & 8, "sizes stand before what they are of"
        start = at + 30 + name + extra
        content = data[start : start + size]
        content = zlib.decompress(content, -15) if method else content
        assert (len(content), zlib.crc32(content)) == (length, checksum)
        yield data[at + 30 : at + 30 + name].decode(), content
        at = start + size
    assert data[at : at + 4] == b"PK\1\2"


async def test_an_archive_is_a_reading_and_promises_no_replay(w: World) -> None:
    described = (await w.acme.get("/v1/openapi.json")).json()["paths"]["/v1/erasures/archive"]["post"]
    assert "Idempotency-Key" not in json.dumps(described) and "Idempotent-Replayed" not in json.dumps(described)
    asks = {"json": {"person": {"email": EMAIL}}, "headers": {"idempotency-key": "again"}}
    for _ in range(2):
        response = await w.acme.post("/v1/erasures/archive", **asks)
        assert response.status_code == 200 and "idempotent-replayed" not in response.headers


async def test_all_that_is_kept_of_a_person_is_a_zip(w: World, tmp_path: Path) -> None:
    template_id = await w.template(TEXT, PICTURE, execution=BY_EMAIL)
    first, second = await run_of(w, template_id, EMAIL), await run_of(w, template_id, EMAIL.upper())
    other = await run_of(w, template_id, "fred@example.com")
    picture = jpeg()
    for ed in (first, other):
        assert (await ed.photo("s-pic", picture)).status_code == 201
    body = {"person": {"email": EMAIL}}
    listed = await asked(w.acme, **body)
    response = await w.acme.post("/v1/erasures/archive", json=body)
    assert response.headers["content-type"] == "application/zip"
    file = tmp_path / "person.zip"
    file.write_bytes(response.content)
    found = zipfile.ZipFile(file)
    assert found.testzip() is None
    assert sorted(found.namelist()) == sorted(
        ["runs.json", f"{first.run_id}/photos/002-the-door-1.jpg"]
        + [f"{ed.run_id}/{name}" for ed in (first, second) for name in OF_A_RUN]
    )
    about = json.loads(found.read("runs.json"))
    assert about == {name: listed[name] for name in ("digest", "has_more", "runs")}
    assert found.read(f"{first.run_id}/photos/002-the-door-1.jpg") == picture
    record = json.loads(found.read(f"{second.run_id}/run.json"))
    assert record.pop("files")["photos"] == {} and record.pop("changes") == []
    assert record.pop("replaced_answers") == record.pop("replaced_remarks") == {}
    kept = {name: value for name, value in (await w.run(second)).items() if name not in ("link", "webhook")}
    assert record == kept
    assert dict(read_forwards(response.content)) == {name: found.read(name) for name in found.namelist()}
    nobody = await w.acme.post("/v1/erasures/archive", json={"person": {"email": "eve@example.com"}})
    file.write_bytes(nobody.content)
    assert zipfile.ZipFile(file).namelist() == ["runs.json"]


async def test_two_archives_of_an_organization_are_sent_at_once(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: object) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)  # as it waits for the database
            yield bytes(65536)

    body, pool = {"person": {"email": EMAIL}}, w.service.downloads
    ann = await operator(w)
    await ann.get("/settings/person")
    with monkeypatch.context() as patched:
        patched.setattr(erasures, "zip_pieces", endless)
        async with served(w) as base, AsyncExitStack() as unread:
            client = await unread.enter_async_context(httpx2.AsyncClient(base_url=base, headers=w.acme.headers))
            for _ in range(2):
                await unread.enter_async_context(client.stream("POST", "/v1/erasures/archive", json=body))
            assert pool.count_taken(w.acme_id) == 2
            refused = await w.acme.post("/v1/erasures/archive", json=body)
            for one in (refused, await w.acme.get(f"/v1/runs/r-{uuid.uuid4()}/archive")):
                assert (one.status_code, one.json()["code"]) == (409, "request_in_progress")
                assert one.headers["retry-after"] == "5"
            by_hand = await ann.post("/settings/person/archive.zip", field="email", value=EMAIL)
            others = [await ann.get(path) for path in ("/runs.csv", f"/runs/r-{uuid.uuid4()}/archive.zip")]
            for one in (by_hand, *others):
                assert (one.status_code, one.headers["retry-after"]) == (409, "5")
            await unread.aclose()  # who has gone away gives the place back
            async with asyncio.timeout(PATIENCE):
                while pool.count_taken(w.acme_id):
                    await asyncio.sleep(0)
    assert (await w.acme.post("/v1/erasures/archive", json=body)).status_code == 200
    with pool.place({w.acme_id: 1}):
        assert (await w.globex.post("/v1/erasures/archive", json=body)).status_code == 200, "each has its own"
