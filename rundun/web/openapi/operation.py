"""One operation of the API, described once beside the others of its subject; `document.py` makes OpenAPI of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rundun.core.shape import Shape


@dataclass(frozen=True, slots=True)
class Bytes:
    """A body, or an answer, that is no JSON."""

    media_types: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a success answers: `model` None = no body; `headers` beside those of every answer; `links` by name, each
    the operation that may follow with its parameters, and its body where it has one.
    """

    description: str
    model: Any = None
    example: Any = None
    headers: tuple[str, ...] = ()
    links: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """`call` is method and path as in the route table. Codes that all alike have are added by `codes`; `problems` are
    this one's own.
    """

    call: str
    name: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[Shape] | None = None
    headers: tuple[str, ...] = ()
    body: type[BaseModel] | Bytes | None = None
    example: Any = None
    problems: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """In capitals."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """With its parameters in braces."""
        return self.call.partition(" ")[2]

    @property
    def is_open(self) -> bool:
        """Whether it takes no key."""
        return not self.path.startswith("/v1/") or self.path == "/v1/openapi.json"

    def codes(self) -> list[str]:
        """Every problem it can answer with, in the order of their table."""
        found = {"unavailable", *self.problems}
        if self.path == "/v1/openapi.json":
            return sorted(found)
        found |= {"rate_limited"}
        if not self.is_open:
            found |= {"unauthorized"}
            if self.method == "POST":
                found |= {"request_in_progress", "idempotency_key_reused", "invalid"}
        else:
            found |= {"other_device"}
            if self.method != "GET":
                found |= {"cross_site"}
        if "{" in self.path:
            found |= {"not_found"}
        if self.query is not None or self.body is not None:
            found |= {"invalid"}
        if self.body is not None:
            found |= {"too_large"}
            if not isinstance(self.body, Bytes):
                found |= {"malformed_json", "unsupported_media_type"}
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Subject:
    """Operations that belong together."""

    name: str
    description: str
    operations: Sequence[Operation]
