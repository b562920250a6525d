"""One transaction: its connection, its time, and the names of the things that it changes."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from rundun.core.json_types.base import ProgressJson
from rundun.core.languages import Untranslated
from rundun.core.templates.pictures import TemplatePicture
from rundun.core.templates.steps import StepBase
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.errors import NotFound, Problem

Clock = Callable[[], int]  # milliseconds since 1970 UTC
SIGNING_KEY = "signing key"  # in `Tx.touched` after a rotation


def wall_clock() -> int:
    """Return the time in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class CommitThenRaise(Exception):
    """Raised by an action whose changes are committed although its caller is refused with `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class VersionText:
    """One version of a template, not parsed: `body` is its JSON without the members that the server assigns."""

    template_id: str
    v: int
    org_id: str
    created_at: int
    updated_at: int
    body: bytes


@dataclass(frozen=True, slots=True)
class TemplateVersion(VersionText):
    """One version of a template, parsed. `untouched` is the progress of a run before its start. Without `takes_photos`
    or `takes_signatures` no run of it ever has any.
    One that `is_large` may have runs with more than `LARGE` of JSON, read and written in turns.
    `pictures` are those that its steps show, by id; they do not change as long as the version exists. `languages` are
    the translations that `template` and `steps` are in, the closest first, none for the author's texts; `body` has all.
    `untranslated` are the ids of parts that they leave in the author's language, True for all.
    """

    template: Template
    steps: tuple[StepBase, ...]
    untouched: ProgressJson
    takes_photos: bool = True
    takes_signatures: bool = True
    is_large: bool = False
    pictures: Mapping[str, TemplatePicture] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    untranslated: Untranslated = True

    @property
    def signature_steps(self) -> set[str]:
        """Return the ids of the signature steps."""
        return {step.id for step in self.steps if step.type == "signature"}


class TemplateVersionCache:
    """Parsed template versions, which never change, shared by the writer's and the reader's thread: at most
    `max_versions`, and `max_bytes` and `max_objects` of JSON; the first added is the first dropped.

    A million objects are a gigabyte. Python makes four of each, and where as many are dropped as are made, its garbage
    collection takes them all for young: it holds all threads for 20 to 40 ms.
    """

    def __init__(self, max_versions: int = 2048, max_bytes: int = 32 * 1024 * 1024, max_objects: int = 8000) -> None:
        self._max_versions = max_versions
        self._max_bytes = max_bytes
        self._max_objects = max_objects
        self._versions: dict[tuple[str, int, tuple[str, ...]], TemplateVersion] = {}
        self._bytes = self._objects = 0
        self._lock = threading.Lock()

    def find(self, template_id: str, v: int, languages: tuple[str, ...] = ()) -> TemplateVersion | None:
        """Find a cached version in these `languages`; None where it is not cached."""
        return self._versions.get((template_id, v, languages))

    def put(self, version: TemplateVersion) -> None:
        """Cache a version."""
        with self._lock:
            key = version.template_id, version.v, version.languages
            if key in self._versions:
                return
            self._versions[key] = version
            self._count(version, 1)
            while self._is_over():
                self._count(self._versions.pop(next(iter(self._versions))), -1)

    def _count(self, version: TemplateVersion, sign: int) -> None:
        self._bytes += sign * len(version.body)
        self._objects += sign * version.body.count(b"{")

    def _is_over(self) -> bool:
        many = len(self._versions) > self._max_versions
        return many or self._bytes > self._max_bytes or self._objects > self._max_objects

    def clear(self) -> None:
        """Drop all versions."""
        with self._lock:
            self._versions.clear()
            self._bytes = self._objects = 0


@dataclass(slots=True)
class Quotas:
    """Quotas in memory. `default` is the bytes for organizations without their own quota, 0 for unlimited. `full` has
    the ids of organizations that had used up their quota at their last commit that grew; others need no look-up.
    """

    default: int = 0
    full: set[str] = field(default_factory=set)


JournalWord = Literal["run", "key", "operator", "signing_key", "share"]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry of the erasure journal, to be applied again to a restored database: an erased run, a revoked key or
    share, or a removed operator, by `id`, or a rotation of the signing key, by its time. `by` is the actor who erased a
    run; older versions wrote none.
    """

    what: JournalWord
    id: str
    at: int
    by: str | None = None


KeepJournal = Callable[[Sequence[JournalEntry]], None]  # writes entries to the disk; OSError


@dataclass(slots=True)
class Tx:
    """One transaction, the first parameter of every action and store function.

    `now` is read once, in milliseconds; actions and the store read no clock. `grace` is the time that a started run has
    after `expires_at`, in milliseconds. `versions` caches parsed template versions. `touched` names the changed things
    (`outbox`, `keys`, `events of <organization>`, `runs of <organization>`) for subscribers. New events are numbered
    above `event_floor`. `growth` is the bytes added, by organization; `journal` goes to the erasure journal before the
    call is answered.
    """

    db: sqlite3.Connection
    now: int
    links: Urls
    grace: int
    versions: TemplateVersionCache
    quotas: Quotas
    event_floor: int = 0
    touched: set[str] = field(default_factory=set)
    growth: dict[str, int] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)

    def grow(self, org_id: str, size: int) -> None:
        """Count `size` bytes, negative for deleted ones, as stored for an organization."""
        self.growth[org_id] = self.growth.get(org_id, 0) + size

    def number(self, query: str, *parameters: object) -> int:
        """Return the first value of a query's first row, as an int."""
        return int(self.db.execute(query, parameters).fetchone()[0])

    def get_row(self, what: str, query: str, *parameters: object) -> sqlite3.Row:
        """Return the first row of a query; raises NotFound, with `what` as the missing thing."""
        row: sqlite3.Row | None = self.db.execute(query, parameters).fetchone()
        if row is None:
            raise NotFound(what)
        return row

    def insert(self, table: str, /, **values: Any) -> int:
        """Insert a row, with values by column, and return its rowid, if the table has rowids."""
        return self._add("INSERT", table, values)

    def replace(self, table: str, /, **values: Any) -> int:
        """Insert a row, replacing one with the same key, and return its rowid, if the table has rowids."""
        return self._add("INSERT OR REPLACE", table, values)

    def update(self, table: str, number: int, /, **values: Any) -> None:
        """Change columns, by their names, of the row of that `number`."""
        if values:
            self.db.execute(_update_sql(table, tuple(values)), (*values.values(), number))

    def _add(self, verb: str, table: str, values: Mapping[str, Any]) -> int:
        cursor = self.db.execute(_insert_sql(verb, table, tuple(values)), tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def new_id(self, prefix: str) -> str:
        """Return a new id, `prefix`, a dash and a random UUID, such as `r-…`."""
        return f"{prefix}-{uuid.uuid4()}"


@lru_cache
def _insert_sql(verb: str, table: str, columns: tuple[str, ...]) -> str:
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


@lru_cache
def _update_sql(table: str, columns: tuple[str, ...]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE number = ?"  # noqa: S608


@dataclass(slots=True)
class Env:
    """The environment that all transactions of a process share. The commit of a rotation replaces `links`; `device_key`
    signs the cookies of executors' phones. New events are numbered above `event_floor`. `generation` is changed by each
    restore, 0 before the first. `keep_journal` writes entries to the erasure journal.
    """

    clock: Clock
    links: Urls
    grace: int
    device_key: bytes = b""
    versions: TemplateVersionCache = field(default_factory=TemplateVersionCache)
    quotas: Quotas = field(default_factory=Quotas)
    event_floor: int = 0
    generation: int = 0
    keep_journal: KeepJournal | None = None

    def tx(self, db: sqlite3.Connection) -> Tx:
        """Return a `Tx` on `db`, with the current time, without a BEGIN in SQLite."""
        return Tx(db, self.clock(), self.links, self.grace, self.versions, self.quotas, self.event_floor)
