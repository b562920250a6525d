"""Real pictures, made here: what comes out upright and bare, and what is refused."""

import io
import math
import struct
import zlib

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat, PngImagePlugin

from rundun.imaging import derivatives
from rundun.imaging.derivatives import check_signature, derive
from rundun.imaging.formats import LargePicture, orientation
from tests.helpers.pictures.sample_pictures import BLUE, GREEN, GREY, MAX, RED, encode, exif, png, refusal, scene

# Where a camera held wrongly puts the quadrants (top left, top right, bottom left, bottom right) of an upright scene:
# what each EXIF orientation must be stored as, so that undoing it gives red, green, blue, grey.
ORIENTED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def opened(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def quadrants(data):
    image = opened(data).convert("RGB")
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]


def close(seen, wanted, slack=24):
    return all(
        abs(a - b) <= slack for one, two in zip(seen, wanted, strict=True) for a, b in zip(one, two, strict=True)
    )


def assert_bare(data):
    """A JPEG with nothing in it but a picture."""
    image = opened(data)
    assert image.format == "JPEG"
    assert image.mode in ("RGB", "L")
    assert not {"exif", "xmp", "icc_profile", "photoshop", "comment", "mp"} & set(image.info)
    assert b"Ed's phone" not in data
    assert data.endswith(b"\xff\xd9")


@pytest.mark.parametrize(("tiff", "turned"), [("<4sIHHHIHH", 6), (">4sIHHHIHH", 6), ("<4sIHHHII", 6), (">4sIHHHII", 6)])
def test_orientation_is_read_in_either_byte_order_and_width(tiff, turned):
    order = b"II*\0" if tiff[0] == "<" else b"MM\0*"
    kind = 3 if tiff.endswith("HH") else 4
    block = struct.pack(tiff, order, 8, 1, 0x0112, kind, 1, turned, *([0] if kind == 3 else []))
    assert orientation(b"Exif\0\0" + block) == turned
    assert orientation(block) == turned
    assert orientation(block[:-1]) == 1  # cut short: as if it were absent


@settings(max_examples=100)
@given(st.sampled_from([b"", b"II*\0", b"MM\0*", b"II*\0\x08\0\0\0\xff\xff"]), st.binary(max_size=80))
def test_any_exif_gives_an_orientation(start, rest):
    assert orientation(start + rest) in range(1, 9)


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_comes_out_upright_and_bare(kind, orientation):
    turn = ORIENTED[orientation]
    held = scene() if turn is None else scene().transpose(turn)
    derived = derive(encode(held, kind, exif=exif(orientation, gps=True)), max_pixels=MAX)
    assert derived.content_type == f"image/{kind.lower()}"
    assert (derived.width, derived.height) == (400, 300) == opened(derived.photo).size
    assert opened(derived.thumbnail).size == (320, 240)
    for picture in (derived.photo, derived.thumbnail):
        assert close(quadrants(picture), [RED, GREEN, BLUE, GREY])
        assert_bare(picture)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("options", [{}, {"tile_size": 128}], ids=["whole", "tiled"])
def test_a_heic_is_turned_once(orientation, options):
    turn = ORIENTED[orientation]
    held = scene() if turn is None else scene().transpose(turn)
    derived = derive(encode(held, "HEIF", exif=exif(orientation, gps=True), **options), max_pixels=MAX)
    assert derived.content_type == "image/heic"
    assert (derived.width, derived.height) == (400, 300)
    assert close(quadrants(derived.photo), [RED, GREEN, BLUE, GREY])
    assert_bare(derived.photo)
    assert_bare(derived.thumbnail)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_big_picture_is_shrunk(kind):
    derived = derive(encode(scene(2400, 1600), kind), max_pixels=MAX)
    assert (derived.width, derived.height) == (2048, 1365) == opened(derived.photo).size
    assert opened(derived.thumbnail).size == (320, 213)
    assert close(quadrants(derived.photo), [RED, GREEN, BLUE, GREY])
    assert_bare(derived.photo)


def test_a_small_picture_is_not_enlarged_and_a_thin_one_does_not_vanish():
    assert opened(derive(encode(scene(40, 30), "PNG"), max_pixels=MAX).thumbnail).size == (40, 30)
    derived = derive(encode(Image.new("RGB", (1, 9000)), "PNG"), max_pixels=MAX)
    assert (derived.width, derived.height) == (1, 2048)
    assert opened(derived.thumbnail).size == (1, 320)


def test_what_the_page_already_shrank_is_its_own_derivative():
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}):
        derived = derive(encode(scene(2048, 1536), "JPEG", **options), max_pixels=MAX)
        assert derived.photo is None
        assert (derived.width, derived.height) == (2048, 1536)
        assert opened(derived.thumbnail).size == (320, 240)
        assert close(quadrants(derived.thumbnail), [RED, GREEN, BLUE, GREY])


def test_a_thumbnail_is_as_good_as_one_shrunk_with_care():
    bright = Image.merge("RGB", [Image.effect_noise((64, 48), 120).resize((2048, 1536)) for _ in "RGB"])
    whole = encode(bright, "JPEG", quality=80)
    ideal = opened(whole).resize((320, 240), Image.Resampling.LANCZOS)
    careful = opened(whole)
    careful.draft(None, (320, 240))
    careful = encode(careful.resize((320, 240), Image.Resampling.LANCZOS), "JPEG", quality=75)
    assert noise_ratio(opened(derive(whole, max_pixels=MAX).thumbnail), ideal) > (
        noise_ratio(opened(careful), ideal) - 0.3
    )


def noise_ratio(image, ideal):
    """How near `image` comes to `ideal`: the peak signal-to-noise ratio in dB."""
    statistics = ImageStat.Stat(ImageChops.difference(image, ideal))
    return 10 * math.log10(255**2 / (sum(statistics.sum2) / sum(statistics.count)))


def test_a_jpeg_that_keeps_red_green_and_blue_apart_has_a_thumbnail():
    whole = encode(scene(), "JPEG", keep_rgb=True)
    assert opened(whole).info.get("adobe_transform") == 0
    assert close(quadrants(derive(whole, max_pixels=MAX).thumbnail), [RED, GREEN, BLUE, GREY])
    grey = derive(encode(scene().convert("L"), "JPEG"), max_pixels=MAX)
    assert grey.photo is None
    assert opened(grey.thumbnail).size == (320, 240)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_large_picture_is_not_decoded_among_small_ones(monkeypatch, kind):
    data = encode(scene().transpose(Image.Transpose.ROTATE_90), kind, exif=exif(6))
    monkeypatch.setattr(derivatives, "SMALL_PIXELS", 400 * 300 - 1)
    assert derive(data, max_pixels=MAX).width == 400
    monkeypatch.setattr(derivatives, "SMALL_PIXELS", 400 * 300)
    assert derive(data, max_pixels=MAX, small_only=True).width == 400
    monkeypatch.setattr(derivatives, "SMALL_PIXELS", 400 * 300 - 1)
    monkeypatch.setattr(derivatives._Opened, "load", None)
    with pytest.raises(LargePicture):
        derive(data, max_pixels=MAX, small_only=True)


def test_the_profile_chrome_puts_into_every_canvas_jpeg_does_no_harm():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert derive(encode(scene(), "JPEG", icc_profile=srgb), max_pixels=MAX).photo is None


def test_a_small_upright_jpeg_loses_its_metadata_without_a_new_encoding():
    plain = encode(scene(), "JPEG")
    loaded = encode(
        scene(), "JPEG", exif=exif(1, gps=True), comment=b"Ed's phone", xmp=b"<x:xmpmeta>Ed's phone</x:xmpmeta>"
    )
    derived = derive(loaded + b"a motion photo's video, with Ed's phone in it", max_pixels=MAX)
    assert derived.photo == plain
    assert_bare(derived.photo)


def test_previews_junk_and_further_exif_blocks_are_left_out():
    plain = encode(scene(), "JPEG")
    assert plain[2:4] == b"\xff\xe0"
    after = 4 + int.from_bytes(plain[4:6], "big")
    preview = b"\xff\xe0" + struct.pack(">H", 16 + 12) + plain[6:18] + b"\x02\x02" + b"preview!1234"
    second = b"Exif\0\0" + exif(6)[6:]
    twice = b"".join(b"\xff\xe1" + struct.pack(">H", len(e) + 2) + e for e in (b"Exif\0\0" + exif(1)[6:], second))
    derived = derive(plain[:2] + preview + twice + b"junk\xff" + plain[after:], max_pixels=MAX)
    assert derived.photo == plain


def test_a_multi_picture_jpeg_gives_its_first():
    data = encode(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (50, 50))])
    derived = derive(data, max_pixels=MAX)
    assert (derived.width, derived.height) == (400, 300)
    assert_bare(derived.photo)


def test_a_foreign_profile_becomes_srgb():
    swapped = ImageCms.ImageCmsProfile(io.BytesIO(_swapped_profile())).tobytes()
    for kind in ("JPEG", "PNG", "WEBP"):
        derived = derive(encode(Image.new("RGB", (64, 64), RED), kind, icc_profile=swapped), max_pixels=MAX)
        red, green, _ = quadrants(derived.photo)[0]
        assert green > 180 > 60 > red  # the profile says that the first channel is green
        assert_bare(derived.photo)


def _swapped_profile():
    """sRGB with the tags of the red and green colourants exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"____", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"____", b"gXYZ", 1)
    return profile.replace("sRGB".encode("utf-16-be"), "GRBs".encode("utf-16-be"))


def test_a_broken_profile_does_not_lose_the_photo():
    derived = derive(encode(scene(), "JPEG", icc_profile=b"no profile at all" * 20), max_pixels=MAX)
    assert close(quadrants(derived.photo), [RED, GREEN, BLUE, GREY])
    assert_bare(derived.photo)


def test_alpha_is_flattened_on_white():
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (200, 150, 400, 300))
    for data in (
        encode(image, "PNG"),
        encode(image, "WEBP", lossless=True),
        encode(image, "HEIF"),
        encode(image.quantize(16), "PNG"),
        encode(image.convert("LA"), "PNG"),
    ):
        *_, last = quadrants(derive(data, max_pixels=MAX).photo)
        assert close([last], [(255, 255, 255)])


def test_one_colour_may_be_the_transparent_one():
    for mode, colour in (("RGB", (30, 30, 220)), ("L", 77), ("1", 0)):
        image = Image.new(mode, (60, 60), colour)
        derived = derive(encode(image, "PNG", transparency=colour), max_pixels=MAX)
        assert close(quadrants(derived.photo)[:1], [(255, 255, 255)])


@pytest.mark.parametrize("mode", ["P", "CMYK", "L", "1"])
def test_other_modes_keep_their_colours(mode):
    data = encode(scene().convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    derived = derive(data, max_pixels=MAX)
    image = scene().convert(mode).convert("RGB")
    if mode == "1":  # dithered: only its mean says anything
        assert abs(opened(derived.photo).convert("L").resize((1, 1)).getpixel((0, 0)) - 112) < 25
    else:
        wanted = [image.getpixel((x, y)) for y in (75, 225) for x in (100, 300)]
        assert close(quadrants(derived.photo), wanted, slack=40)
    assert_bare(derived.photo)


def test_sixteen_bits_are_scaled_not_clipped():
    grey = Image.new("I;16", (64, 64), 32768)
    assert close(quadrants(derive(encode(grey, "PNG"), max_pixels=MAX).photo), [GREY] * 4, slack=3)
    row = b"\0" + struct.pack(">HHH", 32768, 65535, 0) * 16
    colour = png((16, 16), zlib.compress(row * 16), depth=16)
    assert close(quadrants(derive(colour, max_pixels=MAX).photo), [(128, 255, 0)] * 4, slack=6)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (80, 60), colour) for colour in (GREEN, BLUE, RED)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert close(quadrants(derive(data, max_pixels=MAX).photo), [GREEN] * 4)


def test_a_signature_is_a_png_that_decodes():
    image = Image.new("RGBA", (600, 200))
    ImageDraw.Draw(image).line((20, 150, 300, 40, 560, 160), "black", 4)
    data = encode(image, "PNG")
    assert check_signature(data, max_pixels=MAX) == (600, 200)
    for wrong in (data[:-1], data[: len(data) // 2], b"", encode(scene(), "JPEG"), png((9999, 9999), b"")):
        refusal(check_signature, wrong)
    assert "PNG" in refusal(check_signature, encode(scene(), "JPEG"))
    broken = bytearray(data)
    broken[data.index(b"IDAT") + 6 : data.index(b"IDAT") + 30] = bytes(24)
    refusal(check_signature, bytes(broken))


def test_text_in_a_png_does_not_reach_the_photo():
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ed's phone")
    info.add_text("comment", "Ed's phone")  # what Pillow's JPEG writer would take over
    assert_bare(derive(encode(scene(), "PNG", pnginfo=info), max_pixels=MAX).photo)
