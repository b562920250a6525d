"""What a file is, by its bytes; and files that are cut off, damaged, too large, or lie."""

import io
import random
import struct
import warnings
import zlib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image, ImageChops, ImageStat

from rundun.errors import Problem
from rundun.imaging import barcodes, derivatives, formats
from rundun.imaging.derivatives import check_signature, derive
from rundun.imaging.formats import sniff
from tests.helpers.pictures.sample_pictures import MAX, encode, exif, png, refusal, scene


def noise(width=96, height=64):
    """Many different bytes everywhere, so that no part of the file is padding; small, so that hundreds are quick."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (encode(scene(8, 8), "JPEG")[:64], "image/jpeg"),
        (encode(scene(8, 8), "PNG")[:64], "image/png"),
        (encode(scene(8, 8), "WEBP")[:64], "image/webp"),
        (encode(scene(64, 64), "HEIF")[:64], "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "image/heic"),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc", "image/heic"),
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", "image/heic"),
        (encode(scene(8, 8), "AVIF")[:64], None),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", None),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1heic", None),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (encode(scene(8, 8), "GIF")[:64], None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_the_first_bytes_say_what_it_is(head, kind):
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a picture"),
        (encode(scene(8, 8), "GIF"), "GIF"),
        (encode(scene(8, 8), "AVIF"), "AVIF"),
        (encode(scene(8, 8), "TIFF"), "TIFF"),
        (encode(scene(8, 8), "BMP"), "BMP"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "video"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_not_taken_is_named(data, word):
    assert word in refusal(derive, data)


WHOLE = {
    "jpeg": encode(noise(), "JPEG"),
    "progressive": encode(noise(), "JPEG", progressive=True),
    "exif": encode(noise(), "JPEG", exif=exif(6, gps=True)),
    "png": encode(noise(), "PNG"),
    "webp": encode(noise(), "WEBP"),
    "lossless": encode(noise(), "WEBP", lossless=True, exif=exif(6)),
    "heic": encode(noise(), "HEIF"),
    "tiled": encode(noise(192, 128), "HEIF", tile_size=64),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_cut_off_anywhere_is_refused(kind):
    whole = WHOLE[kind]
    assert derive(whole, max_pixels=MAX).thumbnail
    last = len(whole) - 1
    for at in {*range(0, last, max(1, last // 60)), *range(last - 14, last + 1)}:
        refusal(derive, whole[:at])


def test_a_cut_off_picture_says_so():
    assert all("cut off" in refusal(derive, whole[:-1]) for whole in WHOLE.values())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_picture_is_shown_or_refused_and_nothing_else(data):
    whole = bytearray(WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)):
        whole[at] = value
    try:
        assert derive(bytes(whole), max_pixels=MAX).thumbnail
    except Problem as problem:
        assert problem.code == "unreadable_image"


MAGIC = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"\0\0\0\x10ftypheic\0\0\0\0",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MAGIC), st.binary(max_size=400))
def test_random_bytes_are_refused_and_nothing_else(magic, tail):
    refusal(derive, magic + tail)


@pytest.mark.parametrize(
    "error",
    [OSError, SyntaxError, ValueError, struct.error, EOFError, RuntimeError, IndexError, MemoryError, UserWarning],
)
def test_whatever_a_codec_raises_the_sender_hears_one_thing(monkeypatch, error):
    def broken(*_):
        raise error("deep inside")

    monkeypatch.setattr(derivatives, "plain_copy", broken)
    detail = refusal(derive, encode(scene(), "PNG"))
    assert "deep inside" not in detail
    assert ("memory" in detail) == (error is MemoryError)


def test_too_many_pixels_are_refused_from_the_header_alone():
    for bomb in (png((30000, 30000), b""), png((2**31 - 1, 2**31 - 1), b""), _webp_header(16384, 16384)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            detail = refusal(derive, bomb)
        assert len(bomb) < 200
        assert detail
    assert "30000 × 30000" in refusal(derive, png((30000, 30000), b""))
    data = encode(scene(), "JPEG")
    assert "at most 0.1 megapixels" in refusal(derive, data, max_pixels=100_000)
    assert derive(data, max_pixels=120_000).width == 400


def test_a_jpeg_that_shrinks_while_it_is_decoded_may_have_more_pixels():
    wide = Image.new("RGB", (4200, 400), "red")
    assert derive(encode(wide, "JPEG"), max_pixels=1_000_000).width == 2048
    for refused in (
        encode(wide, "JPEG", progressive=True),  # its decoder holds all of it
        encode(wide, "PNG"),
        encode(Image.new("RGB", (4200, 600)), "JPEG"),
        encode(Image.new("RGB", (2040, 600)), "JPEG"),  # would not shrink
    ):
        assert "megapixels are taken" in refusal(derive, refused, max_pixels=1_000_000)


def test_a_webp_and_a_signature_have_limits_of_their_own():
    plain = encode(Image.new("L", (4001, 4001)), "WEBP", lossless=True, method=0)
    for function in (derive, barcodes.decode_barcode):
        assert "at most 16 megapixels are taken of a WebP" in refusal(function, plain)
    assert "at most 4 megapixels" in refusal(check_signature, encode(Image.new("1", (2001, 2001)), "PNG"))
    assert "at most 25 megapixels" in refusal(barcodes.decode_barcode, encode(Image.new("1", (5001, 5001)), "PNG"))
    assert derive(encode(Image.new("1", (5001, 5001)), "PNG"), max_pixels=MAX).width == 2048


def _webp_header(width, height):
    body = b"VP8X\x0a\0\0\0\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def test_a_heic_that_lies_about_its_size_is_refused():
    size = struct.pack(">II", 96, 64)
    data = WHOLE["heic"]
    assert size in data
    refusal(derive, data.replace(size, struct.pack(">II", 16, 16)))


def test_chunks_that_unpack_to_too_much_are_refused():
    huge = zlib.compress(bytes(80_000_000), 9)
    rows = zlib.compress((b"\0" + bytes(48)) * 16)
    assert len(huge) < 100_000
    refusal(derive, png((16, 16), rows, (b"zTXt", b"Comment\0\0" + huge)))
    refusal(derive, png((16, 16), rows, (b"iCCP", b"p\0\0" + huge)))
    small = (b"iCCP", b"p\0\0" + zlib.compress(b"x" * 100))
    assert "profile" in refusal(derive, png((16, 16), rows, small, small))
    assert "chunks" in refusal(derive, png((16, 16), rows, *[(b"teSt", b"")] * 20_000))
    # pixels that go on and on after the last row are never unpacked
    assert (
        derive(png((16, 16), zlib.compress((b"\0" + bytes(48)) * 16 + bytes(80_000_000))), max_pixels=MAX).width == 16
    )


def test_a_jpeg_of_endless_scans_is_refused():
    data = encode(scene(64, 64), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "scans" in refusal(derive, data[:-2] + scan * 200 + b"\xff\xd9")
    more = 33 - data.count(b"\xff\xda")
    assert "scans" in refusal(derive, data[:-2] + scan * more + b"\xff\xd9")
    assert derive(data[:-2] + scan * (more - 1) + b"\xff\xd9", max_pixels=MAX).width == 64
    refusal(derive, b"\xff\xd8" + b"\xff\xfe\x00\x02" * 30_000 + data[2:])


def test_a_picture_without_pixels_is_refused():
    data = encode(scene(16, 16), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    refusal(derive, data[:at] + bytes(4) + data[at + 4 :])
    refusal(derive, png((0, 16), zlib.compress(b"")))
    refusal(derive, b"\xff\xd8\xff\xd9")


def test_a_jpeg_with_too_few_rows_of_pixels_is_refused_even_where_only_the_thumbnail_is_made():
    data = encode(noise(1024, 64), "JPEG")
    assert derive(data, max_pixels=MAX).photo is None
    refusal(derive, data[: len(data) // 2])


def flipped(jpeg, rng, marker):
    """With two bytes of the scan that make a marker, which says a length that leads anywhere."""
    start = jpeg.index(b"\xff\xda") + 14
    at = rng.randrange(start, len(jpeg) - 6)
    return jpeg[:at] + bytes((0xFF, marker)) + jpeg[at + 2 :]


@pytest.mark.parametrize("progressive", [False, True])
def test_a_damaged_byte_of_a_scan_costs_no_more_than_it_costs_pillow(progressive):
    rng, picture, worse = random.Random(5), scene(320, 240), []
    options = {"progressive": True} if progressive else {"restart_marker_rows": 1}
    whole = encode(picture, "JPEG", quality=90, **options)
    for marker in (0xC4, 0xDA, 0xE1, 0xE5, 0xFE):
        for _ in range(20):
            damaged = flipped(whole, rng, marker)
            try:
                shown = Image.open(io.BytesIO(damaged)).convert("RGB")
            except OSError:
                continue  # nor has Pillow anything to show
            ours = Image.open(io.BytesIO(formats.walk_jpeg(damaged)[0])).convert("RGB")
            if distance(ours, picture) > distance(shown, picture) + 1:
                worse.append((marker, distance(ours, picture), distance(shown, picture)))
    assert worse == []


def distance(one, other):
    """The mean difference of two pictures' dots, of 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other.convert("RGB"))).mean) / 3
