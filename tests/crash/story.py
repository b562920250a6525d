"""The story of one database: life after life of the service on it, each ended by a kill, and the audit in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash import administrator, auditor, checks_events, checks_files, checks_runs, operator, restoring  # noqa: F401
from tests.crash.clients import KINDS, Client, Life, Work, connect, until_broken, work
from tests.crash.executor import put_large_photo
from tests.crash.integrator import catch_up, follow_feed
from tests.crash.ledger import Ledger, Organization, Write
from tests.crash.receivers import Receivers
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import BALANCE, Serving, done, looking, rows, rundun, serving

CLIENTS = 8  # of each organization
SETTINGS = {
    "webhooks_allow": "127.0.0.0/8",
    "webhooks_timeout_seconds": "0.5",
    "webhooks_retry_delays_seconds": "[0.05, 0.2]",
    "webhooks_per_destination": "16",
    "runs_grace_hours": "0.00003",
    "limits_requests_per_minute": "0",
    "limits_failures_per_minute": "0",
}
TROUBLE = ("request.failed", "tick.failed", "Traceback", "delivery.unwritten", "delivery.not_made", "deliveries.stuck",
           "run.not_expired", "subscriber error")  # fmt: skip
PENDING = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
FAILED = "SELECT count(*) FROM deliveries WHERE status = 'failed'"
EXPIRING = (  # all others have hours
    "SELECT count(*) FROM runs WHERE status IN ('pending', 'in_progress') AND expires_at < (unixepoch() + 3600) * 1000"
)
UPLOAD_SECONDS = 2.0  # in which some large upload begins
UNDER_WAY = "SELECT 1 FROM files JOIN chunks ON file = number WHERE NOT is_whole LIMIT 1"


@dataclass(eq=False, repr=False)
class Story:
    """One database with those who work on it, from a seed."""

    folder: Path
    seed: int
    ledger: Ledger
    receivers: Receivers
    lives: int = 0
    kills: int = 0
    start_seconds: float = 0.1  # that the last start took until it listened
    by_stage: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, tuple[int, Work]] = field(default_factory=lambda: KINDS)

    def served(self) -> AbstractContextManager[Serving]:
        """Begin a life of the service."""
        return serving(self.folder, **SETTINGS)

    async def live(self, stage: str = "") -> None:
        """Begin a life, end it at a stage, which the dice choose unless it is given, and audit what it left."""
        self.lives += 1
        self.receivers.life = self.lives
        rng = Random(f"{self.seed} {self.lives}")
        stage = stage or rng.choices(list(STAGES), [weight for weight, _ in STAGES.values()])[0]
        self.by_stage[stage] = self.by_stage.get(stage, 0) + 1
        try:
            with self.served() as service:
                await STAGES[stage][1](self, service, rng)
                code = await asyncio.to_thread(service.ended)
            self.kills += code < 0
            _no_trouble(service.text)
            self.audit()
        except BaseException as error:
            first = error
            while isinstance(first, BaseExceptionGroup):  # the first client that was told something wrong
                first = first.exceptions[0]
            first.add_note(f"seed {self.seed}, life {self.lives}, {stage}; the database is in {self.folder}")
            raise first from None

    def audit(self, *, is_end: bool = False) -> None:
        """Compare all that was told with the file."""
        with looking(self.folder) as db:
            auditor.audit(db, self.ledger, self.receivers, is_end=is_end)

    async def end(self) -> None:
        """Let everything arrive or fail, make all receivers healthy, send again what failed, and audit everything."""
        self.receivers.life = self.lives + 1
        await self.receivers.heal("silent", "flapping")  # so that nothing is left to time out
        with serving(self.folder, **SETTINGS | {"webhooks_timeout_seconds": str(PATIENCE)}) as service:
            life = self._life(await asyncio.to_thread(lambda: service.url))
            async with connect(life.url) as http:
                clients = [Client(life, one, Random(self.seed), http) for one in self.ledger.organizations]
                await self._until_none_is(EXPIRING)  # with their events
                await self._until_none_is(PENDING)
                with looking(self.folder) as db:
                    (failed,) = rows(db, FAILED)[0]
                told = [(await client.get("/v1/organization")).json()["deliveries_failed"] for client in clients]
                assert sum(told) == failed, "what has failed is told"
                await self.receivers.heal()
                for client in clients:
                    again = Write("POST", "/v1/deliveries/retry", (202,), arguments={"json": {"status": "failed"}})
                    await client.send(again)
                await self._until_none_is(f"SELECT ({PENDING}) + ({FAILED})")
                for client in clients:
                    await catch_up(client)
            service.terminate()
            assert await asyncio.to_thread(service.ended) == 0
        _no_trouble(service.text)
        assert not self.folder.joinpath("rundun.db-wal").exists(), "nothing is left to be recovered"
        self.audit(is_end=True)

    async def _until_none_is(self, query: str) -> None:
        """Wait until a query counts nothing any more, for as long as it counts something else each minute."""
        left = -1
        with looking(self.folder) as db:
            while left:
                async with asyncio.timeout(PATIENCE):
                    while (count := rows(db, query)[0][0]) == left:
                        await asyncio.sleep(0.02)
                left = count

    def _life(self, url: str) -> Life:
        return Life(self.folder, self.ledger, self.receivers, url, self.kinds)

    async def work(self, service: Serving, end: Callable[[Life], Awaitable[None]], *more: Work) -> None:
        """Let everybody work from the moment it listens until `end` has ended it; some do `more` of one kind."""
        began = time.monotonic()
        life = self._life(await asyncio.to_thread(lambda: service.url))
        self.start_seconds = time.monotonic() - began
        with looking(self.folder) as db:
            left = rows(db, checks_files.UNFINISHED)
        assert left == [], "a start clears uploads away"
        async with connect(life.url) as http, asyncio.TaskGroup() as group:
            for organization in self.ledger.organizations:
                for number in range(CLIENTS):
                    own = Random(f"{self.seed} {self.lives} {organization.name} {number}")
                    client = Client(life, organization, own, http)
                    group.create_task(work(client))
                for one in (follow_feed, *more):
                    group.create_task(one(client))
            await end(life)
            life.is_over = True


def _no_trouble(text: str) -> None:
    found = [word for word in TROUBLE if word in text]
    assert not found, f"{found} in its log:\n{text[-5000:]}"


async def _answers(life: Life, count: int) -> None:
    """Wait until so many writes were answered."""
    enough = asyncio.Event()
    life.on_answer = lambda answered: enough.set() if answered >= count else None
    async with asyncio.timeout(PATIENCE):
        await enough.wait()


# ---- the stages at which a life ends


async def at_work(story: Story, service: Serving, rng: Random) -> None:
    """Killed in the middle of everything."""

    async def end(life: Life) -> None:
        await _answers(life, int(1 + 150 * rng.random() ** 2))
        await asyncio.sleep(rng.random() * 0.005)
        service.process.kill()

    await story.work(service, end)


async def at_upload(story: Story, service: Serving, rng: Random) -> None:
    """Killed while the chunks of large photos are being written."""

    @until_broken
    async def upload(client: Client) -> None:
        while not client.life.is_over:
            await put_large_photo(client)
            await asyncio.sleep(0)

    async def end(life: Life) -> None:
        await asyncio.to_thread(_until_under_way, story.folder, UPLOAD_SECONDS)
        service.process.kill()

    await story.work(service, end, upload)


def _until_under_way(folder: Path, patience: float) -> None:
    """Return once a file has a chunk and is not whole, in the middle of an upload."""
    until = time.monotonic() + patience
    with looking(folder) as db:
        while time.monotonic() < until and not rows(db, UNDER_WAY):
            pass


async def at_start(story: Story, service: Serving, rng: Random) -> None:
    """Killed while it starts: before it has opened the file, or after, or when it has just begun to listen."""
    await asyncio.sleep(rng.random() * 1.2 * story.start_seconds)
    service.process.kill()


async def at_first_requests(story: Story, service: Serving, rng: Random) -> None:
    """Killed as soon as it listens, under the requests that were repeated."""

    async def end(life: Life) -> None:
        await asyncio.sleep(rng.random() * 0.02)
        service.process.kill()

    await story.work(service, end)


async def at_stop(story: Story, service: Serving, rng: Random) -> None:
    """Killed while it stops."""

    async def end(life: Life) -> None:
        await _answers(life, int(1 + 60 * rng.random()))
        life.is_ending = True
        service.terminate()
        await asyncio.sleep(rng.random() * 0.2)
        if service.process.poll() is None:
            service.process.kill()

    await story.work(service, end)


async def in_order(story: Story, service: Serving, rng: Random) -> None:
    """Not killed at all: it stops, and cuts nothing."""

    async def end(life: Life) -> None:
        await _answers(life, int(1 + 60 * rng.random()))
        life.is_ending = True
        service.terminate()
        assert await asyncio.to_thread(service.ended) == 0
        assert "shutdown.cut" not in service.text, service.text[-3000:]

    await story.work(service, end)


async def at_a_restore(story: Story, service: Serving, rng: Random) -> None:
    """Killed in the middle of everything, and then put back from a backup of that, which ends all sessions."""
    await at_work(story, service, rng)
    await asyncio.to_thread(service.ended)
    await asyncio.to_thread(restoring.go_back, story.folder, rng)
    for organization in story.ledger.organizations:
        organization.session = ""
        # Their forms are refused from now on.
        organization.unheard = [one for one in organization.unheard if not one.path.startswith("/console")]


Stage = Callable[[Story, Serving, Random], Awaitable[None]]
STAGES: dict[str, tuple[int, Stage]] = {
    "at work": (10, at_work),
    "at an upload": (2, at_upload),
    "at the start": (2, at_start),
    "at the first requests": (2, at_first_requests),
    "at a stop": (3, at_stop),
    "in order": (1, in_order),
    "at a restore": (1, at_a_restore),
}


async def tell(folder: Path, seed: int, kills: int = 0, stages: Sequence[str] = ()) -> Story:
    """Tell the story of a database: a life that ends at each of `stages`, then others until there were so many kills.
    Fails with all that is wrong, the seed and the life.
    """
    ledger = settle(lambda *arguments, typed="": done(rundun(folder, *arguments, typed=typed)), "--may-erase")
    async with Receivers(Random(seed)).listening() as receivers:
        story = Story(folder, seed, ledger, receivers)
        for stage in stages:
            await story.live(stage)
        while story.kills < kills:
            await story.live()
        try:
            await story.end()
        except BaseException as error:
            error.add_note(f"seed {seed}, at the end after {story.lives} lives; the database is in {folder}")
            raise
        return story


def settle(command: Callable[..., str], *of_keys: str) -> Ledger:
    """Make two organizations with a finite balance, an operator and a key, by commands that return what they print;
    `of_keys` are options of the command that makes keys.
    """
    return Ledger([_settled(command, name, of_keys) for name in ("Acme", "Globex")])


def _settled(command: Callable[..., str], name: str, of_keys: Sequence[str]) -> Organization:
    command("orgs", "create", name)
    command("orgs", "credits", name, "--add", str(BALANCE))
    command("operators", "add", operator.email(name), "--org", name, typed=f"{operator.PASSWORD}\n")
    key = command("keys", "create", "--org", name, "--name", f"of {name}", *of_keys)
    return Organization(name, key, BALANCE)
