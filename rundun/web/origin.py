"""The check that writes come from pages of this service, not from another site."""

from urllib.parse import urlsplit

from starlette.requests import Request

from rundun.errors import Problem
from rundun.web.context import context_of


def require_same_site(request: Request) -> None:
    """Raise `cross_site` if another site's page writes with this browser's cookie (fetch metadata, RFC 6454
    origins).
    """
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise Problem("cross_site", "Writes must come from this site's own page.")
    origin = request.headers.get("origin")
    if origin is None:
        return
    ours = {request.headers.get("host", ""), urlsplit(context_of(request).settings.public_url).netloc}
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        host = ""
    if host not in ours - {""}:
        raise Problem("cross_site", "Writes must come from this site's own page.")
