"""/console: where the operator lives. Every route is made by `desk.page`, which asks who is there."""

from __future__ import annotations

from rundun.web.console import dispatching, overview, signing_in

ROUTES = [
    *signing_in.ROUTES,
    *overview.ROUTES,
    *dispatching.ROUTES,
]
