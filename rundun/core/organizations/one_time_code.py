"""One-time codes of the second factor: time-based ones (TOTP, RFC 6238), and recovery codes as people type them."""

import re

import pyotp

from rundun.core import times

DRIFT = 1  # time steps of 30 s that a phone's clock may be behind or ahead (RFC 6238 section 6)
_TYPED_BETWEEN = re.compile(r"[\s-]+")


def clean(typed: str) -> str:
    """Return a code without the spaces and hyphens that it was shown with, in lower case."""
    return _TYPED_BETWEEN.sub("", typed[:200]).lower()


def step_of(secret: str, code: str, now: int) -> int | None:
    """Find the time step (RFC 6238 section 4) whose 6-digit code `code` is, among those around `now` (milliseconds);
    None for another code. `secret` is base32.
    """
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now // times.SECOND, valid_window=DRIFT)
    except (pyotp.OTPVerificationError, ValueError):  # the latter where a clock shows the first moments of 1970
        return None


def setup_uri(secret: str, email: str, service: str) -> str:
    """Return what a phone's app reads from the QR code: `otpauth://totp/…`; `service` is the name it shows."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service)


def grouped(code: str) -> str:
    """Return a secret or a recovery code in groups of four, as it is shown."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))
