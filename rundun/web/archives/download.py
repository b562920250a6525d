"""Downloads that are made while they are sent: two of an organization at once, since an archive has a file waiting for
its reader, as large as the largest photo. The server gives up on a reader who takes nothing.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.web.context import Context

AT_ONCE = 2  # for an organization


class Download(StreamingResponse):
    """A file that occupies a place of its organization while it is sent, however that ends; raises
    `request_in_progress` where no place is left.
    """

    def __init__(
        self, ctx: Context, org_id: str, pieces: AsyncIterator[bytes], name: str, media_type: str = "application/zip"
    ) -> None:
        require_place(ctx, org_id)
        self._place = _place(ctx, org_id)
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
        super().__init__(pieces, headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file while it occupies its place."""
        with self._place:
            await super().__call__(scope, receive, send)


def _place(ctx: Context, org_id: str) -> AbstractContextManager[None]:
    return ctx.downloads.place({org_id: AT_ONCE})


def require_place(ctx: Context, org_id: str) -> None:
    """Raise `request_in_progress`, before anything is looked for, where no place is left."""
    with _place(ctx, org_id):
        pass
