"""Picture bodies on their way: room for a few of each run, and an end to every one of them."""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request

from rundun.errors import Problem
from rundun.web.http.upload_buffer import UploadBuffer
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OVERLAY, digest, started
from tests.helpers.service import World

Receive = Callable[[], Any]


def upload(receive: Receive, run_id: str = "r-1", **headers: str) -> Request:
    """A request with a picture's body."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": sent, "path_params": {"run_id": run_id}, "method": "PUT"}
    return Request(scope, receive)


async def hello() -> Any:
    """A body that is there at once."""
    return {"type": "http.request", "body": b"hello", "more_body": False}


def trickle() -> Any:
    """A body of which a byte comes now and then, for ever."""

    async def receive() -> Any:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x", "more_body": True}

    return receive


async def refusal(upload_buffer: UploadBuffer, request: Request, org_id: str = "org-1") -> Problem:
    """What somebody hears for whom there is no room."""
    with pytest.raises(Problem) as caught:
        async with upload_buffer.receive(request, org_id, 100):
            pass
    assert (caught.value.code, caught.value.retry_after) == ("unavailable", 5)
    return caught.value


async def test_so_many_of_one_run_and_of_one_organization_half_of_what_is_left() -> None:
    upload_buffer = UploadBuffer(of_run=2, in_all=7)
    async with AsyncExitStack() as held:

        async def hold(run_id: str, org_id: str) -> bytes:
            request = upload(hello, run_id, content_length="5")
            return (await held.enter_async_context(upload_buffer.receive(request, org_id, 100))).read()

        for _ in range(2):
            await hold("r-1", "org-1")
        await refusal(upload_buffer, upload(hello, content_length="5"))
        assert [await hold(f"r-{n}", "org-1") for n in (2, 3)] == [b"hello"] * 2
        await refusal(upload_buffer, upload(hello, "r-4", content_length="5"))
        assert [await hold(f"r-{n}", "org-2") for n in (5, 6)] == [b"hello"] * 2
        await refusal(upload_buffer, upload(hello, "r-7", content_length="5"), "org-2")
        assert await hold("r-8", "org-3") == b"hello", "somebody new finds a place"
        await refusal(upload_buffer, upload(hello, "r-9", content_length="5"), "org-4")
    async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100) as body:
        assert body.bytes == 5


class Sender:
    """Somebody whose body comes as the test sends it."""

    def __init__(self, upload_buffer: UploadBuffer, run_id: str, org_id: str, size: int = 15_000_000) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.waits = asyncio.Event()
        request = upload(self.receive, run_id, content_length=str(size))
        self.task = asyncio.create_task(self.outcome(upload_buffer.receive(request, org_id, size)))

    async def receive(self) -> Any:
        if self.pieces.empty():
            self.waits.set()
        piece = await self.pieces.get()
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def outcome(self, body: Any) -> str:
        try:
            async with body:
                return "arrived"
        except Problem as problem:
            assert (problem.code, problem.retry_after) == ("unavailable", 5)
            return problem.detail

    async def sends(self, piece: bytes) -> None:
        """Send a piece, which the server takes."""
        self.waits.clear()
        self.pieces.put_nowait(piece)
        await self.waits.wait()


SLOWLY = "The picture arrived too slowly, so it was given up."


@asynccontextmanager
async def trickling(upload_buffer: UploadBuffer, clock: Any, *senders: tuple[str, str]) -> AsyncIterator[list[Sender]]:
    """Some who have sent one byte and then nothing for ten seconds."""
    them = [Sender(upload_buffer, *sender) for sender in senders]
    try:
        for one in them:
            await one.sends(b"x")
        clock.forward(10)
        yield them
    finally:
        for one in them:
            one.task.cancel()


class LoopClock:
    """The running loop's clock, which the test sets forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop, self.ahead = asyncio.get_running_loop(), 0.0
        plain = self.loop.time
        monkeypatch.setattr(self.loop, "time", lambda: plain() + self.ahead)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead += seconds


async def test_links_that_trickle_make_room_for_their_organization_and_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The audit's attack: links that send a byte now and then had all places for half an hour."""
    clock, upload_buffer = LoopClock(monkeypatch), UploadBuffer(in_all=12)
    places = [(f"r-{n // 4}", "org-eve") for n in range(6)] + [(f"r-{n // 2}", "org-mallory") for n in range(20, 23)]
    async with trickling(upload_buffer, clock, *places) as them:
        await them[0].sends(b"x" * 9_000)
        for number in range(3):
            request = upload(hello, f"r-ed-{number}", content_length="5")
            async with upload_buffer.receive(request, ("org-eve", "org-mallory", "org-ed")[number], 100) as body:
                assert body.read() == b"hello"
        gone = [one for one in them if one.task.done()]
        assert [await one.task for one in gone] == [SLOWLY, SLOWLY]
        assert all(one in them[1:6] for one in gone), "slow ones of the organization that has most"


async def test_nobody_gives_way_to_who_has_more(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, upload_buffer = LoopClock(monkeypatch), UploadBuffer(of_run=9, in_all=6)
    async with trickling(upload_buffer, clock, *[("r-1", "org-eve")] * 3, ("r-2", "org-ed")) as (*eves, ed):
        async with AsyncExitStack() as held:
            for _ in range(3):
                body = upload_buffer.receive(upload(hello, "r-1", content_length="5"), "org-eve", 100)
                await held.enter_async_context(body)
        assert not ed.task.done()
        assert [await one.task for one in eves] == [SLOWLY] * 3


async def test_a_body_that_goes_on_gives_way_to_none_of_its_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, upload_buffer = LoopClock(monkeypatch), UploadBuffer(in_all=2)
    async with trickling(upload_buffer, clock, ("r-1", "org-1")) as (one,):
        await one.sends(b"x" * 100_000)
        await refusal(upload_buffer, upload(hello, "r-2", content_length="5"))
        clock.forward(13)
        async with upload_buffer.receive(upload(hello, "r-2", content_length="5"), "org-1", 100):
            assert await one.task == SLOWLY


async def test_a_phone_on_a_very_bad_network_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 KB at 2 KiB a second, with a pause of ten seconds now and then; a link that sends less is given up."""
    clock, upload_buffer, size = LoopClock(monkeypatch), UploadBuffer(), 400 * 1024
    phone, link = (Sender(upload_buffer, run_id, "org-1", size) for run_id in ("r-1", "r-2"))
    await link.sends(b"x")
    for second in range(200):
        clock.forward(10 if second % 16 == 15 else 1)
        await phone.sends(b"x" * 2048)
        assert second < 20 or await link.task == SLOWLY
    phone.pieces.put_nowait(None)
    assert await phone.task == "arrived"


async def test_bodies_are_in_memory_while_there_is_room_for_them() -> None:
    upload_buffer = UploadBuffer(memory=12)
    async with AsyncExitStack() as held:
        bodies = [
            await held.enter_async_context(upload_buffer.receive(upload(hello, run_id, **headers), "org-1", 100))
            for run_id, headers in (
                ("r-1", {"content_length": "5"}),
                ("r-2", digest(b"hello")),
                ("r-3", {"content_length": "5"}),
                ("r-4", {"content_length": "5"}),
            )
        ]
        assert [isinstance(body.file, io.BytesIO) for body in bodies] == [True, False, True, False]
        assert {body.read() for body in bodies} == {b"hello"}
        assert bodies[3].read() == b"hello", "once more"
    assert upload_buffer.memory == 12


async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    upload_buffer = UploadBuffer(memory=0)
    with pytest.raises(Problem, match="no space") as caught:
        async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100):
            pass
    assert (caught.value.code, caught.value.retry_after) == ("unavailable", 30)


async def test_what_fails_gives_its_room_back() -> None:
    upload_buffer = UploadBuffer(of_run=1, in_all=2)
    for _ in range(3):
        with pytest.raises(Problem, match="at most 3 bytes"):
            async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 3):
                pass
    async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100):
        pass


@pytest.mark.parametrize(
    "headers", [{"content_length": "100"}, {"content_digest": digest(b"x" * 100)["content-digest"]}]
)
async def test_a_body_that_only_trickles_is_given_up(headers: dict[str, str]) -> None:
    upload_buffer = UploadBuffer(seconds=0.05, bytes_per_second=10**11)
    problem = await asyncio.wait_for(refusal_of_trickle(upload_buffer, headers), PATIENCE)
    assert "too slowly" in problem.detail
    async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100):
        pass


async def refusal_of_trickle(upload_buffer: UploadBuffer, headers: dict[str, str]) -> Problem:
    """What a peer hears that sends a byte now and then; without a limit of size that would end it before."""
    with pytest.raises(Problem) as caught:
        async with upload_buffer.receive(upload(trickle(), **headers), "org-1", 10**9):
            pass
    assert (caught.value.code, caught.value.retry_after) == ("unavailable", 5)
    return caught.value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"content-length": "81920"}, 140),
        ({"content-length": "99999999999999"}, 60 + 15 * 1024),
        ({"content-length": "many"}, 60 + 15 * 1024),
        ({}, 60 + 15 * 1024),
    ],
)
def test_a_body_has_a_minute_and_a_second_for_every_kib(headers: dict[str, str], seconds: float) -> None:
    assert UploadBuffer().timeout(headers.get("content-length"), 15 * 1024 * 1024) == seconds


async def test_a_run_that_sends_too_much_at_once_is_told_when_to_come_again(w: World) -> None:
    ed, other = await started(w, OVERLAY), await started(w, OVERLAY)
    data, go = images.jpeg(), asyncio.Event()
    begun: asyncio.Queue[None] = asyncio.Queue()

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:100]
        begun.put_nowait(None)
        await go.wait()
        yield data[100:]

    held = [
        asyncio.create_task(ed.photo("s-ok", slowly(), headers=digest(data)))  # type: ignore[arg-type]
        for _ in range(4)
    ]
    for _ in held:
        await begun.get()
    fifth = await ed.photo("s-ok", data)
    assert (fifth.status_code, fifth.json()["code"]) == (503, "unavailable")
    assert fifth.headers["retry-after"] == "5"
    assert (await other.photo("s-ok", data)).status_code == 201, "others are not concerned"
    go.set()
    statuses = sorted([one.status_code for one in await asyncio.gather(*held)])
    assert statuses == [201, 201, 422, 422], "the step takes two"
    assert (await ed.call("PUT", "/signature", content=images.png())).status_code == 422, "there is room again"
