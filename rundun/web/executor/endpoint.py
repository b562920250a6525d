"""The frame of each call to /r: its rate limits."""

from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from rundun.errors import NotFound, Problem
from rundun.web.context import context_of
from rundun.web.http.operation import ApiRouter
from rundun.web.pages.pages import Handler

MAX_ID = len("r-00000000-0000-4000-8000-000000000000")
_ENDS = ("run_closed", "other_device")


def executor_router() -> ApiRouter[Request]:
    """Return a router of /r/{run_id} for the handlers of one file."""
    return ApiRouter("Executor", "/r/{run_id}", lambda handler, _: rate_limited(handler))


def rate_limited(handler: Handler) -> Handler:
    """Return `handler` with rate limits by run, by organization, and, for unknown links, by client address."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        ctx, run_id = context_of(request), request.path_params["run_id"]
        rate_limiter = ctx.rate_limiter
        rate_limiter.count_visit(request, run_id[:MAX_ID], await ctx.run_owners.find(run_id))
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
