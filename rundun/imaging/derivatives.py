"""Safe opening of pictures, and the pictures derived from them.

Pictures come from strangers, so every public function here has exactly one way to fail on a picture:
`Problem("unreadable_image", …)`. The format is never guessed: the magic bytes pick one reader, the container is walked
to its end (a truncated picture is refused, not shown half grey), and the number of pixels is read from the header
before any decoding.

Greatest memory for a picture of 50 megapixels, measured: JPEG 120 MB (a usual one of 108 megapixels, which is shrunk
while decoding, 71 MB), progressive 320 MB, progressive and CMYK 410 MB; HEIC 340 MB, with alpha 440 MB; PNG 290 MB,
with alpha or 16 bits a channel 450 MB. WebP, whose decoder would take 760 MB, may have 16 megapixels (320 MB with
alpha); a picture of a barcode 25 (330 MB); a signature 4 (15 MB).
"""

import functools
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import pillow_heif
from PIL import Image, ImageCms, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rundun.core.picture import (
    LOGO_PIXELS,
    MAX_LOGO_PIXELS,
    MAX_SIGNATURE_PIXELS,
    MAX_WEBP_PIXELS,
    PHOTO_PIXELS,
    PICTURE_PIXELS,
    SHRINKING_JPEG,
    THUMBNAIL_PIXELS,
    Derivatives,
)
from rundun.errors import Problem
from rundun.imaging import exif, formats
from rundun.imaging.formats import LargePicture, Unreadable

SMALL_PIXELS = 2048 * 2048  # a picture of up to these, as the page sends, takes at most a third of a second
_LOGOS = ("image/png", "image/jpeg", "image/webp")
_PHOTO_QUALITY, _THUMBNAIL_QUALITY = 82, 75

# An embedded HEIC preview could be taken for the picture; depth maps and auxiliary images only cost time.
pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "image/jpeg": JpegImageFile,  # not Image.open, which follows a multi-picture index and warns about broken ones
    "image/png": PngImageFile,
    "image/webp": WebPImageFile,
    "image/heic": pillow_heif.HeifImageFile,
}
_WALKS = {"image/png": formats.walk_png, "image/webp": formats.walk_webp, "image/heic": formats.walk_heic}
_UPRIGHT = {  # EXIF orientation → its inverse (EXIF 2.32, tag 0x0112)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that raises `unreadable_image` for every exception of a codec but `LargePicture`."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except LargePicture:
            raise
        except Unreadable as error:
            detail = str(error)
        except MemoryError:
            detail = "The picture needs more memory than there is."
        except Exception as error:
            detail = "The picture is damaged: it cannot be decoded."
            log.info("image_undecodable error=%s message=%r", type(error).__name__, str(error)[:200])
        # Raised outside the handlers: a chained traceback would keep hundreds of megabytes of pixels alive.
        raise Problem("unreadable_image", detail)

    return guarded


# Opening and shrinking


@dataclass(slots=True)
class _Opened:
    """A picture with its header read and its pixels not yet decoded; `data` are the bytes given to the reader."""

    content_type: str
    image: ImageFile.ImageFile
    data: bytes
    turned: int  # EXIF orientation that is not yet undone
    exif: bytes  # complete once the picture is loaded

    def load(self, longest: int, mode: str | None = None) -> Image.Image:
        """Return the decoded picture. A JPEG is shrunk while decoding, to at least `longest`, and read in `mode`."""
        self.image.draft(mode, fit(self.image.size, longest))
        self.image.load()
        # A HEIC is turned by its decoder; a JPEG's EXIF was read by its walk.
        if self.content_type != "image/jpeg":
            self.exif = self.image.info.get("exif") or b""
        if self.content_type in ("image/png", "image/webp"):
            self.turned = formats.orientation(self.exif)
        return self.image


def open_picture(data: bytes, max_pixels: int, longest: int | None = None) -> _Opened:
    """Return a picture of at most `max_pixels`, a WebP also of `MAX_WEBP_PIXELS`, its header read. A JPEG that will be
    decoded to `longest` pixels, and shrinks meanwhile, may have 2.2 times as many. Raises `Unreadable`.
    """
    content_type, of_jpeg = formats.sniff(data[:64]), b""
    if content_type is None:
        raise Unreadable(formats.unsupported(data[:64]))
    if content_type == "image/jpeg":
        data, of_jpeg = formats.walk_jpeg(data)
    else:
        _WALKS[content_type](data)
    image = _READERS[content_type](io.BytesIO(data))
    width, height = image.size
    if content_type == "image/webp":
        max_pixels = min(max_pixels, MAX_WEBP_PIXELS)
    elif content_type == "image/jpeg" and longest and max(image.size) >= 2 * longest and _is_read_once(image, data):
        max_pixels = round(max_pixels * SHRINKING_JPEG)
    if width * height > max_pixels:
        kind = content_type.removeprefix("image/").upper().replace("WEBP", "WebP")
        raise Unreadable(
            f"The picture has {width} × {height} pixels; at most {max_pixels / 1e6:g} megapixels are taken of a {kind}."
        )
    return _Opened(content_type, image, data, formats.orientation(of_jpeg), of_jpeg)


def _is_read_once(image: ImageFile.ImageFile, jpeg: bytes) -> bool:
    """Tell whether a JPEG has a single scan, so that the decoder keeps only a row of it, not all coefficients."""
    return "progressive" not in image.info and jpeg.count(b"\xff\xda") == 1


def fit(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return `size` shrunk, never enlarged, so that its longest side is at most `longest`."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def plain_copy(image: Image.Image, longest: int) -> Image.Image:
    """Return a copy, its longest side at most `longest` pixels, in sRGB, alpha on white, without metadata. It is shrunk
    first, and not converted where its profile is unusable.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip to white instead of scaling
        image = image.point(lambda value: value / 256).convert("L")
    elif image.has_transparency_data:
        image = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    size = fit(image.size, longest)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if image.mode in ("LA", "RGBA"):
        white = Image.new("RGB", size, "white")
        white.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = white
    image = _convert_to_srgb(image, profile)
    image.info = {}  # the encoder would write comments that stand here
    return image


def _convert_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            assert converted is not None
            return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile, or one for another mode: the photo is still usable
    return image.convert("RGB")


@functools.lru_cache(32)
def _is_srgb(profile: bytes | None) -> bool:
    """Tell whether a profile is missing, or named sRGB and up to 4 KiB long (Chrome adds one to canvas JPEGs)."""
    if not profile:
        return True
    if len(profile) > 4096:
        return False
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.getProfileDescription(source).startswith("sRGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False


def _encode_jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


# The derivatives


@guarded
def derive(original: bytes, *, max_pixels: int, small_only: bool = False) -> Derivatives:
    """Return the photo (a JPEG of at most 2048 px, upright, sRGB, without metadata), its width and height, and its
    thumbnail (a JPEG of at most 320 px), with the original's content type, and time and position from its EXIF.

    Of an animation the first frame counts. A JPEG that already meets all this is its own derivative, and `photo` None;
    from one that only has surplus metadata, these are removed without a new encoding. Raises `unreadable_image`, and
    with `small_only` `LargePicture` for more than `SMALL_PIXELS`.
    """
    opened = open_picture(original, max_pixels, PHOTO_PIXELS)
    image = opened.image
    _refuse_large(image, small_only=small_only)
    if (
        opened.content_type == "image/jpeg"
        and opened.turned == 1
        and max(image.size) <= PHOTO_PIXELS
        and image.mode in ("L", "RGB")
        and _is_srgb(image.info.get("icc_profile"))
    ):
        width, height = image.size
        photo = None if opened.data is original else opened.data
        thumbnail = _encode_jpeg(_thumbnail(opened), _THUMBNAIL_QUALITY)
        return Derivatives("image/jpeg", width, height, photo, thumbnail, exif.read_exif(opened.exif))
    return _encode(opened, PHOTO_PIXELS)


@guarded
def derive_picture(original: bytes, *, max_pixels: int, small_only: bool = False) -> Derivatives:
    """Return a template's picture (a JPEG of at most 1280 px, upright, sRGB, without metadata) and, as for a photo, its
    thumbnail and data. It is always encoded anew, since phones store it. Raises like `derive`.
    """
    opened = open_picture(original, max_pixels)
    _refuse_large(opened.image, small_only=small_only)
    return _encode(opened, PICTURE_PIXELS)


def _refuse_large(image: Image.Image, *, small_only: bool) -> None:
    if small_only and image.size[0] * image.size[1] > SMALL_PIXELS:
        raise LargePicture


def _encode(opened: _Opened, longest: int) -> Derivatives:
    large = plain_copy(opened.load(longest), longest)
    opened.image.close()  # frees the full-size pixels before the encoder runs
    if opened.turned != 1:
        large = large.transpose(_UPRIGHT[opened.turned])
    small = plain_copy(large, THUMBNAIL_PIXELS)
    photo, thumbnail = _encode_jpeg(large, _PHOTO_QUALITY), _encode_jpeg(small, _THUMBNAIL_QUALITY)
    return Derivatives(opened.content_type, *large.size, photo, thumbnail, exif.read_exif(opened.exif))


def _thumbnail(opened: _Opened) -> Image.Image:
    """Return the thumbnail of a JPEG in sRGB. Where brightness and colour are apart, as in JFIF, the cheapest filter
    shrinks colour, which the encoder halves anyway: a sixth less time, at most 0.0004 of SSIM and 0.1 dB of PSNR lost.
    """
    image, size = opened.image, fit(opened.image.size, THUMBNAIL_PIXELS)
    if image.mode != "RGB" or "jfif" not in image.info:
        return plain_copy(opened.load(THUMBNAIL_PIXELS), THUMBNAIL_PIXELS)
    y, *colour = opened.load(THUMBNAIL_PIXELS, "YCbCr").split()
    small = [y.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)]
    small += [band.resize(size, Image.Resampling.BOX) for band in colour]
    return Image.merge("YCbCr", small)


@guarded
def logo(data: bytes, *, max_pixels: int) -> bytes:
    """Return a logo made of a PNG, JPEG or WebP: a PNG of at most 512 px, upright, transparent parts kept, without
    metadata. Raises `unreadable_image`.
    """
    if formats.sniff(data[:64]) not in _LOGOS:
        raise Unreadable("A logo is a PNG, a JPEG or a WebP picture.")
    opened = open_picture(data, min(max_pixels, MAX_LOGO_PIXELS))
    small: Image.Image
    image = opened.load(LOGO_PIXELS)
    if image.has_transparency_data:
        small = image.convert("RGBA").resize(fit(image.size, LOGO_PIXELS), Image.Resampling.LANCZOS)
        small.info = {}
    else:
        small = plain_copy(image, LOGO_PIXELS)
    image.close()
    if opened.turned != 1:
        small = small.transpose(_UPRIGHT[opened.turned])
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


@guarded
def check_signature(png: bytes, *, max_pixels: int) -> tuple[int, int]:
    """Return the (width, height) of a signature's PNG, which is fully decoded. Raises `unreadable_image`."""
    if formats.sniff(png[:64]) not in ("image/png", None):
        raise Unreadable("A signature must be a PNG.")
    image = open_picture(png, min(max_pixels, MAX_SIGNATURE_PIXELS)).image
    image.load()
    return image.size
