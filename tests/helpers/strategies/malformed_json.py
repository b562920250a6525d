"""JSON of every kind, down to what is no JSON at all, and right documents with one place that is wrong."""

import copy
import json
from typing import Any

from hypothesis import strategies as some

Json = Any


class Raw(bytes):
    """Bytes that stand in a JSON text as they are."""


# fmt: off
_RAW = tuple(Raw(one) for one in (
    b"1e400", b"-1e400", b"1E+2", b"-0.0", b"4.0", b"1e-400", b"0.1e1", b"9007199254740993", b"9" * 400, b"9" * 5000,
    b"NaN", b"-Infinity", b"01", b"+1", b".5", b"'x'", b"tru", b"", b"\xff", b"\xef\xbb\xbf1",
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\\u0000"', b'"a\x00"', b'"\\x41"', b'"\xc3\x28"',
    b'{"a":1,"a":2}', b'{"a":1,}', b"[1,]", b"{1:2}", b'{"":{"":{"~":{"/":1}}}}', b'"' + b"x" * 30_000 + b'"',
    b"[" * 250 + b"]" * 250, b"[" * 190 + b"1" + b"]" * 190, b'{"a":' * 150 + b"1" + b"}" * 150,
))
# fmt: on
_LEAVES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.floats(),
    some.sampled_from(_RAW),
    some.text(some.characters(exclude_categories=["Cs"]), max_size=20),
    some.sampled_from([2**53, -(2**53), 2**63, 2**64, 10**30, 0, 1, -1, 1.5, "", " ", "\0", "s-", "en", "*", "true"]),
)  # fmt: skip
_NAMES = some.one_of(
    some.text(some.characters(exclude_categories=["Cs"]), max_size=8),
    some.sampled_from(["id", "type", "steps", "condition", "when", "rules", "photo", "value", "[key]", "a/b", "~"]),
)
any_json = some.recursive(
    _LEAVES,
    lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=12,
)
"""A tree of JSON values with `Raw` among its leaves; `written` makes it bytes."""


def written(tree: Json) -> bytes:
    """The JSON text of `tree`."""
    if isinstance(tree, Raw):
        return bytes(tree)
    if isinstance(tree, dict):
        members = (json.dumps(name).encode() + b":" + written(one) for name, one in tree.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(tree, list):
        return b"[" + b",".join(written(one) for one in tree) + b"]"
    return json.dumps(tree, ensure_ascii=False).encode()


def _places(tree: Json) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = [()]
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, one in members:
        found += [(name, *rest) for rest in _places(one)]
    return found


@some.composite
def mutated(draw: some.DrawFn, tree: Json) -> Json:
    """`tree` with one place changed: replaced, taken out, said twice, or with a member nobody knows."""
    changed = copy.deepcopy(tree)
    path = draw(some.sampled_from(_places(changed)))
    if not path:
        return draw(any_json)
    *way, last = path
    holder = changed
    for name in way:
        holder = holder[name]
    match draw(some.sampled_from(["replace", "replace", "remove", "add", "swap"])):
        case "replace":
            holder[last] = draw(any_json)
        case "remove":
            del holder[last]
        case "add" if isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        case "add":
            holder[draw(_NAMES)] = draw(any_json)
        case "swap":  # something that stands elsewhere, so of the right kind in the wrong place
            other: Any = tree
            for name in draw(some.sampled_from(_places(tree))):
                other = other[name]
            holder[last] = copy.deepcopy(other)
    return changed
