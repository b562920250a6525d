"""Where events go is in trouble: no name is found, or a receiver takes connections and never answers. What clients are
told meanwhile, that deliveries go on by themselves afterwards, and what `check` and `/metrics` say.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rundun.maintenance import diagnostics
from rundun.webhooks import dialer
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, settings_for, world

SECONDS = 0.05  # for a look-up that never ends
TIMEOUT = 1.0  # for an answer that never comes; for those that do, enough on any machine
PAUSE = 30  # seconds before the second attempt, as by default
ALL = ["*", "run.started"]


@dataclass
class Names:
    """The look-up of names: all lead to this machine, or none is found, or whoever asks waits until it is `back`."""

    how: str = "found"
    back: threading.Event = field(default_factory=threading.Event)

    def __call__(self, host: str) -> list[str]:
        if self.how == "hangs":
            self.back.wait()
        if self.how != "found":
            raise OSError(-3, "Temporary failure in name resolution")
        return ["127.0.0.1"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", found)
    monkeypatch.setattr(dialer, "LOOK_UP_SECONDS", SECONDS)
    monkeypatch.setattr(diagnostics, "LOOK_UP_SECONDS", SECONDS)
    yield found
    found.back.set()


async def started(w: World, template_id: str, url: str) -> Ed:
    """A run whose executor is told that all is well, whatever becomes of its webhook."""
    ed = await w.dispatch(template_id, webhook={"url": url, "events": ALL})
    assert (await ed.start()).status_code == 200
    return ed


async def metrics(w: World) -> dict[str, float]:
    """The numbers of /metrics by name and label."""
    answer = await w.browser().get("/metrics")
    assert answer.status_code == 200
    return {name: float(value) for name, value in re.findall(r"^(\w+\S*) (\S+)$", answer.text, re.MULTILINE)}


def check(w: World, folder: Path, **flags: Any) -> dict[str, tuple[str, str]]:
    """What `python -m rundun check` finds: state and text by what was looked at."""
    report = diagnostics.report(settings_for(folder, **flags), w.clock)
    return {one.name: (one.state, one.text) for one in report.findings}


async def retry_now(w: World) -> None:
    w.clock.forward(seconds=PAUSE * 1.1)
    await w.deliver()


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_dns_away(tmp_path: Path, names: Names, how: str) -> None:
    async with Receiver().listening() as receiver, Receiver().listening() as other, world(tmp_path) as w:
        named = receiver.url.replace("127.0.0.1", "hooks.example")
        template_id = await w.template(BOOLEAN)
        before = await metrics(w)
        names.how = how

        ed = await started(w, template_id, named)  # 201 and 200, as ever
        body = {"template_id": template_id, "webhook": {"url": named}}
        warnings = (await w.acme.post("/v1/runs", json=body)).json()["warnings"]
        assert "webhook_unresolved" in [one["code"] for one in warnings]
        trial = (await w.acme.post("/v1/webhooks/test", json={"url": named})).json()
        assert (trial["ok"], trial["status"]) == (False, None)
        assert trial["error"].startswith("The name hooks.example was not ")
        literal = await started(w, template_id, other.url)
        await w.deliver()
        (waiting,) = await w.deliveries(ed)
        assert (waiting["status"], waiting["attempts"][0]["error"]) == ("pending", trial["error"])
        assert (await w.deliveries(literal))[0]["status"] == "delivered", "addresses need no look-up"
        for path in ("/healthz", "/readyz"):
            assert (await w.browser().get(path)).status_code == 200
        found = check(w, tmp_path)
        assert found["receivers"] == ("note", "No address was found for hooks.example.")
        assert found["deliveries"][1].startswith("1 pending, 0 failed.")
        numbers = await metrics(w)
        assert numbers['rundun_deliveries{status="pending"}'] == 1
        retried = 'rundun_attempts_total{outcome="retry"}'
        assert numbers[retried] == before[retried] + 1

        names.how = "found"
        names.back.set()
        await retry_now(w)
        assert (await w.deliveries(ed))[0]["status"] == "delivered"
        assert receiver.events() == ["run.started"]
        assert check(w, tmp_path)["receivers"] == ("good", "Those of open runs may be sent to.")
        assert (await metrics(w))['rundun_deliveries{status="pending"}'] == 0


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A receiver that takes connections and reads, and answers nothing, until the event is set: then 204."""
    answers = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if answers.is_set():
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", answers
    server.close()
    await asyncio.gather(*tasks)  # ends once every connection has been given up, or closed


async def test_receiver_never_answers(tmp_path: Path) -> None:
    async with (
        silent() as (url, answers),
        Receiver().listening() as other,
        world(tmp_path, webhooks__timeout_seconds=TIMEOUT, webhooks__retry_delays_seconds=[PAUSE]) as w,
    ):
        template_id = await w.template(BOOLEAN)
        before = await metrics(w)
        lost = await started(w, template_id, url)
        healthy = await started(w, template_id, other.url)
        trial = (await w.acme.post("/v1/webhooks/test", json={"url": url})).json()
        assert (trial["ok"], trial["error"]) == (False, f"There was no complete answer within {TIMEOUT:g} s.")
        await w.deliver()
        assert (await w.deliveries(healthy))[0]["status"] == "delivered", "it delays no other"
        assert (await w.deliveries(lost))[0]["attempts"][0]["error"] == trial["error"]
        await retry_now(w)
        (failed,) = await w.deliveries(lost)
        assert (failed["status"], len(failed["attempts"])) == ("failed", 2)
        late = await started(w, template_id, url)
        await w.deliver()
        assert (await w.deliveries(late))[0]["status"] == "pending"

        assert check(w, tmp_path)["deliveries"][0] == "note"
        assert check(w, tmp_path)["deliveries"][1].startswith("1 pending, 1 failed.")
        numbers = await metrics(w)
        for name, count in (("failed", 1), ("pending", 1)):
            assert numbers[f'rundun_deliveries{{status="{name}"}}'] == count
        for outcome, count in (("failed", 1), ("retry", 2), ("delivered", 1)):
            name = f'rundun_attempts_total{{outcome="{outcome}"}}'
            assert numbers[name] == before[name] + count

        answers.set()
        await retry_now(w)
        assert (await w.deliveries(late))[0]["status"] == "delivered", "by itself"
        assert (await w.deliveries(lost))[0]["status"] == "failed", "that is for whoever reads the log"
        assert (await w.acme.post("/v1/deliveries/retry", json={"status": "failed"})).json() == {"retried": 1}
        await w.deliver()
        assert (await w.deliveries(lost))[0]["status"] == "delivered"
        assert check(w, tmp_path)["deliveries"] == ("good", "0 pending, 0 failed.")
