"""Problem details (RFC 9457): a problem as an HTTP response."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rundun.core.json_types.problems import ProblemDetailsJson
from rundun.errors import Problem
from rundun.wording.problem_codes import PROBLEMS


class Json(Response):
    """A JSON response; its content is a value that pydantic can serialise, or bytes that are JSON already."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers, with `no-store` unless given otherwise, as the content may have links and answers."""
        super().init_headers({"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """Return the content as the bytes of JSON; bytes are JSON already."""
        return content if isinstance(content, bytes) else to_json(content)


def problem_response(problem: Problem, request_id: str) -> Response:
    """Return the response with the problem document for `problem`."""
    code = PROBLEMS[problem.code]
    document: ProblemDetailsJson = {
        "type": f"/problems/{problem.code}",
        "title": code.title,
        "status": code.status,
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
    return Json({**document, **problem.extensions}, code.status, headers, media_type="application/problem+json")


def answer_problem(request: Request, error: Exception) -> Response:
    """Return the response to a `Problem` that a handler raised, and note its code; called by Starlette."""
    assert isinstance(error, Problem)
    request.scope["rundun.code"] = error.code
    return problem_response(error, request.scope["rundun.request_id"])


def answer_http_error(request: Request, error: Exception) -> Response:
    """Return the response to a refusal by Starlette itself, such as an unknown route or method."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "bad_request")
    details = {
        "not_found": "There is nothing at this address.",
        "method_not_allowed": f"{request.method} is not a method of this address.",
    }
    response = answer_problem(request, Problem(code, details.get(code, error.detail)))
    if code == "method_not_allowed":
        response.headers["allow"] = ", ".join(_methods(request))
    return response


def _methods(request: Request) -> list[str]:
    """List all methods of an address (RFC 9110, section 10.2.1), sorted; Starlette names those of the first route."""
    path, routes = request.scope["path"], request.app.routes
    own = [route for route in routes if route.path == path]
    return sorted({one for route in own or routes if route.path_regex.match(path) for one in route.methods})
