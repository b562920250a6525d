"""Picture work in threads of its own, bounded; the codecs are loaded with the first picture, in its thread, since they
take as much time and memory as all the rest of the service.
"""

import asyncio
import ctypes
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from rundun.core.json_types.base import BarcodeFormat
from rundun.core.picture import Barcode, Derivatives
from rundun.errors import Problem
from rundun.imaging.formats import LargePicture
from rundun.logs import log
from rundun.pool import BoundedPool, RefusalReason

Read = Callable[[], bytes]
T = TypeVar("T")
PICTURE_THREADS = min(2, os.cpu_count() or 1)
# Pictures that wait or are in work: as many as may be on their way, see `UploadBuffer`.
PICTURES = {"of_owner": 64, "in_all": 128}
PICTURE_WAIT = 25.0  # seconds until a picture's turn
BARCODES = {"of_run": 1, "of_owner": 4, "in_all": 32}


@dataclass(frozen=True, slots=True)
class Pictures:
    """The imaging functions, in the pools' threads and within the settings' limits; an owner is an organization.

    Photos as the page sends them have the threads of `photos`. Larger ones take seconds each, and there one at a time
    what 450 MB are needed for: they have a thread of their own, and barcodes another, so that nobody's photo waits for
    them.
    """

    photos: BoundedPool
    large: BoundedPool
    barcodes: BoundedPool
    max_pixels: int

    async def derive(self, read: Read, owner: str) -> Derivatives:
        """Derive photo and thumbnail in the owner's turn; see `derivatives.derive`."""
        return await self._derive("derive", read, owner)

    async def derive_picture(self, read: Read, owner: str) -> Derivatives:
        """Derive a template's picture and its thumbnail in the owner's turn; see `derivatives.derive_picture`."""
        return await self._derive("derive_picture", read, owner)

    async def _derive(self, name: str, read: Read, owner: str) -> Derivatives:
        def derive(*, small_only: bool) -> Derivatives:
            function = getattr(_derivatives(), name)
            derived: Derivatives = function(read(), max_pixels=self.max_pixels, small_only=small_only)
            return derived

        try:
            return await _in_turn(self.photos, owner, lambda: derive(small_only=True))
        except LargePicture:
            return await self._in_turn_of_large(owner, lambda: derive(small_only=False))

    async def logo(self, read: Read, owner: str) -> bytes:
        """Make a logo in the owner's turn; see `derivatives.logo`."""
        return await self._in_turn_of_large(owner, lambda: _derivatives().logo(read(), max_pixels=self.max_pixels))

    async def _in_turn_of_large(self, owner: str, work: Callable[[], T]) -> T:
        def work_and_trim() -> T:
            try:
                return work()
            finally:
                if self.large.held() <= 1:  # with more to come it would be asked for again at once
                    _trim_memory()

        return await _in_turn(self.large, owner, work_and_trim)

    async def check_signature(self, read: Read, owner: str) -> tuple[int, int]:
        """Check a signature's PNG in the owner's turn; see `derivatives.check_signature`."""
        return await _in_turn(
            self.photos, owner, lambda: _derivatives().check_signature(read(), max_pixels=self.max_pixels)
        )

    async def decode_barcode(
        self, read: Read, formats: tuple[BarcodeFormat, ...], owner: str, run_id: str
    ) -> Barcode | None:
        """Read a barcode in the owner's turn, one at a time of a run; see `barcodes.decode_barcode`."""
        limits = {run_id: BARCODES["of_run"], owner: BARCODES["of_owner"], "": BARCODES["in_all"]}
        return await self.barcodes.run(owner, limits, lambda: self._decode_barcode(read(), formats))

    def _decode_barcode(self, data: bytes, formats: tuple[BarcodeFormat, ...]) -> Barcode | None:
        from rundun.imaging import barcodes  # with the first picture

        return barcodes.decode_barcode(data, max_pixels=self.max_pixels, formats=formats)


async def _in_turn(pool: BoundedPool, owner: str, work: Callable[[], T]) -> T:
    return await pool.run(owner, {owner: PICTURES["of_owner"], "": PICTURES["in_all"]}, work)


def _trim_memory() -> None:
    """Give the system back what the C library has kept: 340 MB after some large pictures, in 60 ms. Where the library
    is not glibc there is nothing to ask for.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def _derivatives() -> ModuleType:
    from rundun.imaging import derivatives  # with the first picture, in its thread

    return derivatives


@asynccontextmanager
async def picture_pools(max_pixels: int) -> AsyncIterator[Pictures]:
    """Open the pools for as long as the context lasts."""
    photos = BoundedPool(_too_many_pictures, threads=PICTURE_THREADS, wait_seconds=PICTURE_WAIT)
    large, barcodes = [BoundedPool(_too_many_pictures, threads=1, wait_seconds=PICTURE_WAIT) for _ in range(2)]
    try:
        yield Pictures(photos, large, barcodes, max_pixels)
    finally:
        left = sum(await asyncio.gather(*(pool.close() for pool in (photos, large, barcodes))))
        if left:
            log("warning", "pictures.left", running=left)


_REFUSALS: dict[RefusalReason, str] = {
    "owner": "Other pictures of yours are still in work; try again shortly.",
    "all": "Too many photos are in work; try again shortly.",
    "late": "Too many photos are in work; try again shortly.",
    "closed": "The service is stopping.",
}


def _too_many_pictures(why: RefusalReason) -> Problem:
    return Problem("unavailable", _REFUSALS[why], retry_after=5)
