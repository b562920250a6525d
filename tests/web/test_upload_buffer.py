"""Picture bodies on their way: room for a few of each run, and an end to every one of them."""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.requests import Request

from rundun.errors import Problem
from rundun.web.upload_buffer import UploadBuffer
from tests.helpers import images
from tests.helpers.patience import PATIENCE
from tests.helpers.photos import OVERLAY, digest, started
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


async def refusal(upload_buffer: UploadBuffer, request: Request) -> Problem:
    """What somebody hears for whom there is no room."""
    with pytest.raises(Problem) as caught:
        async with upload_buffer.receive(request, "org-1", 100):
            pass
    assert (caught.value.code, caught.value.retry_after) == ("unavailable", 5)
    return caught.value


async def test_so_many_of_one_run_and_so_many_in_all() -> None:
    upload_buffer = UploadBuffer(of_run=2, in_all=3)
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100))
        await refusal(upload_buffer, upload(hello, content_length="5"))
        body = await held.enter_async_context(
            upload_buffer.receive(upload(hello, "r-2", content_length="5"), "org-1", 100)
        )
        assert body.read() == b"hello"
        await refusal(upload_buffer, upload(hello, "r-3", content_length="5"))
    async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100) as body:
        assert body.bytes == 5


async def test_one_organization_leaves_room_for_another() -> None:
    upload_buffer = UploadBuffer(of_run=1, of_org=2, in_all=4)
    async with AsyncExitStack() as held:
        for run_id in ("r-1", "r-2"):
            body = upload(hello, run_id, content_length="5")
            await held.enter_async_context(upload_buffer.receive(body, "org-1", 100))
        await refusal(upload_buffer, upload(hello, "r-3", content_length="5"))
        other = upload(hello, "r-4", content_length="5")
        assert (await held.enter_async_context(upload_buffer.receive(other, "org-2", 100))).bytes == 5


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
        assert b"".join(bodies[3].chunks(2)) == b"hello"
    assert upload_buffer.memory == 12


async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    upload_buffer = UploadBuffer(memory=0)
    with pytest.raises(Problem, match="no room") as caught:
        async with upload_buffer.receive(upload(hello, content_length="5"), "org-1", 100):
            pass
    assert (caught.value.code, caught.value.retry_after) == ("unavailable", 30)


async def test_what_fails_gives_its_room_back() -> None:
    upload_buffer = UploadBuffer(of_run=1, in_all=1)
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
        ({"content-length": "81920"}, 70),
        ({"content-length": "99999999999999"}, 60 + 15 * 128),
        ({"content-length": "many"}, 60 + 15 * 128),
        ({}, 60 + 15 * 128),
    ],
)
def test_a_body_has_a_minute_and_a_second_for_every_8_kib(headers: dict[str, str], seconds: float) -> None:
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
