"""The index of runs' search texts, updated about a second after each commit, and its answers to a search.

New runs come in the order of their numbers, so two numbers tell which are indexed; after an upgrade the older runs
follow, the newest first. The texts of runs that are not indexed, or changed since, are searched directly. The index
does not count towards quotas: it has at most some 4,000 characters of a run, however long the run's fields are.
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
BATCH_CHARACTERS = 100_000  # of fields, and of search texts, in one write: some 20 ms
MERGED_PAGES = 64  # of 4 KiB, written in one step of a merge
MERGED_BYTES = MERGED_PAGES * 4096
TRIGRAMS = 12  # most trigrams of a search that are looked up in the index
_PRIVATE_USE = 0xE000  # the first character of no script
# Many rows as one value, and one statement for many rows: at each row and statement this thread and the event loop's
# would compete for the interpreter.
_ROWS = "SELECT json_group_array(json_array(number, org_id, erased_at, id, executor_ref, title, fields, identity)) FROM"
_CHOSEN = "(SELECT value FROM json_each(?))"


# ---- writing


def read_newest(tx: Tx) -> int:
    """Return the number of the newest run, 0 without runs."""
    return tx.number("SELECT ifnull(max(number), 0) FROM runs")


def is_behind(tx: Tx, newest: int) -> bool:
    """Tell whether a run up to the number `newest`, or any changed run, is still to be indexed."""
    first, last = _indexed(tx)
    return first > 1 or last < newest or bool(tx.number("SELECT EXISTS (SELECT 1 FROM runs_to_index)"))


def index_next(tx: Tx, limit: int) -> None:
    """Index at most `limit` runs: new and changed ones first, then those that are older than the index."""
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
    """Index at most `limit` changed runs anew, unless they are not indexed yet; return the number of all these runs."""
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
    """Return (number, search text behind its organization's `_token`) of the first selected runs, by number; the text
    of an erased run is None. They are about `BATCH_CHARACTERS` together, so that other writes do not wait.
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
    """Return the first numbers of (number, length) pairs with at most `BATCH_CHARACTERS` together, but at least one."""
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
    """Remove a run from the index, if it is indexed; `merge` then removes the rest of it from the file."""
    _remove(tx, [number])


def _remove(tx: Tx, numbers: Sequence[int]) -> None:
    removing = "INSERT INTO run_search (run_search, rowid, text) SELECT 'delete', number, text FROM run_texts"
    chosen = json.dumps(numbers)
    tx.db.execute(f"{removing} WHERE number IN {_CHOSEN} ORDER BY number", (chosen,))
    tx.db.execute(f"DELETE FROM run_texts WHERE number IN {_CHOSEN}", (chosen,))  # noqa: S608


def merge(tx: Tx, *, is_first: bool) -> bool:
    """Merge some pages of the index; return whether there is more to merge. When it returns False, all parts that
    existed at the call with `is_first` are one, without the texts that had been removed.
    """
    before, pages = tx.db.total_changes, -MERGED_PAGES if is_first else MERGED_PAGES
    tx.db.execute("INSERT INTO run_search (run_search, rank) VALUES ('merge', ?)", (pages,))
    return tx.db.total_changes - before >= 2  # https://www.sqlite.org/fts5.html#the_merge_command


def _text(run_id: str, executor_ref: str | None, title: str | None, fields: str | None, identity: str | None) -> str:
    """Return the search text of a run from the columns of its row."""
    return run_text(run_id, executor_ref, title, from_json(fields) if fields else {}, read_identity(identity))


def _indexed(tx: Tx) -> tuple[int, int]:
    """Return the numbers of the first and the last indexed run."""
    first, last = tx.db.execute("SELECT first, last FROM indexed_runs").fetchone()
    return first, last


@lru_cache(1024)
def _token(org_id: str) -> str:
    """Return the three characters that mark an organization's texts in the index. Organizations can share them, so each
    candidate's organization is checked as well.
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


def match_query(org_id: str, needles: Sequence[str]) -> str | None:
    """Return the FTS5 query whose matches include all indexed runs of an organization that contain one of `needles`;
    None if one is shorter than a trigram.
    """
    if any(len(needle) < SHORT for needle in needles):
        return None
    return f'"{_token(org_id)}" AND ({" OR ".join(f"({_all_of(needle)})" for needle in needles)})'


def _all_of(needle: str) -> str:
    trigrams = list(dict.fromkeys(needle[at : at + 3] for at in range(len(needle) - 2)))
    every = -(-len(trigrams) // TRIGRAMS)
    return " AND ".join('"{}"'.format(trigram.replace('"', '""')) for trigram in trigrams[::every])


def list_candidates(tx: Tx, org_id: str, query: str, before: int, limit: int) -> list[int]:
    """List at most `limit` numbers below `before`, the greatest first, of the runs that a search has to look at: the
    matches of `query`, and runs that are not indexed as they are now, some of other organizations among them.
    """
    first, last = _indexed(tx)
    values = {"org": org_id, "query": query, "first": first, "last": last, "before": before, "limit": limit}
    numbers: list[int] = json.loads(tx.db.execute(_CANDIDATES, values).fetchone()[0])
    return numbers


def list_found(
    tx: Tx, numbers: Sequence[int], texts: Sequence[str], is_member: str, values: Mapping[str, Any]
) -> tuple[list[int], list[int]]:
    """Return, of the runs with these numbers that meet the condition `is_member`, the numbers of those whose indexed
    text contains one of `texts`, and the numbers of those that are not indexed as they are now.
    """
    # Materialized, or each FILTER would look through the texts again.
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
    """Yield (number, search text) of runs that are not erased, from their rows as they are now, read in batches."""
    lengths = "SELECT value, ifnull(length(fields), 0) FROM json_each(?) CROSS JOIN runs ON number = value"
    while numbers:
        chosen = _fitting(tx.db.execute(lengths, (json.dumps(numbers[:BATCH_SIZE]),)))
        for number, _, _, *said in _read(tx, f"number IN {_CHOSEN}", json.dumps(chosen)):
            yield number, _text(*said)
        numbers = numbers[len(chosen) :]
