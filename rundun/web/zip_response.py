"""ZIPs that are made while they are sent: so many of an organization at once, since each has a file waiting for its
reader, as large as the largest photo. The server gives up on a reader who takes nothing.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.web.context import Context

AT_ONCE = 2  # for an organization


class ZipResponse(StreamingResponse):
    """A ZIP that occupies a place of its organization while it is sent, however that ends."""

    def __init__(self, ctx: Context, org_id: str, pieces: AsyncIterator[bytes], name: str) -> None:
        self._place = place(ctx, org_id)
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
        super().__init__(pieces, headers=headers, media_type="application/zip")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the ZIP while it occupies its place."""
        with self._place:
            await super().__call__(scope, receive, send)


def place(ctx: Context, org_id: str) -> AbstractContextManager[None]:
    """Take a place while the context lasts; raises `request_in_progress` where none is left."""
    return ctx.archives.place({org_id: AT_ONCE})


def require_place(ctx: Context, org_id: str) -> None:
    """Refuse, before anything is looked for, where no place is left."""
    with place(ctx, org_id):
        pass
