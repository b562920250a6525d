"""Quotas: what is counted of each organization."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from rundun.actions.organizations import organizations
from rundun.scheduler import clear_up
from rundun.store.organizations import quotas as quota_rows
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import used
from tests.helpers.pictures.images import heic, jpeg, png
from tests.helpers.service import BOOLEAN, TEXT, Ed, Receiver, World, answering, world

PHOTO = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"max": 9}}
SIGNED = {"id": "s-sign", "type": "signature", "label": "Sign here"}
MERGE_PATCH = {"content-type": "application/merge-patch+json"}


def uses(tx: Tx) -> dict[str, int]:
    """Bytes of each organization, summed up over all rows."""
    return dict(tx.db.execute("SELECT org_id, sum(bytes) FROM uses GROUP BY org_id").fetchall())


async def file_size(w: World) -> int:
    """Bytes of the file's pages that are in use."""

    def size(tx: Tx) -> int:
        return (tx.number("PRAGMA page_count") - tx.number("PRAGMA freelist_count")) * tx.number("PRAGMA page_size")

    return await w.database.read(size)


async def everything(w: World, url: str) -> None:
    """Each kind of write, of Acme and a little of Globex."""
    steps = [BOOLEAN, TEXT, PHOTO, SIGNED]
    template_id = await w.template(*steps, execution={"identity_required": "name"})
    await w.acme.put(
        f"/v1/templates/{template_id}",
        json={"name": "Čheck ✓", "steps": steps, "execution": {"identity_required": "name"}},
    )
    again = {"Idempotency-Key": "once"}
    hook = {"url": url, "events": ["*", "run.started"], "secret": "a șecret, shared"}
    order = {"template_id": template_id, "executor_ref": "bøøking", "webhook": hook}
    here = {"lat": 52.1, "lng": 4.25, "accuracy": 3}
    for _ in range(2):
        run_id = (await w.acme.post("/v1/runs", json=order, headers=again)).json()["run_id"]
    ed = Ed(w, run_id)
    assert (await ed.start(name="Éd 🙂")).status_code == 200
    for value in (True, False):
        assert (await ed.answer("s-ok", value, geo=here)).status_code == 200
    await ed.answer("s-ok", False)
    await ed.answer("s-why", "żółć 🙂" * 100)
    await ed.put("s-why", {"unable": {"reason": "to dark ✗"}})
    photo_ids = [f"ph-00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
    for photo_id, picture in zip(photo_ids, [jpeg(), png(), heic()], strict=True):
        assert (await ed.photo("s-pic", picture, photo_id, params=here)).status_code == 201
    await ed.answer("s-pic", None, photos=photo_ids)
    await ed.call("DELETE", f"/steps/s-pic/photos/{photo_ids[0]}")
    for width in range(300, 308):  # some of these are thrown away again
        await ed.call("PUT", "/steps/s-sign/signature", content=png(width), params={"typed_name": "Éd 🙂"})
    await ed.answer("s-sign")
    await w.acme.post(f"/v1/runs/{run_id}/extend", json={"expires_in_hours": 500})
    await w.acme.post(f"/v1/runs/{run_id}/release", json={})
    other = {"webhook": {"url": "http://a-longer.example.com/", "secret": "änother secret"}}
    patched = await w.acme.patch(f"/v1/runs/{run_id}", content=json.dumps(other), headers=MERGE_PATCH)
    assert patched.status_code == 200
    await w.acme.patch(f"/v1/runs/{run_id}", content=json.dumps({"webhook": hook}), headers=MERGE_PATCH)
    await w.deliver()
    await w.database.write(organizations.put_logo, w.acme_id, png())
    await w.database.write(organizations.put_logo, w.acme_id, png(310))
    await w.acme.post(f"/v1/runs/{run_id}/cancel", json={"reason": "ünd"})
    await w.acme.patch(f"/v1/runs/{run_id}", content='{"webhook": null}', headers=MERGE_PATCH)
    late = await w.dispatch(template_id, expires_in_hours=1)
    w.clock.forward(hours=2)
    assert (await late.start()).status_code == 410, "this expires it, and the refusal keeps that"
    theirs = (await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": steps})).json()["id"]
    await w.globex.post("/v1/runs", json={"template_id": theirs})


async def test_all_that_is_stored_is_counted_and_what_is_deleted_is_not(w: World) -> None:
    async with Receiver(answering("500 Öops\0")).listening() as receiver:
        await everything(w, receiver.url)
    before = await used(w)
    w.clock.forward(hours=25)
    again = {"Idempotency-Key": "once"}
    template_id = await w.template(BOOLEAN)
    await w.acme.post("/v1/runs", json={"template_id": template_id}, headers=again)  # replaces the old response
    await used(w)
    w.clock.forward(hours=25)
    await clear_up(w.database)
    assert (await used(w)) > before

    def delete(tx: Tx) -> None:
        for table in ("attempts", "deliveries", "events", "changes"):
            tx.db.execute(f"DELETE FROM {table}")
        tx.db.execute("UPDATE runs SET signature = NULL")
        for table in (
            "answers",
            "photos",
            "signatures",
            "runs",
            "template_versions",
            "pictures",
            "organization_changes",
        ):
            tx.db.execute(f"DELETE FROM {table}")
        tx.db.execute("UPDATE organizations SET logo = NULL")

    await w.database.write(delete)
    await used(w)
    assert {use.used for use in await w.database.read(quota_rows.list_all)} == {0}, (
        "whoever deletes need not think of it"
    )


async def test_what_is_rolled_back_is_not_counted(w: World) -> None:
    before = await used(w)

    def half(tx: Tx) -> None:
        tx.grow(w.acme_id, 1_000_000)
        raise ValueError

    with pytest.raises(ValueError):
        await w.database.write(half)
    assert await used(w) == before


async def test_it_is_about_what_the_file_grows_by(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        template_id = await w.template(*[{**TEXT, "id": f"s-{number}"} for number in range(20)])

        before = await file_size(w), await used(w)

        async def do() -> None:
            ed = await w.dispatch(template_id, webhook={"url": "http://10.0.0.1/", "events": ["*"]})
            await ed.start()
            for number in range(20):
                await ed.answer(f"s-{number}", "All is well." * 5)

        await asyncio.gather(*(do() for _ in range(30)))
        ratio = (await used(w) - before[1]) / (await file_size(w) - before[0])
        assert 0.6 < ratio < 1.6


async def test_long_names_and_secrets_are_counted_as_what_they_take(tmp_path: Path) -> None:
    """The attack's: 200 runs, counted as 251 KB, took 860 KB of the file."""
    async with world(tmp_path) as w:
        order = {
            "template_id": await w.template(TEXT, execution={"identity_required": "name"}),
            "executor_ref": "🙂" * 256,
            "webhook": {"url": "http://10.0.0.1/", "secret": "🙂" * 256, "events": ["run.completed"]},
        }
        before = await file_size(w), await used(w)
        sent = await asyncio.gather(*(w.acme.post("/v1/runs", json=order) for _ in range(100)))
        assert {one.status_code for one in sent} == {201}
        ratio = (await used(w) - before[1]) / (await file_size(w) - before[0])
        assert 0.6 < ratio < 1.6
        ed = Ed(w, sent[0].json()["run_id"])
        before = await file_size(w), await used(w)
        for n in range(100):
            host = ".".join(["x" * 60] * 4)
            hook = {"webhook": {"url": f"http://{host}/{n}"}}
            patched = await w.acme.patch(f"/v1/runs/{ed.run_id}", content=json.dumps(hook), headers=MERGE_PATCH)
            assert patched.status_code == 200
        ratio = (await used(w) - before[1]) / (await file_size(w) - before[0])
        assert 0.6 < ratio < 1.6


async def test_the_migration_counts_what_is_there(tmp_path: Path) -> None:
    async with world(tmp_path) as w, Receiver(answering("500 Oops")).listening() as receiver:
        await everything(w, receiver.url)
        for later in ("pictures", "organization_changes"):
            await w.database.write(lambda tx, table=later: tx.db.execute(f"DELETE FROM {table}") and None)
        expected = await w.database.read(uses)
    path = tmp_path / "rundun.db"
    number, sql = next((number, sql) for number, sql in connection.list_migrations() if "CREATE VIEW uses " in sql)
    since = "".join(later for other, later in connection.list_migrations() if other >= number)
    db = connection.open_writer(path)
    for kind, name in re.findall(r"CREATE (VIEW|TRIGGER|TABLE) (\w+)", since)[::-1]:
        db.execute(f"DROP {kind} IF EXISTS {name}")
    for column in re.findall(r"ADD COLUMN (\w+)", sql):
        db.execute(f"ALTER TABLE organizations DROP COLUMN {column}")
    db.execute(f"PRAGMA user_version = {number - 1}")
    db.close()  # as the version before has left it
    db = connection.open_writer(path, [one for one in connection.list_migrations() if one[0] <= number])
    assert dict(db.execute("SELECT id, bytes_used FROM organizations WHERE bytes_used").fetchall()) == expected
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
