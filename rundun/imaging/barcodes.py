"""Barcodes in pictures, for phones without a scanner of their own."""

import zxingcpp
from PIL import Image, ImageOps

from rundun.core.json_types.base import BarcodeFormat
from rundun.core.picture import MAX_BARCODE_PIXELS, Barcode
from rundun.imaging.derivatives import fit, guarded, open_picture, plain_copy

# Longest side, in pixels, at which barcodes are looked for first and last. The last is cheap for bars, but takes up to
# 2.6 s for other codes in a hostile picture, so these are looked for in its middle only. QR codes have a limit of their
# own: in a picture full of patterns like their corners, the reader takes 40 s and more at 4096, and 1.2 s at 1600.
_CODE_FIRST, _CODE_LAST = 2048, 4096
_QR_PIXELS = 1600
_TURN_DEGREES = 45  # bars are read up to some 20 degrees from upright or level; for others the picture is turned
_BARS = ("code_128", "code_39", "ean_13", "upc_a")
_BARCODES: dict[BarcodeFormat, zxingcpp.BarcodeFormat] = {
    "qr_code": zxingcpp.BarcodeFormat.QRCode,
    "code_128": zxingcpp.BarcodeFormat.Code128,
    "code_39": zxingcpp.BarcodeFormat.Code39,
    "ean_13": zxingcpp.BarcodeFormat.EAN13,
    "upc_a": zxingcpp.BarcodeFormat.UPCA,
    "data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
}


@guarded
def decode_barcode(data: bytes, *, max_pixels: int, formats: tuple[BarcodeFormat, ...] | None = None) -> Barcode | None:
    """Return text and format of the barcode nearest to the middle of the picture, None if none is found. Raises
    `unreadable_image`.

    `formats` are names of the contract; None or empty = all seven. Turned or inverted bars and small codes are looked
    for only if no other code is found.
    """
    names = formats or tuple(_BARCODES)
    qr = [_BARCODES[name] for name in names if name == "qr_code"]
    others = [_BARCODES[name] for name in names if name != "qr_code"]
    bars = [_BARCODES[name] for name in names if name in _BARS]
    matrices = [kind for kind in others if kind not in bars]
    by_bars = [kind for kind in others if kind != _BARCODES["data_matrix"]]
    longest = _CODE_LAST if others else _QR_PIXELS
    opened = open_picture(data, min(max_pixels, MAX_BARCODE_PIXELS))
    grey = plain_copy(opened.load(longest), longest).convert("L")
    opened.image.close()
    # The reader tries inverted codes by itself, but inverted bars only on request.
    barcodes = (
        _find_barcodes(grey, qr, _QR_PIXELS) + _find_barcodes(grey, others, _CODE_FIRST)
        or _find_barcodes(grey, by_bars, _CODE_FIRST, inverted=True)
        or _find_barcodes(grey, by_bars, _CODE_FIRST, turned=_TURN_DEGREES)
        or _find_barcodes(grey, bars, _CODE_LAST)
        or _find_barcodes(_middle(grey), matrices, _CODE_FIRST)
    )
    return _name_format(min(barcodes, key=lambda barcode: barcode[0])[1], names) if barcodes else None


def _middle(grey: Image.Image) -> Image.Image:
    """Return the middle of a picture, at most `_CODE_FIRST` pixels wide and high: it is read without shrinking."""
    width, height = (min(side, _CODE_FIRST) for side in grey.size)
    left, top = (grey.width - width) // 2, (grey.height - height) // 2
    return grey.crop((left, top, left + width, top + height))


def _find_barcodes(
    grey: Image.Image, kinds: list[zxingcpp.BarcodeFormat], longest: int, *, inverted: bool = False, turned: int = 0
) -> list[tuple[float, zxingcpp.Barcode]]:
    """List (squared distance from the middle, barcode) of the barcodes of these kinds that have a text. The picture is
    shrunk to `longest` pixels before it is read, and may be `inverted`, or `turned` by degrees about its middle.
    """
    if not kinds:
        return []
    size = fit(grey.size, longest)
    view = grey if size == grey.size else grey.resize(size, Image.Resampling.BOX)
    view = ImageOps.invert(view) if inverted else view
    view = view.rotate(turned, Image.Resampling.BICUBIC, fillcolor=255) if turned else view
    # Plain text, like other scanners: the default mode spells out a label's separators as "<GS>".
    barcodes = zxingcpp.read_barcodes(view, formats=zxingcpp.BarcodeFormats(kinds), text_mode=zxingcpp.TextMode.Plain)
    return [(_squared_distance(barcode, size), barcode) for barcode in barcodes if barcode.text]


def _squared_distance(barcode: zxingcpp.Barcode, size: tuple[int, int]) -> float:
    """Return the squared distance between the middles of a barcode and the picture, in units of its longest side."""
    position = barcode.position
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = sum(corner.x for corner in corners), sum(corner.y for corner in corners)
    return ((across / 4 - size[0] / 2) ** 2 + (down / 4 - size[1] / 2) ** 2) / max(size) ** 2


def _name_format(barcode: zxingcpp.Barcode, names: tuple[BarcodeFormat, ...]) -> Barcode:
    """Return text and format of a barcode. If `names` has `upc_a`, an EAN-13 with a leading 0 is one without the 0."""
    text = barcode.text
    if barcode.symbology == zxingcpp.BarcodeFormat.EANUPC:
        if "upc_a" in names and len(text) == 13 and text.startswith("0"):
            return Barcode(text[1:], "upc_a")
        return Barcode(text, "ean_13")
    return Barcode(text, next(name for name, kind in _BARCODES.items() if kind == barcode.symbology))
