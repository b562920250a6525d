"""The document keeps to what generators of clients take; `make packages` drives what they make of it."""

from collections.abc import Iterator
from typing import Any

from rundun.web.docs.openapi.document import document

EXAMPLES = ("example", "examples")
IN_NO_CHOICE = ("DispatchBody", "RepeatBody", "ShareBody", "StartBody")
BESIDE_A_REFERENCE = {"$ref", "description"}


def schemas(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document with its place, beside examples; among them are all schemas."""
    if isinstance(part, dict):
        yield place, part
        for name, value in part.items():
            if name not in EXAMPLES:
                yield from schemas(value, f"{place}/{name}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from schemas(value, f"{place}/{number}")


ALL = list(schemas(document()))


def places(wrong: Any) -> list[str]:
    return [place for place, schema in ALL if wrong(schema)]


def test_null_stands_beside_one_type_or_alone_in_a_choice() -> None:
    bare = places(lambda schema: schema.get("type") == "null")
    assert bare and [place for place in bare if not place.rpartition("/")[0].endswith("/anyOf")] == []
    assert places(lambda schema: isinstance(schema.get("type"), list) and schema["type"][1:] != ["null"]) == []


def test_a_union_has_no_default_and_a_constant_is_a_word() -> None:
    assert places(lambda schema: schema.keys() >= {"default", "oneOf"}) == []
    constants = places(lambda schema: "const" in schema and not isinstance(schema["const"], str))
    assert [place for place in constants if not place.endswith("/photo/oneOf/1")] == []  # false: no photos


def test_nothing_but_words_stands_beside_a_reference() -> None:
    assert places(lambda schema: "$ref" in schema and schema.keys() - BESIDE_A_REFERENCE) == []


def test_a_pattern_of_a_member_has_no_comma() -> None:
    """The validator of clients in Go ends a pattern there; it looks at what is in a choice of models, or below."""
    patterns = places(lambda schema: "," in str(schema.get("pattern", "")))
    of_models = [place.split("/")[3:6:2] for place in patterns if place.startswith("/components/schemas/")]
    assert of_models == [[name, "language"] for name in IN_NO_CHOICE]


def test_of_webhooks_no_calls_are_made() -> None:
    """They would not compile, and take the place of operations with the same tag."""
    assert all(webhook["post"]["x-internal"] for webhook in document()["webhooks"].values())


def test_general_bytes_come_first() -> None:
    """Some generators know the first media type of a body alone."""
    of_bytes = [schema["content"] for _, schema in ALL if "application/octet-stream" in schema.get("content", {})]
    assert of_bytes
    assert all(next(iter(content)) == "application/octet-stream" for content in of_bytes)
