"""Which addresses are dialled, and how names are looked up."""

import asyncio
import threading
from ipaddress import ip_network

import pytest

from rundun.core.webhook_url import normalise
from rundun.webhooks.client import WebhookClient
from rundun.webhooks.dialer import LOOK_UP_THREADS, UnresolvedHost
from tests.helpers.webhook_line import Clock, letter, receiver, verify, webhook_client


async def test_an_address_that_is_forbidden() -> None:
    async with receiver() as ed, webhook_client(allow=()) as it:
        result = await it.post(letter(ed.url))
        assert ed.connections == 0
    assert (result.ok, result.unreachable) == (False, False)
    assert result.error == ('127.0.0.1 is a loopback address. To allow it, set webhooks.allow = ["127.0.0.1/32"].')


async def test_a_name_that_leads_to_a_forbidden_address() -> None:
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: ["127.0.0.1", "::1"]) as it:
        result = await it.post(letter(f"http://innocent.example:{ed.port}/"))
        assert ed.connections == 0
    assert result.error is not None
    assert result.error.startswith("innocent.example leads to a forbidden address: 127.0.0.1 is a loopback")


async def test_a_name_rebound_after_the_dispatch() -> None:
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    async with receiver() as ed, webhook_client(allow=(), resolver=lambda host: answers.pop(0)) as it:
        destination = normalise(f"http://rebound.example:{ed.port}/")
        assert await it.check(destination) is None
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
        found = await it.check(normalise(url))
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


async def test_names_that_hang_hold_up_nobody_else() -> None:
    let_go = threading.Event()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("dead"):
            let_go.wait()
        return ["127.0.0.1"]

    async with receiver() as ed, webhook_client(resolver=resolve, check_seconds=0.05) as it:
        dead = [f"dead{number}.example" for number in range(LOOK_UP_THREADS - 1)]
        waiting = [asyncio.create_task(it.post(letter(f"http://{host}:{ed.port}/"))) for host in dead * 2]
        result = await it.post(letter(f"http://alive.example:{ed.port}/"))
        assert result.ok
        with pytest.raises(UnresolvedHost, match=r"not resolved within 0\.05 s"):
            await it._look_ups.addresses("dead0.example", 0.05)
        assert await it.check(normalise("http://dead0.example/")) == (
            "unresolved",
            "The name dead0.example was not resolved within 0.05 s.",
        )
        let_go.set()
        assert all([(await attempt).ok for attempt in waiting])
        assert sorted(asked) == sorted([*dead, "alive.example"])  # one look-up for all who wait


async def test_the_system_resolves_localhost() -> None:
    async with webhook_client() as it:
        assert "127.0.0.1" in await it._look_ups.addresses("localhost", 5)
        assert await it._look_ups.addresses("::1", 0) == ["::1"]
