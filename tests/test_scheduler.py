"""The scheduler's jobs, whatever the clock does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from rundun import scheduler as jobs
from tests.helpers.patience import PATIENCE


async def test_a_clock_that_is_put_back_halts_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TICK_SECONDS", 0.01)
    turn, turns = asyncio.Event(), 0

    async def job() -> None:
        nonlocal turns
        turns += 1
        turn.set()

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduled = scheduler.add_job(job, "interval", seconds=600)
    async with jobs.started(scheduler):
        scheduled.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))  # so it is once the clock is put back
        async with asyncio.timeout(PATIENCE):
            await turn.wait()
        assert turns == 1, "once, and not for its ten minutes again"
        assert scheduler.get_jobs()[0].next_run_time <= datetime.now(UTC) + timedelta(seconds=600)
