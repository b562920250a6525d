"""Formats of pictures, from their bytes alone: the type, whether the file is complete, which way is up.

No decoding here. Decoders forgive what must not be forgiven (a PNG without its end, a HEIC whose tiles are missing), so
each container is walked to its end before one is asked.
"""

import re

_PIECES = 20_000  # segments or chunks in one file; cameras write hundreds
_SCANS = 32  # of a progressive JPEG; encoders write about ten, and each costs a pass over all pixels
_CUT = "The picture is cut off: its end is missing. Please send it again."
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_REFUSED = (  # what else people send, so that the refusal can name it
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"II*\0", "a TIFF or raw picture"),
    (b"MM\0*", "a TIFF or raw picture"),
    (b"BM", "a BMP picture"),
    (b"\x1aE\xdf\xa3", "a video"),
)


class Unreadable(Exception):
    """Raised with the sentence for the person who sent the picture."""


class LargePicture(Exception):
    """Raised where a picture has more pixels than are decoded in this turn."""


def sniff(head: bytes) -> str | None:
    """Return the content type by magic bytes (64 are plenty): JPEG, PNG, WebP or HEIC; None for everything else."""
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
    """Tell HEIC by the brands of the first box (ISO/IEC 14496-12 §4.3, 23008-12 §10); mif1 and msf1 may hold AV1."""
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if head[8:12] in (b"avif", b"avis"):
        return False
    if brands & _HEVC_BRANDS:
        return True
    return bool(brands & {b"mif1", b"msf1"}) and not brands & {b"avif", b"avis"}


def unsupported(head: bytes) -> str:
    """Return the sentence that refuses what `sniff` did not know."""
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
    """Walk the segments (ITU-T T.81 annex B) to the end marker, leaving out all metadata but the ICC profile. Returns
    the file without metadata, the very object that came in if there was none, and its EXIF, empty if it has none.

    The decoder then sees no EXIF, no XMP and no index of further pictures. What is left decodes to the very same
    pixels, so a photo can lose its metadata without a second lossy encoding.
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
        pieces.append(_cleaned(marker, payload))
        in_scan = marker == _SOS
        scans += in_scan
        if scans > _SCANS:
            break
    raise Unreadable("The JPEG is made of more scans or segments than a camera would write.")


def _is_segment(original: bytes, marker: int, start: int) -> bool:
    """Tell whether a segment begins with a marker that was found in a scan, its length at `start`: another marker
    follows it, or it is the head of a scan (T.81 B.2.3). Else a byte of the scan is damaged, which costs a decoder the
    pixels up to the next restart marker, and would cost all that the length says.
    """
    length = int.from_bytes(original[start : start + 2], "big")
    if marker == _SOS:
        return length in (8, 10, 12, 14) and original[start + 2 : start + 3] == bytes([(length - 6) // 2])
    return length >= 2 and _MARKER.match(original, start + length) is not None


def _cleaned(marker: int, payload: bytes) -> bytes:
    """Return a segment as it goes on to the decoder; empty if it is metadata."""
    if marker == _APP0 and payload.startswith(b"JFIF\0"):
        payload = payload[:12] + b"\0\0"  # how colours are coded, without the preview
    elif marker == _APP14 and payload.startswith(b"Adobe"):
        payload = payload[:12]  # how colours are coded, in CMYK and RGB
    elif marker >= _APP0 and not (marker == _APP2 and payload.startswith(b"ICC_PROFILE\0")):
        return b""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def orientation(exif: bytes) -> int:
    """Read an orientation, 1–8, from EXIF (TIFF 6.0 §2, tag 0x0112 of the first directory); 1 if absent or nonsense."""
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
    """Walk the chunks to IEND (ISO/IEC 15948 §5): Pillow is content without it, and unpacks any number of profiles."""
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
    """Compare a WebP's length with the size in its RIFF header, which counts all that follows it."""
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise Unreadable(_CUT)


def walk_heic(data: bytes) -> None:
    """Walk the boxes, which must all be complete (ISO/IEC 14496-12 §4.2), the pixels among them.

    The decoder paints missing tiles black and calls it success, and phones write tiles. Bytes after the pixels that are
    no box are let through: some phones append their own.
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
