"""Picture work in bounded thread pools. The codecs are loaded with the first picture, in its thread, since they take as
much time and memory as all the rest of the service.
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
# Pictures waiting or in work: as many as may be in upload, see `UploadBuffer`.
PICTURES = {"of_owner": 64, "in_all": 128}
PICTURE_WAIT = 25.0  # seconds that a picture may wait for its turn
BARCODES = {"of_run": 1, "of_owner": 4, "in_all": 32}


@dataclass(frozen=True, slots=True)
class Pictures:
    """The imaging functions, run in the pools' threads within the settings' limits; an owner is an organization. They
    raise `unavailable` where too many pictures of the owner or of all are in work, or one waits for `PICTURE_WAIT`.

    Photos of the size that the page sends run in the threads of `photos`. Larger ones take seconds and up to 450 MB
    each: they have a single thread, `large`, and barcodes another, so that no photo waits for them.
    """

    photos: BoundedPool
    large: BoundedPool
    barcodes: BoundedPool
    max_pixels: int

    async def derive(self, read: Read, owner: str) -> Derivatives:
        """Return photo, None where the original serves, thumbnail and data, made in the owner's turn; see
        `derivatives.derive`.
        """
        return await self._derive("derive", read, owner)

    async def derive_picture(self, read: Read, owner: str) -> Derivatives:
        """Return a template's picture, thumbnail and data, made in turn; see `derivatives.derive_picture`."""
        return await self._derive("derive_picture", read, owner)

    async def _derive(self, name: str, read: Read, owner: str) -> Derivatives:
        def derive(*, small_only: bool) -> Derivatives:
            function = getattr(_derivatives(), name)
            derived: Derivatives = function(read(), max_pixels=self.max_pixels, small_only=small_only)
            return derived

        try:
            return await _run_in_pool(self.photos, owner, lambda: derive(small_only=True))
        except LargePicture:
            return await self._run_large(owner, lambda: derive(small_only=False))

    async def logo(self, read: Read, owner: str) -> bytes:
        """Return a logo, a PNG of at most 512 px, made in the owner's turn; see `derivatives.logo`."""
        return await self._run_large(owner, lambda: _derivatives().logo(read(), max_pixels=self.max_pixels))

    async def _run_large(self, owner: str, work: Callable[[], T]) -> T:
        def work_and_trim() -> T:
            try:
                return work()
            finally:
                if self.large.count_taken() <= 1:  # with more waiting, the memory would be needed again at once
                    _trim_memory()

        return await _run_in_pool(self.large, owner, work_and_trim)

    async def check_signature(self, read: Read, owner: str) -> tuple[int, int]:
        """Return the (width, height) of a signature, read in the owner's turn; see `derivatives.check_signature`."""
        return await _run_in_pool(
            self.photos, owner, lambda: _derivatives().check_signature(read(), max_pixels=self.max_pixels)
        )

    async def decode_barcode(
        self, read: Read, formats: tuple[BarcodeFormat, ...], owner: str, run_id: str
    ) -> Barcode | None:
        """Return the barcode of `formats` (empty: all) nearest to the picture's middle, None if none is found, read in
        the owner's turn; see `barcodes.decode_barcode`. Raises `unreadable_image`, and `unavailable` while another
        picture of the run is in work, or too many of the owner's or of all are.
        """
        limits = {run_id: BARCODES["of_run"], owner: BARCODES["of_owner"], "": BARCODES["in_all"]}
        return await self.barcodes.run(owner, limits, lambda: self._decode_barcode(read(), formats))

    def _decode_barcode(self, data: bytes, formats: tuple[BarcodeFormat, ...]) -> Barcode | None:
        from rundun.imaging import barcodes  # with the first picture

        return barcodes.decode_barcode(data, max_pixels=self.max_pixels, formats=formats)


async def _run_in_pool(pool: BoundedPool, owner: str, work: Callable[[], T]) -> T:
    return await pool.run(owner, {owner: PICTURES["of_owner"], "": PICTURES["in_all"]}, work)


def _trim_memory() -> None:
    """Return glibc's free memory to the system: 340 MB after some large pictures, in 60 ms."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def _derivatives() -> ModuleType:
    from rundun.imaging import derivatives  # with the first picture, in its thread

    return derivatives


@asynccontextmanager
async def picture_pools(max_pixels: int) -> AsyncIterator[Pictures]:
    """Yield the imaging functions; close their pools on exit."""
    photos = BoundedPool(_refuse_picture, threads=PICTURE_THREADS, wait_seconds=PICTURE_WAIT)
    large, barcodes = [BoundedPool(_refuse_picture, threads=1, wait_seconds=PICTURE_WAIT) for _ in range(2)]
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


def _refuse_picture(why: RefusalReason) -> Problem:
    return Problem("unavailable", _REFUSALS[why], retry_after=5)
