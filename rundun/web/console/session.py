"""Who sits at the console: sessions, what a role may do, and that a form was ours. Every route of /console is made
here, so none can do without.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from itsdangerous import Signer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rundun.actions import idempotency, operators
from rundun.actions.idempotency import Render
from rundun.actions.operators import SignedIn
from rundun.core import times
from rundun.errors import Problem
from rundun.store.idempotency import IdempotencyKey, StoredResponse
from rundun.store.operators import Operator
from rundun.store.organizations import Organization
from rundun.store.transaction import Tx
from rundun.web.body import read_bytes
from rundun.web.console.time_zone import Zone
from rundun.web.context import Context, context_of
from rundun.web.origin import refuse_cross_site
from rundun.web.problems import TABLE

P = ParamSpec("P")
T = TypeVar("T")
SESSION_COOKIE = "rundun_session"
VISITOR_COOKIE = "rundun_visitor"  # what a form's token is bound to before anybody has signed in
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 200
MAX_FORM = 64 * 1024  # bytes, where a route does not say otherwise

Access = Literal["anyone", "member", "owner"]


class AccessDenied(Problem):
    """Signed in, but not for this; or a form that is not ours."""

    def __init__(self, detail: str) -> None:
        super().__init__("cross_site", detail)


class StaleForm(AccessDenied):
    """A form whose token is not the one of this session: mostly that of a session before."""


@dataclass(slots=True)
class ConsoleCall:
    """One request to the console. `form` has the fields of a POST, `signed_in` who has signed in."""

    request: Request
    ctx: Context
    signed_in: SignedIn | None
    token: str
    csrf: str
    form: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """Who has signed in; every page but those for anyone has somebody."""
        assert self.signed_in is not None
        return self.signed_in.operator

    @property
    def organization(self) -> Organization:
        """Whom they work for."""
        assert self.signed_in is not None
        return self.signed_in.organization

    @property
    def zone(self) -> Zone:
        """In which times are shown."""
        return Zone(self.organization.time_zone if self.signed_in else "UTC")

    @property
    def now(self) -> int:
        """Milliseconds."""
        return self.ctx.now()

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    async def read(self, function: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(tx, org_id, *args)` on a consistent snapshot."""
        return await self.ctx.database.read(function, self.operator.org_id, *args, **kwargs)

    async def write(self, action: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`action(tx, org_id, *args)`."""
        return await self.ctx.database.write(action, self.operator.org_id, *args, **kwargs)

    async def write_once(
        self,
        ticket: IdempotencyKey,
        render: Render[T],
        action: Callable[Concatenate[Tx, str, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> StoredResponse:
        """`action(tx, org_id, *args)`, once for each ticket; the same answer the second time."""
        database, org_id = self.ctx.database, self.operator.org_id
        return await database.write(idempotency.run_once, ticket, render, action, org_id, *args, **kwargs)

    def render(self, name: str, /, status: int = 200, **values: Any) -> Response:
        """A page of `templates/console/`."""
        language = self.ctx.pages.console_words.language(
            [self.request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip() or "en"]
        )
        response = self.ctx.pages.render(
            f"console/{name}.html",
            status,
            call=self,
            language=language,
            t=language.say,
            wire=times.wire_or_none,
            told=self.request.query_params.get("told", ""),
            **values,
        )
        # With no-referrer a form's POST says “Origin: null”, and could come from anywhere.
        response.headers["referrer-policy"] = "same-origin"
        return response

    def redirect(self, path: str, told: str = "") -> Response:
        """See there; `told` names the words that say what was done (RFC 9110 section 15.4.4)."""
        query = f"{'&' if '?' in path else '?'}told={quote(told)}" if told else ""
        return RedirectResponse(f"/console{path}{query}", 303, headers={"cache-control": "no-store"})


Handler = Callable[[ConsoleCall], Awaitable[Response]]


class ConsoleRoute(Route):
    """A route of the console; `may` says who comes in."""

    may: Access


def route(
    method: Literal["GET", "POST"],
    path: str,
    handler: Handler,
    may: Access = "member",
    largest: int = MAX_FORM,
) -> ConsoleRoute:
    """A route of /console; a form has at most `largest` bytes."""

    async def endpoint(request: Request) -> Response:
        call = await _visit(request)
        try:
            if call.signed_in is None and may != "anyone":
                return await _to_sign_in(call)
            if may == "owner" and call.operator.role != "owner":
                raise AccessDenied("Only an owner of the organization may do that.")
            if method == "POST":
                await _check_form(call, largest)
            response = await handler(call)
        except Problem as problem:
            response = _refused(call, problem)
        if VISITOR_COOKIE not in request.cookies and call.signed_in is None:
            _set_cookie(call, response, VISITOR_COOKIE, call.token, None)
        return response

    endpoint.__doc__ = handler.__doc__
    endpoint.__name__ = handler.__name__
    route_ = ConsoleRoute(f"/console{path}", endpoint, methods=[method])
    route_.may = may
    return route_


async def _visit(request: Request) -> ConsoleCall:
    ctx = context_of(request)
    token = request.cookies.get(SESSION_COOKIE, "")
    signed_in = await ctx.database.read(operators.signed_in, token) if token else None
    if signed_in is None:
        token = request.cookies.get(VISITOR_COOKIE) or operators.new_token()
    return ConsoleCall(request, ctx, signed_in, token, _csrf(ctx, token))


def _csrf(ctx: Context, token: str) -> str:
    """What a form must bring back: it shows that the page was ours, and shown to this browser."""
    return Signer(ctx.links.key, salt="csrf").get_signature(token).decode()


async def _check_form(call: ConsoleCall, largest: int) -> None:
    """Refuse a POST that another site has made; what no form sends has its token in a header."""
    request = call.request
    refuse_cross_site(request)
    given = request.headers.get("x-csrf-token", "")
    if _is_form(request):
        call.form = fields_of(await read_bytes(request, largest))
        given = call.form.pop("csrf", given)
    if not hmac.compare_digest(given.encode(), call.csrf.encode()):
        raise StaleForm("This form has been open for too long, or is not ours. Go back, reload, and try again.")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


def fields_of(body: bytes) -> dict[str, str]:
    """A form's fields; raises `bad_request`."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise Problem("bad_request", "The form can't be read.") from None


def ask_to_sign_in(
    call: ConsoleCall,
    status: int = 200,
    *,
    email: str = "",
    next_path: str = "",
    then: str = "",
    wait: int = 0,
    wrong: bool = False,
) -> Response:
    """The form to sign in with. It leads on to `next_path`, with `then` as a form for there; `wait` is seconds."""
    return call.render("sign_in", status, email=email, next=next_path, then=then, wait=wait, wrong=wrong)


def resume(call: ConsoleCall, status: int, path: str, form: dict[str, str]) -> Response:
    """A page that sends `form` once more, to `path` below /console."""
    return call.render("resume", status, action=f"/console{path}", fields=form)


def _may_resume(call: ConsoleCall) -> bool:
    """Passwords are not shown again."""
    return bool(call.form) and not any("password" in name for name in call.form)


async def _to_sign_in(call: ConsoleCall) -> Response:
    """On to signing in. A form that was sent comes along, so that nothing that was written is lost."""
    asked = call.request.url.path.removeprefix("/console")
    if call.request.method == "POST" and _is_form(call.request):
        refuse_cross_site(call.request)
        call.form = fields_of(await read_bytes(call.request, MAX_FORM))
        call.form.pop("csrf", "")
        if _may_resume(call):
            return ask_to_sign_in(call, 403, next_path=asked, then=urlencode(call.form))
    if call.request.url.query:
        asked += f"?{call.request.url.query}"
    back = f"?next={quote(asked)}" if call.request.method == "GET" and asked not in ("", "/") else ""
    return call.redirect(f"/sign-in{back}")


def _refused(call: ConsoleCall, problem: Problem) -> Response:
    """Why not, as a page; a script gets the same as JSON from the outermost handler."""
    if "text/html" not in call.request.headers.get("accept", "text/html"):
        raise problem
    if isinstance(problem, StaleForm) and call.signed_in and _may_resume(call):
        return resume(call, 403, call.request.url.path.removeprefix("/console"), call.form)
    status, title = TABLE[problem.code]
    if isinstance(problem, AccessDenied):
        title = "That is not allowed"
    call.request.scope["rundun.code"] = problem.code
    response = call.render("problem", status, title=title, problem=problem)
    if problem.retry_after is not None:
        response.headers["retry-after"] = str(problem.retry_after)
    return response


def rebind_csrf(call: ConsoleCall, token: str) -> None:
    """Forms of the page that answers are bound to the session that has just begun."""
    call.token, call.csrf = token, _csrf(call.ctx, token)


def begin_session(call: ConsoleCall, response: Response, token: str) -> Response:
    """The cookie of somebody who has signed in."""
    _set_cookie(call, response, SESSION_COOKIE, token, operators.SESSION_TTL_MS // times.SECOND)
    response.delete_cookie(VISITOR_COOKIE, path="/console")
    return response


def end_session(response: Response) -> Response:
    """Takes the cookie away."""
    response.delete_cookie(SESSION_COOKIE, path="/console")
    return response


def _set_cookie(call: ConsoleCall, response: Response, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/console",
        secure=call.ctx.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
