"""All routes of the service, in the order a newcomer meets them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Lifespan

from rundun.errors import Problem
from rundun.web import (
    brand,
    console,
    deliveries,
    docs,
    events,
    executor,
    front,
    integrator,
    media,
    openapi,
    problems,
    templates,
    uploads,
)
from rundun.web.outermost import Outermost
from rundun.web.static import Assets

Application = Starlette  # so that the wiring can name it


def site(assets: Assets, lifespan: Lifespan[Starlette]) -> Starlette:
    """The ASGI application; `lifespan` yields `{"service": Service}`."""
    app = Starlette(
        routes=[
            *integrator.ROUTES,
            *deliveries.ROUTES,
            *events.ROUTES,
            *templates.ROUTES,
            *openapi.ROUTES,
            *brand.ROUTES,
            *assets.routes(),
            *executor.ROUTES,
            *uploads.ROUTES,
            *media.ROUTES,
            *console.ROUTES,
            *docs.ROUTES,
            *front.ROUTES,
        ],
        middleware=[Middleware(Outermost)],
        exception_handlers={Problem: problems.of_problem, HTTPException: problems.of_http},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
