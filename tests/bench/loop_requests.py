"""Requests as large as limits allow: bodies that no reader wants, forms, uploads, reads."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode

from rundun.web.docs.openapi.document import document
from tests.bench import loop_world
from tests.bench.loop_world import Ids

BODY, ANSWER, PHONE = 1024 * 1024, 256 * 1024, 64 * 1024  # bytes
JSON = {"content-type": "application/json"}


READ_WHOLE = {"/v1/templates/check", "/v1/runs/{run_id}/cancel", "/r/{run_id}/steps/{step_id}", "/r/{run_id}/cancel"}
WORST_TO_READ = {"members", "numbers", "deep doubled members"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `what` names what is large in it."""

    what: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Means:
    """Whose requests they are: the key's, the phone's, or, with its token, the operator's."""

    ids: Ids
    csrf: str
    round: int = 0

    def in_round(self, number: int) -> "Means":
        """The same, in another round."""
        return replace(self, round=number)

    def headers(self, path: str) -> Mapping[str, str]:
        """What goes with a request to a path."""
        if path.startswith("/v1"):
            return {"authorization": f"Bearer {self.ids.key}"}
        if path.startswith("/console"):
            return {**self.ids.session, "x-csrf-token": self.csrf}
        return {"cookie": self.ids.device} if path.startswith("/r/") else {}

    def path(self, path: str, **given: str) -> str:
        """A path with its parameters: those given, else those of the largest run and template."""
        ids = self.ids
        known = {"run_id": ids.full, "template_id": ids.texts, "draft_id": ids.draft, "step_id": "s-1",
                 "photo_id": f"ph-{uuid.uuid4()}", "delivery_id": "d-none", "share_id": "sh-none", "number": "1",
                 "token": ids.share, "path:path": "api"}  # fmt: skip
        for name, value in {**known, **given}.items():
            filled = next_spare() if value == SPARE else value.format(**asdict(ids))
            path = path.replace(f"{{{name}}}", filled)
        return path


Making = Callable[[Means, str], Iterable[Request]]


def reading(*queries: str, **given: str) -> Making:
    """Reads, one of each query, in which `{…}` are fields of `Ids`, as in the parameters given."""

    def make(means: Means, path: str) -> Iterator[Request]:
        for query in queries or ("",):
            full = means.path(path, **given) + query.format(**asdict(means.ids))
            yield Request(query or "all", full, None, means.headers(path))

    return make


def bodies(size: int = BODY, *more: Callable[[Means], Any], **given: str) -> Making:
    """JSON bodies as large as one may be, and those that `more` make, which are good ones."""

    def make(means: Means, path: str) -> Iterator[Request]:
        headers, to = {**JSON, **means.headers(path)}, means.path(path, **given)
        for what, body in _json_bodies(path, size).items():
            assert len(body) <= size, what
            yield Request(what, to, body, headers)
        for one in more:
            yield Request(one.__name__, to, json.dumps(one(means)).encode(), headers)

    return make


def form(*forms: Mapping[str, str], size: int = 0, **given: str) -> Making:
    """Forms, in whose fields `{…}` are fields of `Ids`; with a `size` also some that fill it."""

    def make(means: Means, path: str) -> Iterator[Request]:
        headers = {"content-type": "application/x-www-form-urlencoded", **means.headers(path)}
        to = means.path(path, **given)
        for fields in forms:
            known = {name: value.format(**asdict(means.ids)) if name.endswith("_id") else value
                     for name, value in fields.items()}  # fmt: skip
            yield Request(", ".join(fields)[:60] or "empty", to, urlencode(known).encode(), headers)
        for what, body in _form_bodies(size).items():
            yield Request(what, to, body, headers)

    return make


def deleting(**given: str) -> Making:
    """A DELETE."""

    def make(means: Means, path: str) -> Iterator[Request]:
        yield Request("all", means.path(path, **given), None, means.headers(path))

    return make


def both(*makings: Making) -> Making:
    """The requests of all, numbered."""
    return lambda means, path: (
        replace(one, what=f"{number}. {one.what}")
        for number, making in enumerate(makings, 1)
        for one in making(means, path)
    )


def file(make_file: Callable[[], bytes], content_type: str) -> Making:
    """A file."""

    def make(means: Means, path: str) -> Iterator[Request]:
        headers = {"content-type": content_type, **means.headers(path)}
        yield Request("a file", means.path(path), make_file(), headers)

    return make


def upload(make_file: Callable[[int], bytes], content_type: str = "image/jpeg", **given: str) -> Making:
    """A picture, another one in each round."""

    def make(means: Means, path: str) -> Iterator[Request]:
        data = make_file(means.round)
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {"content-type": content_type, "content-digest": f"sha-256=:{digest}:", **means.headers(path)}
        yield Request("a picture", means.path(path, run_id="{pictures}", **given), data, headers)

    return make


SPARE = "{spare}"
_spares = iter(range(loop_world.SPARES))


def next_spare() -> str:
    """Return the id of an open run with all answers and remarks, another one each time."""
    return loop_world.spare(next(_spares))


def _repeated(unit: bytes, size: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    often = (size - len(opening) - len(closing)) // (len(unit) + 1)
    return opening + b",".join([unit] * often) + closing


def _members(size: int) -> bytes:
    return b"{%s}" % b",".join(b'"%07x":1' % number for number in range((size - 2) // 12))


@cache
def _hostile(size: int) -> dict[str, bytes]:
    """JSON texts of at most `size` bytes that no reader wants."""
    return {
        "empty lists": _repeated(b"[]", size),
        "empty objects": _repeated(b"{}", size),
        "deep lists": _repeated(b"[" * 190 + b"]" * 190, size),
        "deep objects": _repeated(b'{"a":' * 190 + b"1" + b"}" * 190, size),
        "members": _members(size),
        "a doubled member": _repeated(b'"a":1', size, b"{", b"}"),
        "doubled members": _repeated(b'{"a":1,"a":2}', size),
        "deep doubled members": _repeated(b'{"a":1,"a":' * 90 + b"1" + b"}" * 90, size),
        "numbers": _repeated(b"1.5e300", size),
        "long numbers": _repeated(b"9" * 4000, size),
        "texts": _repeated(b'""', size),
        "escapes": b'"' + b"\\u00e9" * ((size - 2) // 6) + b'"',
        "colons": b'{"a":"' + b":\\\\" * ((size - 8) // 3) + b'"}',
    }


@cache
def _json_bodies(path: str, size: int) -> dict[str, bytes]:
    """The worst for the reader and for each member; all of them to the routes of `READ_WHOLE`, since a reader is one
    for all routes of its size.
    """
    is_whole = path in READ_WHOLE
    found = {what: body for what, body in _hostile(size).items() if is_whole or what in WORST_TO_READ}
    for name in _members_of_body(path):
        head = b'{"%s":' % name.encode()
        rest = size - len(head) - 1
        values = {"objects": _repeated(b'{"a":[]}', min(rest, 700_000))}
        if is_whole:
            values["members"] = _members(min(rest, 900_000))
            values["marks"] = b'"' + "\u0344".encode() * ((rest - 2) // 2) + b'"'
            values["letters"] = b'"' + "\ufb2c".encode() * ((rest - 2) // 3) + b'"'
        found |= {f"{name}: {what}": head + value + b"}" for what, value in values.items()}
    return found


@cache
def _members_of_body(path: str) -> list[str]:
    operations = document()["paths"].get(path, {}).values()
    schemas = document()["components"]["schemas"]
    for operation in operations:
        if isinstance(operation, dict) and "requestBody" in operation:
            schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
            while "$ref" in schema:
                schema = schemas[schema["$ref"].rpartition("/")[2]]
            return list(schema.get("properties", {}))
    return []


@cache
def _form_bodies(size: int) -> dict[str, bytes]:
    if not size:
        return {}
    return {
        "fields": b"&".join([b"a=b"] * (size // 4)),
        "few fields": b"&".join(b"r-%d=%s" % (number, b"%20" * (size // 700)) for number in range(190)),
        "escapes": b"text=" + b"%C3%A9" * ((size - 5) // 6),
        "marks": b"note=" + b"%CD%84" * ((size - 5) // 6),
        "letters": b"note=" + b"%EF%AC%AC" * ((size - 5) // 9),
        "brackets": b"text=" + b"[" * (size - 5),
        "pluses": b"note=" + b"+" * (size - 5),
    }
