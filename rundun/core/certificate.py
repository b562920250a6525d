"""The end of a certificate's validity: just enough X.509 to read it (RFC 5280 section 4.1; X.690 for the encoding)."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from rundun.core.times import SECOND

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_INTEGER, _SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x02, 0x30, 0xA0, 0x17, 0x18


def ends_at(pem: str) -> int:
    """Read `notAfter` of the first certificate in a PEM text, in milliseconds. Raises ValueError when there is none."""
    match = _PEM.search(pem)
    if not match:
        raise ValueError("there is no certificate in it")
    try:
        der = base64.b64decode(match[1], validate=False)
        to_be_signed, _ = _take(_take(der, _SEQUENCE)[0], _SEQUENCE)
        rest = to_be_signed
        if rest[0] == _VERSION:
            _, rest = _take(rest, _VERSION)
        for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, algorithm, issuer
            _, rest = _take(rest, tag)
        validity, _ = _take(rest, _SEQUENCE)
        _, rest = _take(validity, validity[0])
        return _time(rest[0], _take(rest, rest[0])[0].decode("ascii"))
    except (IndexError, binascii.Error, UnicodeError):
        raise ValueError("its certificate can't be read") from None


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the value that `data` begins with, which has that tag, and what comes after it."""
    if data[0] != tag:
        raise ValueError("its certificate can't be read")
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("its certificate is cut off")
    return data[start : start + length], data[start + length :]


def _time(tag: int, text: str) -> int:
    """Read a time in milliseconds; two digits of a year mean 1950 to 2049 (RFC 5280 section 4.1.2.5.1)."""
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("its certificate can't be read")
    try:
        return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        raise ValueError("its certificate can't be read") from None
