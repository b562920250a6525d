"""All routes but those of the console's pages."""

from starlette.routing import Route

from rundun.web.console.session import ConsoleRoute
from rundun.web.routes import starlette_app
from tests.helpers.service import pages

# All but the console's, which is asked in tests/web/console/.
ROUTES = [
    route
    for route in starlette_app(pages().assets, None).routes
    if isinstance(route, Route) and not isinstance(route, ConsoleRoute)
]
CALLS = [
    (method, route.path)
    for route in ROUTES
    if not isinstance(route, ConsoleRoute)
    for method in sorted((route.methods or set()) - {"HEAD"})
]
