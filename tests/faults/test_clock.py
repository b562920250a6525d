"""The clock of the machine is wrong for a while, and is put right; and the nights on which clocks change by law."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rundun.maintenance import diagnostics
from rundun.scheduler import clear_up, delete_secrets
from tests.helpers.console.console import Browser, operator, put_zone, table
from tests.helpers.retention import Service, closed, keep, left
from tests.helpers.service import BOOLEAN, HOUR, Clock, Ed, Receiver, World, answering, world

YEAR = 365 * 24
LIMIT = 40  # requests a minute of one key
SECRET = "twelve characters"


@dataclass
class Fault:
    """A Rundun of which everything is under way that has to do with time."""

    w: World
    receiver: Receiver
    template_id: str
    ed: Ed
    waiting: Ed
    ann: Browser

    async def repeat(self) -> bool:
        """Whether a POST that was sent before is answered as before."""
        order = {"template_id": self.template_id, "executor_ref": "once"}
        answer = await self.w.acme.post("/v1/runs", json=order, headers={"idempotency-key": "once"})
        assert answer.status_code == 201, answer.text
        return answer.headers.get("idempotent-replayed") == "true"

    async def is_signed_in(self) -> bool:
        """Whether Ann still is."""
        return (await self.ann.get("/runs")).status_code == 200

    async def clock_finding(self) -> str:
        """What `check` says of the clock."""
        report = await asyncio.to_thread(diagnostics.report, self.w.settings, self.w.clock, seconds=0)
        return next(finding.state for finding in report.findings if finding.name == "clock")

    async def numbers(self) -> dict[str, float]:
        """What /metrics says."""
        lines = (await self.w.browser().get("/metrics")).text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    async def delivered(self) -> list[str]:
        """What has arrived since this was asked the last time, now that everything that is due is sent."""
        await self.w.dispatcher.expedite()
        await self.w.deliver()
        events = self.receiver.events()
        self.receiver.received.clear()
        return sorted(events)

    async def is_limited_as_ever(self) -> None:
        """A key that asks too often is refused, and may again once the seconds it was told are over."""
        answers = [await self.w.globex.get("/v1/organization") for _ in range(LIMIT + 1)]
        assert answers[-1].status_code == 429
        wait = int(answers[-1].headers["retry-after"])
        assert wait <= 60
        self.w.clock.forward(seconds=wait)
        assert (await self.w.globex.get("/v1/organization")).status_code == 200


@asynccontextmanager
async def under_way(folder: Path) -> AsyncIterator[Fault]:
    """Ed's run with a delivery that has failed once, a run nobody has opened, a session, a stored response."""
    folder.mkdir(exist_ok=True)
    async with (
        Receiver(answering("503 Busy")).listening() as receiver,
        world(folder, limits__requests_per_minute=LIMIT) as w,
    ):
        template_id = await w.template(BOOLEAN)
        hook = {"url": receiver.url, "secret": SECRET, "events": ["*", "run.started"]}
        ed = await w.dispatch(template_id, webhook=hook)
        fault = Fault(w, receiver, template_id, ed, await w.dispatch(template_id, webhook=hook), await operator(w))
        assert not await fault.repeat()
        await ed.start()
        assert await fault.delivered() == ["run.started"]
        receiver.answer = Receiver().answer
        assert await fault.delivered() == [], "not before its pause is over"
        assert await fault.clock_finding() == "good"
        yield fault


def hours_of(record: Any) -> list[str]:
    """The times of a record and its events, which never run backwards."""
    return [record[name] for name in ("created_at", "started_at", "completed_at")]


async def test_clock_an_hour_off(tmp_path: Path) -> None:
    for hours in (1, -1):
        async with under_way(tmp_path / str(hours)) as fault:
            w = fault.w
            short = await w.dispatch(fault.template_id, expires_in_hours=0.75)
            w.clock.forward(hours=hours)
            # While it is wrong: what was begun goes on, and one thing happens an hour too early or too late.
            assert await fault.repeat() and await fault.is_signed_in()
            assert (await fault.ed.answer("s-ok", True)).status_code == 200
            assert await fault.clock_finding() == ("wrong" if hours < 0 else "good")
            assert await w.sweep() == (1 if hours > 0 else 0), "a run that had three quarters of an hour"
            assert await fault.delivered() == (["step.completed"] if hours < 0 else ["run.started", "step.completed"])
            await fault.is_limited_as_ever()
            assert (await fault.numbers())['rundun_runs{status="in_progress"}'] == 1
            w.clock.forward(hours=-hours)
            # Put right: all goes on by itself.
            w.clock.forward(seconds=40)
            assert await fault.delivered() == (["run.started"] if hours < 0 else [])
            assert await fault.repeat() and await fault.is_signed_in()
            assert (await fault.ed.complete()).status_code == 200
            assert (await w.run(short))["status"] == ("expired" if hours > 0 else "pending")
            record = await w.run(fault.ed)
            assert hours_of(record) == sorted(hours_of(record)) and record["duration_seconds"] >= 0
            assert [one["seq"] for one in await w.events(fault.ed)] == [1, 2, 3]
            assert await fault.delivered() == ["run.completed"]
            await fault.is_limited_as_ever()
            # `check` speaks of times ahead for as long as there are some.
            assert await fault.clock_finding() == ("wrong" if hours > 0 else "good")
            w.clock.forward(hours=2)
            assert await fault.clock_finding() == "good"


async def test_clock_a_year_off(tmp_path: Path) -> None:
    async with under_way(tmp_path / "ahead") as fault:
        w = fault.w
        fault.receiver.answer = answering("503 Busy")
        w.clock.forward(hours=YEAR)
        assert not await fault.repeat(), "too long ago to be known: a second run, which costs a second credit"
        assert not await fault.is_signed_in()
        assert (await fault.waiting.start()).json()["code"] == "run_closed", "at use, for good"
        await w.sweep()
        assert [(await w.run(one))["status"] for one in (fault.ed, fault.waiting)] == ["expired", "expired"]
        assert await fault.delivered() == ["run.expired", "run.expired", "run.started"]
        late = await operator(w)
        await fault.is_limited_as_ever()
        w.clock.forward(hours=-YEAR)
        # Put right: nothing waits for a year.
        fault.receiver.answer = Receiver().answer
        assert await fault.delivered() == ["run.expired", "run.expired", "run.started"]
        assert await fault.is_signed_in(), "unless the session was cleared away"
        assert (await late.get("/runs")).status_code == 200
        assert await fault.repeat(), "the second one"
        fresh = await w.dispatch(fault.template_id)
        await fresh.start()
        await fresh.answer("s-ok", True)
        assert (await fresh.complete()).status_code == 200
        assert await fault.clock_finding() == "wrong"
        await fault.is_limited_as_ever()

    async with under_way(tmp_path / "behind") as fault:
        w = fault.w
        w.clock.forward(hours=-YEAR)
        assert await fault.clock_finding() == "wrong"
        assert await fault.repeat() and await fault.is_signed_in()
        assert await fault.delivered() == ["run.started"], "brought back, not left for a year"
        assert (await fault.ed.answer("s-ok", True)).status_code == 200
        assert (await fault.ed.complete()).status_code == 200
        record = await w.run(fault.ed)
        assert hours_of(record) == sorted(hours_of(record)) and record["duration_seconds"] == 0
        assert await w.sweep() == 0
        long_ago = await w.dispatch(fault.template_id)
        early = await operator(w)
        await fault.is_limited_as_ever()
        w.clock.forward(hours=YEAR)
        # Put right: what was given a time by the wrong clock has had it.
        assert await fault.clock_finding() == "good"
        assert await fault.delivered() == ["run.completed", "step.completed"]
        assert (await early.get("/runs")).status_code == 303, "sign in again"
        assert await w.sweep() == 1
        assert (await w.run(long_ago))["status"] == "expired"
        assert (await w.run(fault.waiting))["status"] == "pending"
        assert await fault.repeat() and await fault.is_signed_in()


async def test_clock_a_year_off_takes_some_away_for_good(tmp_path: Path) -> None:
    async with under_way(tmp_path) as fault:
        w = fault.w
        await w.acme.post(f"/v1/runs/{fault.ed.run_id}/cancel", json={})
        w.clock.forward(seconds=60)
        await fault.delivered()
        assert (await w.run(fault.ed))["webhook"]["signed"]
        w.clock.forward(hours=YEAR)
        await clear_up(w.database)
        await delete_secrets(w.database, 30)
        w.clock.forward(hours=-YEAR)
        assert not await fault.is_signed_in()
        assert not await fault.repeat()
        assert not (await w.run(fault.ed))["webhook"]["signed"], "a secret is not kept for longer than that"


async def test_clock_a_year_off_is_what_the_days_of_retention_count_from(tmp_path: Path) -> None:
    for hours in (-YEAR, YEAR):
        (folder := tmp_path / str(hours)).mkdir()
        async with world(folder) as w:
            w.clock.forward(hours=hours)
            runs, service = await closed(w), Service(w)
            await service.run(minutes=70)
            w.clock.forward(hours=-hours)
            # Put right: what was closed by a clock behind looks old, and goes an hour later unless somebody sees to it.
            await service.run(minutes=60)
            assert await left(w, runs) == 1
            await keep(w, runs_days=400)
            await service.run(minutes=60)
            assert await left(w, runs) == 1
            await keep(w, runs_days=30)
            await service.run(minutes=10)
            assert await left(w, runs) == (0 if hours < 0 else 1)
            # By a clock ahead it looks new, and stays for a year longer.
            await service.run(minutes=(YEAR + 29 * 24) * 60, every=24 * 60)
            assert await left(w, runs) == (0 if hours < 0 else 1)
            await service.run(minutes=24 * 60, every=24 * 60)
            assert await left(w, runs) == 0


NIGHTS = [
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Asia/Kolkata", date(2026, 3, 29), 24),
]


@pytest.mark.parametrize(("zone", "day", "hours"), NIGHTS, ids=[f"{zone} {day}" for zone, day, _ in NIGHTS])
async def test_dst_nights(tmp_path: Path, receiver: Receiver, zone: str, day: date, hours: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    clock = Clock(int(midnight.timestamp()) * 1000 - HOUR // 2)
    async with world(tmp_path, clock) as w:
        await put_zone(w, zone)
        ann, template_id = await operator(w), await w.template(BOOLEAN)
        order = {"template_id": template_id, "expires_in_hours": 24}
        once = {"idempotency-key": "once"}
        first = await w.acme.post("/v1/runs", json=order, headers=once)
        clock.forward(hours=0.5)
        # One run each half hour of the day by the clock on the wall, and one delivery that fails before the change.
        receiver.answer = answering("503 Busy")
        ed = await w.dispatch(template_id, webhook={"url": receiver.url, "events": ["run.started"]})
        await ed.start()
        await w.deliver()
        receiver.answer = Receiver().answer
        runs = [ed]
        for half_hour in range(1, 2 * hours):
            clock.forward(hours=0.5)
            runs.append(await w.dispatch(template_id))
            if half_hour == 1:
                await w.deliver()
                assert receiver.events() == ["run.started", "run.started"], "after its pause"
        clock.forward(hours=0.5)
        name = f"{day.day} {day:%b}"
        assert (await table(ann))[name][0] == 2 * hours == len(runs), "the day has as many hours as it has"
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        assert (await table(ann))[f"{before.day} {before:%b}"][0] == 1
        assert (await table(ann)).get(f"{after.day} {after:%b}", [0])[0] == 0
        # Hours that are given are hours that pass, whatever the wall says.
        expires = datetime.fromisoformat((await w.run(ed))["expires_at"])
        assert expires - datetime.fromisoformat((await w.run(ed))["created_at"]) == timedelta(hours=72)
        is_a_short_day = hours < 24  # then the 24 hours of the first run, and of its answer, are not over
        replay = await w.acme.post("/v1/runs", json=order, headers=once)
        assert (replay.headers.get("idempotent-replayed") == "true") == is_a_short_day
        assert (await ann.get("/runs")).status_code == 200
        assert await w.sweep() == (0 if is_a_short_day else 1), "the first one's 24 hours"
        state = (await w.acme.get(f"/v1/runs/{first.json()['run_id']}")).json()["status"]
        assert state == ("pending" if is_a_short_day else "expired")
        # In the file for spreadsheets each moment is told apart, also in the hour that comes twice.
        lines = (await ann.get("/runs.csv")).text.splitlines()
        created = [at for line in lines[1:] for at in line.split(",") if at.startswith(f"{day}T")]
        assert len({datetime.fromisoformat(at).astimezone(UTC) for at in created}) >= 2 * hours
