"""What watches the service: /healthz, /readyz and /metrics, without a key."""

import asyncio
import re
import uuid
from typing import Any

import pytest

from rundun.store import maintenance
from rundun.store.transaction import Tx
from tests.helpers.service import BOOLEAN, Receiver, World, answering

SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z]+)="([a-z_0-9]+)"\})? ([0-9.]+)')


async def test_ready_is_proven_once_a_second_however_often_it_is_asked(w: World) -> None:
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))

    def proofs() -> int:
        return len([one for one in seen if "INTO proof" in one])

    async def ask() -> set[int]:
        asked = [w.browser().get("/readyz") for _ in range(20)]
        return {one.status_code for one in await asyncio.gather(*asked)}

    assert await ask() == {200}
    assert proofs() == 1, "a real write, but one for all of them"
    w.clock.forward(seconds=0.999)
    assert await ask() == {200}
    assert proofs() == 1
    w.clock.forward(seconds=0.001)
    assert await ask() == {200}
    assert proofs() == 2
    w.clock.forward(seconds=-10)
    assert await ask() == {200}
    assert proofs() == 3, "a clock that was set back proves nothing"


async def test_what_cannot_be_written_is_not_ready(w: World) -> None:
    def full(tx: Tx) -> None:
        tx.db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON proof BEGIN SELECT raise(ROLLBACK, 'disk full'); END")

    await w.database.write(full)
    for _ in range(2):
        answer = await w.browser().get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await w.browser().get("/healthz")).status_code == 200
    await w.database.write(lambda tx: tx.db.execute("DROP TRIGGER temp.full") and None)
    assert (await w.browser().get("/readyz")).status_code == 200, "a failure is not remembered"


async def metrics(w: World) -> dict[tuple[str, str | None], float]:
    """Every sample, by its name and its label's value, read as strictly as the format is written."""
    answer = await w.browser().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    families: dict[str, str] = {}
    samples = {}
    for line in answer.text.splitlines():
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            assert word in ("HELP", "TYPE")
            families[name] = rest
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert families[match[1]] in ("counter", "gauge"), "TYPE comes last before the samples"
            samples[match[1], match[3]] = float(match[4])
    return samples


async def test_metrics_count_what_happens(w: World, receiver: Receiver) -> None:
    before = await metrics(w)
    receiver.answer = answering("500 Oops")
    template_id = await w.template(BOOLEAN)
    done = await w.dispatch(template_id, webhook={"url": receiver.url})
    await w.dispatch(template_id, expires_in_hours=None)
    await done.start()
    middle = await metrics(w)

    def gained(after: Any, name: str, label: str | None = None) -> float:
        return float(after[name, label] - before[name, label])

    assert gained(middle, "rundun_runs", "pending") == 1, "one that never expires counts as well"
    assert gained(middle, "rundun_runs", "in_progress") == 1
    await done.answer("s-ok", True)
    assert (await done.answer("s-none", True)).status_code == 404
    await w.deliver()
    after = await metrics(w)
    assert gained(after, "rundun_attempts_total", "retry") == 1
    assert after["rundun_deliveries", "pending"] == 1
    assert gained(after, "rundun_requests_total", "4xx") == 1
    assert gained(after, "rundun_requests_total", "2xx") == 7, "template, two runs, start, two metrics, answer"
    for _ in range(4):
        w.clock.forward(hours=2)
        await w.deliver()
    receiver.answer = answering("204 No Content")
    await done.complete()
    await w.deliver()
    last = await metrics(w)
    assert gained(last, "rundun_attempts_total", "failed") == 1
    assert gained(last, "rundun_attempts_total", "delivered") == 1
    assert (last["rundun_deliveries", "pending"], last["rundun_deliveries", "failed"]) == (0, 1)
    assert gained(last, "rundun_runs", "in_progress") == 0
    assert last["rundun_database_bytes", None] % maintenance.PAGE == 0
    assert last["process_start_time_seconds", None] > 1_700_000_000


async def test_metrics_name_nobody(w: World, receiver: Receiver) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await w.browser().get(f"/r/{ed.run_id}")
    await w.browser().get(f"/r/r-{uuid.uuid4()}")
    text = (await w.browser().get("/metrics")).text
    for secret in (ed.run_id[2:10], w.acme_id[4:12], "127.0.0.1", "/r/"):
        assert secret not in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_only_looking_is_allowed(w: World, path: str) -> None:
    assert (await w.browser().post(path)).status_code == 405
