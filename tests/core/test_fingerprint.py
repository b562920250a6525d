"""What fingerprints tell of two requests, and that those of an older version still tell it."""

import pytest

from rundun.core.fingerprint import compare, fingerprint

BODY = {"template_id": "t-1", "fields": {"f-door": "4711"}}
ONE, TWO = ("key-1", "rdk_live_x"), ("key-2", "rdk_live_y")


def test_those_that_are_stored_already_hold() -> None:
    plain = "66516941e8c6750d887171a661ca4b1003f0eccde611835ae7f2065f60eb77f1"
    rest = "be2974546978e373c02eca1c600941a7b7378b798d559071d287a8497a7133da7036376005a838bb"
    assert fingerprint({"template_id": "t-1"}, *ONE).hex() == plain
    assert fingerprint(BODY, *ONE).hex() == plain + rest


@pytest.mark.parametrize(
    ("body", "api_key", "told"),
    [
        (BODY, ONE, "same"),
        ({"fields": {"f-door": "4711"}, "template_id": "t-1"}, ONE, "same"),
        ({**BODY, "fields": {"f-door": "4712"}}, ONE, "other_body"),
        ({**BODY, "template_id": "t-2"}, ONE, "other_body"),
        ({"template_id": "t-1"}, ONE, "other_body"),
        ({"template_id": "t-1"}, TWO, "other_body"),
        ({**BODY, "template_id": "t-2"}, TWO, "other_body"),
        (BODY, TWO, "other_key"),
        ({**BODY, "fields": {"f-door": "4712"}}, TWO, "other_key"),
    ],
)
def test_a_secret_can_be_compared_with_one_api_key_only(body: object, api_key: tuple[str, str], told: str) -> None:
    assert compare(fingerprint(BODY, *ONE), fingerprint(body, *api_key)) == told


def test_what_is_no_secret_and_what_was_erased_any_key_compares() -> None:
    assert compare(fingerprint({"a": 1}, *ONE), fingerprint({"a": 1}, *TWO)) == "same"
    assert compare(fingerprint({"a": 1}, *ONE), fingerprint({"a": 2}, *TWO)) == "other_body"
    assert compare(fingerprint({"a": 1}, *ONE), fingerprint(BODY, *TWO)) == "other_body"
    assert compare(b"", fingerprint(BODY, *TWO)) == "same"
