"""How long requests have taken since the process began, for /metrics. Observed in the event loop's thread only."""

from starlette.types import Scope

from rundun.core.histogram import SECONDS, Histogram

REQUESTS = Histogram(SECONDS)
UPLOADS = Histogram(SECONDS)
KIND = "rundun.kind"  # in a scope: UPLOAD, or WAITING for what takes its time on purpose, so that it says nothing
UPLOAD = "upload"
WAITING = "waiting"


def observe_request(scope: Scope, seconds: float) -> None:
    """Count how long a request took."""
    kind = scope.get(KIND)
    if kind is None:
        REQUESTS.observe(seconds)
    elif kind == UPLOAD:
        UPLOADS.observe(seconds)
