"""The frame of each call to /v1, whose routes are all made here: API key, limits, and `Idempotency-Key`."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions import idempotency
from rundun.core.actor import Actor
from rundun.core.fingerprint import fingerprint
from rundun.errors import FieldError, Problem
from rundun.store import idempotency as response_rows
from rundun.store.idempotency import IdempotencyKey, StoredResponse
from rundun.store.organizations.api_keys import ApiKey
from rundun.store.sqlite.transaction import Tx
from rundun.web.context import Context, context_of
from rundun.web.http.auth import bearer_of
from rundun.web.http.body import JSON, LARGE, parse, read_json_bytes
from rundun.web.http.operation import ApiRouter, Operation, Tag
from rundun.web.http.problems import Json
from rundun.web.http.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")
READING = ("GET", "HEAD")  # methods of read-only keys
MAX_KEY = 255  # characters of an Idempotency-Key
_KEY = re.compile(r'"((?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\["\\])*)"|([\x21\x23-\x7E][\x20-\x7E]*)')


@dataclass(slots=True)
class ApiCall:
    """An integrator's request; `actor` has the name of its API key, `key_id` its id. `idempotency_key` is None without
    that header.
    """

    request: Request
    ctx: Context
    org_id: str
    actor: Actor
    key_id: str
    idempotency_key: IdempotencyKey | None = None
    _body: bytes | None = None
    _value: Any = None

    def path(self, name: str) -> str:
        """Return the path's parameter `name`."""
        return str(self.request.path_params[name])

    async def body(self, media_types: tuple[str, ...] = JSON) -> bytes:
        """Return the JSON body's bytes, not parsed; later calls return the same. Raises the errors of
        `read_json_bytes`, with the limit of the settings.
        """
        if self._body is None:
            self._body = await read_json_bytes(self.request, self.ctx.settings.limits.body_bytes, media_types)
        return self._body

    async def json(self, media_types: tuple[str, ...] = JSON) -> Any:
        """Return the parsed JSON body: a value of any JSON type, still to be checked; later calls return the same.
        Raises the errors of `body` and `parse`.
        """
        if self._value is None:
            self._value = await self.run_sized(parse, await self.body(media_types))
        return self._value

    async def run_sized(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(…)`, a function of the body: run in a turn if the body is large, else at once."""
        if len(await self.body()) > LARGE:
            return await self.turns.run(function, *args, **kwargs)
        return function(*args, **kwargs)

    @property
    def turns(self) -> Turns:
        """Return the fair queue for long work of the organization's API keys."""
        return self.ctx.turns.of_keys(self.org_id)

    async def read(self, function: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(tx, org_id, *args)`, run on a consistent snapshot."""
        return await self.ctx.database.read(function, self.org_id, *args, **kwargs)

    async def write(self, action: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `action(tx, org_id, *args)`, run in a write transaction."""
        return await self.ctx.database.write(action, self.org_id, *args, **kwargs)

    async def post(
        self, action: Callable[Concatenate[Tx, str, P], StoredResponse], /, *args: P.args, **kwargs: P.kwargs
    ) -> Response:
        """Run `action(tx, org_id, *args)`, store its response under the `Idempotency-Key`, if any, in the same
        transaction, and return it as an HTTP response. An earlier response is not looked for: `_handle_once` has done
        that.
        """
        stored_response = await self.ctx.database.write(
            idempotency.run_and_store, self.idempotency_key, action, self.org_id, *args, **kwargs
        )
        return to_response(stored_response)

    async def respond(self, stored_response: StoredResponse) -> Response:
        """Store the response to work done outside the database under the `Idempotency-Key`, if any, and return it."""
        if self.idempotency_key:
            await self.ctx.database.write(response_rows.put, self.idempotency_key, stored_response)
        return to_response(stored_response)


Handler = Callable[[ApiCall], Awaitable[Response]]


def to_response(stored_response: StoredResponse) -> Response:
    """Return a stored response as an HTTP response."""
    return Json(stored_response.body, stored_response.status, stored_response.headers)


def api_router(tag: Tag, *, reads_idempotency_key: bool = True) -> ApiRouter[ApiCall]:
    """Return a router of /v1 for the handlers of one file. Without `reads_idempotency_key` the header is ignored, since
    repeating their POSTs is harmless.
    """
    wrap = partial(_endpoint, is_once=reads_idempotency_key)
    return ApiRouter(tag, "/v1", wrap, reads_idempotency_key=reads_idempotency_key)


def _endpoint(handler: Handler, operation: Operation, *, is_once: bool) -> Callable[[Request], Awaitable[Response]]:
    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        ctx = context_of(request)
        key = await _api_key(ctx, request)
        ctx.rate_limiter.count_call(request, key.key_id, key.org_id)
        if key.read_only and request.method not in READING:
            raise Problem("write_not_allowed", "This API key may only read; nothing was changed.")
        if operation.erases and not key.may_erase:  # so a leaked key cannot destroy evidence or export a person's data
            raise Problem("erasure_not_allowed", "This API key may not erase anything; nothing was changed.")
        call = ApiCall(request, ctx, key.org_id, Actor("integrator", key.name, key.key_id), key.key_id)
        return await (_handle_once(call, handler, key) if is_once and request.method == "POST" else handler(call))

    return endpoint


async def _api_key(ctx: Context, request: Request) -> ApiKey:
    """Return the request's API key; raises `unauthorized`, which counts against the client's address, or `rate_limited`
    after too many of these.
    """
    try:
        return await ctx.keys.get_key(request)
    except Problem as problem:
        if problem.code == "unauthorized":
            ctx.rate_limiter.count_failure(request)
        raise


async def _handle_once(call: ApiCall, handler: Handler, api_key: ApiKey) -> Response:
    """Return the response of `handler` to a POST, or the one stored under its `Idempotency-Key`, marked as replayed.
    Raises `invalid` for a malformed key, `request_in_progress` while the first request with it is in work, and the
    errors of `find_response`.
    """
    header = call.request.headers.get("idempotency-key")
    if header is None:
        return await handler(call)
    key = _key(header)
    body = await _fingerprint(call, api_key)
    call.idempotency_key = IdempotencyKey(call.org_id, call.request.url.path, key, body)
    with one_at_a_time(call, "The first request with this Idempotency-Key is still being worked on.", key):
        stored_response = await call.ctx.database.read(idempotency.find_response, call.idempotency_key)
        if stored_response is None:
            return await handler(call)
        response = to_response(stored_response)
        response.headers["idempotent-replayed"] = "true"
        return response


@contextmanager
def one_at_a_time(call: ApiCall, detail: str, key: str = "") -> Iterator[None]:
    """Raise `request_in_progress` with `detail` if another request of the organization to the same path with the same
    `key` is in this context; else keep others out of it while it lasts.
    """
    name, under_way = (call.org_id, call.request.url.path, key), call.ctx.under_way
    if name in under_way:
        raise Problem("request_in_progress", detail, retry_after=1)
    under_way.add(name)
    try:
        yield
    finally:
        under_way.discard(name)


def _key(header: str) -> str:
    """Return the key in an `Idempotency-Key` header, without the quotation marks and backslashes of a quoted one (a
    string of RFC 8941 section 3.3.3). Raises `Problem` `invalid` for a malformed or empty key, or more than `MAX_KEY`
    characters.
    """
    match = _KEY.fullmatch(header.strip())
    key = match and (re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2])
    if not key or len(key) > MAX_KEY:
        detail = f"Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters."
        raise Problem("invalid", detail, [FieldError("/Idempotency-Key", "bad_format", detail, "header")])
    return key


async def _fingerprint(call: ApiCall, api_key: ApiKey) -> bytes:
    """Return the fingerprint of a call's JSON body, partly keyed with the API key; b"" for a body that `parse` refuses.
    Raises the errors of `ApiCall.body`, and `rate_limited`.
    """
    await call.body()
    try:
        value = await call.json()
    except Problem as problem:
        if problem.code == "rate_limited":
            raise
        return b""  # the handler refuses it, and refusals are not stored
    return await call.run_sized(fingerprint, value, api_key.key_id, bearer_of(call.request))
