"""Buffers for picture bodies as they arrive: in memory while there is room for them there, else in a temporary file, so
that memory stays small however many come at once.
"""

import asyncio
import base64
import binascii
import builtins
import hashlib
import io
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import IO

from starlette.requests import Request

from rundun.errors import Problem
from rundun.pool import BoundedPool, RefusalReason
from rundun.web.body import stream_within
from rundun.web.timings import KIND, UPLOAD

# Bytes that may stay in memory: of one body, and of all bodies together.
IN_MEMORY = 1024 * 1024
MEMORY = 24 * 1024 * 1024
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class BufferedUpload:
    """A body that has arrived whole: its size in bytes and its SHA-256 in hex."""

    file: IO[bytes]
    bytes: int
    sha256: str

    def read(self) -> builtins.bytes:
        """Return all bytes."""
        self.file.seek(0)
        return self.file.read()

    def chunks(self, size: int) -> Iterator[builtins.bytes]:
        """Yield all bytes, `size` at a time."""
        self.file.seek(0)
        while chunk := self.file.read(size):
            yield chunk


@dataclass(slots=True)
class UploadBuffer:
    """Room for the picture bodies that are under way or in work, so that slow ones don't fill the disk.

    `of_run`, `of_org` and `in_all` are how many at once; `seconds`, and one more for every `bytes_per_second`, is how
    long a body may take altogether: the server's own time-out only sees that something comes, be it a byte now and
    then. Of all bodies `memory` bytes may be in memory.
    """

    of_run: int = 4
    of_org: int = 64
    in_all: int = 96
    seconds: float = 60
    bytes_per_second: int = 8 * 1024
    memory: int = MEMORY
    _slots: BoundedPool = field(default_factory=lambda: BoundedPool(_full))

    @asynccontextmanager
    async def receive(self, request: Request, org_id: str, limit: int) -> AsyncIterator[BufferedUpload]:
        """Receive a picture's body of at most `limit` bytes, for a run of an organization. Empty, truncated or altered
        ones are refused: the request must announce its bytes by `Content-Digest` (RFC 9530, sha-256) or at least by
        `Content-Length`. Raises `unavailable` when there is no room, or when the body takes too long.
        """
        request.scope[KIND] = UPLOAD
        announced = request.headers.get("content-digest")
        if announced is None and "content-length" not in request.headers:
            raise Problem("digest_mismatch", "Send “Content-Digest: sha-256=:…:” or a Content-Length.")
        expected = None if announced is None else _sha256(announced)
        limits = {request.path_params["run_id"]: self.of_run, org_id: self.of_org, "": self.in_all}
        with self._slots.place(limits), self._file(request.headers.get("content-length")) as file:
            try:
                async with asyncio.timeout(self.timeout(request.headers.get("content-length"), limit)):
                    body = await _write(request, limit, file)
            except TimeoutError:
                raise Problem(
                    "unavailable", "The picture arrived too slowly, so it was given up.", retry_after=5
                ) from None
            if body.bytes == 0:
                raise Problem("digest_mismatch", "The body is empty.")
            if expected is not None and expected != body.sha256:
                raise Problem("digest_mismatch", "The bytes that arrived are not those that Content-Digest announces.")
            yield body

    @contextmanager
    def _file(self, announced: str | None) -> Iterator[IO[bytes]]:
        size = _size(announced, IN_MEMORY + 1)
        if size > min(IN_MEMORY, self.memory):
            with _temporary() as file:
                yield file
            return
        self.memory -= size
        try:
            yield io.BytesIO()
        finally:
            self.memory += size

    def timeout(self, announced: str | None, limit: int) -> float:
        """Return the seconds for a body of that `Content-Length`, at most `limit` bytes."""
        return self.seconds + _size(announced, limit) / self.bytes_per_second


def _size(announced: str | None, maximum: int) -> int:
    """Return the bytes that `Content-Length` announces, at most `maximum`; also `maximum` where it says nothing."""
    return min(int(announced), maximum) if announced and re.fullmatch(r"\d{1,19}", announced, re.ASCII) else maximum


def _full(why: RefusalReason) -> Problem:
    return Problem("unavailable", "Too many pictures are on their way; try again shortly.", retry_after=5)


async def _write(request: Request, limit: int, file: IO[bytes]) -> BufferedUpload:
    hashed, size = hashlib.sha256(), 0
    async for chunk in stream_within(request, limit):
        try:
            file.write(chunk)
        except OSError:
            raise _no_room() from None
        hashed.update(chunk)
        size += len(chunk)
    return BufferedUpload(file, size, hashed.hexdigest())


def _temporary() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError:
        raise _no_room() from None


def _no_room() -> Problem:
    return Problem("unavailable", "There is no room for the picture right now.", retry_after=30)


def _sha256(announced: str) -> str:
    """Return the SHA-256 that `Content-Digest` announces, in hex."""
    match = _SHA256.search(announced)
    if not match:
        raise Problem("digest_mismatch", "Content-Digest must have a sha-256 member (RFC 9530).")
    try:
        return base64.b64decode(match[1], validate=True).hex()
    except binascii.Error:
        raise Problem("digest_mismatch", "Content-Digest is not base64.") from None
