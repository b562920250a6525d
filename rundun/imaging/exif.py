"""Time and position of a picture from its EXIF (CIPA DC-008-2023, EXIF 3.0; directories: TIFF 6.0 §2).

Cameras and editors write nearly anything; a value that makes no sense counts as missing. Only the needed tags are read:
Pillow's reader copies all values that a directory lists, 300 MB of a hostile one. `static/executor/photos/exif.js`
reads the same in the page.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rundun.core import times
from rundun.core.json_types.base import PositionJson
from rundun.core.picture import NO_EXIF, Exif

_EXIF, _GPS = 0x8769, 0x8825  # directories
_TAKEN, _OFFSET = 0x9003, 0x9011  # DateTimeOriginal, OffsetTimeOriginal
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _GPS_TIME, _GPS_DATE = 1, 2, 3, 4, 7, 29
_ASCII, _LONG, _RATIONAL, _SRATIONAL = 2, 4, 5, 10  # types: LONG is a directory's offset, SRATIONAL has a sign
_MAX_BYTES = 65536  # a JPEG's segment holds no more, and phones write 2 KiB
_MAX_TEXT = 64  # bytes of a date with its padding
_DATE_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d)", re.ASCII)
_AHEAD = re.compile(r"([+-])(\d\d):([0-5]\d)", re.ASCII)
_FARTHEST = timedelta(hours=14)  # from UTC: the Line Islands

Values = Mapping[int, str | tuple[float, ...] | int]  # by tag: ASCII, RATIONAL and LONG


def read_exif(block: bytes) -> Exif:
    """Return the time and position in an EXIF block, with or without `Exif\\0\\0` before it, each None where it is
    missing; never raises.

    The time, in milliseconds, is `DateTimeOriginal` with its `OffsetTimeOriginal`, else that of the GPS, which is UTC.
    Impossible values count as missing, and so does a position of 0, 0.
    """
    tiff = block[: _MAX_BYTES + 6].removeprefix(b"Exif\0\0")
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return NO_EXIF
    first = _read_tags(tiff, _read_number(tiff, 4, 4))
    about, gps = (_read_tags(tiff, place) if isinstance(place := first.get(tag), int) else {} for tag in (_EXIF, _GPS))
    taken_at = _time_by_offset(about)
    return Exif(_time_by_gps(gps) if taken_at is None else taken_at, _read_position(gps))


def _read_number(tiff: bytes, at: int, length: int, *, signed: bool = False) -> int:
    return int.from_bytes(tiff[at : at + length], "little" if tiff[:1] == b"I" else "big", signed=signed)


def _read_tags(tiff: bytes, at: int) -> Values:
    """Return the values of the needed tags in a directory, by tag number: texts, tuples of numbers, and the offset of
    the EXIF and GPS directories; of a duplicate tag the last.
    """
    values: dict[int, str | tuple[float, ...] | int] = {}
    last = min(at + 2 + 12 * _read_number(tiff, at, 2), len(tiff) - 11)
    for entry in range(at + 2, last, 12):
        tag, kind, count = (_read_number(tiff, entry + start, length) for start, length in ((0, 2), (2, 2), (4, 4)))
        place = _read_number(tiff, entry + 8, 4)
        if kind == _LONG and tag in (_EXIF, _GPS):
            values[tag] = place
        elif kind == _ASCII and tag in (_TAKEN, _OFFSET, _LATITUDE_REF, _LONGITUDE_REF, _GPS_DATE):
            values[tag] = _read_text(tiff, entry + 8 if count <= 4 else place, count)
        elif kind in (_RATIONAL, _SRATIONAL) and count == 3 and tag in (_LATITUDE, _LONGITUDE, _GPS_TIME):
            values[tag] = _read_rationals(tiff, place, signed=kind == _SRATIONAL)
    return values


def _read_text(tiff: bytes, at: int, count: int) -> str:
    return tiff[at : at + min(count, _MAX_TEXT)].partition(b"\0")[0].decode("latin-1").strip(" ")


def _read_rationals(tiff: bytes, at: int, *, signed: bool) -> tuple[float, ...]:
    """Return the three rational numbers at an offset; numbers below 0 or with denominator 0 are left out, so there may
    be fewer, and there are none if the data end before. Some phones write a position `signed`, although EXIF demands
    unsigned.
    """
    if at + 24 > len(tiff):
        return ()
    numbers = [_read_number(tiff, start, 4, signed=signed) for start in range(at, at + 24, 4)]
    quotients = [above / below for above, below in zip(numbers[::2], numbers[1::2], strict=True) if below]
    return tuple([quotient for quotient in quotients if quotient >= 0])


def _time_by_offset(values: Values) -> int | None:
    taken, offset = _full_match(_DATE_TIME, values.get(_TAKEN)), _full_match(_AHEAD, values.get(_OFFSET))
    if taken is None or offset is None:
        return None
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return None if ahead > _FARTHEST else _utc_time(taken.groups(), -ahead if sign == "+" else ahead)


def _time_by_gps(values: Values) -> int | None:
    day, clock = _full_match(_DATE, values.get(_GPS_DATE)), values.get(_GPS_TIME)
    if day is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    return _utc_time((*day.groups(), *clock), timedelta())


def _utc_time(parts: tuple[str | float, ...], to_utc: timedelta) -> int | None:
    year, month, day, hour, minute, second = (int(part) for part in parts)
    try:
        taken = datetime(year, month, day, hour, minute, second, tzinfo=UTC) + to_utc
    except (ValueError, OverflowError):
        return None
    return int(taken.timestamp()) * times.SECOND


def _read_position(values: Values) -> PositionJson | None:
    lat = _read_degrees(values.get(_LATITUDE), values.get(_LATITUDE_REF), "NS", 90)
    lng = _read_degrees(values.get(_LONGITUDE), values.get(_LONGITUDE_REF), "EW", 180)
    if lat is None or lng is None or (lat == 0 and lng == 0):  # 0, 0 is written for an unknown position
        return None
    return {"lat": lat, "lng": lng, "accuracy": None}


def _read_degrees(value: object, reference: object, letters: str, most: int) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3 or reference not in tuple(letters):
        return None
    degrees, minutes, seconds = (float(part) for part in value)
    if degrees > most or minutes > 60 or seconds > 60:
        return None
    size = round(degrees + minutes / 60 + seconds / 3600, 7)
    if size > most:
        return None
    return -size + 0.0 if reference == letters[1] else size


def _full_match(pattern: re.Pattern[str], value: object) -> re.Match[str] | None:
    return pattern.fullmatch(value) if isinstance(value, str) else None
