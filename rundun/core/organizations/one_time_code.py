"""One-time codes of the second factor: time-based codes (TOTP, RFC 6238), and recovery codes as people type them."""

import re

import pyotp

from rundun.core import times

DRIFT = 1  # time steps of 30 s that a phone's clock may be behind or ahead (RFC 6238 section 6)
_TYPED_BETWEEN = re.compile(r"[\s-]+")


def clean(typed: str) -> str:
    """Return the first 200 characters of a typed code in lower case, without white space and hyphens."""
    return _TYPED_BETWEEN.sub("", typed[:200]).lower()


def time_step(secret: str, code: str, now: int) -> int | None:
    """Return the number of the time step (RFC 6238), at most `DRIFT` from that of `now` (milliseconds), with the
    6-digit `code`, used before or not; None without.
    """
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now // times.SECOND, valid_window=DRIFT)
    except (pyotp.OTPVerificationError, ValueError):  # ValueError if the clock shows the first moments of 1970
        return None


def setup_uri(secret: str, email: str, service: str) -> str:
    """Return the `otpauth://totp/…` URI of the QR code for an authenticator app, which shows `service` as its name."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service)


def grouped(code: str) -> str:
    """Return a secret or a recovery code in groups of four characters, for display."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))
