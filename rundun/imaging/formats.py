"""Formats of pictures, read from their bytes: the content type, completeness, orientation.

Nothing is decoded here. Decoders accept truncated files (a PNG without its end, a HEIC with missing tiles), so each
container is walked to its end before its decoder runs.
"""

import re

_PIECES = 20_000  # segments or chunks in one file; cameras write hundreds
_SCANS = 32  # of a progressive JPEG; encoders write about ten, and each costs a pass over all pixels
_CUT = "The picture is cut off: its end is missing. Please send it again."
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_REFUSED = (  # other files that people send, so that the refusal can name them
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"II*\0", "a TIFF or raw picture"),
    (b"MM\0*", "a TIFF or raw picture"),
    (b"BM", "a BMP picture"),
    (b"\x1aE\xdf\xa3", "a video"),
)


class Unreadable(Exception):
    """Raised for an unreadable picture; the text is a sentence for its sender."""


class LargePicture(Exception):
    """Raised for a picture with more than `SMALL_PIXELS` where only small ones are decoded."""


def sniff(head: bytes) -> str | None:
    """Return the content type of a JPEG, PNG, WebP or HEIC by its first 64 bytes; None for any other file."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and _is_heic(head):
        return "image/heic"
    return None


def _is_heic(head: bytes) -> bool:
    """Tell whether the first box has a brand of HEIC, or mif1 or msf1 without one of AVIF, and is not mainly AVIF
    (ISO/IEC 14496-12 §4.3, 23008-12 §10).
    """
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if head[8:12] in (b"avif", b"avis"):
        return False
    if brands & _HEVC_BRANDS:
        return True
    return bool(brands & {b"mif1", b"msf1"}) and not brands & {b"avif", b"avis"}


def unsupported(head: bytes) -> str:
    """Return the refusal, a sentence, of a file whose type `sniff` does not know."""
    if not head:
        return "The picture is empty."
    name = next((name for magic, name in _REFUSED if head.startswith(magic)), "not a picture")
    if head[4:8] == b"ftyp":
        name = "an AVIF picture" if b"avi" in head[8:] else "a video"
    return f"This is {name}; only JPEG, PNG, WebP and HEIC can be read."


# A marker. 0xFF00 is a stuffed byte, and RSTn belong to the scan. Not `\xff+`: a long run of fill bytes would make the
# search quadratic.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
_EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE


def walk_jpeg(original: bytes) -> tuple[bytes, bytes]:
    """Walk the segments (ITU-T T.81 annex B) to the end marker, and return (file without metadata, EXIF block). The
    file keeps its ICC profile, and is `original` itself if it had no metadata; the EXIF is empty if there is none.

    The decoder then sees no EXIF, no XMP and no index of further pictures. The result decodes to the same pixels, so a
    photo loses its metadata without a second lossy encoding. Raises `Unreadable`.
    """
    pieces, exif, scans, at, in_scan = [b"\xff\xd8"], b"", 0, 2, False
    for _ in range(_PIECES):
        match = _MARKER.search(original, at)
        if match is None:
            raise Unreadable(_CUT)
        marker, start = original[match.end() - 1], match.end()
        if in_scan and marker != _EOI and not _is_segment(original, marker, start):
            pieces.append(original[at:start])
            at = start
            continue
        if in_scan:
            pieces.append(original[at : match.start()])
        if marker == _EOI:
            data = b"".join((*pieces, b"\xff\xd9"))
            return original if data == original else data, exif
        length = int.from_bytes(original[start : start + 2], "big")
        at = start + length
        if length < 2 or at > len(original):
            raise Unreadable(_CUT)
        payload = original[start + 2 : at]
        if marker == _APP1 and payload.startswith(b"Exif\0\0"):
            exif = exif or payload
        pieces.append(_decoder_segment(marker, payload))
        in_scan = marker == _SOS
        scans += in_scan
        if scans > _SCANS:
            break
    raise Unreadable("The JPEG is made of more scans or segments than a camera would write.")


def _is_segment(original: bytes, marker: int, start: int) -> bool:
    """Tell whether a marker found in a scan begins a segment, with its length at `start`: a marker follows the segment,
    or it is the head of a scan (T.81 B.2.3). Otherwise a byte of the scan is damaged: that costs the pixels up to the
    next restart marker, but skipping the supposed segment would cost as many bytes as its length.
    """
    length = int.from_bytes(original[start : start + 2], "big")
    if marker == _SOS:
        return length in (8, 10, 12, 14) and original[start + 2 : start + 3] == bytes([(length - 6) // 2])
    return length >= 2 and _MARKER.match(original, start + length) is not None


def _decoder_segment(marker: int, payload: bytes) -> bytes:
    """Return a segment for the decoder, without its metadata; empty if it has only metadata."""
    if marker == _APP0 and payload.startswith(b"JFIF\0"):
        payload = payload[:12] + b"\0\0"  # the colour coding, without the preview
    elif marker == _APP14 and payload.startswith(b"Adobe"):
        payload = payload[:12]  # the colour coding of CMYK and RGB
    elif marker >= _APP0 and not (marker == _APP2 and payload.startswith(b"ICC_PROFILE\0")):
        return b""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def orientation(exif: bytes) -> int:
    """Return the orientation, 1–8, in EXIF (TIFF 6.0 §2, tag 0x0112 of the first directory); 1 if there is none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], "little" if tiff[:1] == b"I" else "big")

    directory = number(4, 4)
    first = directory + 2
    last = min(first + 12 * number(directory, 2), len(tiff) - 11)
    for at in range(first, last, 12):
        if number(at, 2) == 0x0112:
            value = number(at + 8, 4 if number(at + 2, 2) == 4 else 2)  # LONG or SHORT
            return value if 1 <= value <= 8 else 1
    return 1


def walk_png(data: bytes) -> None:
    """Raise `Unreadable` unless the chunks reach IEND (ISO/IEC 15948 §5) and hold at most one colour profile: Pillow
    accepts a missing IEND, and unpacks any number of profiles.
    """
    at, profiles = 8, 0
    for _ in range(_PIECES):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if at > len(data):
            raise Unreadable(_CUT)
        if kind == b"IEND":
            return
        profiles += kind == b"iCCP"
        if profiles > 1:
            raise Unreadable("The PNG holds more than one colour profile.")
    raise Unreadable("The PNG is made of more chunks than anybody would write.")


def walk_webp(data: bytes) -> None:
    """Raise `Unreadable` if a WebP is shorter than its RIFF header says."""
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise Unreadable(_CUT)


def walk_heic(data: bytes) -> None:
    """Raise `Unreadable` unless all boxes are complete (ISO/IEC 14496-12 §4.2) and hold pixels.

    The decoder paints missing tiles black and reports success, and phones write tiles. Bytes after the pixels that are
    no box are accepted: some phones append their own data.
    """
    at, pixels = 0, False
    while len(data) - at >= 8:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        elif length == 0:  # reaches to the end of the file
            length = len(data) - at
        if length < 8 or at + length > len(data):
            pixels = pixels and kind not in (b"meta", b"mdat", b"moov")
            break
        at += length
        pixels = pixels or kind == b"mdat"
    if not pixels:
        raise Unreadable(_CUT)
