"""Requests to `/v1` of one service with one key, and what they answer; what is refused is a `Problem`.

The key goes to that service alone: no redirect is followed, and no proxy of the environment stands in between.
"""

import json
import ssl
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx2

from rundun import __version__
from rundun.errors import FieldError, Problem

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
_MAY_HAVE_BEEN_DONE = " It isn't known whether it was done: the same call again, in this session, does it once at most."


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What a successful request answered: its body as JSON, and its entity tag."""

    body: Any
    etag: str | None


class ApiClient:
    """A client of one service. Nothing is sent twice by itself; a POST that got no answer keeps its `Idempotency-Key`,
    so that the same one again is the same one to the service too.
    """

    def __init__(self, url: str, key: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {key}", "user-agent": f"rundun-mcp/{__version__}"},
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(url),
            transport=transport,
        )
        self._url = url
        # The Idempotency-Keys of POSTs that got no answer, by what they say.
        self._unsettled: dict[bytes, list[str]] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> ApiAnswer:
        """Read; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        return await self._send("GET", path, params=texts)

    async def put(self, path: str, body: Any, if_match: str) -> ApiAnswer:
        """Replace what still has this entity tag."""
        return await self._send("PUT", path, content=_encoded(body), headers={"if-match": if_match})

    async def check(self, path: str, body: Any) -> ApiAnswer:
        """POST what keeps nothing."""
        return await self._send("POST", path, content=_encoded(body))

    async def post(self, path: str, body: Any) -> ApiAnswer:
        """POST something once. When nobody knows whether it was done, the next call of the same is that one again."""
        content = _encoded(body)
        said = sha256(path.encode() + b"\n" + content).digest()
        waiting = self._unsettled.get(said)
        key = waiting.pop() if waiting else str(uuid.uuid4())
        is_settled = False
        try:
            answer = await self._send("POST", path, content=content, headers={"idempotency-key": key})
            is_settled = True
            return answer
        except _Unsettled as problem:
            raise Problem(problem.code, problem.detail + _MAY_HAVE_BEEN_DONE) from None
        except Problem as problem:
            is_settled = problem.code != "request_in_progress"
            raise
        finally:
            if not is_settled:
                self._unsettled.setdefault(said, []).append(key)

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
            raise Problem("unavailable", f"{self._url} can't be reached, so nothing was done: {error}.") from None
        except httpx2.HTTPError as error:
            why = "in time" if isinstance(error, httpx2.TimeoutException) else "that is whole"
            raise _Unsettled("unavailable", f"{self._url} gave no answer {why}.") from None
        if response.is_success:
            return ApiAnswer(_json(response), response.headers.get("etag"))
        raise _refusal(response)


def _trusted(url: str) -> ssl.SSLContext:
    """Return the certificates to trust, those of SSL_CERT_FILE if it is set; for http none, which is sooner."""
    is_https = httpx2.URL(url).scheme == "https"  # however it is written
    return httpx2.create_ssl_context() if is_https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Unsettled(Problem):
    """The lack of an answer to something that may have been done."""


def _encoded(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError:
        raise Problem("invalid", "A number isn't finite.") from None
    except RecursionError:
        raise Problem("invalid", "It is nested too deeply.") from None


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise _Unsettled(
            "unavailable", f"What answered {response.status_code} is no Rundun: it sent no JSON."
        ) from None


def _refusal(response: httpx2.Response) -> Problem:
    """Return what the service refused, as it says; or that something else answered in its place."""
    status = response.status_code
    if response.is_redirect:
        detail = f"The service answers {status}, a redirect, and the key isn't sent there. Correct --url."
        return Problem("unavailable", detail)
    body: Any = None
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        body = _json(response)
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        kind = _Unsettled if status >= 500 else Problem
        return kind("unavailable", f"What answered {status} is no Rundun, or something that stands in front of it.")
    listed = body.get("errors") or []
    errors = [FieldError(str(one.get("pointer", one.get("step_id", ""))), one["code"], one["detail"]) for one in listed]
    wait = response.headers.get("retry-after", "")
    detail = f"{body.get('detail', '')}{f' Wait {wait} seconds before the next call.' if wait.isdecimal() else ''}"
    return (_Unsettled if status >= 500 else Problem)(body["code"], detail, errors)
