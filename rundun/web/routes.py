"""All routes of the service, in the order in which newcomers meet them."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Match, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

from rundun.errors import Problem
from rundun.web import media, public, share, unavailable_page
from rundun.web.api import answers, deliveries, drafts, erasures, events, pictures, runs, shares, templates
from rundun.web.console import routes as console_routes
from rundun.web.docs import pages
from rundun.web.docs.openapi import route as openapi
from rundun.web.executor import api, page, report, uploads
from rundun.web.middleware import RequestMiddleware
from rundun.web.pages import branding
from rundun.web.pages.static import Assets

MAX_PARTS = 12  # parts of a path, split at slashes, that the index distinguishes


class RouteIndex(Router):
    """A router that finds candidates by method, first word and number of parts of the path, before any pattern."""

    def __init__(self, routes: Sequence[Route], lifespan: Lifespan[Starlette]) -> None:
        super().__init__(routes, redirect_slashes=False, lifespan=lifespan)
        self._fixed = {route.path for route in routes if "{" not in route.path}
        self._routes_by_shape: dict[tuple[str, str, int], list[Route]] = {}
        for route in routes:
            parts = route.path.split("/")
            is_open_ended = route.path.endswith(":path}")
            assert "{" not in parts[1], "the first word must be fixed"
            for length in range(len(parts), MAX_PARTS + 1) if is_open_ended else [len(parts)]:
                for method in route.methods or ():
                    self._routes_by_shape.setdefault((method, parts[1], length), []).append(route)

    def candidates(self, scope: Scope) -> Sequence[Route]:
        """Return the routes that may match, in their order; empty if none may."""
        _, *parts = scope["path"].split("/", MAX_PARTS - 1)
        return self._routes_by_shape.get((scope["method"], parts[0] if parts else "", len(parts) + 1), ())

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. A path without a candidate is matched with all patterns, which tell 405 from 404; one
        without parameters has only its own methods, and those of a route for all that is left.
        """
        if scope["type"] == "http":
            path = scope["path"]
            is_fixed = path in self._fixed
            for route in self.candidates(scope):
                if is_fixed and route.path != path and not route.path.endswith(":path}"):
                    continue
                match, child_scope = route.matches(scope)
                if match is Match.FULL:
                    scope.update(child_scope)
                    response = await route.endpoint(Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
            if is_fixed:
                raise HTTPException(405)
        await super().app(scope, receive, send)


Application = Starlette  # so that the wiring can name it


def starlette_app(assets: Assets, lifespan: Lifespan[Starlette]) -> Starlette:
    """Return the ASGI application; `lifespan` yields `{"context": Context}`."""
    app = Starlette(
        middleware=[Middleware(RequestMiddleware)],
        exception_handlers={Problem: unavailable_page.respond, HTTPException: unavailable_page.respond_without_route},
    )
    routes = [
        *runs.router.routes,
        *shares.router.routes,
        *answers.router.routes,
        *erasures.router.routes,
        *deliveries.router.routes,
        *events.router.routes,
        *drafts.router.routes,
        *templates.router.routes,
        *pictures.router.routes,
        *openapi.router.routes,
        *branding.ROUTES,
        *assets.routes(),
        *page.ROUTES,
        *api.router.routes,
        *uploads.router.routes,
        *report.router.routes,
        *media.ROUTES,
        *share.ROUTES,
        *console_routes.ROUTES,
        *pages.ROUTES,
        *public.ROUTES,
    ]
    app.router = RouteIndex(routes, lifespan)
    return app
