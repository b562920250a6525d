"""The description of an API operation, given at its handler. `document.py` makes the OpenAPI document of it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.core.validation import StrictModel
from rundun.web.http.body import JSON

Call = TypeVar("Call")
Handler = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
Tag = Literal["Runs", "Templates", "Deliveries", "Events", "Organization", "Executor"]


@dataclass(frozen=True, slots=True)
class Bytes:
    """A body that is not JSON: bytes of one of these media types."""

    media_types: tuple[str, ...]
    description: str


# The bytes of a picture tell its format, so any type is accepted. The general type comes first, since many generators
# of clients know no other, or take the first.
PNG = ("application/octet-stream", "image/png")
ZIP = Bytes(("application/zip",), "A ZIP archive.")
PICTURE = ("application/octet-stream", "image/jpeg", "image/png", "image/webp", "image/heic")


@dataclass(frozen=True, slots=True)
class ListOf:
    """A page of a list; its entries are `item`."""

    item: type | str


# A TypedDict of core/json_types, the name of a schema of the document, a page of a list, or a schema itself.
Inline = type | str | ListOf | Mapping[str, str]
Described = Inline | Bytes
Body = type[StrictModel] | str | Bytes


@dataclass(frozen=True, slots=True)
class Success:
    """A response of 2xx or 304. `schema` None: it has no body. `headers` are its own; those of every response, and
    `Link` of every list, are added. `followed_by` maps the operations that may be called next to the place in this
    response of their path parameter.
    """

    description: str
    schema: Described | None = None
    headers: tuple[str, ...] = ()
    followed_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """The description of a route. `together` names a model of `query` parameters that make one object. `is_conditional`
    adds `If-None-Match`, `ETag` and 304. `problems` are the operation's own; `ApiRoute.codes` adds the common ones.
    `media_types` are those of a JSON body. `erases`: only keys that may erase are let in. Examples are in
    examples.json, under `name`.
    """

    tag: Tag
    name: str
    summary: str
    description: str
    responses: Mapping[int, Success]
    query: type[StrictModel] | None
    together: tuple[str, type[StrictModel]] | None
    headers: tuple[str, ...]
    is_conditional: bool
    body: Body | None
    media_types: tuple[str, ...]
    problems: tuple[str, ...]
    erases: bool


class ApiRoute(Route):
    """A documented route of /v1 or /r. `is_idempotent_post` tells whether it reads an `Idempotency-Key`."""

    def __init__(
        self, method: str, path: str, endpoint: Endpoint, operation: Operation, *, reads_idempotency_key: bool
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.method = method
        self.operation = operation
        self.is_idempotent_post = reads_idempotency_key and method == "POST"
        self.is_document = path == "/v1/openapi.json"

    @property
    def takes_key(self) -> bool:
        """Tell whether the route requires an API key."""
        return self.path.startswith("/v1/") and not self.is_document

    @property
    def parameters(self) -> list[str]:
        """Return the names of the path's parameters."""
        return list(self.param_convertors)

    def codes(self) -> list[str]:
        """Return the codes of the problems that the OpenAPI document lists for the route, sorted, not `internal`."""
        operation = self.operation
        is_executors = not (self.takes_key or self.is_document)
        has_body = operation.body is not None
        has_json = has_body and not isinstance(operation.body, Bytes)
        common = {
            "unavailable": True,
            "rate_limited": not self.is_document,
            "unauthorized": self.takes_key,
            "write_not_allowed": self.takes_key and self.method != "GET",
            "erasure_not_allowed": operation.erases,
            "other_device": is_executors,
            "cross_site": is_executors and self.method != "GET",
            "request_in_progress": self.is_idempotent_post,
            "idempotency_key_reused": self.is_idempotent_post,
            "not_found": "{" in self.path,
            "run_erased": "{run_id}" in self.path and (is_executors or self.method != "DELETE"),
            "invalid": self.is_idempotent_post or has_body or operation.query is not None,
            "too_large": has_body,
            "malformed_json": has_json,
            "unsupported_media_type": has_json,
        }
        return sorted({*operation.problems, *(code for code, applies in common.items() if applies)})


class ApiRouter(Generic[Call]):
    """The routes of one file, below `prefix`. `wrap` makes the endpoint for Starlette of a handler and its operation.
    `reads_idempotency_key` tells whether POSTs with the same `Idempotency-Key` are run once.
    """

    def __init__(
        self,
        tag: Tag,
        prefix: str,
        wrap: Callable[[Handler[Call], Operation], Endpoint],
        *,
        reads_idempotency_key: bool = False,
    ) -> None:
        self.routes: list[Route] = []
        self._tag: Tag = tag
        self._prefix = prefix
        self._wrap = wrap
        self._reads_idempotency_key = reads_idempotency_key

    def route(
        self,
        route: str,
        responses: Mapping[int, Success],
        *,
        tag: Tag | None = None,
        query: type[StrictModel] | None = None,
        together: tuple[str, type[StrictModel]] | None = None,
        headers: tuple[str, ...] = (),
        is_conditional: bool = False,
        body: Body | None = None,
        media_types: tuple[str, ...] = JSON,
        problems: tuple[str, ...] = (),
        erases: bool = False,
    ) -> Callable[[Handler[Call]], Handler[Call]]:
        """Return a decorator that adds the handler of `route`, “GET /path”, and returns it unchanged. The handler's
        name is the operation's, its docstring's first line the summary, the rest the description.
        """
        method, path = route.split(" ")

        def add(handler: Handler[Call]) -> Handler[Call]:
            first, *words = handler.__name__.split("_")
            name = first + "".join(word.title() for word in words)
            summary, _, text = inspect.cleandoc(handler.__doc__ or "").partition("\n\n")
            said = (tag or self._tag, name, summary.removesuffix("."), " ".join(text.split()))
            operation = Operation(
                *said, responses, query, together, headers, is_conditional, body, media_types, problems, erases
            )
            endpoint, reads_key = self._wrap(handler, operation), self._reads_idempotency_key
            self.routes.append(
                ApiRoute(method, self._prefix + path, endpoint, operation, reads_idempotency_key=reads_key)
            )
            return handler

        return add
