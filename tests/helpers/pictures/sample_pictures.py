"""Pictures to derive others from, and how alike two are."""

import io
import struct
import zlib

import pillow_heif
import pytest
from PIL import Image, ImageDraw

from rundun.errors import Problem

MAX = 50_000_000


RED, GREEN, BLUE, GREY = (220, 30, 30), (30, 180, 30), (30, 30, 220), (128, 128, 128)


def scene(width=400, height=300):
    """Red, green over blue, grey."""
    image = Image.new("RGB", (width, height), GREY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), BLUE)
    return image


def encode(image, kind, **options):
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(out, quality=80, **options)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation=None, gps=False):
    tags = Image.Exif()
    tags[0x010F] = "Ed's phone"
    if orientation:
        tags[0x0112] = orientation
    if gps:
        tags[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    return tags.tobytes()


def refusal(function, data, max_pixels=MAX):
    with pytest.raises(Problem) as caught:
        function(data, max_pixels=max_pixels)
    assert caught.value.code == "unreadable_image"
    assert caught.value.__context__ is None  # no chained traceback that would hold the pixels
    return caught.value.detail


def png(size, data, *chunks, depth=8, colour=2):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    parts = (head, *(chunk(*each) for each in chunks), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
