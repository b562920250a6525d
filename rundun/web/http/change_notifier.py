"""Wake-up calls for long polls and event streams, after commits with changes of their organization."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pydantic_core import to_json

from rundun.actions.runs import events
from rundun.core.runs import event
from rundun.store.database import Database
from rundun.store.runs.events import Feed
from rundun.web.http.query_params import event_cursor

NextChange = asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events as JSON, oldest first. `last` is the number of the last one, None if there are none; `is_cut` as in
    `Feed`.
    """

    data: list[bytes]
    has_more: bool
    last: int | None
    is_cut: bool


def encode_feed(feed: Feed) -> EventBatch:
    """Return a feed's `EventBatch`: each event as the bytes of a JSON object, with its `cursor`, without thumbnails."""
    data = [to_json({**event.without_thumbnails(body), "cursor": event_cursor(at)}) for at, body in feed.items]
    return EventBatch(data, feed.has_more, feed.items[-1][0] if feed.items else None, feed.is_cut)


class ChangeNotifier:
    """Futures for long polls and streams: each is done with a commit of an event of the organization, or, if its `kind`
    is `runs.TOUCHED`, with any change of one of its runs.
    """

    def __init__(self, database: Database) -> None:
        self.ended = False
        self._database = database
        self._waiting: dict[str, NextChange] = {}
        self._reads: dict[object, asyncio.Task[EventBatch]] = {}
        database.subscribe(self._wake)

    def next_change(self, org_id: str, kind: str = events.TOUCHED) -> NextChange:
        """Return a shared future, done with None at the organization's next event, for the `kind` `runs.TOUCHED` at the
        next change of one of its runs, or when the service ends (`ended`). Take it before reading, to miss no change.
        """
        change = self._waiting.get(kind + org_id)
        if change is None:
            change = self._waiting[kind + org_id] = asyncio.get_running_loop().create_future()
        return change

    async def shared_read(self, change: NextChange, function: Callable[..., Feed], *args: object) -> EventBatch:
        """Return the `EventBatch` of the short page `function(tx, *args)`. Clients that were woken by the same `change`
        and ask for the same share one read: all of them want the events since that change.
        """
        name = (change, function, args)
        task = self._reads.get(name)
        if task is None:
            task = self._reads[name] = asyncio.create_task(self._read(function, *args))
            task.add_done_callback(lambda _: self._reads.pop(name))
        return await asyncio.shield(task)

    async def _read(self, function: Callable[..., Feed], *args: object) -> EventBatch:
        return encode_feed(await self._database.read(function, *args, is_short=True))

    def _wake(self, touched: set[str]) -> None:
        for name in touched:
            if change := self._waiting.pop(name, None):
                change.set_result(None)

    def end(self) -> None:
        """Wake all waiting clients for the last time, since the service ends."""
        self.ended = True
        while self._waiting:
            self._waiting.popitem()[1].set_result(None)
