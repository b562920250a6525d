"""A service whose alerts go out when they are told to, and what arrives of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rundun import app
from rundun.webhooks.alerts import Alerts
from tests.helpers.service import BOOLEAN, Clock, Ed, Receiver, World, world

DEAD = "http://127.0.0.1:1/hook?token=hidden"


@dataclass
class Office:
    """The operator's side: a running service, its alerts, which go out when they are told to, and who gets them."""

    w: World
    operator: Receiver
    alerts: Alerts

    def told(self) -> list[Any]:
        """The bodies that arrived."""
        return [one.json for one in self.operator.received]

    async def fail(self, url: str = DEAD, count: int = 1) -> list[Ed]:
        """So many deliveries fail for good, at their first attempt."""
        template_id = await self.w.template(BOOLEAN)
        runs = []
        for _ in range(count):
            ed = await self.w.dispatch(template_id, webhook={"url": url, "events": ["run.started"]})
            await ed.start()
            runs.append(ed)
        await self.w.deliver()
        return runs


@asynccontextmanager
async def office(folder: Path, operator: Receiver, clock: Clock | None = None, **flags: Any) -> AsyncIterator[Office]:
    made: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        real = app.schedule

        def schedule(dispatcher: Any, database: Any, alerts: Any, **more: Any) -> Any:
            made.append(alerts)
            return real(dispatcher, database, alerts, **more)

        patched.setattr(app, "schedule", schedule)
        flags = {"alerts__url": operator.url, "webhooks__retry_delays_seconds": [], **flags}
        async with world(folder, clock, **flags) as w:
            yield Office(w, operator, made[-1])  # the first may be that of the database all copy
