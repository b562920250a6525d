"""Pictures: what a file is, the derivatives people see, and barcodes.

The only Pillow in the house. What arrives comes from strangers, so every public function here has exactly one way to
fail on a picture: `Problem("unreadable_image", …)`. Nothing is opened by guessing: the magic bytes pick one reader, the
container is walked to its end (a picture cut off on its way is refused, not shown half grey), and the number of pixels
is read from the header before anything is decoded.

Memory that the worst picture of 50 megapixels takes while it is worked on, measured: JPEG 120 MB, progressive 320 MB,
progressive and CMYK 410 MB; HEIC 340 MB, with alpha 440 MB; PNG 290 MB, with alpha or 16 bits of it 450 MB. WebP, whose
decoder would take 760 MB, may have 16 megapixels (320 MB with alpha); a picture of a barcode 25 (330 MB); a signature 4
(15 MB).
"""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import pillow_heif
import zxingcpp
from PIL import Image, ImageCms, ImageFile, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rundun.containers import (
    Unreadable,
    orientation,
    sniff,
    unsupported,
    walk_heic,
    walk_jpeg,
    walk_png,
    walk_webp,
)
from rundun.core.picture import Decoded, Derived
from rundun.errors import Problem

__all__ = ["Decoded", "Derived", "check_signature", "decode_barcode", "derive", "logo", "sniff"]

PHOTO_PIXELS = 2048  # longest side of the derived photo
THUMBNAIL_PIXELS = 320  # longest side of the thumbnail
LOGO_PIXELS = 512  # longest side of a company's logo
_LOGOS = ("image/png", "image/jpeg", "image/webp")
_PHOTO_QUALITY, _THUMBNAIL_QUALITY = 82, 75
# Most pixels of a file, whatever the settings allow for photos.
_WEBP_MOST = 16_000_000  # libwebp decodes the whole, and takes 15 bytes a pixel
_SIGNATURE_MOST = 4_000_000
_BARCODE_MOST = 25_000_000
_LOGO_MOST = 16_000_000
# Longest side in which a barcode is looked for, first and last. QR codes have one of their own: a picture full of what
# looks like their corners costs the reader 40 s and more at 4096, and 1.2 s at 1600.
_CODE_FIRST, _CODE_LAST = 2048, 4096
_QR_PIXELS = 1600

# Embedded HEIC previews would pass for the picture, depth maps and the like would only cost time.
pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "image/jpeg": JpegImageFile,  # not Image.open: that would follow a multi-picture index and warn about broken ones
    "image/png": PngImageFile,
    "image/webp": WebPImageFile,
    "image/heic": pillow_heif.HeifImageFile,
}
_WALKS = {"image/png": walk_png, "image/webp": walk_webp, "image/heic": walk_heic}
_UPRIGHT = {  # EXIF orientation → what undoes it (EXIF 2.32, tag 0x0112)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BARCODES = {
    "qr_code": zxingcpp.BarcodeFormat.QRCode,
    "code_128": zxingcpp.BarcodeFormat.Code128,
    "code_39": zxingcpp.BarcodeFormat.Code39,
    "ean_13": zxingcpp.BarcodeFormat.EAN13,
    "upc_a": zxingcpp.BarcodeFormat.UPCA,
    "data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
}
P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)


def _guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Turn whatever the codecs raise into `unreadable_image`; they raise nearly everything."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Unreadable as error:
            detail = str(error)
        except MemoryError:
            detail = "The picture needs more memory than there is."
        except Exception as error:
            detail = "The picture is damaged: it cannot be decoded."
            log.info("image_undecodable error=%s message=%r", type(error).__name__, str(error)[:200])
        # Outside the handlers: a chained traceback would keep hundreds of megabytes of pixels alive.
        raise Problem("unreadable_image", detail)

    return guarded


# Opening and shrinking


@dataclass(slots=True)
class _Opened:
    """A picture whose header was read and whose pixels were not. `data` is what the reader was given."""

    content_type: str
    image: ImageFile.ImageFile
    data: bytes
    turned: int  # EXIF orientation still to be undone

    def load(self, longest: int) -> Image.Image:
        """Decode all of it; a JPEG already while decoding to no less than what `longest` asks for."""
        self.image.draft(None, _fit(self.image.size, longest))
        self.image.load()
        # A HEIC is turned by its decoder, a JPEG's orientation comes from its walk.
        if self.content_type in ("image/png", "image/webp"):
            self.turned = orientation(self.image.info.get("exif") or b"")
        return self.image


def _open(data: bytes, max_pixels: int) -> _Opened:
    content_type, turned = sniff(data[:64]), 1
    if content_type is None:
        raise Unreadable(unsupported(data[:64]))
    if content_type == "image/jpeg":
        jpeg = walk_jpeg(data)
        data, turned = jpeg.data, jpeg.orientation
    else:
        _WALKS[content_type](data)
    image = _READERS[content_type](io.BytesIO(data))
    width, height = image.size
    if content_type == "image/webp":
        max_pixels = min(max_pixels, _WEBP_MOST)
    if width * height > max_pixels:
        kind = content_type.removeprefix("image/").upper().replace("WEBP", "WebP")
        raise Unreadable(
            f"The picture has {width} × {height} pixels; at most {max_pixels / 1e6:g} megapixels are taken of a {kind}."
        )
    return _Opened(content_type, image, data, turned)


def _fit(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` shrunk, never enlarged, so that its longest side is at most `longest`."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _plain(image: Image.Image, longest: int) -> Image.Image:
    """A small RGB copy in sRGB, alpha on white, without any metadata. Shrinks first: the rest is then cheap."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip to white instead of scaling
        image = image.point(lambda value: value / 256).convert("L")
    elif image.has_transparency_data:
        image = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    size = _fit(image.size, longest)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if image.mode in ("LA", "RGBA"):
        white = Image.new("RGB", size, "white")
        white.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = white
    image = _in_srgb(image, profile)
    image.info = {}  # the encoder would write comments found here
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            assert converted is not None
            return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile, or one for another kind of pixels: the photo is still a photo
    return image.convert("RGB")


def _is_srgb(profile: bytes | None) -> bool:
    """Whether pixels with this profile can be shown as they are. Chrome puts a small sRGB one into each canvas JPEG."""
    if not profile:
        return True
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return len(profile) <= 4096 and ImageCms.getProfileDescription(source).startswith("sRGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


# What the house asks for


@_guarded
def derive(original: bytes, *, max_pixels: int) -> Derived:
    """The photo (a JPEG of at most 2048 px, upright, sRGB, without metadata) and its thumbnail (320 px).

    Of an animation the first frame counts. A JPEG that already is what the photo should be is its own derivative; one
    that only has metadata too much loses it without a new encoding. Raises `unreadable_image`.
    """
    opened = _open(original, max_pixels)
    image = opened.image
    if (
        opened.content_type == "image/jpeg"
        and opened.turned == 1
        and max(image.size) <= PHOTO_PIXELS
        and image.mode in ("L", "RGB")
        and _is_srgb(image.info.get("icc_profile"))
    ):
        width, height = image.size
        small = _plain(opened.load(THUMBNAIL_PIXELS), THUMBNAIL_PIXELS)
        photo = None if opened.data is original else opened.data
        return Derived("image/jpeg", width, height, photo, _jpeg(small, _THUMBNAIL_QUALITY))
    large = _plain(opened.load(PHOTO_PIXELS), PHOTO_PIXELS)
    image.close()  # gives back the full-size pixels before the encoder runs
    if opened.turned != 1:
        large = large.transpose(_UPRIGHT[opened.turned])
    small = _plain(large, THUMBNAIL_PIXELS)
    photo, thumbnail = _jpeg(large, _PHOTO_QUALITY), _jpeg(small, _THUMBNAIL_QUALITY)
    return Derived(opened.content_type, *large.size, photo, thumbnail)


@_guarded
def logo(data: bytes, *, max_pixels: int) -> bytes:
    """A PNG of at most 512 px, upright, with its transparency and nothing else, of a PNG, JPEG or WebP. Raises
    `unreadable_image`.
    """
    if sniff(data[:64]) not in _LOGOS:
        raise Unreadable("A logo is a PNG, a JPEG or a WebP picture.")
    opened = _open(data, min(max_pixels, _LOGO_MOST))
    image = opened.load(LOGO_PIXELS)
    small: Image.Image
    if image.has_transparency_data:
        small = image.convert("RGBA").resize(_fit(image.size, LOGO_PIXELS), Image.Resampling.LANCZOS)
        small.info = {}
    else:
        small = _plain(image, LOGO_PIXELS)
    if opened.turned != 1:
        small = small.transpose(_UPRIGHT[opened.turned])
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


@_guarded
def check_signature(png: bytes, *, max_pixels: int) -> tuple[int, int]:
    """Width and height of a signature's PNG, all of which was decoded. Raises `unreadable_image`."""
    if sniff(png[:64]) not in ("image/png", None):
        raise Unreadable("A signature must be a PNG.")
    image = _open(png, min(max_pixels, _SIGNATURE_MOST)).image
    image.load()
    return image.size


@_guarded
def decode_barcode(data: bytes, *, max_pixels: int, formats: tuple[str, ...] | None = None) -> Decoded | None:
    """The barcode nearest to the middle of the picture, None if there is none. Raises `unreadable_image`.

    `formats` in the contract's names; None or empty = all seven. Turned and inverted codes are found too.
    """
    names = formats or tuple(_BARCODES)
    qr = [_BARCODES[name] for name in names if name == "qr_code"]
    others = [_BARCODES[name] for name in names if name != "qr_code"]
    longest = _CODE_LAST if others else _QR_PIXELS
    opened = _open(data, min(max_pixels, _BARCODE_MOST))
    grey = _plain(opened.load(longest), longest).convert("L")
    opened.image.close()
    # The reader tries inverted matrix codes by itself, bars only when asked like this.
    found = (
        _look(grey, qr, _QR_PIXELS) + _look(grey, others, _CODE_FIRST)
        or _look(grey, others, _CODE_FIRST, inverted=True)
        or _look(grey, others, _CODE_LAST)
    )
    return _named(min(found, key=lambda each: each[0])[1], names) if found else None


def _look(
    grey: Image.Image, kinds: list[zxingcpp.BarcodeFormat], longest: int, *, inverted: bool = False
) -> list[tuple[float, zxingcpp.Barcode]]:
    """The barcodes of these kinds, each with its distance from the middle of the picture."""
    if not kinds:
        return []
    size = _fit(grey.size, longest)
    view = grey if size == grey.size else grey.resize(size, Image.Resampling.BOX)
    view = ImageOps.invert(view) if inverted else view
    # Plain, as other scanners give it: the default mode spells a label's separators out, as "<GS>".
    found = zxingcpp.read_barcodes(
        view, formats=zxingcpp.BarcodeFormats(kinds), text_mode=zxingcpp.TextMode.Plain
    )
    return [(_off_centre(barcode, size), barcode) for barcode in found if barcode.text]


def _off_centre(barcode: zxingcpp.Barcode, size: tuple[int, int]) -> float:
    """Square of the distance between the barcode's middle and the picture's, in longest sides."""
    spot = barcode.position
    corners = (spot.top_left, spot.top_right, spot.bottom_right, spot.bottom_left)
    across, down = sum(corner.x for corner in corners), sum(corner.y for corner in corners)
    return ((across / 4 - size[0] / 2) ** 2 + (down / 4 - size[1] / 2) ** 2) / max(size) ** 2


def _named(barcode: zxingcpp.Barcode, names: tuple[str, ...]) -> Decoded:
    """A UPC-A is an EAN-13 with a leading 0; the reader says 13 digits, the label and other scanners say 12."""
    text = barcode.text
    if barcode.symbology == zxingcpp.BarcodeFormat.EANUPC:
        if "upc_a" in names and len(text) == 13 and text.startswith("0"):
            return Decoded(text[1:], "upc_a")
        return Decoded(text, "ean_13")
    return Decoded(text, next(name for name, kind in _BARCODES.items() if kind == barcode.symbology))
