"""Tables of jobs: all or none, in steps between which others write, and the same one again."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rundun.actions.organizations import organizations
from rundun.actions.runs import sent_tables
from rundun.core import times
from rundun.core.runs.job import RunJob
from rundun.core.runs.run import DispatchRequest
from rundun.errors import NotFound, Problem
from rundun.scheduler import clear_up, make_tables
from rundun.store import housekeeping
from rundun.store.organizations import quotas as quota_rows
from rundun.store.runs.sent_tables import SentTable
from rundun.store.sqlite.transaction import Tx
from tests.helpers.canaries import bytes_on_disk
from tests.helpers.files.storage import used
from tests.helpers.jobs import FIELDS
from tests.helpers.service import BOOLEAN, World

SECRET = "canary-of-a-table"


def jobs(template_id: str, count: int) -> list[DispatchRequest]:
    return [
        DispatchRequest(
            template_id,
            executor_ref=f"booking {number}",
            job=RunJob(f"Flat {number}", fields={"f-unit": str(number)}, secrets={"f-door": f"{SECRET} {number}"}),
        )
        for number in range(1, count + 1)
    ]


async def accept(w: World, requests: Sequence[DispatchRequest], **more: Any) -> tuple[SentTable, bool]:
    return await w.database.write(sent_tables.accept, w.acme_id, 1, requests, b"digest", **more)


async def finished(w: World, table: SentTable) -> None:
    while await w.database.write(sent_tables.make_next_runs, table.number):
        pass


async def titles(w: World) -> list[str]:
    def read(tx: Tx) -> list[str]:
        return [row[0] for row in tx.db.execute("SELECT title FROM runs ORDER BY number").fetchall()]

    return await w.database.read(read)


async def test_all_are_made_in_the_order_of_the_table_between_other_writes(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    table, is_new = await accept(w, jobs(template_id, 1000))
    assert (table.count, table.runs, is_new) == (1000, (), True)
    between = 0

    async def write_others() -> None:
        nonlocal between
        while True:
            await w.database.write(housekeeping.write_proof)
            between += 1

    others = asyncio.create_task(write_others())
    await finished(w, table)
    others.cancel()
    assert between >= 1000 / sent_tables.STEP_RUNS - 1, "between any two steps"
    made, version, runs = await w.database.read(sent_tables.get, w.acme_id, table.number)
    assert made.is_done and (version.template_id, version.v) == (template_id, 1)
    assert [run.job.title for run in runs] == [f"Flat {number}" for number in range(1, 1001)]
    shown = (await w.acme.get(f"/v1/runs/{runs[6].run_id}")).json()
    assert (shown["executor_ref"], shown["fields"]["f-door"]) == ("booking 7", f"{SECRET} 7")
    with pytest.raises(NotFound):
        await w.database.read(sent_tables.get, "org-of-others", table.number)


async def test_what_was_accepted_is_made_after_a_crash_and_nothing_of_it_is_left_lying_about(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    table, _ = await accept(w, jobs(template_id, 60))
    assert await w.database.write(sent_tables.make_next_runs, table.number), "and here the process ends"
    await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Another", "steps": [BOOLEAN]})
    await w.acme.delete(f"/v1/templates/{template_id}")
    assert len(await titles(w)) == sent_tables.STEP_RUNS
    await make_tables(w.database)
    await make_tables(w.database)
    assert await titles(w) == [f"Flat {number}" for number in range(1, 61)]
    _, _, runs = await w.database.read(sent_tables.get, w.acme_id, table.number)
    for run in runs:
        assert run.template_v == 1
        await w.acme.post(f"/v1/runs/{run.run_id}/cancel", json={})
    assert SECRET.encode() not in await bytes_on_disk(w)


async def test_an_erased_run_takes_the_digest_of_its_table_along(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    table, _ = await accept(w, jobs(template_id, 2))
    await finished(w, table)
    other, _ = await accept(w, jobs(template_id, 3), again=True)
    await finished(w, other)
    _, _, runs = await w.database.read(sent_tables.get, w.acme_id, table.number)
    assert (await w.acme.delete(f"/v1/runs/{runs[0].run_id}")).status_code == 204
    _, _, left = await w.database.read(sent_tables.get, w.acme_id, table.number)
    assert [run.job.title for run in left] == ["Flat 2"]
    digests = await w.database.read(
        lambda tx: tx.db.execute("SELECT digest FROM sent_tables ORDER BY number").fetchall()
    )
    assert [bytes(row[0]) for row in digests] == [b"", b"digest"]


async def test_credits_are_taken_for_all_or_for_none(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    await w.database.write(organizations.add_credits, w.acme_id, 9)
    with pytest.raises(Problem, match="takes 10 credits, and the organization has 9") as refusal:
        await accept(w, jobs(template_id, 10))
    assert refusal.value.code == "insufficient_credits"
    await make_tables(w.database)
    assert await titles(w) == []
    table, _ = await accept(w, jobs(template_id, 9))
    await finished(w, table)
    assert (await w.acme.get("/v1/organization")).json()["credits"] == 0 and len(await titles(w)) == 9


async def test_the_same_table_is_sent_again_only_when_that_is_said(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    table, _ = await accept(w, jobs(template_id, 2))
    before, is_new = await accept(w, jobs(template_id, 2))
    assert (before.number, is_new) == (table.number, False)
    other, is_new = await accept(w, jobs(template_id, 2), again=True)
    assert is_new and other.number != table.number
    globex_id = (await w.globex.get("/v1/organization")).json()["id"]
    theirs = (await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]})).json()["id"]
    _, is_new = await w.database.write(sent_tables.accept, globex_id, 1, [DispatchRequest(theirs)], b"digest")
    assert is_new, "it is nobody else's"
    w.clock.forward(hours=30 * 24)
    assert (await accept(w, jobs(template_id, 2)))[1], "after a month it is another one"
    await make_tables(w.database)
    await clear_up(w.database)
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM sent_tables")) == 1
    assert len(await titles(w)) == 7


async def test_what_is_refused_to_one_is_refused_to_a_table(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    globex_id = (await w.globex.get("/v1/organization")).json()["id"]
    with pytest.raises(NotFound):
        await w.database.write(sent_tables.accept, globex_id, 1, jobs(template_id, 1), b"")
    await w.database.write(quota_rows.put, w.acme_id, 1)
    with pytest.raises(Problem) as refusal:
        await accept(w, jobs(template_id, 1))
    assert refusal.value.code == "quota_exceeded"
    await w.database.write(quota_rows.put, w.acme_id, 0)
    await w.acme.delete(f"/v1/templates/{template_id}")
    with pytest.raises(Problem) as refusal:
        await accept(w, jobs(template_id, 1))
    assert refusal.value.code == "template_archived"


async def test_runs_of_a_table_count_as_any_other(w: World) -> None:
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    before = await used(w)
    table, _ = await accept(w, jobs(template_id, 3))
    await finished(w, table)

    def expected(tx: Tx) -> int:
        return tx.number("SELECT sum(bytes) FROM uses WHERE org_id = ?", w.acme_id)

    assert await used(w) > before and await w.database.read(expected) == await used(w)
    assert times.wire(w.clock.now) == (await w.acme.get("/v1/runs")).json()["data"][0]["created_at"]
