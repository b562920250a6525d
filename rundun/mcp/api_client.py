"""A client of `/v1` of one service, with one key; refusals are raised as `Problem`.

The key goes to that service alone: no redirect is followed, and no proxy of the environment is used.
"""

import json
import re
import ssl
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx2

from rundun import __version__
from rundun.errors import FieldError, Problem

_DRAFT_ID = re.compile(r"d-[0-9a-f-]{36}")
TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
_MAY_HAVE_BEEN_DONE = " The service may have done it. Repeat the call in this session: it does it once at most."


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """The answer to a successful request: its body as JSON, and its entity tag."""

    body: Any
    etag: str | None


class ApiClient:
    """A client of one service; a `path` is one below `/v1`. No request is retried. A POST without an answer keeps its
    `Idempotency-Key`: the same POST, called again, uses it, so that the service executes it once at most.
    """

    def __init__(self, url: str, key: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {key}", "user-agent": f"rundun-mcp/{__version__}"},
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=_tls_context(url),
            transport=transport,
        )
        self.url = url
        # The Idempotency-Keys of POSTs without an answer, by the digest of path and body.
        self._unsettled: dict[bytes, list[str]] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> ApiAnswer:
        """Return body and entity tag of the answer to a GET, or raise the refusal; parameters that are None are left
        out.
        """
        given = {name: value for name, value in params.items() if value is not None}
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        return await self._send("GET", path, params=texts)

    async def put(self, path: str, body: Any, if_match: str) -> ApiAnswer:
        """Replace a resource, unless its entity tag has changed; return the answer, or raise the refusal."""
        return await self._send("PUT", path, content=_encoded(body), headers={"if-match": if_match})

    async def check(self, path: str, body: Any) -> ApiAnswer:
        """Return the answer to a POST that stores nothing, hence without an `Idempotency-Key`, or raise the refusal."""
        return await self._send("POST", path, content=_encoded(body))

    async def post(self, path: str, body: Any) -> ApiAnswer:
        """Return the answer to a POST, or raise the refusal. If its outcome is unknown, the next call with the same
        path and body repeats it under the same key.
        """
        content = _encoded(body)
        digest = sha256(path.encode() + b"\n" + content).digest()
        waiting = self._unsettled.get(digest)
        key = waiting.pop() if waiting else str(uuid.uuid4())
        is_settled = False
        try:
            answer = await self._send("POST", path, content=content, headers={"idempotency-key": key})
            is_settled = True
            return answer
        except _NoAnswer as problem:
            raise Problem(problem.code, problem.detail + _MAY_HAVE_BEEN_DONE) from None
        except Problem as problem:
            is_settled = problem.code != "request_in_progress"
            raise
        finally:
            if not is_settled:
                self._unsettled.setdefault(digest, []).append(key)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> ApiAnswer:
        sent = {**(headers or {}), **({"content-type": "application/json"} if content is not None else {})}
        try:
            response = await self._http.request(method, f"/v1{path}", params=params, content=content, headers=sent)
        except httpx2.ConnectError as error:
            raise Problem("unavailable", f"{self.url} can't be reached, so nothing was done: {error}.") from None
        except httpx2.HTTPError as error:
            missing = "answer in time" if isinstance(error, httpx2.TimeoutException) else "complete answer"
            raise _NoAnswer("unavailable", f"{self.url} gave no {missing}.") from None
        if response.is_success:
            return ApiAnswer(_read_json(response), response.headers.get("etag"))
        raise _read_refusal(response)


def _tls_context(url: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the usual certificates, or those of SSL_CERT_FILE or SSL_CERT_DIR; for http
    one without certificates, which is made faster.
    """
    is_https = httpx2.URL(url).scheme == "https"  # in lower case, unlike `url`
    return httpx2.create_ssl_context() if is_https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _NoAnswer(Problem):
    """Raised if a request got no answer from the service, which may have executed it."""


def _encoded(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError:
        raise Problem("invalid", "A number isn't finite.") from None
    except RecursionError:
        raise Problem("invalid", "It is nested too deeply.") from None


def _read_json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise _NoAnswer("unavailable", f"What answered {response.status_code} is no Rundun: it sent no JSON.") from None


def _read_refusal(response: httpx2.Response) -> Problem:
    """Return the `Problem` of an error response: the service's own, or `unavailable` for a redirect or an answer of
    another program.
    """
    status = response.status_code
    if response.is_redirect:
        detail = f"The service answers {status}, a redirect, and the key isn't sent there. Correct --url."
        return Problem("unavailable", detail)
    body: Any = None
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        body = _read_json(response)
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        kind = _NoAnswer if status >= 500 else Problem
        return kind("unavailable", f"What answered {status} is no Rundun, or something that stands in front of it.")
    listed = body.get("errors") or []
    errors = [FieldError(str(one.get("pointer", one.get("step_id", ""))), one["code"], one["detail"]) for one in listed]
    wait = response.headers.get("retry-after", "")
    detail = f"{body.get('detail', '')}{f' Wait {wait} seconds before the next call.' if wait.isdecimal() else ''}"
    named = {"draft_id": body["draft_id"]} if _DRAFT_ID.fullmatch(str(body.get("draft_id"))) else {}
    return (_NoAnswer if status >= 500 else Problem)(body["code"], detail, errors, extensions=named)
