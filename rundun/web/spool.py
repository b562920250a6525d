"""Picture bodies: spooled to a temporary file as they arrive, so that memory stays small however many come at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

from starlette.requests import Request

from rundun.errors import Problem
from rundun.web.body import limited

IN_MEMORY = 256 * 1024
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A body that has arrived whole: its size in bytes and its SHA-256 in hex."""

    file: IO[bytes]
    bytes: int
    sha256: str

    def read(self) -> bytes:
        """All of it."""
        self.file.seek(0)
        return self.file.read()

    def chunks(self, size: int) -> Iterator[bytes]:
        """All of it, `size` bytes at a time."""
        self.file.seek(0)
        while chunk := self.file.read(size):
            yield chunk


@asynccontextmanager
async def spooled(request: Request, limit: int) -> AsyncIterator[Spooled]:
    """A picture's body of at most `limit` bytes. Empty, truncated or altered ones are refused: the request must
    announce its bytes by `Content-Digest` (RFC 9530, sha-256) or at least by `Content-Length`.
    """
    announced = request.headers.get("content-digest")
    if announced is None and "content-length" not in request.headers:
        raise Problem("digest_mismatch", "Send “Content-Digest: sha-256=:…:” or a Content-Length.")
    wanted = None if announced is None else _sha256(announced)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        hashed, size = hashlib.sha256(), 0
        async for chunk in limited(request, limit):
            try:
                file.write(chunk)
            except OSError:
                raise Problem(
                    "unavailable", "There is no room for the picture right now.", retry_after=30
                ) from None
            hashed.update(chunk)
            size += len(chunk)
        if size == 0:
            raise Problem("digest_mismatch", "The body is empty.")
        if wanted is not None and wanted != hashed.digest():
            raise Problem(
                "digest_mismatch", "The bytes that arrived are not those that Content-Digest announces."
            )
        yield Spooled(file, size, hashed.hexdigest())


def _sha256(announced: str) -> bytes:
    match = _SHA256.search(announced)
    if not match:
        raise Problem("digest_mismatch", "Content-Digest must have a sha-256 member (RFC 9530).")
    try:
        return base64.b64decode(match[1], validate=True)
    except binascii.Error:
        raise Problem("digest_mismatch", "Content-Digest is not base64.") from None
