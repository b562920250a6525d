"""The index of searches: nothing of an erased run is left of it on the disk, whichever way the run came into it."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.scheduler import index_runs
from rundun.store.runs import search_index
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Tx
from tests.helpers.canaries import bytes_on_disk, overwrite
from tests.helpers.service import BOOLEAN, World

# Terms share their beginnings with those before them: what begins with a byte that no other has stands there whole.
RARE = "\U000ebcde"
LEFT = "\U0004abcd"


async def test_no_byte_of_an_erased_run_is_left_of_the_index(w: World) -> None:
    chance = random.Random(1)
    template_id = await w.template(BOOLEAN)
    erased = [await w.dispatch(template_id, title=f"First {RARE} title")]
    for number in range(120):
        title = f"{number} {RARE}{chance.randrange(10**6)}" if number % 10 == 0 else f"{LEFT} {chance.randrange(10**6)}"
        run = await w.dispatch(template_id, title=title)
        erased += [run] if RARE in title else []
        if number % 3 == 0:
            await w.database.write(search_index.index_next, chance.choice([1, 2, 50]))
    edited, unindexed = erased[1], await w.dispatch(template_id, title=f"Last {RARE}")
    headers = {"content-type": "application/merge-patch+json"}
    for title in (f"Other {RARE}", "Harmless"):
        await w.acme.patch(f"/v1/runs/{edited.run_id}", json={"title": title}, headers=headers)
        await w.database.write(search_index.index_next, 50)
    assert RARE.encode() in await bytes_on_disk(w)
    for run in [*erased, unindexed]:
        assert (await w.acme.delete(f"/v1/runs/{run.run_id}")).status_code == 204
        await w.database.write(search_index.index_next, 3)
    assert RARE.encode() in await data_of_index(w), "where deletions are noted they name what they delete"
    await overwrite(w)
    left = await bytes_on_disk(w)
    assert RARE.encode() not in left and LEFT.encode() in left
    while await w.database.read(search_index.is_behind, await w.database.read(search_index.read_newest)):
        await w.database.write(search_index.index_next, 500)
    assert RARE.encode() not in await bytes_on_disk(w)
    found = (await w.acme.get("/v1/runs", params={"q": LEFT, "limit": "100"})).json()["data"]
    assert len(found) == 100


async def data_of_index(w: World) -> bytes:
    def read(tx: Tx) -> bytes:
        return b"".join(row[0] for row in tx.db.execute("SELECT block FROM run_search_data").fetchall())

    return await w.database.read(read)


async def test_the_index_says_what_the_runs_say_also_of_those_from_before_it(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = await w.template(BOOLEAN)
    for number in range(12):
        await w.dispatch(template_id, title=f"Flat {number}")
    last = await w.database.write(begin_anew)
    await w.dispatch(template_id, title="Flat 12")
    monkeypatch.setattr(search_index, "BATCH_SIZE", 5)
    await index_runs(w.database)

    def look(tx: Tx) -> tuple[list[str], list[int], list[int]]:
        tx.db.execute("INSERT INTO run_search (run_search, rank) VALUES ('integrity-check', 1)")
        whole = [row[0] for row in tx.db.execute("PRAGMA integrity_check").fetchall()]
        query = search_index.match_query(w.acme_id, ["flat 1"])
        assert query

        def looked(before: int, limit: int) -> list[int]:
            return search_index.list_candidates(tx, w.acme_id, query, before, limit)

        return whole, looked(last + 9, 9), looked(9, 99)

    whole, newest, oldest = await w.database.write(look)
    assert whole == ["ok"], "the index is just what the texts say"
    assert newest == [last + 1, last, last - 1, last - 10] and oldest == [last - 10]


def begin_anew(tx: Tx) -> int:
    """As after an upgrade."""
    last = tx.number("SELECT max(number) FROM runs")
    tx.db.execute("UPDATE indexed_runs SET first = ?, last = ?", (last + 1, last))
    return last


def test_an_sqlite_that_can_not_search_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TOKENIZER", "quadgram")
    with pytest.raises(Problem, match=r"The SQLite of this Python \(3.*\) can't search: .*quadgram"):
        connection.open_writer(tmp_path / "rundun.db")
    with closing(sqlite3.connect(tmp_path / "rundun.db")) as db:
        assert not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


async def test_long_fields_make_small_batches(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BATCH_CHARACTERS", 1000)
    template_id = await w.template(BOOLEAN, fields=[{"id": "f-a", "label": "A", "kind": "text"}])
    runs = [await w.dispatch(template_id, fields={"f-a": "x" * 400}) for _ in range(9)]
    await w.database.write(search_index.index_next, 50)
    indexed = "SELECT count(*) FROM run_texts"
    assert await w.database.read(lambda tx: tx.number(indexed)) == 2, "as many as are short enough"
    await index_runs(w.database)
    assert await w.database.read(lambda tx: tx.number(indexed)) == len(runs)
    swollen = [await w.dispatch(template_id, title="\ufdfa" * 200) for _ in range(3)]
    await w.database.write(search_index.index_next, 50)
    assert await w.database.read(lambda tx: tx.number(indexed)) == len(runs) + 1, (
        "a short text that is long when folded"
    )
    await index_runs(w.database)
    assert await w.database.read(lambda tx: tx.number(indexed)) == len(runs) + len(swollen)


async def test_what_others_send_is_not_looked_at(w: World) -> None:
    mine = await w.dispatch(await w.template(BOOLEAN), title="Flat")
    theirs = (await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": [BOOLEAN]})).json()["id"]
    for _ in range(5):
        assert (await w.globex.post("/v1/runs", json={"template_id": theirs, "title": "Flat"})).status_code == 201

    def look(tx: Tx) -> tuple[list[int], int]:
        query = search_index.match_query(w.acme_id, ["flat"])
        assert query
        number = tx.number("SELECT number FROM runs WHERE id = ?", mine.run_id)
        return search_index.list_candidates(tx, w.acme_id, query, number + 9, 3), number

    found, number = await w.database.read(look)
    assert found == [number]
