"""Reading bodies, with limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from rundun.errors import Problem

IS_HERE = "rundun.body_is_here"  # in the scope once the server has the whole body
PATIENCE = 60.0  # seconds for a body that is read into memory: the server only sees that something comes


async def read_json(request: Request, limit: int) -> Any:
    """The JSON body of at most `limit` bytes."""
    return parse(await read_json_bytes(request, limit))


async def read_json_bytes(request: Request, limit: int) -> bytes:
    """A body of at most `limit` bytes that says it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("unsupported_media_type", "Send JSON with “Content-Type: application/json”.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_media_type", "Send the body as it is, without “Content-Encoding”.")
    return await read_bytes(request, limit)


def parse(body: bytes) -> Any:
    """What the body says (RFC 8259; UTF-8, no lone surrogates, at most 200 levels deep)."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}.") from None


async def read_bytes(request: Request, limit: int) -> bytes:
    """The whole body of at most `limit` bytes, which has to be here in time."""
    if is_here(request):
        return await _taken(request, limit)
    try:
        async with asyncio.timeout(PATIENCE):
            return b"".join([chunk async for chunk in limited(request, limit)])
    except TimeoutError:
        raise Problem("unavailable", "The body arrived too slowly, so it was given up.", retry_after=5) from None


def is_here(request: Request) -> bool:
    """Whether the server has the whole body, so that nothing has to be waited for."""
    return IS_HERE in request.scope


async def _taken(request: Request, limit: int) -> bytes:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    return body


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
