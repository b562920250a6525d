"""Responses instead of a page that is missing or can't be made: HTML for a browser, else a problem document."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rundun.errors import Problem
from rundun.web.context import context_of
from rundun.web.executor.page import preferred_languages
from rundun.web.http import problems
from rundun.web.http.problems import answer_problem
from rundun.wording.problem_codes import PROBLEMS

_RUN = re.compile(r"/r/[^/]+(/report\.pdf)?|/share/[^/]+/report\.pdf")
_API = re.compile(r"/+v1(/|$)")


def respond(request: Request, error: Exception) -> Response:
    """Return the response to a `Problem` that no handler turned into a page. If `Accept` names text/html,
    `unavailable`, `pdf_unavailable` and `internal` are pages in the console, for GET /r/{run_id} and for PDFs of links,
    and `not_found` is one for any GET or HEAD outside /v1; all else is a problem document.
    """
    assert isinstance(error, Problem)
    if error.code == "not_found" and _asks_for_page(request):
        return not_found(request)
    if error.code not in ("unavailable", "internal", "pdf_unavailable") or not _accepts_html(request):
        return answer_problem(request, error)
    path, pages, preferred = request.url.path, context_of(request).pages, preferred_languages(request, None)
    if _RUN.fullmatch(path) and request.method == "GET":
        response = pages.render_closed("internal" if error.code == "internal" else "unavailable", preferred)
    elif path == "/console" or path.startswith("/console/"):
        language = pages.console_words.language(preferred or ["en"])
        status = PROBLEMS[error.code].status
        response = pages.render("console/unavailable.html", status, **language.page_names())
    else:
        return answer_problem(request, error)
    request.scope["rundun.code"] = error.code
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    return response


def respond_without_route(request: Request, error: Exception) -> Response:
    """Return the response to an error of Starlette itself, such as no such route or method: for an unknown address a
    page if it is a GET or HEAD outside /v1 whose `Accept` names text/html, else a problem document.
    """
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and _asks_for_page(request):
        return not_found(request)
    return problems.answer_http_error(request, error)


def not_found(request: Request) -> Response:
    """Return a page, with status 404 and in the visitor's language, that says that the link does not work, and where to
    go instead.
    """
    ctx = context_of(request)
    first = f"/{request.url.path.split('/')[1]}"
    request.scope["rundun.code"] = "not_found"
    language = ctx.pages.words.language(preferred_languages(request, None))
    home = first if first in ("/console", "/docs") else ""
    site = ctx.settings.public_url.partition("://")[2]
    return ctx.pages.render("not_found.html", 404, language=language, t=language.say, home=home, site=site)


def _accepts_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _asks_for_page(request: Request) -> bool:
    """Tell whether this is a GET or HEAD outside /v1 whose `Accept` names text/html."""
    return request.method in ("GET", "HEAD") and _accepts_html(request) and not _API.match(request.scope["path"])
