"""Text, numbers and times as the contract counts them."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as some

from rundun.core import text, times
from rundun.core.request_bodies import CancelBody
from rundun.core.validation import read
from rundun.errors import Invalid

# Unicode 15.1, PropList.txt, White_Space; and U+FEFF, which JavaScript trims as well.
WHITE = [*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
WHITE += [0xFEFF]


def test_white_space_is_unicodes_and_the_byte_order_mark() -> None:
    trimmed = [code for code in range(0x110000) if text.clean(f"{chr(code)}x{chr(code)}") == "x"]
    assert trimmed == WHITE


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("  hello \r\n", "hello"),
        ("a  b", "a  b"),
        ("e\u0301", "é"),
        ("\u212b", "Å"),
        ("\u1100\u1161", "가"),
        ("\u2000\u3000", ""),
        ("\x1cx\x1f", "\x1cx\x1f"),
        ("\u200bx", "\u200bx"),
        ("\u180ex", "\u180ex"),
        ("\u3000\u0301x", "\u0301x"),
    ],
)
def test_text_is_composed_and_trimmed(given_text: str, kept: str) -> None:
    assert text.clean(given_text) == kept


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_clean_text_stays_as_it_is(given_text: str) -> None:
    kept = text.clean(given_text)
    assert text.clean(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)


# Letters that are composed with what follows, and with the letter before: Latin, Greek, Hangul, Bengali, Hebrew.
COMPOSED = "ae\u03b1\u0301\u0300\u0345\u0323\u0327\u0315\u1100\u1161\u11a8\u09c7\u09be\u09d7\ufb2c\u05e9"
COMPOSED += "\u05bc\u05c1\uac00\u0b47\u0b56\u0344\u1e69"


@given(some.text(COMPOSED, max_size=200), some.integers(1, 20))
def test_long_texts_are_composed_in_steps_as_if_at_once(given_text: str, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_NFC_STEP", step)
        try:
            cleaned = text.clean(given_text)
        except ValueError:
            return  # too many marks
    assert cleaned == unicodedata.normalize("NFC", given_text)


@pytest.mark.parametrize(
    ("value", "number", "integer"),
    [
        (0, 0, 0),
        (-0.0, 0, 0),
        (4.0, 4, 4),
        (1.5, 1.5, None),
        (2**53 - 1, 2**53 - 1, 2**53 - 1),
        (-(2**53) + 1, -(2**53) + 1, -(2**53) + 1),
        (2**53, None, None),
        (float(2**53), None, None),
        (-1e300, None, None),
        (10**400, None, None),
        (float("inf"), None, None),
        (float("nan"), None, None),
        (True, None, None),
        (False, None, None),
        ("1", None, None),
        (None, None, None),
        ([], None, None),
    ],
)
def test_numbers_are_finite_and_exact(value: object, number: object, integer: object) -> None:
    assert (text.number(value), text.integer(value)) == (number, integer)
    assert type(text.number(value)) is type(number)


@pytest.mark.parametrize(
    ("wire", "kept"),
    [
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31t09:00:00z", "2026-01-31T09:00:00Z"),
        ("2026-01-31 09:00:00Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31T09:00:00.999999999Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31T09:00:00+05:30", "2026-01-31T03:30:00Z"),
        ("2026-01-31T09:00:00-00:00", "2026-01-31T09:00:00Z"),
        ("2024-02-29T23:59:59-23:59", "2024-03-01T23:58:59Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0999-06-01T00:00:00Z", "0999-06-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_time_is_read_with_any_offset_and_written_in_utc(wire: str, kept: str) -> None:
    at = times.parse(wire)
    assert at is not None
    assert times.wire(at) == kept
    assert times.wire_or_none(at) == kept


@pytest.mark.parametrize(
    "wire",
    [
        *("", "now", "2026-01-31", "2026-01-31T09:00:00", "2026-01-31T09:00Z", "2026-1-31T09:00:00Z"),
        *("2026-02-29T09:00:00Z", "2026-13-01T09:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z"),
        *("2026-01-31T09:00:00+24:00", "2026-01-31T09:00:00+05:60", "2026-01-31T09:00:00+0530"),
        *("2026-01-31T09:00:00.Z", "2026-01-31T09:00:00Z\n", " 2026-01-31T09:00:00Z", "२०२६-01-31T09:00:00Z"),
        *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"),
    ],
)
def test_what_is_no_time(wire: str) -> None:
    assert times.parse(wire) is None


OFFSETS = some.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(some.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS))  # noqa: DTZ001
def test_a_time_comes_back_to_the_millisecond(moment: datetime) -> None:
    at = times.parse(moment.isoformat())
    assert at is not None
    assert at == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert times.wire(at) == moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    assert times.parse(times.wire(at)) == at // 1000 * 1000


@given(some.text())
def test_any_text_may_be_asked_whether_it_is_a_time(wire: str) -> None:
    at = times.parse(wire)
    assert at is None or times.parse(times.wire(at)) == at // 1000 * 1000
    assert times.is_date(wire) in (True, False)


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2024-02-29", True),
        ("2026-02-29", False),
        ("0001-01-01", True),
        ("0000-01-01", False),
        ("9999-12-31", True),
        ("2026-1-1", False),
        ("20260101", False),
        ("2026-W01-1", False),
        ("2026-01-01T00:00:00Z", False),
        ("2026-01-01\n", False),
        ("२०२६-01-01", False),
        ("", False),
    ],
)
def test_a_day_of_the_calendar(day: str, is_one: bool) -> None:
    assert times.is_date(day) is is_one


def test_a_heap_of_combining_marks_is_refused_before_it_is_put_in_order() -> None:
    """Canonical ordering takes the square of their number: 100 KB of them once held the process for seconds."""
    assert text.clean("a" + "\u0301" * text.MAX_MARKS) == "á" + "\u0301" * (text.MAX_MARKS - 1)
    with pytest.raises(ValueError, match="combining marks"):
        text.clean("a" + "\u0301" * 500_000 + "\u0316" * 500_000)
    assert text.clean("e\u0301" * 20_000) == "é" * 20_000, "however many letters have marks"


def test_a_text_is_measured_when_composed_and_composed_only_if_it_may_be_short_enough() -> None:
    longest = max(len(unicodedata.normalize("NFD", chr(code))) for code in range(0x110000))
    assert longest == 4, "nothing that is composed was more than four"
    vowel = unicodedata.normalize("NFD", "\u1f82")
    assert len(vowel) == 4
    assert read(CancelBody, {"reason": f" {vowel * 2000}\n"}).reason == "\u1f82" * 2000
    for reason, count in ((vowel * 2001, 8004), ("e\u0301" * 2001, 2001)):
        with pytest.raises(Invalid) as refused:
            read(CancelBody, {"reason": reason})
        assert [error.detail for error in refused.value.errors] == [f"has {count} characters, 2000 are allowed"]
