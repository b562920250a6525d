"""What the attackers of the bench have, and how they ask; `answers` counts what they were told."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.client import Call, Line, Reply, connect

PACE = 0.1  # seconds between two requests of a link, as the limit for each is by default
answers: Counter[int] = Counter()


@dataclass(frozen=True, slots=True)
class Means:
    """A key of each attacking organization; a second key of the first one, and the cookie of a member of it."""

    keys: Sequence[str]
    second_key: str
    session: Mapping[str, str]


class Attacker:
    """Somebody with a key."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.headers = {"authorization": f"Bearer {key}"}

    async def call(self, *calls: Call) -> Reply:
        """Make calls on a connection of their own, and return the last one's reply."""
        line = await connect(self.port)
        try:
            for call in calls:
                reply = await line.call(call)
                answers[reply.status] += 1
            return reply
        finally:
            line.close()

    async def template(self, *steps: Any) -> Reply:
        """Make a checklist."""
        return await self.call(Call("POST", "/v1/templates", {"name": "Attack", "steps": steps}, self.headers))

    async def links(self, count: int, *steps: Any) -> list[str]:
        """Started runs of such a checklist, as paths."""
        template_id = (await self.template(*steps)).ok.json["id"]
        order = Call("POST", "/v1/runs", {"template_id": template_id}, self.headers)
        links = [f"/r/{(await self.call(order)).ok.json['run_id']}" for _ in range(count)]
        for link in links:
            await self.call(Call("POST", f"{link}/start", {}))
        return links


async def again(port: int, pause: float, *calls: Call | Callable[[Line], Awaitable[Reply]]) -> None:
    """Make calls in a row for ever, on a new connection where the old one is gone."""
    while True:
        line = await connect(port)
        try:
            while True:
                for call in calls:
                    reply = await (line.call(call) if isinstance(call, Call) else call(line))
                    answers[reply.status] += 1
                    await asyncio.sleep(pause)
        except ConnectionError:
            answers[0] += 1
            await asyncio.sleep(PACE)
        finally:
            line.close()
