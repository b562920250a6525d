"""How a company's page looks: a stylesheet made of nothing but its colour, and its logo."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.core import colour
from rundun.core.urls import Urls
from rundun.errors import NotFound
from rundun.store.organizations import Organization
from rundun.web.static import Assets

PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Branding:
    """What a page of an organization needs beyond ours: addresses, None where there is nothing."""

    stylesheet: str | None = None
    logo: str | None = None
    name: str = ""


PLAIN = Branding()


def branding_of(organization: Organization, assets: Assets, links: Urls) -> Branding:
    """The look of an organization. The stylesheet lies below /static, so phones keep it with the page's own ones."""
    own, logo = organization.colour, organization.logo
    return Branding(
        own and f"/static/{assets.digest}/brand/{own.removeprefix('#')}.css",
        None if logo is None else links.media_path(logo, PNG),
        organization.name,
    )


async def get_stylesheet(request: Request) -> Response:
    """GET /static/{digest}/brand/{colour}.css: the same for ever, since its name says all."""
    try:
        rgb = colour.parse(f"#{request.path_params['colour']}")
    except ValueError:
        raise NotFound("colour") from None
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(colour.stylesheet(rgb), media_type="text/css", headers=headers)


ROUTES = [Route("/static/{digest}/brand/{colour}.css", get_stylesheet, methods=["GET"])]
