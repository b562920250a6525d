"""When and where a picture was taken: as a library by others reads it, and nothing where that makes no sense."""

import io
import tracemalloc
from typing import Any

import exifread
import pillow_heif
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from rundun.core import times
from rundun.core.picture import NO_EXIF, Exif
from rundun.imaging.derivatives import derive
from rundun.imaging.exif import read_exif
from tests.helpers.pictures.exif_pictures import CASES, Case, exif_block, gps_time, position
from tests.helpers.pictures.sample_pictures import MAX


def said(exif: Exif) -> tuple[str | None, Any]:
    return times.wire_or_none(exif.taken_at), exif.geo


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_original_says_when_and_where_it_was_taken(case: Case) -> None:
    utc, geo = said(derive(case.data, max_pixels=MAX).exif)
    assert utc == case.utc
    place = geo and (geo["lat"], geo["lng"])
    assert place == (case.place and pytest.approx(case.place, abs=1e-6))
    assert geo is None or geo["accuracy"] is None


# exifread wants an `Exif` head in WebP and HEIC, which the EXIF and the HEIF specification leave out.
@pytest.mark.parametrize(("name", "opened"), [("webp", Image.open), ("heic", pillow_heif.HeifImageFile)])
def test_pillow_reads_the_same(name: str, opened: Any) -> None:
    (case,) = (case for case in CASES if case.name == name)
    exif = opened(io.BytesIO(case.data)).getexif()
    assert exif.get_ifd(0x8769) == {0x9003: "2008:10:22 16:28:39", 0x9011: "+02:00"}
    degrees, minutes, seconds = exif.get_ifd(0x8825)[2]
    assert case.place and float(degrees + minutes / 60 + seconds / 3600) == pytest.approx(case.place[0], abs=1e-6)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.place and case.name not in ("webp", "heic")], ids=lambda case: case.name
)
def test_others_read_the_same(case: Case) -> None:
    tags = exifread.process_file(io.BytesIO(case.data), details=False)
    assert tags["EXIF DateTimeOriginal"].printable == "2008:10:22 16:28:39"
    assert (str(tags["EXIF OffsetTimeOriginal"]) == "+02:00") if case.utc else "EXIF OffsetTimeOriginal" not in tags
    place = exifread.utils.get_gps_coords(tags)
    assert place == pytest.approx(case.place, abs=1e-6)


BLOCKS = [
    exif_block("2008:10:22 16:28:39", "+02:00", position(43.5, 11.5) + gps_time("2008:10:22", 14, 28, 39), order)
    for order in "<>"
]


@given(st.sampled_from([b"", b"Exif\0\0", b"II*\0", b"Exif\0\0MM\0*"]), st.binary(max_size=300))
def test_any_bytes_are_read(head: bytes, rest: bytes) -> None:
    assert isinstance(read_exif(head + rest), Exif)


@settings(max_examples=150)
@given(st.sampled_from(BLOCKS), st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=12), st.data())
def test_any_changed_exif_is_read(block: bytes, changes: list[tuple[int, int]], data: st.DataObject) -> None:
    changed = bytearray(block)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    exif = read_exif(bytes(changed[: data.draw(st.integers(0, len(changed)))]))
    if exif.geo is not None:
        assert abs(exif.geo["lat"]) <= 90
        assert abs(exif.geo["lng"]) <= 180


def test_a_directory_that_lists_itself_thousands_of_times_costs_nothing() -> None:
    entry = b"\x03\x90\x02\0\xff\xff\xff\xff\x08\0\0\0"  # DateTimeOriginal: 4 GiB of text
    entries = b"\xff\xff" + entry * 5400
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0" + b"\0" * 4 + entries
    tracemalloc.start()
    try:
        assert read_exif(tiff) == NO_EXIF
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
