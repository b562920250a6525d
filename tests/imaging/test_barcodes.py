"""Barcodes drawn by somebody and read back from a picture."""

import io
import time

import pytest
import segno
import zxingcpp
from PIL import Image, ImageOps

from rundun.core.picture import Barcode
from rundun.errors import Problem
from rundun.imaging.barcodes import decode_barcode

MAX = 50_000_000
CODES = {
    "qr_code": (zxingcpp.BarcodeFormat.QRCode, "https://example.com/r/1?a=b"),
    "code_128": (zxingcpp.BarcodeFormat.Code128, "Crate-42/b"),
    "code_39": (zxingcpp.BarcodeFormat.Code39, "ROOM 12"),
    "ean_13": (zxingcpp.BarcodeFormat.EAN13, "4006381333931"),
    "upc_a": (zxingcpp.BarcodeFormat.UPCA, "036000291452"),
    "data_matrix": (zxingcpp.BarcodeFormat.DataMatrix, "Pump 7, grün"),
    "pdf417": (zxingcpp.BarcodeFormat.PDF417, "A longer text with some words in it"),
}


def drawn(name, scale=4):
    kind, text = CODES[name]
    bars = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=scale)
    height, width = bars.shape
    return ImageOps.expand(Image.frombytes("L", (width, height), bytes(memoryview(bars))), 20, 255)


def encode(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(image, formats=None):
    return decode_barcode(encode(image), max_pixels=MAX, formats=formats)


@pytest.mark.parametrize("name", CODES)
def test_every_format_is_read_and_named_as_in_the_contract(name):
    wanted = Barcode(CODES[name][1], name)
    assert read(drawn(name)) == wanted
    assert read(drawn(name), formats=(name,)) == wanted
    assert decode_barcode(encode(drawn(name), "JPEG", quality=70), max_pixels=MAX) == wanted


@pytest.mark.parametrize("name", CODES)
def test_turned_and_inverted_codes_are_read(name):
    wanted = Barcode(CODES[name][1], name)
    for turn in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270):
        assert read(drawn(name).transpose(turn)) == wanted
    assert read(ImageOps.invert(drawn(name))) == wanted


@pytest.mark.parametrize("degrees", [15, 33, 45, 57, 75])
@pytest.mark.parametrize("name", ["code_39", "ean_13", "upc_a"])
def test_bars_are_read_however_the_phone_was_held(name, degrees):
    held = drawn(name).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert read(held) == Barcode(CODES[name][1], name)


@pytest.mark.parametrize("name", CODES)
def test_only_the_formats_asked_for_count(name):
    others = tuple(other for other in CODES if other != name and {other, name} != {"ean_13", "upc_a"})
    assert read(drawn(name), formats=others) is None


def test_a_upc_has_twelve_digits_unless_only_eans_are_asked_for():
    assert read(drawn("upc_a"), formats=("ean_13", "upc_a")) == Barcode("036000291452", "upc_a")
    assert read(drawn("upc_a"), formats=("ean_13",)) == Barcode("0036000291452", "ean_13")
    assert read(drawn("ean_13"), formats=("upc_a",)) is None


@pytest.mark.parametrize("text", ["BEGIN:VCARD\nFN:Olga Ünal\nEND:VCARD", "[)>\x1e06\x1dPA7\x1dQ3\x1e\x04", "日本語"])
def test_a_qr_code_made_by_another_library_is_read_character_by_character(text):
    out = io.BytesIO()
    segno.make(text, error="q", micro=False).save(out, kind="png", scale=6)
    assert decode_barcode(out.getvalue(), max_pixels=MAX) == Barcode(text, "qr_code")


def test_a_transparent_background_counts_as_white():
    out = io.BytesIO()
    segno.make("on glass", micro=False).save(out, kind="png", scale=6, light=None)
    assert decode_barcode(out.getvalue(), max_pixels=MAX) == Barcode("on glass", "qr_code")


def test_of_several_codes_the_one_in_the_middle_is_meant():
    state = Image.new("L", (1500, 1500), 255)
    state.paste(drawn("qr_code"), (20, 20))
    state.paste(drawn("data_matrix"), (1300, 1300))
    state.paste(drawn("ean_13"), (500, 650))
    assert read(state).format == "ean_13"


def test_a_small_code_in_a_big_picture_is_found():
    state = Image.new("L", (4600, 3400), 235)
    state.paste(drawn("code_128", scale=3), (2900, 2300))
    assert decode_barcode(encode(state, "JPEG", quality=80), max_pixels=MAX) == Barcode("Crate-42/b", "code_128")


def test_a_qr_code_is_looked_for_in_a_small_view_only(monkeypatch):
    """A picture full of what looks like a QR code's corners costs the reader more than the square of its pixels."""
    views = []

    def spy(view, formats, **how):
        views.append((max(view.size), zxingcpp.BarcodeFormat.QRCode in formats))
        assert max(view.size) <= 2048 or not {*formats} & {kind for kind, _ in (CODES["data_matrix"], CODES["pdf417"])}
        return []

    monkeypatch.setattr(zxingcpp, "read_barcodes", spy)
    state = Image.new("L", (4500, 3000), 255)
    assert read(state) is None
    assert max(size for size, with_qr in views if with_qr) == 1600
    assert max(size for size, with_qr in views if not with_qr) == 4096
    views.clear()
    assert read(state, formats=("qr_code",)) is None
    assert views == [(1600, True)]


@pytest.mark.parametrize("name", ["data_matrix", "pdf417"])
def test_a_small_code_in_the_middle_of_a_big_picture_is_found(name):
    state = Image.new("L", (4600, 3400), 235)
    code = drawn(name, scale=2)
    assert read(state) is None
    state.paste(code, (2300, 1800))
    assert decode_barcode(encode(state, "JPEG", quality=80), max_pixels=MAX) == Barcode(CODES[name][1], name)


def test_a_picture_full_of_corners_is_done_in_time():
    corner = Image.new("L", (9, 9), 255)
    corner.paste(0, (1, 1, 8, 8))
    corner.paste(255, (2, 2, 7, 7))
    corner.paste(0, (3, 3, 6, 6))
    state = Image.new("L", (4096, 4096), 255)
    for x in range(0, 4087, 9):
        state.paste(corner, (x, 0))
    row = state.crop((0, 0, 4096, 9))
    for y in range(9, 4087, 9):
        state.paste(row, (0, y))
    began = time.process_time()
    assert read(state) is None
    assert time.process_time() - began < 15  # it takes one or two, and 60 where 4096 pixels are looked at


def test_a_picture_without_a_code_gives_none():
    assert read(Image.effect_noise((500, 400), 50)) is None
    assert read(Image.new("RGB", (1, 1))) is None


def test_a_picture_that_cannot_be_read_is_refused():
    whole = encode(drawn("qr_code"))
    for wrong in (b"", b"not a picture", whole[:-5], whole[: len(whole) // 2]):
        with pytest.raises(Problem) as caught:
            decode_barcode(wrong, max_pixels=MAX)
        assert caught.value.code == "unreadable_image"
    with pytest.raises(Problem) as caught:
        decode_barcode(whole, max_pixels=1000)
    assert caught.value.code == "unreadable_image"
