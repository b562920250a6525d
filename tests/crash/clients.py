"""Clients: they do one kind of work after the other until the service is gone, and write down what they are told.

A kind of work is a function with the decorator `kind`. It picks something to work on, says by a `Write` what it asks
for and what it may be told, and what a good answer adds to the ledger. That is all there is to a new kind.
"""

import asyncio
import contextlib
import functools
import http.cookiejar
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from tests.crash.ledger import Ledger, Organization, Run, Write, WrongAnswer
from tests.crash.receivers import Receivers
from tests.helpers.patience import PATIENCE

Work = Callable[["Client"], Awaitable[None]]
KINDS: dict[str, tuple[int, Work]] = {}
LOST_REPLIES = 0.1  # of the writes that were answered: they are sent again, as if the reply had been lost
REPEATED = 0.75  # of the writes that nobody heard of: they are sent again in the next life


def kind(weight: int) -> Callable[[Work], Work]:
    """Register a kind of work, which is done `weight` times as often as one of weight 1."""

    def register(work: Work) -> Work:
        KINDS[work.__name__] = (weight, work)  # type: ignore[attr-defined]
        return work

    return register


class Stopped(Exception):
    """Raised when the service says that it is ending."""


class RunErased(Exception):
    """Raised where somebody has erased what was to be read."""


Broken = (httpx2.TransportError, Stopped)


@dataclass(eq=False, repr=False)
class Life:
    """One life of the service, as its clients see it."""

    folder: Path
    ledger: Ledger
    receivers: Receivers
    url: str
    kinds: dict[str, tuple[int, Work]] = field(default_factory=lambda: KINDS)  # of work
    is_ending: bool = False  # it was asked to stop
    is_over: bool = False
    answered: int = 0
    on_answer: Callable[[int], None] = lambda answered: None
    command_line: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(eq=False, repr=False)
class Client:
    """Somebody who works for an organization, at its desk and on its phones."""

    life: Life
    organization: Organization
    rng: Random
    http: httpx2.AsyncClient

    @property
    def ledger(self) -> Ledger:
        return self.life.ledger

    @property
    def key(self) -> dict[str, str]:
        """The header of the organization's own key."""
        return {"authorization": f"Bearer {self.organization.key}"}

    def pick_run(self, *, started: bool | None = None) -> Run | None:
        """Pick an open run whose phone is idle, or None."""
        runs = [
            run
            for run in self.organization.still_open()
            if not run.phone.locked() and started in (None, run.is_started)
        ]
        return self.rng.choice(runs) if runs else None

    async def get(self, path: str, *statuses: int, run: Run | None = None, **more: Any) -> httpx2.Response:
        """Read something; any other status than 200 and `statuses` is wrong."""
        before = (run.revision, run.status) if run else (0, "pending")
        response = await self.http.request("GET", path, headers=self._headers(path, run), **more)
        self.unless_ending(response)
        if response.status_code in (404, 410) and self.organization.is_of_erased(path):
            raise RunErased
        if response.status_code not in (200, *statuses):
            raise WrongAnswer(f"GET {path} was answered {response.status_code}: {response.text[:500]}")
        if run is not None:
            _note(run, before, response, is_write=False)
        return response

    async def write(self, write: Write) -> bool:
        """Send a write, sometimes twice; tells whether it was done."""
        done = await self.send(write)
        if done and write.is_repeatable and self.rng.random() < LOST_REPLIES:
            await self.send(write)
        return done

    async def send(self, write: Write) -> bool:
        """Send a write once."""
        run, ledger = write.run, self.ledger
        before = (run.revision, run.status) if run else (0, "pending")
        if run is not None:
            run.touched = True
        write.sent_at = write.sent_at or ledger.turn()
        write.unheard += 1
        arguments = {**write.arguments, "headers": self._headers(write.path, run) | write.arguments.get("headers", {})}
        try:
            response = await self.http.request(write.method, write.path, **arguments)
            self.unless_ending(response)
        except Broken:
            self.organization.unheard.append(write)
            raise
        write.unheard -= 1
        code = None if response.status_code in write.ok else _code(response)
        made = [one.json().get("run_id") for one in write.answers[:1] if write.is_replayed]  # by it, and erased since
        if code in ("run_erased", "410") and self.organization.is_of_erased(f"{write.path} {made}"):
            ledger.refused += 1
            return False
        is_own_device = code == "other_device" and run is not None and run.cookie
        if code is not None and (code not in write.refused or is_own_device):
            raise WrongAnswer(f"{write.method} {write.path} was answered {response.status_code}: {response.text[:500]}")
        if run is not None and "idempotent-replayed" not in response.headers:
            _note(run, before, response, is_write=True)
        if code is None:
            self._tell(write, response)
        else:
            ledger.refused += 1
            if code in ("not_started", "other_device") and run is not None:
                run.is_started = False
        self.life.answered += 1
        self.life.on_answer(self.life.answered)
        return code is None

    def _tell(self, write: Write, response: httpx2.Response) -> None:
        if write.is_replayed and write.answers:
            first = write.answers[0]
            if (response.status_code, response.content) != (first.status_code, first.content):
                raise WrongAnswer(f"{write.path} was answered {first.text} and then {response.text}")
            if "idempotent-replayed" not in response.headers:
                raise WrongAnswer(f"{write.path} was done before, and is done again: {response.text}")
        write.told_at = write.told_at or self.ledger.turn()
        write.answers.append(response)
        self.ledger.told += 1
        write.told(response)

    def _headers(self, path: str, run: Run | None) -> dict[str, str]:
        if path.startswith("/console"):
            return {"cookie": self.organization.session}
        if path.startswith("/r/"):
            return {"cookie": run.cookie} if run is not None and run.cookie else {}
        return self.key

    def unless_ending(self, response: httpx2.Response) -> None:
        """Raise Stopped where the service refuses because it is ending."""
        if response.status_code == 503 and self.life.is_ending:
            raise Stopped


def _code(response: httpx2.Response) -> str:
    """Return the code of a problem, or the status where it is told on a page."""
    return str((response.json() if _is_json(response) else {}).get("code", response.status_code))


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").endswith("json")


def _note(run: Run, before: tuple[int, str], response: httpx2.Response, *, is_write: bool) -> None:
    """Note what any answer about a run says of it."""
    content = response.json() if _is_json(response) else {}
    brief = content.get("run", content)
    if "revision" in brief:
        run.saw(before, brief["revision"], brief["status"])
    elif "run_status" in content and (is_write or content["run_status"] != "expired"):
        # Whoever reads an overdue run is told what the next write, or the sweep, will store.
        run.saw_status(before[1], content["run_status"])


def connect(url: str) -> httpx2.AsyncClient:
    """Make an HTTP client that keeps no cookies: each phone has its own."""
    no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE, cookies=no_cookies, verify=False)


def until_broken(work: Work) -> Work:
    """Let work end in peace when the service is gone."""

    @functools.wraps(work)
    async def peaceful(client: "Client") -> None:
        try:
            await work(client)
        except Broken:
            pass

    return peaceful


@until_broken
async def work(client: Client) -> None:
    """Repeat what nobody heard of, then do whatever the dice say, until the service is gone."""
    kinds = client.life.kinds
    names, weights = list(kinds), [weight for weight, _ in kinds.values()]
    by_kind = client.ledger.by_kind
    while unheard := client.organization.unheard:
        await _repeat(client, unheard.pop(0))
    while not client.life.is_over:
        name = client.rng.choices(names, weights)[0]
        by_kind[name] = by_kind.get(name, 0) + 1
        with contextlib.suppress(RunErased):
            await kinds[name][1](client)
        await asyncio.sleep(0)


async def _repeat(client: Client, write: Write) -> None:
    """Send again what nobody heard of, as a phone or a careful integrator does."""
    if not write.is_repeatable or client.rng.random() > REPEATED:
        return
    if write.run is None:
        await client.send(write)
        return
    async with write.run.phone:
        await client.send(write)
