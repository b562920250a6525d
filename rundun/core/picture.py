"""Results of picture work, for callers that know no codec."""

from dataclasses import dataclass

from rundun.core.steps import BarcodeFormat


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The pictures that were made of an original.

    `content_type` is the original's, by its magic bytes; `width` and `height` are the derived JPEG's in pixels;
    `photo` is that JPEG, None when the original is its own derivative; `thumbnail` is always a JPEG.
    """

    content_type: str
    width: int
    height: int
    photo: bytes | None
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Barcode:
    """A barcode that was read: `format` in the contract's names (`qr_code`, `ean_13`, …)."""

    text: str
    format: BarcodeFormat
