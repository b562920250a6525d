"""Reading request bodies within limits of size and time."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from rundun.core import json_text
from rundun.errors import Problem

IS_RECEIVED = "rundun.body_is_here"  # key in the scope once the server has the whole body
LARGE = 64 * 1024  # bytes of JSON; more is parsed in a turn
TIMEOUT = 60.0  # seconds for a body read into memory; the server only checks that bytes keep arriving


JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", "application/json")  # RFC 7396


async def read_json_bytes(request: Request, limit: int, media_types: tuple[str, ...] = JSON) -> bytes:
    """Return the bytes of a body sent as JSON, not parsed, at most `limit`; raises `unsupported_media_type` for any
    other media type or an encoded body, and the errors of `read_bytes`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        named = " or ".join(f"“Content-Type: {one}”" for one in media_types)
        raise Problem("unsupported_media_type", f"Send JSON with {named}.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_media_type", "Send the body as it is, without “Content-Encoding”.")
    return await read_bytes(request, limit)


def parse(body: bytes) -> Any:
    """Return the value of a JSON body, of any type; raises `malformed_json`, `too_large` for too many values, and
    `invalid` for repeated members.
    """
    try:
        return json_text.parse(body)
    except ValueError as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}.") from None


async def read_bytes(request: Request, limit: int) -> bytes:
    """Return the body of at most `limit` bytes; raises `too_large`, `unavailable` after `TIMEOUT` seconds, and
    ClientDisconnect.
    """
    if is_received(request):
        return await _read_received(request, limit)
    try:
        async with asyncio.timeout(TIMEOUT):
            return b"".join([chunk async for chunk in stream_within(request, limit)])
    except TimeoutError:
        raise Problem("unavailable", "The body arrived too slowly, so it was given up.", retry_after=5) from None


def is_received(request: Request) -> bool:
    """Tell whether the server has received the whole body, so that reading it waits for nothing."""
    return IS_RECEIVED in request.scope


async def _read_received(request: Request, limit: int) -> bytes:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def stream_within(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body in pieces; raises `too_large` once its announced or received size exceeds `limit` bytes."""
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
