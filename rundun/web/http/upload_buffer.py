"""Buffers for picture bodies as they arrive: in memory up to a bound for all of them, else in a temporary file."""

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

# The most bytes in memory: of one body, and of all bodies together.
IN_MEMORY = 1024 * 1024
MEMORY = 24 * 1024 * 1024
# Each stride of a body has that many bytes and seconds: 2 KiB/s with pauses of ten seconds is fast enough.
STRIDE, STRIDE_SECONDS = 8 * 1024, 15.0
SLOW = 8 * 1024  # bytes a second; a slower body is ended for another one of its organization
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class BufferedUpload:
    """A complete body in memory or in a temporary file, its size in bytes and its SHA-256 in hex."""

    file: IO[bytes]
    bytes: int
    sha256: str

    def rewind(self) -> IO[builtins.bytes]:
        """Move to the file's beginning, and return the file."""
        self.file.seek(0)
        return self.file

    def read(self) -> builtins.bytes:
        """Return all bytes."""
        return self.rewind().read()


@dataclass(slots=True, eq=False)
class _Arrival:
    """A body on its way. Each `STRIDE` must arrive in time; `cancel` ends it, and `ended` is set once it has ended."""

    run_id: str
    org_id: str
    deadline: asyncio.Timeout
    until: float  # on the loop's clock, for the whole body
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _bytes: int = 0  # of this stride
    _since: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _last_seconds: float = 0  # duration of the last stride

    def advance(self, size: int) -> None:
        """Count `size` bytes that have arrived; a complete stride moves the deadline."""
        self._bytes += size
        if self._bytes >= STRIDE:
            now = asyncio.get_running_loop().time()
            self._last_seconds = (now - self._since) * STRIDE / self._bytes
            self._since, self._bytes = now, 0
            self.deadline.reschedule(min(self.until, now + STRIDE_SECONDS))

    def pace(self) -> float:
        """Return the bytes a second of the last stride, or of the current one, as if complete, if it takes longer."""
        return STRIDE / max(self._last_seconds, asyncio.get_running_loop().time() - self._since, 1e-6)

    def cancel(self) -> None:
        """End the body, so that another one gets its place."""
        if not self.deadline.expired():
            self.deadline.reschedule(0)


@dataclass(slots=True)
class UploadBuffer:
    """Places for the picture bodies that are under way or in work: limited, so slow ones can't fill the disk.

    There are at most `of_run` for a run and `in_all` altogether; an organization has at most its `owner_limit`. A body
    may take `seconds`, and one more for every `bytes_per_second` of its size, and each stride must come in time: the
    server's own time-out accepts a byte now and then. Where no place is left, the slowest body is ended: one of an
    organization or a run that has more than the new body's, else one that is `SLOW`. At most `memory` bytes of all
    bodies are in memory.
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
        the path names no run; yield it once it is complete. The request must announce its bytes by `Content-Digest`
        (RFC 9530, sha-256) or at least by `Content-Length`. Raises `digest_mismatch` where it does not, or where the
        body is empty or has another digest, `too_large`, and `unavailable` where there is no place or no disk space, or
        the body takes too long.
        """
        request.scope[KIND] = UPLOAD
        announced = request.headers.get("content-digest")
        if announced is None and "content-length" not in request.headers:
            raise Problem("digest_mismatch", "Send “Content-Digest: sha-256=:…:” or a Content-Length.")
        expected = None if announced is None else _sha256(announced)
        run_id = request.path_params.get("run_id", f"templates of {org_id}")  # these share the places of one run
        length = request.headers.get("content-length")
        await self._free_place(run_id, org_id)
        with self._slots.place(self._limits(run_id, org_id)), self._file(length) as file:
            body = await self._arrive(request, run_id, org_id, limit, file)
            if body.bytes == 0:
                raise Problem("digest_mismatch", "The body is empty.")
            if expected is not None and expected != body.sha256:
                raise Problem("digest_mismatch", "The bytes that arrived are not those that Content-Digest announces.")
            yield body

    def _limits(self, run_id: str, org_id: str) -> Mapping[str, int]:
        return {run_id: self.of_run, org_id: owner_limit(self.in_all, self._slots.count_taken()), "": self.in_all}

    async def _free_place(self, run_id: str, org_id: str) -> None:
        """End slower bodies until there is a place for one of the run, or no body may be ended for it."""
        taken = self._slots.count_taken
        while taken(run_id) < self.of_run and taken(org_id) >= owner_limit(self.in_all, taken()):
            slowest = self._slowest(run_id, org_id)
            if slowest is None:
                return
            slowest.cancel()
            await slowest.ended.wait()

    def _slowest(self, run_id: str, org_id: str) -> _Arrival | None:
        """Return the body to be ended for a new one of the run, or None if none may be ended."""
        taken = self._slots.count_taken
        arrivals = [one for one in self._arrivals if not one.deadline.expired()]
        if not arrivals:
            return None
        slowest = min(arrivals, key=lambda one: (-taken(one.org_id), -taken(one.run_id), one.pace()))
        if slowest.org_id != org_id:
            return slowest if taken(slowest.org_id) > taken(org_id) + 1 else None
        return slowest if taken(slowest.run_id) > taken(run_id) + 1 or slowest.pace() < SLOW else None

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
        """Return the seconds that a body of `announced` bytes may take; of `limit` bytes if it is more or no number."""
        return self.seconds + _size(announced, limit) / self.bytes_per_second


def _size(announced: str | None, maximum: int) -> int:
    """Return the bytes that `Content-Length` announces, at most `maximum`; `maximum` without a readable one."""
    return min(int(announced), maximum) if announced and re.fullmatch(r"\d{1,19}", announced, re.ASCII) else maximum


def _full(why: RefusalReason) -> Problem:
    return Problem("unavailable", "Too many pictures are on their way; try again shortly.", retry_after=5)


async def _write(request: Request, limit: int, file: IO[bytes], arrival: _Arrival) -> BufferedUpload:
    hashed, size = hashlib.sha256(), 0
    async for chunk in stream_within(request, limit):
        try:
            file.write(chunk)
        except OSError:
            raise _disk_full() from None
        hashed.update(chunk)
        size += len(chunk)
        arrival.advance(len(chunk))
    return BufferedUpload(file, size, hashed.hexdigest())


def _temporary() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError:
        raise _disk_full() from None


def _disk_full() -> Problem:
    return Problem("unavailable", "There is no space for the picture right now.", retry_after=30)


def _sha256(announced: str) -> str:
    """Return the SHA-256 that `Content-Digest` announces, in hex; raises `digest_mismatch` where it has none."""
    match = _SHA256.search(announced)
    if not match:
        raise Problem("digest_mismatch", "Content-Digest must have a sha-256 member (RFC 9530).")
    try:
        return base64.b64decode(match[1], validate=True).hex()
    except binascii.Error:
        raise Problem("digest_mismatch", "Content-Digest is not base64.") from None
