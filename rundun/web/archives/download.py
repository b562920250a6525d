"""Downloads that are made while they are sent, at most two of an organization at a time: each may hold a file as large
as the largest photo for its client. The server ends a download whose client stops reading.
"""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.web.context import Context

AT_ONCE = 2  # downloads of an organization at a time


class Download(StreamingResponse):
    """A response that takes one of the organization's download places while it is sent. Making it raises
    `request_in_progress` if none is free.
    """

    def __init__(
        self, ctx: Context, org_id: str, pieces: AsyncIterator[bytes], name: str, media_type: str = "application/zip"
    ) -> None:
        require_place(ctx, org_id)
        self._place = _place(ctx, org_id)
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
        super().__init__(pieces, headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and free the place however that ends. What its first piece raises is answered as a problem."""
        with self._place:
            self.body_iterator = await _begin(self.body_iterator)
            await super().__call__(scope, receive, send)


async def _begin(pieces: AsyncIterable[Any]) -> AsyncIterator[Any]:
    """Make the first of `pieces`, and return all of them; raise what making it raises."""
    left = aiter(pieces)
    first = await anext(left, b"")

    async def whole() -> AsyncIterator[Any]:
        yield first
        async for piece in left:
            yield piece

    return whole()


def _place(ctx: Context, org_id: str) -> AbstractContextManager[None]:
    return ctx.downloads.place({org_id: AT_ONCE})


def require_place(ctx: Context, org_id: str) -> None:
    """Raise `request_in_progress` if no place is free. Called before the data is read."""
    with _place(ctx, org_id):
        pass
