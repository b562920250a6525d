"""The frame of each call to /r: its rate limits."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from rundun.errors import NotFound, Problem
from rundun.store.sqlite.transaction import Tx
from rundun.web.context import context_of
from rundun.web.http.operation import ApiRouter
from rundun.web.pages.pages import Handler

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
MAX_ID = len("r-00000000-0000-4000-8000-000000000000")
_ENDS = ("run_closed", "other_device")


def executor_router() -> ApiRouter[Request]:
    """Return a router of /r/{run_id} for the handlers of one file."""
    return ApiRouter("Executor", "/r/{run_id}", lambda handler, _: rate_limited(handler))


async def read(
    request: Request,
    make: Callable[[T], R],
    function: Callable[Concatenate[Tx, str, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Return `make(function(tx, run_id, …))` for the run id in the path. For a large run both take a turn among the
    links of the run's organization, so that one large run at a time is in memory. Raises the errors of `function` and
    `make`, and `rate_limited`.
    """
    ctx, run_id = context_of(request), request.path_params["run_id"]
    known = await ctx.known_runs.find(run_id)
    if known is None or not known.is_large:
        return make(await ctx.database.read(function, run_id, *args, **kwargs))
    return await ctx.turns.of_links(known.org_id).read_and(make, function, run_id, *args, **kwargs)


async def write(
    request: Request, action: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return `action(tx, run_id, …)` for the run of the path, run in a write transaction."""
    run_id = request.path_params["run_id"]
    return await context_of(request).known_runs.write(run_id, action, 0, run_id, *args, **kwargs)


def rate_limited(handler: Handler) -> Handler:
    """Return `handler` with rate limits by run, by organization, and, for unknown links, by client address."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        ctx, run_id = context_of(request), request.path_params["run_id"]
        rate_limiter = ctx.rate_limiter
        known = await ctx.known_runs.find(run_id)
        rate_limiter.count_visit(request, run_id[:MAX_ID], known.org_id if known else None)
        try:
            response = await handler(request)
        except NotFound:
            rate_limiter.count_failure(request)
            raise
        except Problem as problem:
            if problem.code in _ENDS:  # where a phone deletes what was confirmed in this generation
                problem.extensions["generation"] = ctx.generation
            raise
        if response.status_code == 404:
            rate_limiter.count_failure(request)
        return response

    return endpoint
