"""The people of the tests: Acme and Globex have keys, Ed does the runs, a Receiver gets webhooks, a Clock is ours."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

from rundun import paths
from rundun.actions.organizations import api_keys, organizations
from rundun.app import running
from rundun.config import loader
from rundun.config.loader import ServiceSettings
from rundun.scheduler import Dispatcher, expire_due
from rundun.store.database import Database
from rundun.store.sqlite.connection import open_writer
from rundun.store.sqlite.database_file import OWNER_ONLY
from rundun.store.sqlite.transaction import Tx
from rundun.web.context import Context
from rundun.web.pages.pages import Pages
from rundun.web.pages.static import Assets
from rundun.web.routes import starlette_app
from tests.helpers.openapi.openapi_judge import Documented

NOON = 1_767_225_600_000  # 2026-01-01T00:00:00Z, in milliseconds
HOUR = 3_600_000
PUBLIC_URL = "http://rundun.test"


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def forward(self, *, hours: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self.now += int(hours * HOUR + seconds * 1000)


@dataclass
class Received:
    """One request as it arrived at a receiver."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A real HTTP server on 127.0.0.1 that answers what it is told to: `answer(received)` gives the raw response."""

    answer: Callable[[Received], bytes] = lambda received: b"HTTP/1.1 204 No Content\r\n\r\n"
    received: list[Received] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[str]:
        """Names of the events that arrived, in order of arrival."""
        return [one.json["event"] for one in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                one = Received(first.split(" ")[1], headers, body)
                self.received.append(one)
                writer.write(self.answer(one))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self, at: socket.socket | None = None) -> AsyncIterator["Receiver"]:
        """Serve while the context lasts, on a free port or `at` a socket that is bound."""
        server = await asyncio.start_server(self._serve, **({"sock": at} if at else {"host": "127.0.0.1", "port": 0}))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        try:
            yield self
        finally:
            server.close()


def answering(status: str, *headers: str) -> Callable[[Received], bytes]:
    """A receiver's answer with that status line and header lines, without a body."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""])
    return lambda received: head.encode()


class Ed:
    """An executor with a link, on one device."""

    def __init__(self, world: "World", run_id: str) -> None:
        self.run_id = run_id
        self.client = world.browser()

    async def call(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Any request under /r/{run_id}."""
        return await self.client.request(method, f"/r/{self.run_id}{path}", **arguments)

    async def start(self, **body: Any) -> httpx2.Response:
        """Tap Start."""
        return await self.call("POST", "/start", json=body)

    async def answer(self, step: str, value: Any = None, **more: Any) -> httpx2.Response:
        """Answer a step; `answer_id` is made up unless it is given."""
        body = {"answer_id": str(uuid.uuid4()), "value": value, **more}
        return await self.put(step, body)

    async def put(self, step: str, body: Any) -> httpx2.Response:
        """PUT any body on a step."""
        return await self.call("PUT", f"/steps/{step}", json=body)

    async def photo(self, step: str, data: bytes, photo_id: str | None = None, **arguments: Any) -> httpx2.Response:
        """Upload a photo."""
        path = f"/steps/{step}/photos/{photo_id or new_photo_id()}"
        return await self.call("PUT", path, content=data, **arguments)

    async def complete(self) -> httpx2.Response:
        """Submit."""
        return await self.call("POST", "/complete", json={})

    async def state(self) -> Any:
        """What the page knows."""
        response = await self.call("GET", "/state")
        assert response.status_code == 200, response.text
        return response.json()


def new_photo_id() -> str:
    """As the phone makes one."""
    return f"ph-{uuid.uuid4()}"


@dataclass
class World:
    """A running Rundun in this process, with its clock in our hands."""

    settings: ServiceSettings
    clock: Clock
    app: Any
    database: Database
    dispatcher: Dispatcher
    acme: httpx2.AsyncClient
    globex: httpx2.AsyncClient
    acme_id: str
    clients: list[httpx2.AsyncClient]
    service: Context

    def browser(self, address: str = "127.0.0.1", **headers: str) -> httpx2.AsyncClient:
        """A client without a key, at an address."""
        transport = httpx2.ASGITransport(app=self.app, client=(address, 123))
        client = httpx2.AsyncClient(transport=transport, base_url=self.settings.public_url, headers=headers)
        self.clients.append(client)
        return client

    async def template(self, *steps: dict[str, Any], **more: Any) -> str:
        """A template of Acme's; returns its id."""
        response = await self.acme.post("/v1/templates", json={"name": "Check", "steps": list(steps), **more})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def dispatch(self, template_id: str, **more: Any) -> Ed:
        """A run of Acme's, and Ed with its link."""
        response = await self.acme.post("/v1/runs", json={"template_id": template_id, **more})
        assert response.status_code == 201, response.text
        return Ed(self, response.json()["run_id"])

    async def run(self, ed: Ed) -> Any:
        """The record as Acme reads it."""
        response = await self.acme.get(f"/v1/runs/{ed.run_id}")
        assert response.status_code == 200, response.text
        return response.json()

    async def deliver(self) -> None:
        """Send all that is due now, and what becomes due by it."""
        sender = self.dispatcher
        # The sender's own loop may have claimed before us: what had no slot then is due still when its slot is free.
        while await sender.send_due() or (sender._may_claim and sender._more_due):
            await sender.idle()
        await sender.idle()

    async def deliveries(self, ed: Ed) -> list[Any]:
        """The run's deliveries, the oldest first."""
        response = await self.acme.get(f"/v1/runs/{ed.run_id}/deliveries?limit=100")
        assert response.status_code == 200, response.text
        return list(reversed(response.json()["data"]))

    async def sweep(self) -> int:
        """Expire what is overdue."""
        return await expire_due(self.database)

    async def events(self, ed: Ed) -> list[Any]:
        """The run's events as they are kept."""

        def read(tx: Tx) -> list[Any]:
            rows = tx.db.execute("SELECT body FROM events WHERE run_id = ? ORDER BY seq", (ed.run_id,))
            return [json.loads(row["body"]) for row in rows]

        return await self.database.read(read)


def settings_for(folder: Path, **flags: Any) -> ServiceSettings:
    """Settings of a test: a database in `folder`, and webhooks to this machine allowed."""
    given = {
        "database.path": str(folder / "rundun.db"),
        "server.public_url": PUBLIC_URL,
        "webhooks.allow": ["127.0.0.0/8"],
        "limits.requests_per_minute": 1_000_000,  # the clock stands still, so no bucket fills
        "limits.failures_per_minute": 1_000_000,
        **{name.replace("__", "."): value for name, value in flags.items()},
    }
    return loader.load(environment={}, flags=given)


@cache
def pages(is_https: bool = False) -> Pages:
    """Read templates, scripts, styles and words once a process: they never change."""
    return Pages(paths.templates(), Assets(paths.static()), is_https=is_https)


@dataclass(frozen=True)
class Member:
    """An organization of the tests, and its key."""

    org_id: str
    key: str


async def _members(database: Database) -> tuple[Member, Member]:
    async def made(name: str) -> Member:
        org_id = (await database.write(organizations.create, f"{name} {uuid.uuid4().hex[:6]}")).org_id
        return Member(org_id, (await database.write(api_keys.create, org_id, "test", may_erase=True))[1])

    return await made("Acme"), await made("Globex")


_first_starts: dict[int, tuple[bytes, tuple[Member, Member]]] = {}


async def _first_start(folder: Path, now: int) -> tuple[bytes, tuple[Member, Member]]:
    """What a file holds after a first start in `folder` at that time, and who is in it. Made once a process, as all
    migrations and both samples take longer than most tests; without secrets, so that each copy makes its own.
    """
    if now not in _first_starts:
        settings = settings_for(folder)
        async with running(settings, pages(), clock=Clock(now), announce=lambda opened: None, ticking=False) as (
            service,
            _,
        ):
            members = await _members(service.database)
        path = settings.database.path
        with closing(open_writer(path)) as db:
            db.execute("DELETE FROM secrets")
        _first_starts[now] = path.read_bytes(), members
        path.unlink()
    return _first_starts[now]


@asynccontextmanager
async def world(folder: Path, clock: Clock | None = None, **flags: Any) -> AsyncIterator[World]:
    """A Rundun in `folder`, with Acme's and Globex's keys; an existing database is opened again."""
    clock = clock or Clock()
    settings = settings_for(folder, **flags)
    path, members = settings.database.path, None
    if not path.exists():
        content, members = await _first_start(folder, clock.now)
        path.touch(OWNER_ONLY)
        path.write_bytes(content)
    app = Documented(starlette_app(pages().assets, None))
    served = pages(settings.public_url.startswith("https://"))
    async with running(settings, served, clock=clock, announce=lambda opened: None, ticking=False) as (
        service,
        dispatcher,
    ):
        clients: list[httpx2.AsyncClient] = []

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": {"context": service}}, receive, send)

        def client(member: Member) -> httpx2.AsyncClient:
            clients.append(
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app=with_state),
                    base_url=PUBLIC_URL,
                    headers={"authorization": f"Bearer {member.key}"},
                )
            )
            return clients[-1]

        acme, globex = members or await _members(service.database)
        yield World(
            settings,
            clock,
            with_state,
            service.database,
            dispatcher,
            client(acme),
            client(globex),
            acme.org_id,
            clients,
            service,
        )
        for one in clients:
            await one.aclose()


BOOLEAN = {"id": "s-ok", "type": "boolean", "label": "All fine?"}
TEXT = {"id": "s-why", "type": "text", "label": "Why not?"}
WHY_NOT = {**TEXT, "condition": {"when": {"step": "s-ok", "op": "eq", "value": False}}}
