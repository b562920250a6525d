"""Which addresses are dialled, and how names are looked up."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from rundun.core.deliveries.webhook_url import normalise
from rundun.webhooks import dialer
from rundun.webhooks.client import WebhookClient
from rundun.webhooks.dialer import CHECK_THREADS, FOUND_MILLISECONDS, LOOK_UP_THREADS, UnresolvedHost
from tests.helpers.network.webhook_line import Clock, letter, receiver, verify, webhook_client
from tests.helpers.patience import PATIENCE

ACME = "org-acme"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a look-up takes its time; what must not wait says so by the order of things."""
    monkeypatch.setattr(dialer, "LOOK_UP_SECONDS", PATIENCE)


async def test_an_address_that_is_forbidden() -> None:
    async with receiver() as ed, webhook_client(allow=()) as it:
        result = await it.post(letter(ed.url))
        assert ed.connections == 0
    assert (result.ok, result.unreachable) == (False, False)
    how = 'set allow = ["127.0.0.1/32"] under [webhooks] in rundun.toml, then restart.'
    assert result.error == f"127.0.0.1 is a loopback address. To allow it, {how}"


async def test_a_name_that_leads_to_a_forbidden_address() -> None:
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: ["127.0.0.1", "::1"]) as it:
        result = await it.post(letter(f"http://innocent.example:{ed.port}/"))
        assert ed.connections == 0
    assert result.error is not None
    assert result.error.startswith("innocent.example leads to a forbidden address: 127.0.0.1 is a loopback")


async def test_a_name_rebound_after_the_dispatch() -> None:
    answers, clock = [["93.184.215.14"], ["127.0.0.1"]], Clock()
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: answers.pop(0), clock=clock) as it:
        destination = normalise(f"http://rebound.example:{ed.port}/")
        assert await it.check(destination, ACME) is None
        clock.now += FOUND_MILLISECONDS
        result = await it.post(letter(destination.url))
        assert (answers, ed.connections) == ([], 0)
    assert result.error is not None
    assert "loopback" in result.error


async def test_of_several_addresses_only_permitted_ones_are_tried_in_turn() -> None:
    addresses = ["169.254.169.254", "127.0.0.2", "::1", "127.0.0.1"]  # nobody listens on the second
    allow = (ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32"))
    async with receiver() as ed, webhook_client(allow=allow, resolver=lambda host: addresses) as it:
        result = await it.post(letter(f"http://ed.example:{ed.port}/a"))
        assert result.ok
        assert ed.requests[0].headers["Host"] == f"ed.example:{ed.port}"
        verify(ed.requests[0])


async def test_the_check_at_dispatch() -> None:
    def resolve(host: str) -> list[str]:
        return {"mixed.example": ["127.0.0.1", "10.0.0.1"], "local.example": ["127.0.0.1"]}[host]

    async def check(it: WebhookClient, url: str) -> str | None:
        found = await it.check(normalise(url), ACME)
        return found[0] if found else None

    async with webhook_client(allow=(), resolver=resolve) as it:
        assert await check(it, "http://127.1/") == "forbidden"
        assert await check(it, "http://[::ffff:7f00:1]/") == "forbidden"
        assert await check(it, "http://10.0.0.1/") is None
        assert await check(it, "http://local.example/") == "forbidden"
        assert await check(it, "http://mixed.example/") is None
        assert await check(it, "http://nowhere.example/") == "unresolved"
    async with webhook_client(allow=(), allow_private=False, resolver=resolve) as it:
        assert await check(it, "http://10.0.0.1/") == "forbidden"
        assert await check(it, "http://mixed.example/") == "forbidden"
    async with webhook_client(resolver=resolve) as it:
        assert await check(it, "http://127.1/") is None


async def test_a_name_that_was_not_found_is_not_asked_for_again_for_30_seconds() -> None:
    clock = Clock()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        raise OSError(-2, "Name or service not known")

    async with webhook_client(clock=clock, resolver=resolve) as it:
        for _ in range(3):
            result = await it.post(letter("http://gone.example/"))
            assert (result.unreachable, result.status) == (True, None)
            assert result.error == "The name gone.example was not found (Name or service not known)."
            clock.now += 10_000
        assert asked == ["gone.example"]
        await it.post(letter("http://gone.example/"))
        assert asked == ["gone.example"] * 2


class Names:
    """A resolver whose names `dead…` hang until they are let go, and which notes what it is asked."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        if host.startswith("dead"):
            assert self.let_go.wait(PATIENCE)
        return ["127.0.0.1"]

    async def hanging(self, count: int) -> None:
        """Wait until so many hang."""
        async with asyncio.timeout(PATIENCE):
            while sum(host.startswith("dead") for host in self.asked) < count:
                await asyncio.sleep(0)


@asynccontextmanager
async def names(**settings: Any) -> AsyncIterator[tuple[Names, WebhookClient]]:
    """A client with such a resolver, which is let go in the end."""
    it = Names()
    async with webhook_client(resolver=it, **settings) as client:
        try:
            yield it, client
        finally:
            it.let_go.set()


async def test_names_that_hang_hold_up_nobody_else() -> None:
    async with receiver() as ed, names(check_seconds=0.05) as (resolver, it):
        dead = [f"dead{number}.example" for number in range(LOOK_UP_THREADS // 2)]
        waiting = [asyncio.create_task(it.post(letter(f"http://{host}:{ed.port}/"))) for host in dead * 2]
        await resolver.hanging(len(dead) - 1)
        result = await it.post(letter(f"http://alive.example:{ed.port}/", org_id="org-globex"))
        assert result.ok
        sentence = "The name dead0.example was not resolved within 0.05 s."
        with pytest.raises(UnresolvedHost, match=sentence):
            await it._look_ups.addresses("dead0.example", ACME, 0.05)
        assert await it.check(normalise("http://dead0.example/"), ACME) == ("unresolved", sentence)
        resolver.let_go.set()
        assert all([(await attempt).ok for attempt in waiting])
        asked = sorted(resolver.asked)
        assert asked == sorted([*dead, "dead0.example", "alive.example"]), "one look-up for all who wait, one to check"


@pytest.mark.parametrize("attackers", [1, 3, 20])
async def test_no_organizations_names_take_the_threads_of_another(attackers: int) -> None:
    """The audit's attack: names that never answer, of one organization and of several, for dispatch and delivery."""
    async with receiver() as ed, names(timeout_seconds=PATIENCE, check_seconds=PATIENCE) as (resolver, it):
        tasks: list[asyncio.Task[Any]] = []
        for number in range(2 * LOOK_UP_THREADS):
            org_id, host = f"org-{number % attackers}", f"dead{number}.example"
            tasks.append(asyncio.create_task(it.post(letter(f"http://{host}/", org_id=org_id))))
            tasks.append(asyncio.create_task(it.check(normalise(f"http://{host}/"), org_id)))
        share = sum(threads // (attackers + 1) * attackers for threads in (LOOK_UP_THREADS, CHECK_THREADS))
        await resolver.hanging(share)
        assert await it.check(normalise("http://known.example/"), "org-globex") is None
        assert (await it.post(letter(f"http://alive.example:{ed.port}/", org_id="org-globex"))).ok
        assert not any(task.done() for task in tasks)
        resolver.let_go.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_waits_for_a_look_up_in_the_turn_of_another_organization() -> None:
    async with receiver() as ed, names() as (resolver, it):
        hosts = [f"dead{number}.example" for number in range(LOOK_UP_THREADS)]
        tasks = [asyncio.create_task(it.post(letter(f"http://{host}:{ed.port}/", org_id="org-eve"))) for host in hosts]
        await resolver.hanging(LOOK_UP_THREADS // 2)  # all that Eve may have at once, whichever of hers came first
        tasks.append(asyncio.create_task(it.post(letter(f"http://globex.example:{ed.port}/", org_id="org-eve"))))
        assert (await it.post(letter(f"http://globex.example:{ed.port}/", org_id="org-globex"))).ok
        assert resolver.asked.count("globex.example") == 1, "Eve's own waits"
        resolver.let_go.set()
        assert all([(await task).ok for task in tasks])


async def test_a_look_up_that_only_waited_is_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "LOOK_UP_SECONDS", 0.05)
    async with receiver() as ed, names(check_seconds=0.05) as (resolver, it):
        for number in range(CHECK_THREADS):
            assert await it.check(normalise(f"http://dead{number}.example/"), ACME) in (
                None,
                ("unresolved", f"The name dead{number}.example was not resolved within 0.05 s."),
            )
        assert await it.check(normalise("http://alive.example/"), ACME) is None, "no warning: nothing is known"
        assert "alive.example" not in resolver.asked
        resolver.let_go.set()
        assert (await it.post(letter(f"http://alive.example:{ed.port}/"))).ok, "nor is it remembered as not found"


async def test_a_name_that_was_found_is_known_for_ten_seconds() -> None:
    clock = Clock()
    async with receiver() as ed, names(clock=clock) as (resolver, it):
        for _ in range(3):
            assert (await it.post(letter(f"http://alive.example:{ed.port}/", org_id=f"org-{clock.now}"))).ok
            assert await it.check(normalise("http://alive.example/"), ACME) is None
            clock.now += 3_000
        assert resolver.asked == ["alive.example"]
        clock.now += 1_000
        assert await it.check(normalise("http://alive.example/"), ACME) is None
        assert resolver.asked == ["alive.example"] * 2


async def test_a_name_that_was_known_does_for_an_hour_where_its_look_up_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forty dead names, or four hundred, keep no letter from a receiver of the same organization."""
    monkeypatch.setattr(dialer, "LOOK_UP_SECONDS", 0.05)
    clock = Clock()
    async with names(clock=clock) as (resolver, it):
        assert await it._look_ups.addresses("alive.example", ACME) == ["127.0.0.1"]
        clock.now += FOUND_MILLISECONDS
        dead = [f"http://dead{number}.example/" for number in range(LOOK_UP_THREADS // 2)]
        tasks = [asyncio.create_task(it.post(letter(url))) for url in dead]
        await resolver.hanging(len(dead))
        assert await it._look_ups.addresses("alive.example", ACME) == ["127.0.0.1"]
        assert resolver.asked.count("alive.example") == 1
        clock.now += dialer.STALE_MILLISECONDS
        with pytest.raises(dialer.LookUpWaited, match=r"not looked up within 0\.05 s, since too many others"):
            await it._look_ups.addresses("alive.example", ACME)
        resolver.let_go.set()
        await asyncio.gather(*tasks)


async def test_the_system_resolves_localhost() -> None:
    async with webhook_client() as it:
        assert "127.0.0.1" in await it._look_ups.addresses("localhost", ACME, 5)
        assert await it._look_ups.addresses("::1", ACME, 0) == ["::1"]
