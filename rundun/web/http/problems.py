"""Problem details (RFC 9457), and the one table from an error's code to HTTP."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rundun.core.json_types.problems import ProblemDetailsJson
from rundun.errors import Problem

TABLE: dict[str, tuple[int, str]] = {
    "malformed_json": (400, "The body is not JSON"),
    "bad_request": (400, "Bad request"),
    "unauthorized": (401, "A valid API key is needed"),
    "insufficient_credits": (402, "No credits left"),
    "cross_site": (403, "Called from another site"),
    "quota_exceeded": (403, "The organization's storage is used up"),
    "write_not_allowed": (403, "This key may only read"),
    "erasure_not_allowed": (403, "This key may not erase"),
    "other_device": (403, "Started on another device"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "request_in_progress": (409, "An earlier request is still being worked on"),
    "wrong_status": (409, "The run's status does not allow this"),
    "not_started": (409, "The run is not started"),
    "steps_missing": (409, "Something is still missing"),
    "answer_changed": (409, "The step has another answer by now"),
    "erasure_changed": (409, "The list of runs has changed"),
    "photo_conflict": (409, "Another photo has this id"),
    "photo_deleted": (409, "The photo was deleted"),
    "held": (409, "What goes out is held"),
    "template_archived": (409, "The template is archived"),
    "run_closed": (410, "The run is closed"),
    "run_erased": (410, "The run was erased"),
    "cursor_gone": (410, "The cursor leads nowhere any more"),
    "version_mismatch": (412, "The template has changed"),
    "too_large": (413, "Too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "invalid": (422, "Some of it is not right"),
    "idempotency_key_reused": (422, "The idempotency key came with another request before"),
    "skip_not_allowed": (422, "This step can't be skipped"),
    "too_many_photos": (422, "Too many photos"),
    "unreadable_image": (422, "The picture can't be read"),
    "digest_mismatch": (422, "The bytes are not those that were announced"),
    "would_shorten": (422, "That would shorten the run"),
    "address_not_allowed": (422, "Deliveries may not go there"),
    "rate_limited": (429, "Too many requests"),
    "internal": (500, "Something went wrong here"),
    "unavailable": (503, "Try again shortly"),
}


class Json(Response):
    """A JSON answer; `content` is anything pydantic's serialiser knows, or bytes that are JSON already."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Forbid caches, as what is answered may hold links and answers, unless the caller says otherwise."""
        super().init_headers({"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return content if isinstance(content, bytes) else to_json(content)


def problem_response(problem: Problem, request_id: str) -> Response:
    """Return the response with the problem document for `problem`."""
    status, title = TABLE[problem.code]
    document: ProblemDetailsJson = {
        "type": f"/problems/{problem.code}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = [
            {"where": error.where, "pointer": error.pointer, "code": error.code, "detail": error.detail}
            for error in problem.errors
        ]
    headers = {"cache-control": "no-store"}
    if problem.code == "unauthorized":
        headers["www-authenticate"] = "Bearer"
    if problem.retry_after is not None:
        headers["retry-after"] = str(problem.retry_after)
    return Json({**document, **problem.extensions}, status, headers, media_type="application/problem+json")


def of_problem(request: Request, error: Exception) -> Response:
    """Answer a `Problem` that a handler raised; Starlette calls this."""
    assert isinstance(error, Problem)
    request.scope["rundun.code"] = error.code
    return problem_response(error, request.scope["rundun.request_id"])


def of_http(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refused: no such route, no such method."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "bad_request")
    details = {
        "not_found": "There is nothing at this address.",
        "method_not_allowed": f"{request.method} is not a method of this address.",
    }
    response = of_problem(request, Problem(code, details.get(code, error.detail)))
    if code == "method_not_allowed":
        response.headers["allow"] = ", ".join(_methods(request))
    return response


def _methods(request: Request) -> list[str]:
    """List all methods of an address (RFC 9110 section 10.2.1): Starlette names those of the first route only."""
    path, routes = request.scope["path"], request.app.routes
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods})
