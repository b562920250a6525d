"""Pictures that say when and where they were taken; page and server read the same ones."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import Image

from tests.helpers.pictures.images import quadrants

AREZZO = (43.4674483, 11.8851267)  # as in the GPS of many a Nikon Coolpix
_TYPES = {"ascii": 2, "long": 4, "rational": 5, "srational": 10}


def _directory(order: str, at: int, entries: list[tuple[int, str, Any]]) -> bytes:
    """One directory of TIFF that lies at `at`, with what does not fit into its entries behind it."""
    head, tail = struct.pack(order + "H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        if kind == "ascii":
            data, count = value.encode("latin-1") + b"\0", len(value) + 1
        elif kind == "long":
            data, count = struct.pack(order + "L", value), 1
        else:
            pair_of = order + ("ll" if kind == "srational" else "LL")
            data, count = b"".join(struct.pack(pair_of, *pair) for pair in value), len(value)
        if len(data) > 4:
            data, tail = struct.pack(order + "L", behind + len(tail)), tail + data
        head += struct.pack(order + "HHL", tag, _TYPES[kind], count) + data.ljust(4, b"\0")
    return head + struct.pack(order + "L", 0) + tail


def exif_block(
    taken: str | None = None,
    offset: str | None = None,
    gps: list[tuple[int, str, Any]] | None = None,
    order: str = "<",
    orientation: int = 1,
) -> bytes:
    """EXIF in either byte order, with its `Exif` head."""
    about = [(0x9003, "ascii", taken)] if taken is not None else []
    about += [(0x9011, "ascii", offset)] if offset is not None else []
    first = [(0x0112, "long", orientation), (0x8769, "long", 50), (0x8825, "long", 50 + 200)]
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8) + _directory(order, 8, first)
    tiff = tiff.ljust(50, b"\0") + _directory(order, 50, about)
    return b"Exif\0\0" + tiff.ljust(250, b"\0") + _directory(order, 250, gps or [])


def position(lat: float, lng: float, kind: str = "rational") -> list[tuple[int, str, Any]]:
    """A position as cameras write it; a few do with the `kind` that has a sign."""

    def three(size: float) -> list[tuple[int, int]]:
        minutes = (size % 1) * 60
        return [(int(size), 1), (int(minutes), 1), (round((minutes % 1) * 60 * 10000), 10000)]

    return [
        (1, "ascii", "N" if lat >= 0 else "S"),
        (2, kind, three(abs(lat))),
        (3, "ascii", "E" if lng >= 0 else "W"),
        (4, kind, three(abs(lng))),
    ]


def gps_time(day: str, hour: int, minute: int, second: int) -> list[tuple[int, str, Any]]:
    """A time as receivers of GPS write it, which is UTC."""
    return [(7, "rational", [(hour, 1), (minute, 1), (second * 100, 100)]), (29, "ascii", day)]


def jpeg_of(block: bytes) -> bytes:
    """A JPEG with EXIF, whatever that is made of."""
    return _saved("JPEG", block)


def _saved(kind: str, block: bytes) -> bytes:
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(quadrants(64, 48)).save(out, exif=block)
    else:
        quadrants(64, 48).save(out, kind, exif=block)
    return out.getvalue()


def pillow_block() -> bytes:
    """The EXIF of 2008 in Arezzo, written by Pillow."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2008:10:22 16:28:39"
    exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 28.0, 2.814), 3: "E", 4: (11.0, 53.0, 6.456)})
    return exif.tobytes()


@dataclass(frozen=True, slots=True)
class Case:
    """A picture with what it says: the time in UTC, or local time, and the place."""

    name: str
    data: bytes
    utc: str | None = None
    local: str | None = None
    place: tuple[float, float] | None = None


_2008 = "2008:10:22 16:28:39"
_WITH_OFFSET = exif_block(_2008, "+02:00", position(*AREZZO))
_UTC = "2008-10-22T14:28:39Z"
WEST = (-33.8567844, -151.2152967)

CASES = [
    Case("jpeg", jpeg_of(_WITH_OFFSET), _UTC, None, AREZZO),
    Case("jpeg, big end first", jpeg_of(exif_block(_2008, "+02:00", position(*WEST), ">")), _UTC, None, WEST),
    Case("signed", jpeg_of(exif_block(_2008, "+02:00", position(*WEST, "srational"))), _UTC, None, WEST),
    Case(
        "signed, big end first",
        jpeg_of(exif_block(_2008, "+02:00", position(*AREZZO, "srational"), ">")),
        _UTC,
        None,
        AREZZO,
    ),
    Case("png", _saved("PNG", _WITH_OFFSET), _UTC, None, AREZZO),
    Case("webp", _saved("WEBP", _WITH_OFFSET), _UTC, None, AREZZO),
    Case("heic", _saved("HEIF", _WITH_OFFSET), _UTC, None, AREZZO),
    Case("heic, big end first", _saved("HEIF", exif_block(_2008, "-09:30", order=">")), "2008-10-23T01:58:39Z"),
    Case("gps time", jpeg_of(exif_block(_2008, None, gps_time("2008:10:22", 14, 28, 40))), "2008-10-22T14:28:40Z"),
    Case("local", jpeg_of(exif_block(_2008, None, position(*AREZZO))), None, "2008-10-22T16:28:39", AREZZO),
    Case("local, by Pillow", jpeg_of(pillow_block()), None, "2008-10-22T16:28:39", (43.4674483, 11.8851267)),
    Case("filled up", jpeg_of(exif_block(_2008 + " ", "+02:00\0\0")), _UTC),
    Case("leap day", jpeg_of(exif_block("2024:02:29 23:59:59", "+00:00")), "2024-02-29T23:59:59Z"),
    Case("no leap day", jpeg_of(exif_block("2023:02:29 23:59:59", "+00:00"))),
    Case("no such month", jpeg_of(exif_block("2008:13:01 00:00:00", "+00:00"))),
    Case("no such hour", jpeg_of(exif_block("2008:10:22 24:00:00", "+00:00"))),
    Case("nothing known", jpeg_of(exif_block("0000:00:00 00:00:00", "   :  ", position(0, 0)))),
    Case("blank", jpeg_of(exif_block("    :  :     :  :  "))),
    Case("wrong offset", jpeg_of(exif_block(_2008, "+99:00")), None, "2008-10-22T16:28:39"),
    Case("wrong place", jpeg_of(exif_block(_2008, "+02:00", position(91, 10))), _UTC),
    Case("half a place", jpeg_of(exif_block(_2008, "+02:00", position(*AREZZO)[:2])), _UTC),
    Case(
        "divided by nothing",
        jpeg_of(exif_block(_2008, "+02:00", [(1, "ascii", "N"), (2, "rational", [(43, 0)] * 3), *position(9, 9)[2:]])),
        _UTC,
    ),
    Case(
        "below nothing",
        jpeg_of(
            exif_block(_2008, "+02:00", [(1, "ascii", "N"), (2, "srational", [(-43, 1)] * 3), *position(9, 9)[2:]])
        ),
        _UTC,
    ),
    Case("no exif", jpeg_of(b"")),
]
