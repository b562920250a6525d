"""One running world for many examples, and requests as raw as a server hands them to the application."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from rundun.wording.problem_codes import PROBLEMS
from tests.helpers.patience import PATIENCE
from tests.helpers.service import World, world

T = TypeVar("T")
JSON = (b"content-type", b"application/json")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Stage:
    """A world that stays while hypothesis tries one example after the other."""

    def __init__(self, w: World, run: Callable[[Coroutine[Any, Any, T]], T]) -> None:
        self.w = w
        self.run = run
        self.known: dict[str, str] = {}  # ids that the tests use again
        self.acme = (b"authorization", w.acme.headers["authorization"].encode())
        self.globex = (b"authorization", w.globex.headers["authorization"].encode())

    async def call(
        self, method: str, target: bytes | str, body: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    ) -> Answer:
        """One request, as uvicorn would hand it over; a hang is an error."""
        raw, _, query = (target if isinstance(target, bytes) else target.encode()).partition(b"?")
        host = () if any(name == b"host" for name, _ in headers) else ((b"host", b"rundun.test"),)
        named = [*host, *headers]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(raw.decode("ascii")), "raw_path": raw, "query_string": query, "root_path": "",
            "headers": named, "client": ("127.0.0.1", 1), "server": ("rundun.test", 80),
        }  # fmt: skip
        answer = Answer(0, {}, b"")

        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in received:
                return message
            await asyncio.Event().wait()  # for a client who stays: whoever listens for its end would else never wait
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode("latin-1"): one.decode("latin-1") for name, one in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        async with asyncio.timeout(PATIENCE):
            await self.w.app(scope, receive, send)
        return answer

    async def v1(self, method: str, path: str, body: Any = None) -> Any:
        """What Acme gets for a request that is right."""
        sent = b"" if body is None else json.dumps(body).encode()
        answer = await self.call(method, f"/v1{path}", sent, (JSON, self.acme))
        assert answer.status in (200, 201), answer
        return answer.json

    async def started(self, template_id: str, **start: Any) -> str:
        """The address of a fresh run that is under way."""
        path = f"/r/{(await self.v1('POST', '/runs', {'template_id': template_id}))['run_id']}"
        assert (await self.call("POST", f"{path}/start", json.dumps(start).encode())).status == 200
        return path


@contextmanager
def stage_in(folder: Path) -> Iterator[Stage]:
    """A stage while the context lasts. No name is ever looked up: whatever hypothesis thinks of stays unresolved."""

    def nobody(*args: Any, **more: Any) -> Any:
        raise OSError("nobody has that name")

    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.getaddrinfo", nobody)
        over = asyncio.Event()

        async def live(ready: asyncio.Future[World]) -> None:
            async with world(folder) as w:
                ready.set_result(w)
                await over.wait()

        async def begin() -> tuple[World, asyncio.Task[None]]:
            ready: asyncio.Future[World] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(live(ready))
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            return await ready if ready.done() else await task, task  # type: ignore[return-value]

        async def end(task: asyncio.Task[None]) -> None:
            over.set()
            await task

        w, task = runner.run(begin())
        try:
            yield Stage(w, runner.run)
        finally:
            runner.run(end(task))


@dataclass
class Property:
    """Something that holds for all examples: `function(stage, **drawn)`."""

    function: Callable[..., Awaitable[None]]
    strategies: dict[str, Any]
    examples: int
    shrinks: bool = True  # long stories take minutes to be told shorter

    def tried(self, stage: Stage) -> None:
        """A few examples, the same every time."""
        phases = [phase for phase in Phase if self.shrinks or phase not in (Phase.shrink, Phase.explain)]
        how = settings(max_examples=self.examples, phases=phases, suppress_health_check=[HealthCheck.too_slow])
        self._try(stage, how)

    def tried_at_length(self, stage: Stage, factor: int = 50) -> None:
        """Many examples, others every time."""
        chosen = secrets.randbits(32)
        print(f"{self.function.__name__}: seed {chosen}")
        how = settings(
            max_examples=factor * self.examples,
            derandomize=False,
            suppress_health_check=[HealthCheck.too_slow],
            print_blob=True,
        )
        self._try(stage, lambda test: seed(chosen)(how(test)))

    def _try(self, stage: Stage, how: Callable[[Any], Any]) -> None:
        def example(**drawn: Any) -> None:
            stage.run(self.function(stage, **drawn))  # type: ignore[arg-type]

        example.__qualname__ = example.__name__ = self.function.__name__
        how(given(**self.strategies)(example))()


def check(answer: Answer, sent: bytes | None = None) -> None:
    """Refuse an answer that is neither a success nor a problem that names itself and its places in what was sent."""
    assert 200 <= answer.status < 500, answer
    if answer.status < 400 or answer.headers.get("content-type", "").startswith("text/html"):
        return
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem = answer.json
    expected = PROBLEMS[problem["code"]]
    assert problem["status"] == answer.status == expected.status
    assert problem["type"] == f"/problems/{problem['code']}"
    assert problem["title"] == expected.title
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    if problem["code"] != "invalid":
        return
    assert problem["errors"], problem
    for place in problem["errors"]:
        assert place["code"], problem
        assert place["detail"], problem
        if sent is not None:
            assert is_place(json.loads(sent), place["pointer"]), (place, sent)


def is_place(document: Any, pointer: str) -> bool:
    """Whether an RFC 6901 pointer leads to something in `document`, or to where something could be."""
    if pointer == "":
        return True
    *way, last = [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]
    for name in way:
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return False
    return isinstance(document, dict) or (isinstance(document, list) and last.isdecimal() and int(last) < len(document))
