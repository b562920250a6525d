"""JSON texts with a member that is there twice, however its name is written and however deep it stands."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as some

from rundun.core import json_text
from rundun.errors import FieldError, Invalid, Problem

NAME = some.sampled_from(["", "a", "b", ":", "/", "~", "é", "\\u003a", '"', "a:b", "😀"])
LEAF = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(allow_nan=False, allow_infinity=False), NAME
)


class Members(list[tuple[str, Any]]):
    """An object as a list of pairs."""


TREES = some.recursive(
    LEAF,
    lambda inner: some.one_of(
        some.lists(inner, max_size=4), some.lists(some.tuples(NAME, inner), max_size=4).map(Members)
    ),
    max_leaves=20,
)


@some.composite
def spelled(draw: some.DrawFn, text: str) -> str:
    """A JSON string, some of its characters escaped."""
    escaped = draw(some.lists(some.booleans(), min_size=len(text), max_size=len(text)))
    upper = draw(some.booleans())

    def units(character: str) -> str:
        code = character.encode("utf-16-be").hex()
        code = code.upper() if upper else code
        return "".join(f"\\u{code[at : at + 4]}" for at in range(0, len(code), 4))

    plain = (json.dumps(character, ensure_ascii=False)[1:-1] for character in text)
    pairs = zip(text, plain, escaped, strict=True)
    return '"' + "".join(units(character) if is_escaped else as_is for character, as_is, is_escaped in pairs) + '"'


@some.composite
def texts(draw: some.DrawFn) -> tuple[str, Any]:
    """A JSON text and what it was made from."""

    def write(tree: Any) -> str:
        if isinstance(tree, str):
            return draw(spelled(tree))
        if isinstance(tree, Members):
            return "{" + ", ".join(f"{draw(spelled(name))} : {write(inner)}" for name, inner in tree) + "}"
        if isinstance(tree, list):
            return "[" + ",".join(map(write, tree)) + "]"
        return json.dumps(tree)

    tree = draw(TREES)
    return write(tree), tree


def twice(tree: Any, pointer: str = "") -> list[str]:
    """The pointers of all members that are there twice."""
    found = []
    if isinstance(tree, Members):
        names = [name for name, _ in tree]
        for at, (name, inner) in enumerate(tree):
            here = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            found += [here] if names[:at].count(name) == 1 else []
            found += twice(inner, here)
    elif isinstance(tree, list):
        found = [one for index, inner in enumerate(tree) for one in twice(inner, f"{pointer}/{index}")]
    return found


@given(texts())
def test_all_that_is_there_twice_is_named_and_nothing_else(made: tuple[str, Any]) -> None:
    text, tree = made
    wrong = [FieldError(pointer, "duplicate", "is there twice") for pointer in twice(tree)]
    if not wrong:
        assert json_text.parse(text.encode()) == json.loads(text)
        return
    with pytest.raises(Invalid) as refusal:
        json_text.parse(text.encode())
    assert refusal.value.errors == tuple(wrong)


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ('{"name":"a","name":"b"}', ["/name"]),
        ('{"name":1,"n\\u0061me":1,"name":1}', ["/name"]),
        ('{"a":{"x":1,"x":1},"a":{}}', ["/a", "/a/x"]),
        ('[{"at":"12:30:00"},{"":1,"":"\\u003a\\u003A"}]', ["/1/"]),
        ('{"a~b":1,"a/b":2,"a~b":3,"a/b":4}', ["/a~0b", "/a~1b"]),
        ('{"a":' * 198 + '{"b":1,"b":1}' + "}" * 198, ["/a" * 198 + "/b"]),
        ('{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":":::"}', []),
        ('{"a":"\\\\u003a"}', []),
        ("[" * 199 + "]" * 199, []),
    ],
)
def test_examples(text: str, pointers: list[str]) -> None:
    try:
        json_text.parse(text.encode())
    except Invalid as refusal:
        assert [error.pointer for error in refusal.errors] == pointers
    else:
        assert pointers == []


def test_a_hundred_are_named() -> None:
    text = "[" + ",".join(['{"a":1,"a":1}'] * 101) + "]"
    with pytest.raises(Invalid) as refusal:
        json_text.parse(text.encode())
    assert len(refusal.value.errors) == 100


MOST = json_text.MAX_VALUES


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"0," * MOST + b"0]",
        b"[" + b"[]," * MOST + b"0]",
        b'{"a":[' + b"{}," * (MOST // 2) + b'{"a":"' + b"," * MOST + b'"}' + b",0" * (MOST // 2) + b"]}",
        b"[" + b'"",' * (3 * MOST) + b"0]",
        rb'["\\"' + b",0" * MOST + rb',"\""]',
    ],
)
def test_more_values_than_there_may_be_are_refused(text: bytes) -> None:
    with pytest.raises(Problem, match="at most 100000 values") as refusal:
        json_text.parse(text)
    assert refusal.value.code == "too_large"


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"0," * (MOST - 2) + b"0]",
        b'{"a":"' + b"[{," * MOST + rb'\\","b":"\"' + b"," * MOST + b'"}',
        b"[" + b'"[",' * (MOST // 2) + b"0]",
    ],
)
def test_what_stands_in_texts_is_no_value(text: bytes) -> None:
    assert json_text.parse(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a":1,"a":1', b"\xff", b'"\xed\xa0\x80"', b"NaN", b"[" * 250 + b"]" * 250, b"\xef\xbb\xbf1"]
)
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"at line \d+ column \d+"):
        json_text.parse(text)
