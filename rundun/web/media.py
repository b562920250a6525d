"""Pictures at signed URLs (/media), which can't be guessed, need no key and end with the picture."""

import re
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from rundun.errors import NotFound
from rundun.store import files
from rundun.store.database import Database
from rundun.store.files import CHUNK, StoredFile
from rundun.web.context import context_of
from rundun.web.http.query_params import is_current

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_HEADERS = {
    "cache-control": "private, max-age=3600",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
}


async def get_media(request: Request) -> Response:
    """Serve the whole file or one range of it (RFC 9110 section 14), 304 or 416: GET /media/{token}. Raises NotFound,
    also for a forged token.
    """
    database = context_of(request).database
    number = database.env.links.file_number(request.path_params["token"])
    if number is None:
        raise NotFound("picture")
    return respond_with_file(request, database, await database.read(files.get, number), _HEADERS)


def respond_with_file(request: Request, database: Database, file: StoredFile, of_all: Mapping[str, str]) -> Response:
    """Return the whole file or the requested range of it, with the headers `of_all` and its own, 304 or 416."""
    headers = {**of_all, "accept-ranges": "bytes", "etag": f'"{file.sha256[:32]}"', "content-type": file.content_type}
    if is_current(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    selected = _select_range(request, file, headers["etag"])
    if selected is None:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{file.bytes}"})
    status, first, last = selected
    headers["content-length"] = str(last - first + 1)
    if status == 206:
        headers["content-range"] = f"bytes {first}-{last}/{file.bytes}"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_stream(database, file, first, last), status, headers)


def _select_range(request: Request, file: StoredFile, etag: str) -> tuple[int, int, int] | None:
    """Return status, first and last byte, from 0: 206 and one range, or 200 and the whole file, also for several or
    malformed ranges and another `If-Range`; None for a range outside.
    """
    all_bytes = (200, 0, file.bytes - 1)
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if not match or request.headers.get("if-range", etag) != etag or match[1] == match[2] == "":
        return all_bytes
    if match[1] == "":
        length = min(int(match[2]), file.bytes)
        return (206, file.bytes - length, file.bytes - 1) if length else None
    first = int(match[1])
    last = min(int(match[2]), file.bytes - 1) if match[2] else file.bytes - 1
    if match[2] and int(match[2]) < first:
        return all_bytes
    return (206, first, last) if first < file.bytes else None


async def _stream(database: Database, file: StoredFile, first: int, last: int) -> AsyncIterator[bytes]:
    for part in range(first // CHUNK, last // CHUNK + 1):
        data = await database.read_heavy(CHUNK, files.get_chunk, file.number, part)
        start = part * CHUNK
        yield data[max(first - start, 0) : last - start + 1]


ROUTES = [Route("/media/{token}", get_media, methods=["GET"])]
