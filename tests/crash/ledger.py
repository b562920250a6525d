"""What clients of the service were told over all its lives, and what they asked for without hearing back.

The records point to each other, so none of them is shown with all it knows.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

OPEN = ("pending", "in_progress")
FEW = 12  # open runs of an organization at a time: each of them is worked on by several clients


class WrongAnswer(AssertionError):
    """Raised by a client that is told something which can't be true."""


@dataclass(eq=False, repr=False)
class Write:
    """A request that changes something, sent once or several times. It is done for sure once it was told, and may be
    done once a sending was never answered. Moments are turns of the ledger's counter.
    """

    method: str
    path: str
    ok: tuple[int, ...] = (200,)
    refused: tuple[str, ...] = ()  # codes of problems that it may meet
    told: Callable[[httpx2.Response], None] = lambda response: None
    run: "Run | None" = None
    is_repeatable: bool = True
    is_replayed: bool = False  # each good answer to it is the same, byte for byte
    arguments: dict[str, Any] = field(default_factory=dict)
    sent_at: int = 0
    told_at: int = 0
    unheard: int = 0
    answers: list[httpx2.Response] = field(default_factory=list)

    @property
    def is_told(self) -> bool:
        return self.told_at > 0

    @property
    def may_be_done(self) -> bool:
        return self.is_told or self.unheard > 0


@dataclass(eq=False, repr=False)
class Answer:
    """One answer to a step as a phone sent it."""

    answer_id: str
    value: Any
    skipped: bool
    unable: str | None
    write: Write

    @property
    def content(self) -> tuple[Any, bool, str | None]:
        return self.value, self.skipped, self.unable


@dataclass(eq=False, repr=False)
class Picture:
    """A photo or a signature as a phone sent it."""

    step_id: str
    photo_id: str  # empty for signatures
    sha256: str
    put: Write
    deleted: Write | None = None


@dataclass(eq=False, repr=False)
class Template:
    """A template and the names of its versions; `asked` are those of which no number was told."""

    template_id: str
    v: int  # the newest that was seen
    names: dict[int, str]
    facts: dict[str, Any]  # what decides on what its runs may do
    asked: dict[str, Write] = field(default_factory=dict)
    archived: Write | None = None

    @property
    def is_archived(self) -> bool:
        """Tell whether it must be archived: no version was on its way meanwhile, which brings it back."""
        if self.archived is None or not self.archived.is_told:
            return False
        return all(not write.unheard and write.told_at < self.archived.sent_at for write in self.asked.values())


@dataclass(eq=False, repr=False)
class Dispatch:
    """A run that was asked for, by the reference it carries."""

    ref: str
    template: Template
    has_key: bool  # an Idempotency-Key
    webhook: dict[str, Any] | None
    write: Write
    run_ids: set[str] = field(default_factory=set)


@dataclass(eq=False, repr=False)
class Run:
    """A run as its clients know it: what they have seen can't be taken back."""

    run_id: str
    dispatch: Dispatch
    phone: asyncio.Lock = field(default_factory=asyncio.Lock)  # a phone sends one thing after the other
    cookie: str = ""
    revision: int = 0
    status: str = "pending"
    is_started: bool = False
    person: str = ""
    expires_at: str | None = ""  # the latest that was told; empty where nothing was
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    remarks: dict[str, tuple[str, str, Write]] = field(default_factory=dict)  # by id: step, text
    pictures: list[Picture] = field(default_factory=list)
    patches: list[tuple[Write, dict[str, Any]]] = field(default_factory=list)  # with the webhooks they ask for
    touched: bool = True

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def webhooks(self) -> dict[str, dict[str, Any]]:
        """Return all webhooks that the run may have had, by URL: each has one of its own."""
        asked = [webhook for write, webhook in self.patches if write.may_be_done]
        return {one["url"]: one for one in (self.dispatch.webhook, *asked) if one}

    def may_have(self, url: str | None) -> bool:
        """Tell whether this may be the URL of the webhook now: no other was asked for, and told, after it."""
        webhook = self.webhooks().get(url or "")
        if webhook is None:
            return url is None and self.dispatch.webhook is None
        write = next((write for write, patched in self.patches if patched is webhook), self.dispatch.write)
        if write is not self.dispatch.write and write.unheard:
            return True
        return not any(later.is_told and later.sent_at > write.told_at for later, _ in self.patches)

    def saw(self, before: tuple[int, str], revision: int, status: str) -> None:
        """Note what an answer says of the run; `before` is what was known when the request was sent."""
        if revision < before[0]:
            raise WrongAnswer(f"{self.run_id} was at revision {before[0]} and is at {revision}")
        self.saw_status(before[1], status)
        self.revision = max(self.revision, revision)

    def saw_status(self, before: str, status: str) -> None:
        """Note a status; `before` is what was known when the request was sent."""
        if before != status and (before not in OPEN or (status == "pending" and before != "pending")):
            raise WrongAnswer(f"{self.run_id} was {before} and is {status}")
        if self.is_open:
            self.status = status


@dataclass(eq=False, repr=False)
class Key:
    """An API key that the command line was asked for."""

    name: str
    secret: str = ""
    key_id: str = ""
    is_revoked: bool = False
    may_be_revoked: bool = False


@dataclass(eq=False, repr=False)
class Organization:
    """An organization with what its integrator knows."""

    name: str
    key: str
    given: int  # credits
    asked: list[int] = field(default_factory=list)  # credits of which nobody knows whether they came
    templates: list[Template] = field(default_factory=list)
    dispatches: dict[str, Dispatch] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    open_runs: list[Run] = field(default_factory=list)
    erased: dict[str, tuple[Run, Write]] = field(default_factory=dict)  # asked to be: nobody works on them any more
    keys: list[Key] = field(default_factory=list)
    feed: list[dict[str, Any]] = field(default_factory=list)
    cursor: str = ""
    unheard: list[Write] = field(default_factory=list)  # sent, and never answered
    session: str = ""  # the cookie of an operator who has signed in
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    audited: int = 0  # events of the feed that were compared with the database
    audited_number: int = 0  # of the last of them there

    def still_open(self) -> list[Run]:
        """List the runs that are worked on."""
        self.open_runs = [run for run in self.open_runs if run.is_open and run.run_id not in self.erased]
        return self.open_runs

    def is_of_erased(self, path: str) -> bool:
        """Tell whether a path is of a run that was asked to be erased."""
        return any(run_id in path for run_id in self.erased)


@dataclass(eq=False, repr=False)
class Ledger:
    """All that was told, by organization."""

    organizations: list[Organization]
    keyed: list[Write] = field(default_factory=list)  # told under an Idempotency-Key
    new_templates: dict[str, Write] = field(default_factory=dict)  # by name
    tests: list[dict[str, Any]] = field(default_factory=list)  # what came of test webhooks
    told: int = 0
    refused: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    _turn: int = 0
    _name: int = 0

    def turn(self) -> int:
        """Return the next moment."""
        self._turn += 1
        return self._turn

    def name(self, what: str) -> str:
        """Return a name that nothing else has."""
        self._name += 1
        return f"{what} {self._name}"

    def erasures(self) -> dict[str, tuple[Run, Write]]:
        """Return all runs that were asked to be erased, by id."""
        return {run_id: asked for organization in self.organizations for run_id, asked in organization.erased.items()}

    def runs(self) -> Iterator[Run]:
        """Iterate over all runs that were told, and not asked to be erased."""
        for organization in self.organizations:
            yield from organization.runs.values()
