"""The organization's look on pages: its logo, and a stylesheet computed from its colour."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.core.organizations import colour
from rundun.core.urls import Urls
from rundun.errors import NotFound
from rundun.store.organizations.organizations import Organization
from rundun.web.pages.static import ENDS, Assets

PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Branding:
    """The URLs of an organization's stylesheet and logo, each None if it has none, and its name."""

    stylesheet: str | None = None
    logo: str | None = None
    name: str = ""


PLAIN = Branding()


def branding_of(organization: Organization, assets: Assets, links: Urls) -> Branding:
    """Return an organization's name and the URLs of its stylesheet and its logo, each None if it has none. The
    stylesheet's is below /static, so phones cache it with the page.
    """
    rgb, logo = organization.colour, organization.logo
    return Branding(
        rgb and f"/static/{assets.digest}/brand/{rgb.removeprefix('#')}.css",
        None if logo is None else links.media_path(logo, PNG),
        organization.name,
    )


async def get_stylesheet(request: Request) -> Response:
    """GET /static/{digest}/brand/{colour}.css: serve a colour's stylesheet, cached for ever. Raises NotFound unless it
    is a colour.
    """
    try:
        rgb = colour.parse(f"#{request.path_params['colour']}")
    except ValueError:
        raise NotFound("colour") from None
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(colour.stylesheet(rgb).encode() + ENDS[".css"], media_type="text/css", headers=headers)


ROUTES = [Route("/static/{digest}/brand/{colour}.css", get_stylesheet, methods=["GET"])]
