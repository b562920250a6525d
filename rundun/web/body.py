"""Reading what comes in, with limits: JSON bodies and query parameters."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Collection
from typing import Any

from pydantic_core import from_json
from starlette.requests import Request

from rundun.errors import Invalid, Place, Problem
from rundun.store.paging import Page, Slice
from rundun.web.problems import Json


async def read_json(request: Request, limit: int) -> Any:
    """The JSON body of at most `limit` bytes (RFC 8259; UTF-8, no lone surrogates, at most 200 levels deep)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("unsupported_media_type", "Send JSON with “Content-Type: application/json”.")
    body = await read_bytes(request, limit)
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}.") from None


async def read_bytes(request: Request, limit: int) -> bytes:
    """The whole body of at most `limit` bytes."""
    return b"".join([chunk async for chunk in limited(request, limit)])


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body piece by piece, refused as soon as it is announced or grows larger than `limit`."""
    announced = request.headers.get("content-length", "0")
    if re.fullmatch(r"\d{1,19}", announced, re.ASCII) and int(announced) > limit:
        raise _too_large(limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"The body may have at most {limit} bytes.")


def known_parameters(request: Request, names: Collection[str]) -> None:
    """Refuse query parameters nobody knows, so that a misspelt filter never looks like one that matched."""
    unknown = [name for name in request.query_params if name not in names]
    if unknown:
        raise Invalid([Place(f"/{name}", "unknown_field", "is not a known parameter") for name in unknown])


def wanted_slice(request: Request) -> Slice:
    """`?limit=` and `?cursor=`."""
    limit = request.query_params.get("limit", "25")
    if not re.fullmatch(r"\d{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= 100:
        raise Invalid([Place("/limit", "out_of_range", "must be from 1 to 100")])
    cursor = request.query_params.get("cursor")
    return Slice(int(limit)) if cursor is None else Slice(int(limit), _before(cursor))


def _before(cursor: str) -> tuple[int, ...]:
    wrong = Invalid([Place("/cursor", "bad_format", "is not a cursor of this list")])
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error):
        raise wrong from None
    if not re.fullmatch(r"\d{1,18}\.\d{1,18}", text, re.ASCII):
        raise wrong
    first, second = text.split(".")
    return int(first), int(second)


def list_json(request: Request, page: Page[Any], data: list[Any]) -> Json:
    """A list's answer, with `Link: rel="next"` (RFC 8288) when there is more."""
    cursor = None
    headers = {}
    if page.next_before is not None:
        first, second = (0, *page.next_before)[-2:]
        cursor = base64.urlsafe_b64encode(f"{first}.{second}".encode()).decode().rstrip("=")
        following = request.url.include_query_params(cursor=cursor)
        headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Json({"data": data, "has_more": cursor is not None, "next_cursor": cursor}, headers=headers)
