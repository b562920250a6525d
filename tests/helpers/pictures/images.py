"""Pictures the tests make: four colours in four corners tell which way is up."""

import io
from typing import Any

import pillow_heif
import zxingcpp
from PIL import Image, ImageOps

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (245, 245, 245)
CORNERS = (RED, GREEN, BLUE, WHITE)  # top left, top right, bottom left, bottom right


def quadrants(width: int = 640, height: int = 480) -> Image.Image:
    """An upright picture."""
    image = Image.new("RGB", (width, height))
    half = (width // 2, height // 2)
    for index, colour in enumerate(CORNERS):
        image.paste(
            colour,
            (index % 2 * half[0], index // 2 * half[1], width, height)
            if index == 3
            else (
                index % 2 * half[0],
                index // 2 * half[1],
                index % 2 * half[0] + half[0],
                index // 2 * half[1] + half[1],
            ),
        )
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 640, height: int = 480) -> bytes:
    """A plain JPEG, upright."""
    return encoded(quadrants(width, height))


def sideways_jpeg(width: int = 640, height: int = 480) -> bytes:
    """A JPEG as a phone held upright writes it: pixels lying on their side, orientation 6 in the EXIF, a position."""
    lying = quadrants(width, height).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return encoded(lying, exif=exif)


def heic(width: int = 640, height: int = 480) -> bytes:
    """A HEIC."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(quadrants(width, height)).save(buffer, quality=80)
    return buffer.getvalue()


def png(width: int = 300, height: int = 120) -> bytes:
    """Something like a signature."""
    return encoded(quadrants(width, height), "PNG")


def corners(data: bytes) -> list[str]:
    """The names of the colours in the four corners of a picture, as decoded without looking at any EXIF."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    names = dict(zip(CORNERS, ("red", "green", "blue", "white"), strict=True))
    found = []
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        pixel = image.getpixel((int(width * x), int(height * y)))
        assert isinstance(pixel, tuple)
        nearest = min(CORNERS, key=lambda c: sum((a - b) ** 2 for a, b in zip(c, pixel, strict=True)))
        found.append(names[nearest])
    return found


UPRIGHT = ["red", "green", "blue", "white"]


def noise(side: int, quality: int) -> bytes:
    """A JPEG that no encoder makes small."""
    return encoded(Image.effect_noise((side, side), 100).convert("RGB"), quality=quality)


def barcode(digits: str) -> bytes:
    """A picture of an EAN-13."""
    drawn = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.EAN13)
    bars = zxingcpp.write_barcode_to_image(drawn, scale=4)
    height, width = bars.shape
    image = Image.frombytes("L", (width, height), bytes(memoryview(bars)))
    return encoded(ImageOps.expand(image, 20, 255), "PNG")
