"""Results of work on pictures, for callers that know no codec, and the greatest sizes of pictures."""

from dataclasses import dataclass
from typing import Literal

from rundun.core import times
from rundun.core.json_types.base import BarcodeFormat, PositionJson

TimeSource = Literal["camera", "exif", "exif_local"]  # the clock of the phone that took it, EXIF, EXIF's local time

# Longest sides of the derived pictures.
PHOTO_PIXELS, PICTURE_PIXELS, THUMBNAIL_PIXELS, LOGO_PIXELS = 2048, 1280, 320, 512
# Most pixels of a file, whatever the settings allow for photos.
MAX_WEBP_PIXELS = 16_000_000  # libwebp decodes the whole file, and takes 15 bytes a pixel
MAX_BARCODE_PIXELS, MAX_SIGNATURE_PIXELS, MAX_LOGO_PIXELS = 25_000_000, 4_000_000, 16_000_000
# A JPEG that shrinks while it is decoded may have this many times the pixels (a phone's 108 megapixels): at most a
# quarter of them is in memory.
SHRINKING_JPEG = 2.2


@dataclass(frozen=True, slots=True)
class Exif:
    """Time and position in EXIF: `taken_at` in milliseconds UTC, None also for a local time without its offset."""

    taken_at: int | None = None
    geo: PositionJson | None = None


NO_EXIF = Exif()
_FIRST_PHOTO = 631_152_000 * times.SECOND  # 1990; a clock that was never set says 1970 or 1980
_AHEAD = 300 * times.SECOND  # milliseconds by which a phone's or camera's clock may be ahead of the server's


def is_plausible(taken_at: int, now: int) -> bool:
    """Tell whether `taken_at` is a possible time of a picture: not before 1990, at most five minutes after `now`."""
    return _FIRST_PHOTO <= taken_at <= now + _AHEAD


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The pictures derived from an original.

    `content_type` is the original's, by its magic bytes; `width` and `height` are the derived JPEG's in pixels;
    `photo` is that JPEG, None when the original is its own derivative; `thumbnail` is always a JPEG; `exif` is read
    from the original.
    """

    content_type: str
    width: int
    height: int
    photo: bytes | None
    thumbnail: bytes
    exif: Exif = NO_EXIF


@dataclass(frozen=True, slots=True)
class Barcode:
    """A barcode that was read; `format` is a name of the contract (`qr_code`, `ean_13`, …)."""

    text: str
    format: BarcodeFormat
