"""/share/{token}: the report of a run, with its pictures, for readers with its link."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rundun.actions.runs import runs
from rundun.actions.runs.runs import RunDetail
from rundun.core import tokens
from rundun.core.languages import accepted_tags
from rundun.core.runs.report import Share
from rundun.errors import NotFound, Problem
from rundun.store import files
from rundun.store.organizations import organizations as organization_rows
from rundun.store.runs import shares as share_rows
from rundun.web.archives.pdf import report_pdf
from rundun.web.archives.report import report_page
from rundun.web.context import Context, context_of
from rundun.web.media import respond_with_file
from rundun.web.origin import require_same_site
from rundun.web.pages.branding import PNG, Branding, branding_of

OPENED = "opened"  # the cookie of a browser that was counted
OPENED_SECONDS = 24 * 60 * 60
_PICTURE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}

Handler = Callable[[Request, Context, Share], Awaitable[Response]]


def _of_share(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return `handler` as an endpoint that gets the share of the path's token. Raises NotFound for an unknown token or
    picture, which counts against the visitor's address, and answers a page of 410 for a share that has ended. Pages
    count towards the limit of their share; pictures, which are signed, do not, as those at /media.
    """

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        ctx, digest = context_of(request), tokens.digest(request.path_params["token"])
        share = await ctx.database.read(share_rows.find, digest)
        if share is None:
            ctx.rate_limiter.count_failure(request)
            raise NotFound("share")
        if "picture" not in request.path_params:
            ctx.rate_limiter.count_visit(request, f"share {share.share_id}", share.org_id)
        if share.is_over(ctx.now()):
            return _respond_ended(request, ctx)
        try:
            return await handler(request, ctx, share)
        except NotFound:
            ctx.rate_limiter.count_failure(request)
            raise
        except Problem as problem:
            if problem.code != "run_erased":
                raise
            return _respond_ended(request, ctx)

    return endpoint


def _respond_ended(request: Request, ctx: Context) -> Response:
    request.scope["rundun.code"] = "share_ended"
    language = ctx.pages.console_words.language(_preferred(request))
    return ctx.pages.render("report/share_ended.html", 410, **language.page_names())


def _preferred(request: Request) -> list[str]:
    return accepted_tags(request.headers.get("accept-language", "")) or ["en"]


@_of_share
async def get_share(request: Request, ctx: Context, share: Share) -> Response:
    """GET /share/{token}: show the report of a run, as its share says. Nothing is counted: robots open links, too."""
    links, token = ctx.database.env.links, request.path_params["token"]
    preferred = [share.language] if share.language else _preferred(request)
    language = ctx.pages.console_words.language(preferred)
    turns = ctx.turns.of_links(share.org_id)
    organization = await turns.read(organization_rows.get, share.org_id)
    picture = partial(links.media_path, folder=f"share/{token}")
    branding = branding_of(organization, ctx.pages.assets, links)
    if organization.logo is not None:
        branding = Branding(branding.stylesheet, picture(organization.logo, PNG), organization.name)

    def render(detail: RunDetail) -> Response:
        return report_page(
            ctx.pages,
            organization,
            language,
            detail,
            share.options,
            picture,
            branding,
            "report/share.html",
            here=f"/share/{token}",
            visit=_visits(ctx, share).sign(str(ctx.now())).decode(),
            makes_pdf=ctx.makes_pdf,
        )

    return await turns.read_and(render, runs.get_detail, share.org_id, share.run_id, language=preferred[0])


@_of_share
async def get_pdf(request: Request, ctx: Context, share: Share) -> Response:
    """GET /share/{token}/report.pdf: the report as PDF. Raises `pdf_unavailable`, `unavailable`."""
    turns, language = ctx.turns.of_links(share.org_id), share.language or _preferred(request)[0]
    organization = await turns.read(organization_rows.get, share.org_id)
    return await report_pdf(ctx, turns, organization, share.run_id, language, share.options, by_link=True)


@_of_share
async def get_picture(request: Request, ctx: Context, share: Share) -> Response:
    """GET /share/{token}/{picture}: serve a picture of the report. Raises NotFound, also for a forged name."""
    token, picture = request.path_params["token"], request.path_params["picture"]
    number = ctx.database.env.links.file_number(picture, f"share/{token}")
    if number is None:
        raise NotFound("picture")
    file = await ctx.database.read(files.get, number)
    return respond_with_file(request, ctx.database, file, _PICTURE_HEADERS)


@_of_share
async def count_opened(request: Request, ctx: Context, share: Share) -> Response:
    """POST /share/{token}/opened: count that somebody sees the report, and return 204 with a cookie; a browser with
    this cookie is not counted again for a day. The page sends the request once it is visible, with its own `visit`,
    without which nothing is counted, nor twice with the same. Raises `cross_site`.
    """
    require_same_site(request)
    response = Response(status_code=204, headers={"cache-control": "no-store"})
    try:
        loaded_at = int(_visits(ctx, share).unsign(request.query_params.get("visit", "")))
    except BadSignature:
        return response
    if OPENED not in request.cookies:
        await ctx.database.write(share_rows.count_opened, share.share_id, loaded_at)
        path = f"/share/{request.path_params['token']}"
        response.set_cookie(
            OPENED, "1", OPENED_SECONDS, path=path, secure=ctx.settings.is_https, httponly=True, samesite="strict"
        )
    return response


def _visits(ctx: Context, share: Share) -> Signer:
    return Signer(ctx.links.key, salt=f"visit.{share.share_id}")


ROUTES = [
    Route("/share/{token}", get_share, methods=["GET"]),
    Route("/share/{token}/opened", count_opened, methods=["POST"]),
    Route("/share/{token}/report.pdf", get_pdf, methods=["GET"]),
    Route("/share/{token}/{picture}", get_picture, methods=["GET"]),
]
