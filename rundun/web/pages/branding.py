"""The look of an organization's pages: a stylesheet made of nothing but its colour, and its logo."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.core.organizations import colour
from rundun.core.urls import Urls
from rundun.errors import NotFound
from rundun.store.organizations.organizations import Organization
from rundun.web.pages.static import Assets

PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Branding:
    """Addresses of an organization's stylesheet and logo, None where there is none, and its name."""

    stylesheet: str | None = None
    logo: str | None = None
    name: str = ""


PLAIN = Branding()


def branding_of(organization: Organization, assets: Assets, links: Urls) -> Branding:
    """Return the look of an organization. Its stylesheet lies below /static, so phones cache it with the page's own."""
    rgb, logo = organization.colour, organization.logo
    return Branding(
        rgb and f"/static/{assets.digest}/brand/{rgb.removeprefix('#')}.css",
        None if logo is None else links.media_path(logo, PNG),
        organization.name,
    )


async def get_stylesheet(request: Request) -> Response:
    """Serve a colour's stylesheet, cached for ever since its name says all: GET /static/{digest}/brand/{colour}.css."""
    try:
        rgb = colour.parse(f"#{request.path_params['colour']}")
    except ValueError:
        raise NotFound("colour") from None
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(colour.stylesheet(rgb), media_type="text/css", headers=headers)


ROUTES = [Route("/static/{digest}/brand/{colour}.css", get_stylesheet, methods=["GET"])]
