"""Points in time: in code int milliseconds since 1970 UTC, on the wire RFC 3339 with `Z` and whole seconds."""

import re
from datetime import UTC, datetime
from functools import lru_cache

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799  # the years 1 to 9999, the range of RFC 3339
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII
)


@lru_cache(maxsize=4096)
def _wire(second: int) -> str:
    # not strftime, which writes the year 1 as "1"
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat() + "Z"


def wire(at: int) -> str:
    """Return the time `at` (milliseconds) as RFC 3339 in UTC, cut to the second."""
    return _wire(at // SECOND)


def wire_or_none(at: int | None) -> str | None:
    """Return the time `at` (milliseconds) as RFC 3339 in UTC, cut to the second; None for None."""
    return None if at is None else _wire(at // SECOND)


def parse(text: str) -> int | None:
    """Return an RFC 3339 time with any offset in milliseconds since 1970 UTC; None for other texts and leap seconds."""
    match = _RFC3339.fullmatch(text)
    if not match:
        return None
    *fields, fraction, offset = match.groups()
    try:
        parsed = datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*fields) + offset.upper().replace("Z", "+00:00"))
        seconds = int(parsed.timestamp())
    except (ValueError, OverflowError):
        return None
    millis = int((fraction or "0").ljust(3, "0")[:3])
    return seconds * SECOND + millis if _FIRST_SECOND <= seconds <= _LAST_SECOND else None


def is_date(text: str) -> bool:
    """Tell whether a text is an existing date written `YYYY-MM-DD`."""
    return parse(f"{text}T00:00:00Z") is not None
