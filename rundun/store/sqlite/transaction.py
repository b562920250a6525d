"""One transaction: the connection, the time it happens at, and what it touches, for others to hear once committed."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from rundun.core.json_types.base import ProgressJson
from rundun.core.templates.pictures import TemplatePicture
from rundun.core.templates.steps import StepBase
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.errors import NotFound, Problem

Clock = Callable[[], int]  # milliseconds since 1970 UTC
SIGNING_KEY = "signing key"  # what a transaction touched that has replaced it


def wall_clock() -> int:
    """Return the time in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class CommitThenRaise(Exception):
    """Raised by an action whose changes are to be committed although the caller is refused with `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template as it was written; `body` is its JSON without what the server assigns, `untouched` the
    progress of a run that nobody has begun. Where it `takes_photos` of no step no run of it ever has one, and so with
    signatures. `pictures` has what its steps show, by id: they stay as they are for as long as the version is there.
    """

    template_id: str
    v: int
    org_id: str
    created_at: int
    updated_at: int
    body: bytes
    template: Template
    steps: tuple[StepBase, ...]
    untouched: ProgressJson
    takes_photos: bool = True
    takes_signatures: bool = True
    pictures: Mapping[str, TemplatePicture] = field(default_factory=dict)

    @property
    def signature_steps(self) -> set[str]:
        """Return the ids of the steps that are answered with a signature."""
        return {step.id for step in self.steps if step.type == "signature"}


class TemplateVersionCache:
    """Parsed template versions, which never change, shared by the writer's and the reader's thread. At most so many,
    and so many bytes of JSON, are cached; the first to come is the first to go.
    """

    def __init__(self, max_versions: int = 512, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._max_versions = max_versions
        self._max_bytes = max_bytes
        self._versions: dict[tuple[str, int], TemplateVersion] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, template_id: str, v: int) -> TemplateVersion | None:
        """Find a version, or None when it is not cached."""
        return self._versions.get((template_id, v))

    def put(self, version: TemplateVersion) -> None:
        """Cache a version."""
        with self._lock:
            if (version.template_id, version.v) in self._versions:
                return
            self._versions[version.template_id, version.v] = version
            self._bytes += len(version.body)
            while len(self._versions) > self._max_versions or self._bytes > self._max_bytes:
                self._bytes -= len(self._versions.pop(next(iter(self._versions))).body)

    def clear(self) -> None:
        """Drop all versions."""
        with self._lock:
            self._versions.clear()
            self._bytes = 0


@dataclass(slots=True)
class Quotas:
    """How much organizations may store: `default` is the bytes of those without a quota of their own, 0 = any number.
    `full` names those that had reached theirs in the last commit that added something of them, so that who is not in it
    need not be looked up.
    """

    default: int = 0
    full: set[str] = field(default_factory=set)


JournalWord = Literal["run", "key", "operator", "signing_key"]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What has to stay gone even where an older copy of the database is put back: a run that was erased, a key that was
    revoked or an operator who was removed, by id; or a signing key that was replaced, by the time of that. `by` is
    whose doing the erasure of a run was, None where an older version has not said so.
    """

    what: JournalWord
    id: str
    at: int
    by: str | None = None


KeepJournal = Callable[[Sequence[JournalEntry]], None]  # writes entries to the disk; OSError


@dataclass(slots=True)
class Tx:
    """One transaction, which every action and store function gets first.

    `now` is read once, in milliseconds; nothing below asks a clock. `grace` is how long a started run goes on after
    `expires_at`, in milliseconds. `versions` caches parsed template versions, which never change. `touched` names
    what changed (`outbox`, `keys`, `events of <organization>`, `runs of <organization>`), for those who wait for it.
    New events are numbered above `event_floor`. `growth` is the bytes that were added of each organization, `journal`
    what the erasure journal has to say before anybody is answered.
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
        """Note that `size` bytes of an organization are added."""
        self.growth[org_id] = self.growth.get(org_id, 0) + size

    def number(self, query: str, *parameters: object) -> int:
        """Return the number that a query answers."""
        return int(self.db.execute(query, parameters).fetchone()[0])

    def get_row(self, what: str, query: str, *parameters: object) -> sqlite3.Row:
        """Return the first row that a query answers, or raise NotFound of `what` it should be."""
        row: sqlite3.Row | None = self.db.execute(query, parameters).fetchone()
        if row is None:
            raise NotFound(what)
        return row

    def insert(self, table: str, /, **values: Any) -> int:
        """Insert one row by the names of its columns; returns its rowid."""
        return self._add("INSERT", table, values)

    def replace(self, table: str, /, **values: Any) -> int:
        """Insert one row by the names of its columns, in place of one with the same key; returns its rowid."""
        return self._add("INSERT OR REPLACE", table, values)

    def update(self, table: str, number: int, /, **values: Any) -> None:
        """Change columns, by their names, of the row of that `number`."""
        if values:
            self.db.execute(_update_sql(table, tuple(values)), (*values.values(), number))

    def _add(self, verb: str, table: str, values: Mapping[str, Any]) -> int:
        cursor = self.db.execute(_insert_sql(verb, table, tuple(values)), tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def new_id(self, prefix: str) -> str:
        """Return a fresh UUIDv4 id such as `r-…`; `prefix` comes without the dash."""
        return f"{prefix}-{uuid.uuid4()}"


@lru_cache
def _insert_sql(verb: str, table: str, columns: tuple[str, ...]) -> str:
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


@lru_cache
def _update_sql(table: str, columns: tuple[str, ...]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE number = ?"  # noqa: S608


@dataclass(slots=True)
class Env:
    """What all transactions of a process share. `links` is another one once the signing key was rotated, set by that
    commit; `device_key` signs the cookies of executors' phones. New events are numbered above `event_floor`. What has
    to stay gone after a restore goes to `keep_journal`.
    """

    clock: Clock
    links: Urls
    grace: int
    device_key: bytes = b""
    versions: TemplateVersionCache = field(default_factory=TemplateVersionCache)
    quotas: Quotas = field(default_factory=Quotas)
    event_floor: int = 0
    keep_journal: KeepJournal | None = None

    def tx(self, db: sqlite3.Connection) -> Tx:
        """Return a transaction on `db`, now."""
        return Tx(db, self.clock(), self.links, self.grace, self.versions, self.quotas, self.event_floor)
