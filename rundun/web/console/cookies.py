"""The console's cookies. Over HTTPS their names begin with `__Host-` or `__Secure-`, so that neither another host of
the domain nor a page over plain HTTP can set them (RFC 6265bis, section 4.1.3).
"""

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions.organizations import operators
from rundun.core import times
from rundun.web.context import Context

SESSION = "rundun_session"
VISITOR = "rundun_visitor"  # CSRF tokens are bound to its value before sign-in
KNOWN = "rundun_known"  # marks a browser in which an operator has signed in or set a new password
KNOWN_SECONDS = 365 * 24 * 3600
HOST, SECURE = "__Host-", "__Secure-"


def _prefixed_name(ctx: Context, cookie: str) -> str:
    prefix = SECURE if cookie == KNOWN else HOST  # `__Host-` would force the path /; KNOWN is for /console only
    return prefix + cookie if ctx.settings.is_https else cookie


def find(ctx: Context, request: Request, cookie: str) -> str:
    """Return the value of a cookie by its name without the prefix; "" if the request has none."""
    return request.cookies.get(_prefixed_name(ctx, cookie), "")


def find_session(ctx: Context, request: Request) -> str:
    """Return the session token of the request's cookie, "" if there is none. Over HTTPS the cookie without the name
    prefix is accepted only for sessions older than the prefix, until they end.
    """
    token = find(ctx, request, SESSION)
    if token or not ctx.settings.is_https:
        return token
    old = request.cookies.get(SESSION, "")
    return "" if old.startswith(operators.SESSION_MARK) else old


def put(ctx: Context, response: Response, cookie: str, value: str, seconds: int | None) -> None:
    """Set a cookie for `seconds`; None: until the browser is closed."""
    name, secure = _prefixed_name(ctx, cookie), ctx.settings.is_https
    path = "/" if name.startswith(HOST) else "/console"
    response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="lax")


def begin_session(ctx: Context, response: Response, token: str) -> Response:
    """Set the session cookie to `token` and delete the visitor cookie; return the same response."""
    put(ctx, response, SESSION, token, operators.SESSION_TTL_MS // times.SECOND)
    put(ctx, response, VISITOR, "", 0)
    return response


def end_session(ctx: Context, response: Response) -> Response:
    """Delete the session cookie, with and without the name prefix; return the same response."""
    put(ctx, response, SESSION, "", 0)
    if ctx.settings.is_https:
        response.delete_cookie(SESSION, path="/console", httponly=True, samesite="lax")
    return response
