"""/v1, pull instead of push: events in the order in which they were committed, for as long as one cares to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from rundun import counters
from rundun.actions import feed
from rundun.core import event
from rundun.core.json_types.events import EventFeedJson
from rundun.store.database import Database
from rundun.store.events import Feed
from rundun.web.calls import Call, route
from rundun.web.openapi.operation import Operation, Success
from rundun.web.problems import Json
from rundun.web.queries import EventsQuery, event_cursor, next_link, query

Bell = asyncio.Future[None]
Look = Callable[..., Feed]


@dataclass(frozen=True, slots=True)
class Found:
    """Events as JSON, oldest first; `last` is the number of the last one."""

    data: list[bytes]
    has_more: bool
    last: int | None


class Bells:
    """Wakes those who wait: an organization's bell rings when a commit brought one of its events or, where `kind` is
    `runs.TOUCHED`, changed anything about one of its runs.
    """

    def __init__(self, database: Database) -> None:
        self.ended = False
        self._database = database
        self._bells: dict[str, Bell] = {}
        self._looks: dict[Any, asyncio.Task[Found]] = {}
        database.subscribe(self._hear)

    def of(self, org_id: str, kind: str = feed.TOUCHED) -> Bell:
        """Done with the next event; take it before you look, so that nothing slips in between."""
        bell = self._bells.get(kind + org_id)
        if bell is None:
            bell = self._bells[kind + org_id] = asyncio.get_running_loop().create_future()
        return bell

    async def look(self, bell: Bell, function: Look, *args: Any) -> Found:
        """`function(tx, *args)` as JSON; hundreds who were woken by one event and ask the same look once. Who holds
        the same bell has missed nothing that the others have seen.
        """
        name = (bell, function, args)
        task = self._looks.get(name)
        if task is None:
            task = self._looks[name] = asyncio.create_task(self._look(function, *args))
            task.add_done_callback(lambda _: self._looks.pop(name))
        return await asyncio.shield(task)

    async def _look(self, function: Look, *args: Any) -> Found:
        page = await self._database.read(function, *args)
        data = [
            to_json({**event.without_thumbnails(kept), "cursor": event_cursor(at)}) for at, kept in page.items
        ]
        return Found(data, page.has_more, page.items[-1][0] if page.items else None)

    def _hear(self, touched: set[str]) -> None:
        for name in touched:
            if bell := self._bells.pop(name, None):
                bell.set_result(None)

    def end(self) -> None:
        """The service ends: nobody waits any longer, nor begins to."""
        self.ended = True
        while self._bells:
            self._bells.popitem()[1].set_result(None)


async def list_events(call: Call) -> Response:
    """GET /v1/events: the organization's events, the oldest first."""
    return await _events(call, feed.of_organization)


async def list_run_events(call: Call) -> Response:
    """GET /v1/runs/{run_id}/events: the same of one run."""
    return await _events(call, feed.of_run, call.path("run_id"))


async def _events(call: Call, function: Look, *args: Any) -> Response:
    wanted = query(EventsQuery, call.request)
    bells, until = call.house.bells, asyncio.get_running_loop().time() + wanted.wait
    asked = (function, call.org_id, *args, wanted.after, wanted.limit)
    bell = bells.of(call.org_id)
    found = await bells.look(bell, *asked)
    while not found.data and not bells.ended and await _rings(bell, until):
        bell = bells.of(call.org_id)
        found = await bells.look(bell, *asked)
    cursor = event_cursor(wanted.after if found.last is None else found.last)
    more = b"true" if found.has_more else b"false"
    head = b'{"data":[' + b",".join(found.data) + b'],"has_more":' + more
    headers = next_link(call.request, after=cursor) if found.has_more else {}
    return Json(head + f',"next_cursor":"{cursor}"}}'.encode(), headers=headers)


async def _rings(bell: Bell, until: float) -> bool:
    """Wait for the bell until that time of the loop. Who has hung up meanwhile is not noticed before then, which costs
    less than to watch everybody who has not.
    """
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    counters.polls["waiting"] += 1
    try:
        return bool((await asyncio.wait({bell}, timeout=left))[0])
    finally:
        counters.polls["waiting"] -= 1


_FEED = (
    "The oldest first, in the order in which they were committed, as the webhook's body without `delivery_attempt` and "
    "thumbnails. With `wait` the answer comes as soon as there is an event, or empty after that many seconds. Keep "
    "`next_cursor` once you have dealt with what came, and give it as `after` the next time: nothing is lost and "
    "nothing comes twice."
)

ROUTES = [
    route(
        "GET",
        "/events",
        list_events,
        Operation(
            "Events",
            "listEvents",
            "Fetch events",
            _FEED,
            {200: Success("Events behind the cursor.", EventFeedJson, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
    ),
    route(
        "GET",
        "/runs/{run_id}/events",
        list_run_events,
        Operation(
            "Events",
            "listRunEvents",
            "Fetch a run's events",
            _FEED,
            {200: Success("The run's events behind the cursor.", EventFeedJson, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
    ),
]
