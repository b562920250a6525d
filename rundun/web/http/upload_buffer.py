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
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import IO

from starlette.requests import Request

from rundun.core.fair_share import owner_limit
from rundun.errors import Problem
from rundun.pool import BoundedPool, RefusalReason
from rundun.web.http.body import stream_within
from rundun.web.http.timings import KIND, UPLOAD

# Bytes that may stay in memory: of one body, and of all bodies together.
IN_MEMORY = 1024 * 1024
MEMORY = 24 * 1024 * 1024
# Bytes of a body that must arrive within so many seconds, again and again: 2 KiB/s with pauses of ten seconds do.
STRIDE, STRIDE_SECONDS = 8 * 1024, 15.0
SLOW = 8 * 1024  # bytes a second below which a body gives way to others of its organization
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class BufferedUpload:
    """A body that has arrived whole: its size in bytes and its SHA-256 in hex."""

    file: IO[bytes]
    bytes: int
    sha256: str

    def rewound(self) -> IO[builtins.bytes]:
        """Return the file, to be read from its beginning."""
        self.file.seek(0)
        return self.file

    def read(self) -> builtins.bytes:
        """Return all bytes."""
        return self.rewound().read()


@dataclass(slots=True, eq=False)
class _Arrival:
    """A body on its way. It must get a stride further in time; `give_way` ends it, and `ended` tells that it has."""

    run_id: str
    org_id: str
    deadline: asyncio.Timeout
    until: float  # on the loop's clock, for all of it
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _bytes: int = 0  # of this stride
    _since: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _last_seconds: float = 0  # that the last stride took

    def advance(self, size: int) -> None:
        """Count bytes that came."""
        self._bytes += size
        if self._bytes >= STRIDE:
            now = asyncio.get_running_loop().time()
            self._last_seconds = (now - self._since) * STRIDE / self._bytes
            self._since, self._bytes = now, 0
            self.deadline.reschedule(min(self.until, now + STRIDE_SECONDS))

    def pace(self) -> float:
        """Return how many bytes a second come: as in the last stride, or fewer if this one takes longer already."""
        return STRIDE / max(self._last_seconds, asyncio.get_running_loop().time() - self._since, 1e-6)

    def give_way(self) -> None:
        """End it for the sake of others."""
        if not self.deadline.expired():
            self.deadline.reschedule(0)


@dataclass(slots=True)
class UploadBuffer:
    """Room for the picture bodies that are under way or in work, so that slow ones don't fill the disk.

    `of_run` and `in_all` are how many at once; an organization has at most its `owner_limit`. `seconds`, and one more
    for every `bytes_per_second`, is how long a body may take altogether, if all the while some of it comes: the
    server's own time-out is content with a byte now and then. Where no place is left, the slowest body gives way: of
    whoever has more than the newcomer, else one that is `SLOW`. Of all bodies `memory` bytes may be in memory.
    """

    of_run: int = 4
    in_all: int = 128
    seconds: float = 60
    bytes_per_second: int = 1024
    memory: int = MEMORY
    _slots: BoundedPool = field(default_factory=lambda: BoundedPool(_full))
    _arrivals: set[_Arrival] = field(default_factory=set)

    @asynccontextmanager
    async def receive(self, request: Request, org_id: str, limit: int) -> AsyncIterator[BufferedUpload]:
        """Receive a picture's body of at most `limit` bytes, for a run of an organization, or for its templates where
        the path names no run. Empty, truncated or altered ones are refused: the request must announce its bytes by
        `Content-Digest` (RFC 9530, sha-256) or at least by `Content-Length`. Raises `unavailable` when there is no
        room, or when the body takes too long.
        """
        request.scope[KIND] = UPLOAD
        announced = request.headers.get("content-digest")
        if announced is None and "content-length" not in request.headers:
            raise Problem("digest_mismatch", "Send “Content-Digest: sha-256=:…:” or a Content-Length.")
        expected = None if announced is None else _sha256(announced)
        run_id = request.path_params.get("run_id", f"templates of {org_id}")  # which have the places of a run
        length = request.headers.get("content-length")
        await self._make_room(run_id, org_id)
        with self._slots.place(self._limits(run_id, org_id)), self._file(length) as file:
            body = await self._arrive(request, run_id, org_id, limit, file)
            if body.bytes == 0:
                raise Problem("digest_mismatch", "The body is empty.")
            if expected is not None and expected != body.sha256:
                raise Problem("digest_mismatch", "The bytes that arrived are not those that Content-Digest announces.")
            yield body

    def _limits(self, run_id: str, org_id: str) -> Mapping[str, int]:
        return {run_id: self.of_run, org_id: owner_limit(self.in_all, self._slots.held()), "": self.in_all}

    async def _make_room(self, run_id: str, org_id: str) -> None:
        """Let a slower body give way where there is no place; there may be none then, either."""
        held = self._slots.held
        while held(run_id) < self.of_run and held(org_id) >= owner_limit(self.in_all, held()):
            slowest = self._slowest(run_id, org_id)
            if slowest is None:
                return
            slowest.give_way()
            await slowest.ended.wait()

    def _slowest(self, run_id: str, org_id: str) -> _Arrival | None:
        """Return the body that gives way to one of a run, or None."""
        held = self._slots.held
        waiting = [one for one in self._arrivals if not one.deadline.expired()]
        if not waiting:
            return None
        slowest = min(waiting, key=lambda one: (-held(one.org_id), -held(one.run_id), one.pace()))
        if slowest.org_id != org_id:
            return slowest if held(slowest.org_id) > held(org_id) + 1 else None
        return slowest if held(slowest.run_id) > held(run_id) + 1 or slowest.pace() < SLOW else None

    async def _arrive(self, request: Request, run_id: str, org_id: str, limit: int, file: IO[bytes]) -> BufferedUpload:
        now = asyncio.get_running_loop().time()
        until = now + self.timeout(request.headers.get("content-length"), limit)
        deadline = asyncio.timeout_at(min(until, now + STRIDE_SECONDS))
        arrival = _Arrival(run_id, org_id, deadline, until)
        self._arrivals.add(arrival)
        try:
            async with deadline:
                return await _write(request, limit, file, arrival)
        except TimeoutError:
            raise Problem("unavailable", "The picture arrived too slowly, so it was given up.", retry_after=5) from None
        finally:
            self._arrivals.remove(arrival)
            arrival.ended.set()

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


async def _write(request: Request, limit: int, file: IO[bytes], arrival: _Arrival) -> BufferedUpload:
    hashed, size = hashlib.sha256(), 0
    async for chunk in stream_within(request, limit):
        try:
            file.write(chunk)
        except OSError:
            raise _no_room() from None
        hashed.update(chunk)
        size += len(chunk)
        arrival.advance(len(chunk))
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
