"""When the sweep comes by: not by a clock that may be wrong, and not while all that goes out is held."""

import asyncio

import pytest

from rundun.maintenance import diagnostics
from rundun.store.sqlite import service_state
from tests.helpers.retention import Service, closed, left
from tests.helpers.service import World

MINUTE, DAY = 60, 24 * 3600


def pauses(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [one.fields["clock_jumped_seconds"] for one in caplog.records if one.getMessage() == "retention.paused"]


async def test_the_first_sweep_comes_an_hour_after_the_start(w: World, caplog: pytest.LogCaptureFixture) -> None:
    runs = await closed(w)
    w.clock.forward(seconds=30 * DAY)
    service = Service(w)
    await service.run(minutes=59)
    assert await left(w, runs) == 1
    await service.run(minutes=1)
    assert (await left(w, runs), pauses(caplog)) == (0, [])


async def test_a_clock_that_is_ahead_at_the_start_and_is_put_right_deletes_nothing(
    w: World, caplog: pytest.LogCaptureFixture
) -> None:
    runs = await closed(w)
    w.clock.forward(seconds=400 * DAY)
    service = Service(w)
    await service.run(minutes=50)
    w.clock.forward(seconds=-400 * DAY)
    await service.run(minutes=24 * 60)
    assert (await left(w, runs), pauses(caplog)) == (1, [-400 * DAY])


async def test_a_clock_that_jumps_ahead_has_an_hour_to_be_put_right(w: World, caplog: pytest.LogCaptureFixture) -> None:
    runs = await closed(w)
    w.clock.forward(seconds=DAY)
    service = Service(w)
    await service.run(minutes=120)
    w.clock.forward(seconds=9 * MINUTE)  # adjusted, as clocks are
    await service.run(minutes=10)
    assert pauses(caplog) == []
    w.clock.forward(seconds=400 * DAY)
    await service.run(minutes=60)
    assert await left(w, runs) == 1
    w.clock.forward(seconds=-400 * DAY)
    await service.run(minutes=120)
    assert await left(w, runs) == 1
    w.clock.forward(seconds=400 * DAY)
    await service.run(minutes=70)
    assert await left(w, runs) == 0, "a clock that stays ahead can't be told from one that is right"
    assert len(pauses(caplog)) == 3


async def test_a_clock_that_jumps_during_a_sweep_ends_it(w: World, caplog: pytest.LogCaptureFixture) -> None:
    runs = await closed(w, runs=3)
    w.clock.forward(seconds=30 * DAY)
    service = Service(w)
    service.jumps = 2 * DAY
    await service.run(minutes=60)
    assert (await left(w, runs), pauses(caplog)) == (2, [2 * DAY])
    await service.run(minutes=60)
    assert await left(w, runs) == 0


async def test_nothing_is_deleted_while_all_that_goes_out_is_held(w: World) -> None:
    runs = await closed(w)
    w.clock.forward(seconds=30 * DAY)
    await w.database.write(service_state.put, service_state.HELD_SINCE, w.clock.now)
    service = Service(w)
    await service.run(minutes=24 * 60)
    assert await left(w, runs) == 1
    report = await asyncio.to_thread(diagnostics.report, w.settings, w.clock, seconds=0)
    (text,) = [finding.text for finding in report.findings if finding.name == "retention"]
    assert text.endswith("1 run. There is none while deliveries are held.")
    await w.database.write(service_state.remove, service_state.HELD_SINCE)
    await service.run(minutes=10)
    assert await left(w, runs) == 0
