"""The only outbound HTTP: one signed POST, one result.

It uses `httpcore2`, the engine of httpx2, without httpx2's client, whose additions (redirects, cookies, proxies from
the environment, decompression, rewritten URLs) are all unwanted here. The engine accepts a network backend of our own,
which checks each address at the moment it is dialled.
"""

import asyncio
import codecs
import os
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpcore2

from rundun import __version__, webhook_addresses
from rundun.core.deliveries.attempt import EXCERPT_BYTES, AttemptResult, WebhookRequest
from rundun.core.deliveries.forbidden_addresses import Network, may_be_read
from rundun.core.deliveries.signature import sign, standard_webhooks
from rundun.core.deliveries.webhook_url import Destination, normalise
from rundun.logs import log
from rundun.webhooks import dialer
from rundun.webhooks.dialer import UnresolvedHost

BODY_BYTES = 16 * 1024  # read of an answer, never decompressed
MAX_IDLE_CONNECTIONS = 64
IDLE_SECONDS = 4.0  # below the five seconds after which common servers close

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class WebhookClient:
    """The HTTP client of webhooks; one for the process, created inside its event loop.

    `clock` returns milliseconds since the epoch; `resolver` is a blocking look-up, run in threads of its own; `ca_file`
    has certificates (PEM) trusted in addition to the system's. Raises ValueError if `ca_file` is unusable.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 10.0,
        allow: tuple[Network, ...] = (),
        allow_private: bool = True,
        ca_file: Path | None = None,
        clock: Callable[[], int],
        resolver: dialer.LookUp | None = None,
        check_seconds: float = 2.0,
    ) -> None:
        self._timeout = timeout_seconds
        self._allow = allow
        self._judge = webhook_addresses.make_judge(allow, allow_private)
        self._clock = clock
        self._check_seconds = check_seconds
        self._look_ups = dialer.Resolver(resolver or webhook_addresses.system_resolver, clock)
        self._ca_file = ca_file
        self._pool: httpcore2.AsyncConnectionPool | None = None
        self._pool_lock = threading.Lock()
        if ca_file:
            self._open_pool()  # errors in the file are reported at start

    def _open_pool(self) -> httpcore2.AsyncConnectionPool:
        """Return the connection pool, created by the first call, so that a service without webhooks loads no
        certificates. The lock prevents a second pool, never closed, as several threads may make the first request.
        """
        with self._pool_lock:
            if self._pool is None:
                self._pool = httpcore2.AsyncConnectionPool(
                    ssl_context=_tls_context(self._ca_file),
                    max_connections=None,  # the slots limit them
                    max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                    keepalive_expiry=IDLE_SECONDS,
                    network_backend=dialer.CheckedBackend(self._look_ups, self._judge, self._timeout),
                )
            return self._pool

    async def close(self) -> None:
        """Close all connections. Attempts still under way would fail, so wait for them first."""
        if self._pool:
            await self._pool.aclose()

    async def check(
        self, destination: Destination, org_id: str
    ) -> tuple[Literal["forbidden", "unresolved"], str] | None:
        """Check a destination when an organization dispatches a run: return the kind of refusal and a sentence; None if
        it is allowed, or if its look-up had to wait too long behind others.

        Literals are checked at once, names looked up for at most `check_seconds`. A destination is forbidden if none of
        its addresses may be dialled. Each address is checked again whenever it is dialled.
        """
        try:
            found = await self._look_ups.addresses(destination.host, org_id, self._check_seconds)
        except dialer.LookUpWaited:
            return None
        except UnresolvedHost as error:
            return "unresolved", str(error)
        refusal = webhook_addresses.host_refusal(destination.host, {address: self._judge(address) for address in found})
        return ("forbidden", refusal) if refusal else None

    async def post(self, request: WebhookRequest) -> AttemptResult:
        """Make one attempt with a fresh signature and return its result. The timeout covers everything from the look-up
        to the end of the answer. Raises nothing but CancelledError.
        """
        began = time.monotonic()
        answer = _PartialResponse()
        used = dialer.UsedConnection(request.org_id)
        dialer.used_connection.set(used)
        error: str | None = None
        unreachable = False
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(request, answer)
        except TimeoutError:
            error, unreachable = f"There was no complete answer within {self._timeout:g} s.", True
        except (UnresolvedHost, httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
            error, unreachable = self._explain(problem, used), True
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as problem:
            # Only the head of an answer counts, so a body that breaks off changes nothing.
            error = self._explain(problem, used) if answer.status is None else None
        except (dialer.AddressForbidden, _UrlRefused) as problem:
            error = str(problem)
        except Exception as problem:  # its text may contain anything that was received
            log("error", "webhook.failed", exc=problem, event_id=request.event_id)
            error = "The attempt failed unexpectedly; the service's log says why."
        status = answer.status
        if error is None and (status is None or not 200 <= status < 300):
            moved = " Redirects are not followed." if status in {301, 302, 303, 307, 308} else ""
            error = f"The answer was {status}.{moved}"
        return AttemptResult(
            ok=error is None,
            status=status,
            error=error,
            retry_after=None if error is None else _retry_after(answer.retry_after, self._clock()),
            gone=status == 410,
            unreachable=unreachable,
            duration_ms=round((time.monotonic() - began) * 1000),
            excerpt=self._excerpt(answer, used),
            headers=answer.headers,
        )

    async def _exchange(self, request: WebhookRequest, answer: "_PartialResponse") -> None:
        try:
            destination = normalise(request.url)  # a URL is never used without it
        except ValueError as problem:
            raise _UrlRefused(str(problem)) from None
        created = self._clock() // 1000
        answer.headers = headers = {
            "Host": destination.authority,
            "User-Agent": f"Rundun/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            **sign(request.secret, destination.url, request.body, created),
            **standard_webhooks(request.secret, request.event_id, created, request.body),
        }
        url = httpcore2.URL(
            scheme=destination.scheme, host=destination.host, port=destination.port, target=destination.target
        )
        try:
            await self._request(url, headers, request.body, answer)
        except (httpcore2.NetworkError, httpcore2.RemoteProtocolError):
            # The receiver may close an idle connection just as it is used again. Without an answer on it the request is
            # made once more, with the same event_id, by which receivers recognise duplicates.
            if dialer.used_connection.get().is_new or answer.status is not None:
                raise
            await self._request(url, headers, request.body, answer)

    async def _request(
        self, url: httpcore2.URL, headers: dict[str, str], body: bytes, answer: "_PartialResponse"
    ) -> None:
        pool = self._pool
        if pool is None:
            pool = await asyncio.to_thread(self._open_pool)  # reading the certificates would block the event loop
        async with pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
            answer.status = response.status
            for name, value in response.headers:
                if name.lower() == b"retry-after" and answer.retry_after is None:
                    answer.retry_after = value.decode("latin-1")
            async with aclosing(response.aiter_stream()) as chunks:
                async for chunk in chunks:
                    answer.body += chunk[: BODY_BYTES - len(answer.body)]
                    if len(answer.body) >= BODY_BYTES:
                        break

    def _may_be_read(self, used: dialer.UsedConnection) -> bool:
        return used.address is not None and may_be_read(used.address, allow=self._allow)

    def _excerpt(self, answer: "_PartialResponse", used: dialer.UsedConnection) -> str | None:
        if answer.status is None or not self._may_be_read(used):
            return None
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(answer.body[:EXCERPT_BYTES])
        return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)

    def _explain(self, problem: BaseException, used: dialer.UsedConnection) -> str:
        """Return a sentence for the first known cause in the exception chain, else a general one. It has no answer from
        a private network, only fixed words of OpenSSL and the system, and quotations of answers that may be read.
        """
        for cause in _causes(problem):
            if isinstance(cause, UnresolvedHost):
                return str(cause)
            if isinstance(cause, ssl.SSLCertVerificationError):
                return f"The certificate was not accepted: {cause.verify_message.rstrip('.')}."
            if isinstance(cause, ssl.SSLError):
                return f"TLS failed: {cause.reason}." if cause.reason else "TLS failed."
            if isinstance(cause, OSError) and cause.errno:
                return f"The connection failed: {os.strerror(cause.errno)}."
        if not isinstance(problem, httpcore2.ProtocolError):
            return "The connection broke before there was an answer."
        if used.has_ended:
            return "The connection was closed before there was a whole answer."
        if self._may_be_read(used):  # h11 quotes the line that it could not read
            return f"The answer was not valid HTTP: {str(problem).rstrip('.')}."
        return "The answer was not valid HTTP."


class _UrlRefused(Exception):
    """Raised for a URL that `normalise` refuses; the text is a sentence."""


class _PartialResponse:
    """The part of an answer that has arrived so far; it remains when the deadline cuts off the rest."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}  # of the request
        self.status: int | None = None
        self.retry_after: str | None = None
        self.body = b""


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    import httpx2  # imported for this alone

    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(f"webhooks.ca_file: {ca_file} has no usable certificates ({error}).") from None
    return context


def _retry_after(text: str | None, now: int) -> float | None:
    """Return the seconds in `Retry-After` (RFC 9110, section 10.2.3), at least 0, a date counted from `now`
    (milliseconds); None if it is missing or malformed.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now / 1000)
    except (ValueError, OverflowError):
        return None


def _causes(problem: BaseException) -> list[BaseException]:
    """List an exception and its causes, or contexts without a cause, the outermost first."""
    chain: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain
