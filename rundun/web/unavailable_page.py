"""The answer to what can't be done now: a page for a person, who can't read JSON; a problem document for a program."""

import re

from starlette.requests import Request
from starlette.responses import Response

from rundun.errors import Problem
from rundun.web.context import context_of
from rundun.web.executor.page import preferred_languages
from rundun.web.problems import TABLE, of_problem

_RUN = re.compile(r"/r/[^/]+")


def respond(request: Request, error: Exception) -> Response:
    """Answer a `Problem` that no handler has made a page of; `unavailable` and `internal` are pages at the console, and
    where a run's page was to be.
    """
    assert isinstance(error, Problem)
    if error.code not in ("unavailable", "internal") or "text/html" not in request.headers.get("accept", ""):
        return of_problem(request, error)
    path, pages, preferred = request.url.path, context_of(request).pages, preferred_languages(request, None)
    if _RUN.fullmatch(path) and request.method == "GET":
        response = pages.closed(error.code, preferred)
    elif path == "/console" or path.startswith("/console/"):
        language = pages.console_words.language(preferred or ["en"])
        status, _ = TABLE[error.code]
        response = pages.render("console/unavailable.html", status, language=language, t=language.say)
    else:
        return of_problem(request, error)
    request.scope["rundun.code"] = error.code
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    return response
