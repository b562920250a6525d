"""Whom a value names: whole values, whatever way they are written."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from rundun.core import text
from rundun.core.erasure.person import PERSON_FIELDS, list_digest, person


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("email", "ED@Example.com", "ed@example.COM"),
        ("email", "STRAẞE@example.com", "straße@example.com"),
        ("phone", "+34 600 (111) 22-2", "+34600111222"),
        ("phone", "600.111/222", "600 111 222"),
        ("phone", "00 34 600 111222", "+34600111222"),
        ("name", " Zoe\u0308 ", "Zoë"),
        ("executor_ref", "booking_1", "booking_1"),
    ],
)
def test_one_person_is_written_in_several_ways(field, value, stored):
    assert person(field, value).is_named_by(stored)
    assert person(field, stored).is_named_by(unicodedata.normalize("NFC", value.strip()))


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("email", "ed@example.com", "fred@example.com"),
        ("email", "ed@example.com", "ed@example.com.au"),
        ("email", "STRASSE@example.com", "straße@example.com"),
        ("email", "STRAßE@example.com", "strasse@example.com"),
        ("email", "strasse@example.com", "ſtrasse@example.com"),
        ("phone", "600111222", "+600111222"),
        ("phone", "600111222", "6001112223"),
        ("phone", "0600111222", "+600111222"),
        ("name", "Ed", "ed"),
        ("name", "Ed", "Ed Miller"),
        ("executor_ref", "booking_1", "booking_12"),
        ("executor_ref", "booking_1", "BOOKING_1"),
        ("name", "Ed", None),
    ],
)
def test_others_are_others(field, value, stored):
    assert not person(field, value).is_named_by(stored)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.sampled_from(PERSON_FIELDS), NAMES)
def test_who_is_asked_for_as_stored_is_found(field, value):
    try:
        stored = text.clean(value)
    except ValueError:
        return  # a heap of marks, which is stored nowhere
    assert person(field, value).is_named_by(stored)
    assert person(field, f" {unicodedata.normalize('NFD', stored)}\n").is_named_by(stored)
    assert field != "email" or not stored.isascii() or person(field, stored.upper()).is_named_by(stored)


@given(st.sampled_from(("name", "executor_ref", "assigned_to")), NAMES, NAMES)
def test_nobody_is_found_by_another_text(field, asked, stored):
    try:
        asked, stored = text.clean(asked), text.clean(stored)
    except ValueError:
        return
    assert person(field, asked).is_named_by(stored) == (asked == stored)
    assert not person(field, asked).is_named_by(f"{asked}x")


def test_a_digest_is_that_of_the_list():
    runs = [("r-1", 1), ("r-2", 7)]
    assert list_digest(runs) == list_digest(reversed(runs))
    others = [[*runs, ("r-3", 1)], runs[:1], [("r-1", 1), ("r-2", 8)], [("r-1", 1), ("r-3", 7)], []]
    assert len({list_digest(each) for each in [runs, *others]}) == 6


@pytest.mark.parametrize(
    ("field", "value", "stored", "is_like"),
    [
        ("name", "lucia fernandez", "Lucía  FERNÁNDEZ", True),
        ("name", "Lucía", "Lucía", False),  # it says just that
        ("name", "Lucía", "Lucía Fernández", False),
        ("name", "Lucía", None, False),
        ("email", "jose@example.com", "José@example.com", True),
        ("executor_ref", "bk-77", "BK–77", True),
        ("phone", "600111222", "+34 600 111 222", True),
        ("phone", "0600 111 222", "+34600111222", True),
        ("phone", "+33 600 111 222", "+34600111222", False),
        ("phone", "11222", "+34600111222", False),
        ("assigned_to", "U-1", "u-1", False),
    ],
)
def test_who_may_be_the_same_person_is_told(field, value, stored, is_like):
    assert person(field, value).is_like(stored) is is_like
