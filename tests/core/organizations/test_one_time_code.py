"""One-time codes, judged by the test vectors of RFC 6238."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from rundun.core.organizations import one_time_code

SECRET = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, SHA-1: seconds since 1970 and the 8-digit code, whose last 6 digits are the shorter one.
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    step = seconds // 30
    assert one_time_code.time_step(SECRET, code[-6:], seconds * 1000) == step
    for drift in (-29, 30):
        assert one_time_code.time_step(SECRET, code[-6:], (seconds + drift) * 1000) == step, "a clock may be off"
    for drift in (-60, 60):
        assert one_time_code.time_step(SECRET, code[-6:], (seconds + drift) * 1000) != step


@given(st.text() | st.from_regex(r"\A\d{6}\Z"), st.integers(0, 2**62))
def test_no_text_and_no_clock_is_trouble(typed: str, now: int) -> None:
    found = one_time_code.time_step(SECRET, one_time_code.clean(typed), now)
    assert found is None or abs(found - now // 30_000) <= 1


def test_a_code_is_read_as_it_was_shown() -> None:
    assert one_time_code.clean(" 123 456\n") == "123456"
    assert one_time_code.clean("ABCD-efgh ijkl-mnop") == "abcdefghijklmnop"
    assert one_time_code.grouped("abcdefghij") == "abcd efgh ij"


def test_an_app_is_told_whose_code_it_is() -> None:
    uri = urlsplit(one_time_code.setup_uri(SECRET, "ann+1@example.com", "Rundun (check.example.com)"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/Rundun%20%28check.example.com%29:ann%2B1%40example.com"
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Rundun (check.example.com)"]}
