"""The index of what runs are searched by: kept a second behind, and what it knows of a search.

New runs come in the order of their numbers, so two numbers say what is indexed; after an upgrade the
runs of before follow, the newest first. What is not indexed, or has changed since, is looked through directly.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.job import RunJob
from rundun.core.search_text import SHORT, run_text
from rundun.store.runs import read_identity
from rundun.store.transaction import Tx

BATCH_SIZE = 500  # runs that are indexed in one write
BATCH_CHARACTERS = 100_000  # of their fields, about: what takes some 20 ms
MERGED_PAGES = 64  # of 4 KiB, written in one step of a merge
MERGED_BYTES = MERGED_PAGES * 4096
TRIGRAMS = 12  # of a search that are looked up, at most: what has them is looked at
_PRIVATE_USE = 0xE000  # where characters begin that nobody writes
# Many rows in one, and one statement for many of them: at each the loop's thread and this one would fight for the
# interpreter.
_ROWS = "SELECT json_group_array(json_array(number, org_id, erased_at, id, executor_ref, title, fields, identity)) FROM"
_CHOSEN = "(SELECT value FROM json_each(?))"


# ---- writing


def is_behind(tx: Tx) -> bool:
    """Tell whether there are runs to index."""
    first, last = _indexed(tx)
    return first > 1 or bool(
        tx.number("SELECT EXISTS (SELECT 1 FROM runs WHERE number > ?) OR EXISTS (SELECT 1 FROM runs_to_index)", last)
    )


def index_some(tx: Tx, limit: int) -> None:
    """Index the next runs, at most so many: new and changed ones first, then those from before there was an index."""
    done = _index_new(tx, limit)
    if done < limit:
        done += _index_changed(tx, limit - done)
    if not done:
        _index_older(tx, limit)


def _index_new(tx: Tx, limit: int) -> int:
    rows = _read_some(tx, "number > ? ORDER BY number LIMIT ?", _indexed(tx)[1], limit)
    if rows:
        _add(tx, rows)
        tx.db.execute("UPDATE indexed_runs SET last = ?", (rows[-1][0],))
    return len(rows)


def _index_changed(tx: Tx, limit: int) -> int:
    """Index what was changed. What is not indexed yet will be read as it is then."""
    rows, (first, last) = _read_some(tx, "number IN runs_to_index ORDER BY number LIMIT ?", limit), _indexed(tx)
    if not rows:
        return 0
    indexed = [row for row in rows if first <= row[0] <= last]
    _remove(tx, [row[0] for row in indexed])
    _add(tx, indexed)
    tx.db.execute("DELETE FROM runs_to_index WHERE number <= ?", (rows[-1][0],))
    return len(rows)


def _index_older(tx: Tx, limit: int) -> None:
    rows = _read_some(tx, "number < ? ORDER BY number DESC LIMIT ?", _indexed(tx)[0], limit)
    _add(tx, rows)
    tx.db.execute("UPDATE indexed_runs SET first = ?", (rows[0][0] if rows else 1,))


def _read_some(tx: Tx, which: str, *values: int) -> list[list[Any]]:
    """Read the rows of a batch, by number; of those with very long fields fewer, so that nobody waits for them."""
    *others, limit = values
    size = f"SELECT ifnull(sum(length(fields)), 0) FROM (SELECT fields FROM runs WHERE {which})"  # noqa: S608, as below
    while limit > 1 and tx.number(size, *others, limit) > BATCH_CHARACTERS:
        limit //= 2
    return _read(tx, which, *others, limit)


def _read(tx: Tx, which: str, *values: object) -> list[list[Any]]:
    rows = tx.db.execute(f"{_ROWS} (SELECT * FROM runs WHERE {which})", values).fetchone()  # noqa: S608, written here
    return sorted(from_json(rows[0]))


def _add(tx: Tx, rows: Sequence[Sequence[Any]]) -> None:
    texts = {number: _token(org_id) + _text(*said) for number, org_id, erased_at, *said in rows if erased_at is None}
    tx.db.execute("INSERT INTO run_texts SELECT key, value FROM json_each(?)", (to_json(texts).decode(),))
    adding = f"INSERT INTO run_search (rowid, text) SELECT number, text FROM run_texts WHERE number IN {_CHOSEN}"  # noqa: S608
    tx.db.execute(f"{adding} ORDER BY number", (json.dumps([*texts]),))


def remove(tx: Tx, number: int) -> None:
    """Remove a run from the index, where it is in it; what is left of it in the file, `merge` takes away."""
    _remove(tx, [number])


def _remove(tx: Tx, numbers: Sequence[int]) -> None:
    removing = "INSERT INTO run_search (run_search, rowid, text) SELECT 'delete', number, text FROM run_texts"
    chosen = json.dumps(numbers)
    tx.db.execute(f"{removing} WHERE number IN {_CHOSEN} ORDER BY number", (chosen,))
    tx.db.execute(f"DELETE FROM run_texts WHERE number IN {_CHOSEN}", (chosen,))  # noqa: S608


def merge(tx: Tx, *, is_first: bool) -> bool:
    """Merge some pages of the index; returns whether there is more to do. From the first call to the one that says no,
    all parts that there were are merged into one, which has nothing of what was removed before.
    """
    before, pages = tx.db.total_changes, -MERGED_PAGES if is_first else MERGED_PAGES
    tx.db.execute("INSERT INTO run_search (run_search, rank) VALUES ('merge', ?)", (pages,))
    return tx.db.total_changes - before >= 2  # https://www.sqlite.org/fts5.html#the_merge_command


def _text(run_id: str, executor_ref: str | None, title: str | None, fields: str | None, identity: str | None) -> str:
    """Return what a run is searched by, of columns of its row."""
    job = RunJob(title, fields=from_json(fields) if fields else {})
    return run_text(run_id, executor_ref, job, read_identity(identity))


def _indexed(tx: Tx) -> tuple[int, int]:
    """Return the numbers of the first and the last run of those that are indexed."""
    first, last = tx.db.execute("SELECT first, last FROM indexed_runs").fetchone()
    return first, last


@lru_cache(1024)
def _token(org_id: str) -> str:
    """Return three characters that stand for an organization; others that happen to have the same are left out by
    whoever looks at what was found.
    """
    digits = sha256(org_id.encode()).hexdigest()
    return "".join(chr(_PRIVATE_USE + int(digits[at : at + 3], 16)) for at in (0, 3, 6))


# ---- reading


def match(org_id: str, needles: Sequence[str]) -> str | None:
    """Return the query that finds an organization's runs with one of these texts, and others; None where a text is too
    short for an index of three characters each.
    """
    if any(len(needle) < SHORT for needle in needles):
        return None
    return f'"{_token(org_id)}" AND ({" OR ".join(f"({_all_of(needle)})" for needle in needles)})'


def _all_of(needle: str) -> str:
    trigrams = list(dict.fromkeys(needle[at : at + 3] for at in range(len(needle) - 2)))
    every = -(-len(trigrams) // TRIGRAMS)
    return " AND ".join('"{}"'.format(trigram.replace('"', '""')) for trigram in trigrams[::every])


def candidates(tx: Tx, query: str, before: int, limit: int) -> tuple[list[int], int]:
    """List the numbers of runs before one that a search has to look at, the last first: about `limit` at most, and with
    them those that have changed since they were indexed. Returns also down to which number these are all, 0 where there
    are no others.
    """
    (first, last), older = _indexed(tx), "SELECT number FROM runs WHERE number < ?1 AND number > ?2"
    numbers = _numbers(tx, older, before, last, limit=limit)
    if len(numbers) < limit:
        matching = "SELECT rowid FROM run_search WHERE run_search MATCH ?2 AND rowid < ?1"
        numbers += _numbers(tx, matching, before, query, limit=limit - len(numbers))
    if len(numbers) < limit and first > 1:
        numbers += _numbers(tx, older, min(before, first), 0, limit=limit - len(numbers))
    end = numbers[-1] if len(numbers) == limit else 0
    changed = "SELECT number FROM runs_to_index WHERE number < ? AND number >= ?"
    numbers += (row[0] for row in tx.db.execute(changed, (before, end)).fetchall())
    return sorted(set(numbers), reverse=True), end


def _numbers(tx: Tx, query: str, before: int, *more: int | str, limit: int) -> list[int]:
    rows = tx.db.execute(f"{query} ORDER BY 1 DESC LIMIT ?3", (before, *more, limit))
    return [row[0] for row in rows.fetchall()]


def judge(tx: Tx, numbers: Sequence[int], needles: Sequence[str]) -> set[int]:
    """Tell which of these runs have one of the texts in what they are searched by."""
    found = " OR ".join(f"instr(t.text, :n{at})" for at in range(len(needles)))
    rows = tx.db.execute(
        f"SELECT j.value, t.number IS NULL OR c.number IS NOT NULL FROM json_each(:numbers) AS j "  # noqa: S608
        "LEFT JOIN run_texts AS t ON t.number = j.value LEFT JOIN runs_to_index AS c ON c.number = j.value "
        f"WHERE t.number IS NULL OR c.number IS NOT NULL OR {found}",
        {"numbers": json.dumps(numbers), **{f"n{at}": needle for at, needle in enumerate(needles)}},
    ).fetchall()
    not_indexed = [number for number, is_not_indexed in rows if is_not_indexed]
    has = {number for number, is_not_indexed in rows if not is_not_indexed}
    for number, _, erased_at, *said in _read(tx, f"number IN {_CHOSEN}", json.dumps(not_indexed)):
        text = _text(*said)
        if erased_at is None and any(needle in text for needle in needles):
            has.add(number)
    return has
