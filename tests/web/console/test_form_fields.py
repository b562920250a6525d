"""The fields of a form, read in steps, are those that Python's own reader finds."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, strategies as some

from rundun.errors import Problem
from rundun.web.console import session

PARTS = [b"%C3%A9", b"%CD%84", b"%", b"%2", b"%zz", b"a", b"&", b"=", b"+", b";", b"\xff", "é".encode()]


@pytest.fixture(autouse=True, scope="module")
def short_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_STEP", 5)
        yield


@given(some.lists(some.sampled_from(PARTS), max_size=20).map(b"".join))
def test_all_forms(body: bytes) -> None:
    try:
        expected = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        with pytest.raises(Problem, match="can't be read"):
            session.read_fields(body)
    else:
        assert session.read_fields(body) == expected


def test_more_fields_than_any_form_has_are_refused() -> None:
    names = [b"%d=1" % number for number in range(session.MAX_FIELDS + 1)]
    assert len(session.read_fields(b"&".join(names[:-1]))) == session.MAX_FIELDS
    with pytest.raises(Problem, match="can't be read"):
        session.read_fields(b"&".join(names))
