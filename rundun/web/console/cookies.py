"""The console's cookies. Over HTTPS their names begin with a prefix by which browsers let nobody else set them, no
neighbour below the same domain and no page over plain HTTP (RFC 6265bis, section 4.1.3).
"""

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions.organizations import operators
from rundun.core import times
from rundun.web.context import Context

SESSION = "rundun_session"
VISITOR = "rundun_visitor"  # what a form's token is bound to before anybody has signed in
KNOWN = "rundun_known"  # a browser that an operator has signed in with, or set a new password
KNOWN_SECONDS = 365 * 24 * 3600
HOST, SECURE = "__Host-", "__Secure-"


def _name(ctx: Context, cookie: str) -> str:
    prefix = SECURE if cookie == KNOWN else HOST  # that of known browsers is sent to the console only
    return prefix + cookie if ctx.settings.is_https else cookie


def find(ctx: Context, request: Request, cookie: str) -> str:
    """Return the value of a cookie, "" where it is missing."""
    return request.cookies.get(_name(ctx, cookie), "")


def find_session(ctx: Context, request: Request) -> str:
    """Return the token in the session's cookie, "" where it is missing. Without its prefix it counts only for sessions
    from before the prefix was: they go on until they end.
    """
    token = find(ctx, request, SESSION)
    if token or not ctx.settings.is_https:
        return token
    old = request.cookies.get(SESSION, "")
    return "" if old.startswith(operators.SESSION_MARK) else old


def put(ctx: Context, response: Response, cookie: str, value: str, seconds: int | None) -> None:
    """Set a cookie for so many seconds, None until the browser is closed."""
    name, secure = _name(ctx, cookie), ctx.settings.is_https
    path = "/" if name.startswith(HOST) else "/console"
    response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="lax")


def begin_session(ctx: Context, response: Response, token: str) -> Response:
    """Set the cookie of the session that has just begun."""
    put(ctx, response, SESSION, token, operators.SESSION_TTL_MS // times.SECOND)
    put(ctx, response, VISITOR, "", 0)
    return response


def end_session(ctx: Context, response: Response) -> Response:
    """Delete the session's cookie, the one without prefix, too."""
    put(ctx, response, SESSION, "", 0)
    if ctx.settings.is_https:
        response.delete_cookie(SESSION, path="/console", httponly=True, samesite="lax")
    return response
