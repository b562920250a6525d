"""Middleware of every request: its id, its log line, and a response even after an error of our own."""

import re
import secrets
import time

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rundun import counters
from rundun.errors import Problem
from rundun.logs import log
from rundun.web import unavailable_page
from rundun.web.context import context_of
from rundun.web.http import rate_limit
from rundun.web.http.timings import observe_request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_INDEX = (b"x-robots-tag", b"noindex")  # of all below /share, also where it is refused
_ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
# RFC 6797, which allows it over https alone. Without `includeSubDomains`: other hosts below this name are not ours.
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")


class RequestMiddleware:
    """An ASGI middleware that adds request id and common headers, writes the log line, and answers errors with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope["rundun.request_id"] = _request_id(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                named = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                if allowance := scope.get("rundun.allowance"):
                    headers += rate_limit.headers(allowance)
                always = (*_ALWAYS, _NO_INDEX) if scope["path"].startswith("/share/") else _ALWAYS
                headers += [(name, value) for name, value in always if name not in named]
                settings = context_of(Request(scope)).settings
                if scope.get("scheme") == "https" and settings.is_https and settings.server.hsts:
                    headers.append(_HTTPS_ONLY)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499
        except Exception as error:
            log("error", "request.failed", exc=error, request_id=request_id)
            if not status:
                problem = Problem("internal", "This is our fault, and it is logged under the request id.")
                await unavailable_page.respond(Request(scope), problem)(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - began
            counters.count_request(status)
            observe_request(scope, seconds)
            _log(scope, status, seconds, request_id)


def _request_id(scope: Scope) -> str:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(request_id := value.decode("latin-1")):
            return request_id
    return secrets.token_hex(16)


def _log(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    log(
        "debug" if scope["path"] in ("/healthz", "/readyz", "/metrics") else "info",
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        code=scope.get("rundun.code"),
        ms=round(seconds * 1000, 1),
        request_id=request_id,
    )
