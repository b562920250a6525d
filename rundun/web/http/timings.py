"""Histograms of request durations since the process began, for /metrics. Only the event loop's thread writes."""

from starlette.types import Scope

from rundun.core.histogram import SECONDS, Histogram

REQUESTS = Histogram(SECONDS)
UPLOADS = Histogram(SECONDS)
KIND = "rundun.kind"  # key in a scope: UPLOAD, or WAITING for long polls and streams, whose duration says nothing
UPLOAD = "upload"
WAITING = "waiting"


def observe_request(scope: Scope, seconds: float) -> None:
    """Add a request's duration to the histogram of its kind. Long polls and streams are not counted."""
    kind = scope.get(KIND)
    if kind is None:
        REQUESTS.observe(seconds)
    elif kind == UPLOAD:
        UPLOADS.observe(seconds)
