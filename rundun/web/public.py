"""Pages without an owner: the front page, health, and the meaning of each problem code."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rundun import __version__
from rundun.errors import NotFound
from rundun.web.context import context_of
from rundun.web.metrics import metrics
from rundun.wording.problem_codes import PROBLEMS


async def front(request: Request) -> Response:
    """Serve the front page, which describes the service: GET /."""
    return context_of(request).pages.render("front.html", version=__version__)


async def problem(request: Request) -> Response:
    """Serve the page about a problem code, to which the `type` of a problem leads: GET /problems/{code}. Raises
    NotFound.
    """
    code = request.path_params["code"]
    if code not in PROBLEMS:
        raise NotFound("problem")
    return context_of(request).pages.render("problem.html", code=code, problem=PROBLEMS[code])


async def healthz(_: Request) -> Response:
    """Return 200 while the process runs: GET /healthz."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Return 200 if a write to the database has just succeeded, else raise `unavailable` (503): GET /readyz."""
    await context_of(request).database.prove_writable()
    return PlainTextResponse("ready\n")


ROUTES = [
    Route("/", front, methods=["GET"]),
    Route("/problems/{code}", problem, methods=["GET"]),
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
