"""Each route is in the table of what may hold the event loop: measured, or said to be small."""

from starlette.routing import Route

from rundun import paths
from rundun.web.pages.static import Assets
from rundun.web.routes import starlette_app
from tests.bench.loop_routes import ROUTES


def test_each_route_is_measured_or_said_to_be_small() -> None:
    app = starlette_app(Assets(paths.static()), lifespan=None)  # type: ignore[arg-type]
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    named = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    assert {f"{method} {path}" for method, path in named} == set(ROUTES)
