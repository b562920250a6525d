"""The index of what runs are searched by: kept a second behind, and what it knows of a search.

New runs come in the order of their numbers, so two numbers say what is indexed; after an upgrade the
runs of before follow, the newest first. What is not indexed, or has changed since, is looked through directly.
Of quotas it is no part: it has some 4,000 characters of a run at most, however long the run's fields are.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.runs.search_text import MAX_TEXT, SHORT, run_text
from rundun.store.runs.runs import read_identity
from rundun.store.sqlite.transaction import Tx

BATCH_SIZE = 1000  # runs that are indexed in one write
BATCH_CHARACTERS = 100_000  # of their fields, or of what is made of them, about: what takes some 20 ms
FOLDING = 40  # times as long as to look at a character takes to fold one that is not of ASCII, at worst
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


def candidates(tx: Tx, org_id: str, query: str, before: int, limit: int) -> tuple[list[int], int]:
    """List the numbers of an organization's runs before one that a search has to look at, the last first: about
    `limit` at most, and with them those that have changed since they were indexed, and some of others. Returns also
    down to which number these are all, 0 where there are no others.
    """
    (first, last), older = _indexed(tx), "SELECT number FROM runs WHERE number < :before AND number > :after"
    newer = "SELECT number FROM runs NOT INDEXED WHERE number < :before AND number > :after AND org_id = :org_id"
    numbers = _numbers(tx, newer, limit, before=before, after=last, org_id=org_id)
    if len(numbers) < limit:
        matching = "SELECT rowid FROM run_search WHERE run_search MATCH :words AND rowid < :before"
        numbers += _numbers(tx, matching, limit - len(numbers), before=before, words=query)
    if len(numbers) < limit and first > 1:
        numbers += _numbers(tx, older, limit - len(numbers), before=min(before, first), after=0)
    end = numbers[-1] if len(numbers) == limit else 0
    changed = "SELECT number FROM runs_to_index WHERE number < ? AND number >= ?"
    numbers += (row[0] for row in tx.db.execute(changed, (before, end)).fetchall())
    return sorted(set(numbers), reverse=True), end


def _numbers(tx: Tx, query: str, limit: int, **values: int | str) -> list[int]:
    rows = tx.db.execute(f"{query} ORDER BY 1 DESC LIMIT :limit", {**values, "limit": limit})
    return [row[0] for row in rows.fetchall()]


def judge(tx: Tx, numbers: Sequence[int], needles: Sequence[str], characters: int) -> tuple[set[int], int, int]:
    """Tell which of these runs have one of the texts in what they are searched by; how many of them, from the first on,
    were judged until so many characters were looked at, about; and how many these were.
    """
    found = " OR ".join(f"instr(t.text, :n{at})" for at in range(len(needles)))
    has_text = "t.number IS NOT NULL AND c.number IS NULL"
    size, has, others = tx.db.execute(
        f"SELECT ifnull(sum(length(t.text)), 0), json_group_array(j.value) FILTER (WHERE {has_text} AND ({found})), "  # noqa: S608
        f"json_group_array(j.key) FILTER (WHERE NOT ({has_text})) FROM json_each(:numbers) AS j "
        "LEFT JOIN run_texts AS t ON t.number = j.value LEFT JOIN runs_to_index AS c ON c.number = j.value",
        {"numbers": json.dumps(numbers), **{f"n{at}": needle for at, needle in enumerate(needles)}},
    ).fetchone()
    having, not_indexed = set(json.loads(has)), sorted(json.loads(others))
    for at, (text, cost) in zip(not_indexed, _folded(tx, [numbers[at] for at in not_indexed]), strict=True):
        if size > characters and at:
            return having & {*numbers[:at]}, at, size
        size += cost
        if any(needle in text for needle in needles):
            having.add(numbers[at])
    return having, len(numbers), size


def _folded(tx: Tx, numbers: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Read the texts of runs as they are now, some at a time; each with what this costs, in characters that are only
    looked at. An erased one has none.
    """
    lengths = "SELECT value, ifnull(length(fields), 0) FROM json_each(?) LEFT JOIN runs ON number = value"
    while numbers:
        chosen = _fitting(tx.db.execute(lengths, (json.dumps(numbers),)))
        rows = {row[0]: row[2:] for row in _read(tx, f"number IN {_CHOSEN}", json.dumps(chosen))}
        for number in chosen:
            erased_at, *said = rows[number]
            raw = "".join(each or "" for each in said)
            cost = len(raw) if raw.isascii() else len(raw) + FOLDING * min(len(raw), MAX_TEXT)
            yield _text(*said) if erased_at is None else "", cost
        numbers = numbers[len(chosen) :]
