"""The index of what runs are searched by: kept a second behind, and what it knows of a search.

New runs come in the order of their numbers, so two numbers say what is indexed; after an upgrade the
runs of before follow, the newest first. What is not indexed, or has changed since, is looked through directly.
Of quotas it is no part: it has some 4,000 characters of a run at most, however long the run's fields are.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.runs.search_text import SHORT, run_text
from rundun.store.runs.runs import read_identity
from rundun.store.sqlite.transaction import Tx

BATCH_SIZE = 1000  # runs that are indexed in one write
BATCH_CHARACTERS = 100_000  # of their fields, or of what is made of them, about: what takes some 20 ms
MERGED_PAGES = 64  # of 4 KiB, written in one step of a merge
MERGED_BYTES = MERGED_PAGES * 4096
TRIGRAMS = 12  # of a search that are looked up, at most: what has them is looked at
_PRIVATE_USE = 0xE000  # where characters begin that nobody writes
# Many rows in one, and one statement for many of them: at each the loop's thread and this one would fight for the
# interpreter.
_ROWS = "SELECT json_group_array(json_array(number, org_id, erased_at, id, executor_ref, title, fields, identity)) FROM"
_CHOSEN = "(SELECT value FROM json_each(?))"


# ---- writing


def newest(tx: Tx) -> int:
    """Return the number of the newest run, 0 where there is none."""
    return tx.number("SELECT ifnull(max(number), 0) FROM runs")


def is_behind(tx: Tx, newest: int) -> bool:
    """Tell whether there are runs to index, of those up to a number."""
    first, last = _indexed(tx)
    return first > 1 or last < newest or bool(tx.number("SELECT EXISTS (SELECT 1 FROM runs_to_index)"))


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


def _read_some(tx: Tx, which: str, *values: int | str) -> list[tuple[int, str | None]]:
    """Read the numbers of a batch, in order, with the texts, none of what is erased; where they are long fewer, so that
    nobody waits for them.
    """
    lengths = f"SELECT number, ifnull(length(fields), 0) FROM runs WHERE {which}"  # noqa: S608, written here
    numbers = _fitting(tx.db.execute(lengths, values))
    rows = {row[0]: row[1:] for row in _read(tx, f"number IN {_CHOSEN}", json.dumps(numbers))}
    texts, size = dict[int, str | None](), 0
    for number in numbers:
        org_id, erased_at, *said = rows[number]
        texts[number] = _token(org_id) + _text(*said) if erased_at is None else None
        size += len(texts[number] or "")
        if size > BATCH_CHARACTERS:
            break
    return sorted(texts.items())


def _fitting(lengths: Iterable[Sequence[int]]) -> list[int]:
    """Return the numbers of the first runs whose fields are as long as a batch at most, or of one."""
    numbers, size = list[int](), 0
    for number, length in lengths:
        size += length
        if numbers and size > BATCH_CHARACTERS:
            break
        numbers.append(number)
    return numbers


def _read(tx: Tx, which: str, *values: object) -> list[list[Any]]:
    rows = tx.db.execute(f"{_ROWS} (SELECT * FROM runs WHERE {which})", values).fetchone()  # noqa: S608, written here
    return sorted(from_json(rows[0]))


def _add(tx: Tx, rows: Sequence[tuple[int, str | None]]) -> None:
    texts = {number: text for number, text in rows if text is not None}
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
    return run_text(run_id, executor_ref, title, from_json(fields) if fields else {}, read_identity(identity))


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

_CANDIDATES = """
SELECT json_group_array(number) FROM (
  SELECT * FROM (
    SELECT rowid AS number FROM run_search WHERE run_search MATCH :query AND rowid < :before
    ORDER BY 1 DESC LIMIT :limit
  ) UNION SELECT * FROM (
    SELECT number FROM runs NOT INDEXED WHERE number > :last AND number < :before AND org_id = :org
    ORDER BY 1 DESC LIMIT :limit
  ) UNION SELECT * FROM (
    SELECT number FROM runs NOT INDEXED WHERE number < min(:first, :before) ORDER BY 1 DESC LIMIT :limit
  ) UNION SELECT * FROM (
    SELECT number FROM runs_to_index WHERE number < :before ORDER BY 1 DESC LIMIT :limit
  ) ORDER BY 1 DESC LIMIT :limit
)"""


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


def candidates(tx: Tx, org_id: str, query: str, before: int, limit: int) -> list[int]:
    """List the numbers of the newest runs before a number that a search has to look at, at most `limit`: those of an
    organization that the index names, and those that it does not know as they are now, with some of others.
    """
    first, last = _indexed(tx)
    values = {"org": org_id, "query": query, "first": first, "last": last, "before": before, "limit": limit}
    numbers: list[int] = json.loads(tx.db.execute(_CANDIDATES, values).fetchone()[0])
    return numbers


def find(
    tx: Tx, numbers: Sequence[int], texts: Sequence[str], is_member: str, values: Mapping[str, Any]
) -> tuple[list[int], list[int]]:
    """List those of some runs that are members of a list and have one of the texts; and those members whose texts the
    index does not know as they are now.
    """
    has_text = " OR ".join(f"instr(run_texts.text, :text{at})" for at in range(len(texts)))
    found, not_indexed = tx.db.execute(
        "WITH judged AS MATERIALIZED ("  # noqa: S608, all named here
        f"SELECT runs.number, CASE WHEN runs.number NOT IN runs_to_index THEN {has_text} END AS has_text "
        "FROM json_each(:numbers) CROSS JOIN runs ON runs.number = value "
        f"LEFT JOIN run_texts ON run_texts.number = runs.number WHERE {is_member}) "
        "SELECT json_group_array(number) FILTER (WHERE has_text), "
        "json_group_array(number) FILTER (WHERE has_text IS NULL) FROM judged",
        {**values, **{f"text{at}": text for at, text in enumerate(texts)}, "numbers": json.dumps(numbers)},
    ).fetchone()
    return json.loads(found), json.loads(not_indexed)


def read_texts(tx: Tx, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield run numbers with what the runs are searched by as they are now, some read at a time; none is erased."""
    lengths = "SELECT value, ifnull(length(fields), 0) FROM json_each(?) CROSS JOIN runs ON number = value"
    while numbers:
        chosen = _fitting(tx.db.execute(lengths, (json.dumps(numbers[:BATCH_SIZE]),)))
        for number, _, _, *said in _read(tx, f"number IN {_CHOSEN}", json.dumps(chosen)):
            yield number, _text(*said)
        numbers = numbers[len(chosen) :]
