"""Results of picture work, for callers that know no codec, and how large pictures may be."""

from dataclasses import dataclass
from typing import Literal

from rundun.core import times
from rundun.core.json_types.base import BarcodeFormat, PositionJson

TimeSource = Literal["camera", "exif", "exif_local"]  # the clock of the phone that took it, EXIF, EXIF without its zone

# Longest sides of what is made of a picture.
PHOTO_PIXELS, PICTURE_PIXELS, THUMBNAIL_PIXELS, LOGO_PIXELS = 2048, 1280, 320, 512
# Most pixels of a file, whatever the settings allow for photos.
MAX_WEBP_PIXELS = 16_000_000  # libwebp decodes the whole, and takes 15 bytes a pixel
MAX_BARCODE_PIXELS, MAX_SIGNATURE_PIXELS, MAX_LOGO_PIXELS = 25_000_000, 4_000_000, 16_000_000
# Times as many of a JPEG that shrinks while it is decoded, 108 of a phone: a quarter of them is in memory at most.
SHRINKING_JPEG = 2.2


@dataclass(frozen=True, slots=True)
class Exif:
    """What a picture's EXIF says of when and where it was taken: `taken_at` in milliseconds UTC, None also where there
    is only local time without its offset.
    """

    taken_at: int | None = None
    geo: PositionJson | None = None


NO_EXIF = Exif()
_FIRST_PHOTO = 631_152_000 * times.SECOND  # 1990; a clock that was never set says 1970 or 1980
_AHEAD = 300 * times.SECOND  # what the clock of a phone or a camera may be ahead of the server's


def is_plausible(taken_at: int, now: int) -> bool:
    """Tell whether a picture can have been taken at that time: not before 1990, and not in the future."""
    return _FIRST_PHOTO <= taken_at <= now + _AHEAD


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The pictures that were made of an original.

    `content_type` is the original's, by its magic bytes; `width` and `height` are the derived JPEG's in pixels;
    `photo` is that JPEG, None when the original is its own derivative; `thumbnail` is always a JPEG; `exif` is what the
    original's own says.
    """

    content_type: str
    width: int
    height: int
    photo: bytes | None
    thumbnail: bytes
    exif: Exif = NO_EXIF


@dataclass(frozen=True, slots=True)
class Barcode:
    """A barcode that was read: `format` in the contract's names (`qr_code`, `ean_13`, …)."""

    text: str
    format: BarcodeFormat
