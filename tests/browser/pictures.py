"""Pictures that the tests make themselves: the upper half red, the lower half blue."""

import io
from collections.abc import Callable
from typing import Any

import pillow_heif
import segno
from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)
ORIENTATION = 0x0112  # EXIF


def upright(size: tuple[int, int] = (600, 800)) -> Image.Image:
    picture = Image.new("RGB", size, BLUE)
    picture.paste(RED, (0, 0, size[0], size[1] // 2))
    return picture


def jpeg(**options: Any) -> bytes:
    out = io.BytesIO()
    upright().save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def noise(some_bytes: Callable[[int], bytes], size: tuple[int, int] = (160, 200)) -> bytes:
    """No two alike, and hard to compress: 60 kB, of which the page makes 0.6 bytes a pixel."""
    picture = Image.frombytes("RGB", size, some_bytes(size[0] * size[1] * 3))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def sideways_jpeg() -> bytes:
    """As a phone held upright stores it: rotated pixels, and orientation 6 saying to turn them back."""
    return _sideways("JPEG")


def sideways_webp() -> bytes:
    """The same as a WebP, whose orientation no browser minds."""
    return _sideways("WEBP")


def _sideways(kind: str) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    out = io.BytesIO()
    upright().transpose(Image.Transpose.ROTATE_90).save(out, kind, quality=90, exif=exif)
    return out.getvalue()


def heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(upright()).save(out, quality=80)
    return out.getvalue()


def qr(text: str) -> bytes:
    out = io.BytesIO()
    segno.make(text, micro=False).save(out, kind="png", scale=8)
    return out.getvalue()


def file(name: str, content_type: str, data: bytes) -> Any:
    """As a file chosen in the browser."""
    return {"name": name, "mimeType": content_type, "buffer": data}


def is_upright(data: bytes) -> bool:
    """Taller than wide, red above blue, and nothing left that says it should be turned."""
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
        top, bottom = (picture.convert("RGB").getpixel((width // 2, height * part // 8)) for part in (1, 7))
        turned = picture.getexif().get(ORIENTATION, 1) != 1
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    return height > width and top[0] > 128 > top[2] and bottom[2] > 128 > bottom[0] and not turned
