"""Sessions of the console, what a role may do, and that a form is our own, for every route: all are made here."""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from itsdangerous import Signer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rundun.actions import idempotency
from rundun.actions.organizations import operators
from rundun.actions.organizations.operators import SignedIn
from rundun.core import languages, times
from rundun.core.actor import Actor
from rundun.errors import Problem
from rundun.store.idempotency import IdempotencyKey
from rundun.store.organizations import organizations
from rundun.store.organizations.operators import Operator
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.pagination import END, PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.web.console import cookies
from rundun.web.console.flashes import FLASHES
from rundun.web.context import Context, context_of
from rundun.web.http.body import read_bytes
from rundun.web.http.rate_limit import address_of
from rundun.web.http.turns import Turns
from rundun.web.origin import refuse_cross_site
from rundun.web.pages.branding import branding_of
from rundun.wording import refusals
from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.delivery_text import trouble_text
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.time_zone import Zone

P = ParamSpec("P")
T = TypeVar("T")
FORM_TYPE = "application/x-www-form-urlencoded"
SECRET_FIELDS = {"password", "old", "code", "setup"}
MAX_FIELDS = 200
MAX_FORM = 64 * 1024  # bytes, where a route does not say otherwise

Access = Literal["anyone", "member", "owner"]


class AccessDenied(Problem):
    """A refusal of somebody who is signed in, but not for this, or of a form that is not Rundun's own; `detail` is
    marked by `N_`, and told in the operator's language.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("cross_site", detail)


class StaleForm(AccessDenied):
    """A refusal of a form whose token is not that of this session: mostly that of a session before."""


@dataclass(slots=True)
class ConsoleCall:
    """A request to the console. `form` has the fields of a POST, `signed_in` who has signed in."""

    request: Request
    ctx: Context
    signed_in: SignedIn | None
    token: str
    csrf: str
    form: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """Return the operator who has signed in; every page but those for anyone has one."""
        assert self.signed_in is not None
        return self.signed_in.operator

    @property
    def actor(self) -> Actor:
        """Return the operator who has signed in as the actor whom a history names."""
        return operators.actor_of(self.operator)

    @property
    def organization(self) -> Organization:
        """Return the organization of the operator who has signed in."""
        assert self.signed_in is not None
        return self.signed_in.organization

    @property
    def zone(self) -> Zone:
        """Return the time zone in which times are shown: the organization's, or UTC before signing in."""
        return Zone(self.organization.time_zone if self.signed_in else "UTC", self.language.locale)

    @property
    def now(self) -> int:
        """Return the present time in milliseconds."""
        return self.ctx.now()

    def path(self, name: str) -> str:
        """Return a parameter of the path."""
        return str(self.request.path_params[name])

    @property
    def language(self) -> ConsoleLanguage:
        """Return the language in which this reader has the console: the one they have chosen, else the first that there
        is of those that the browser asks for.
        """
        chosen = self.signed_in and self.signed_in.operator.language
        preferred = languages.accepted_tags(self.request.headers.get("accept-language", ""))
        return self.ctx.pages.console_words.language([chosen, *preferred] if chosen else preferred)

    def reason(self, problem: Problem) -> str:
        """Return why something was refused, in the reader's language."""
        return refusals.reason(self.language, problem)

    def page_request(self, limit: int) -> PageRequest:
        """Return the page of a list that goes on behind `?before=`, the first page without it."""
        match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", self.request.query_params.get("before", ""), re.ASCII)
        return PageRequest(limit, (int(match[1]), int(match[2])) if match else (END, END))

    @property
    def turns(self) -> Turns:
        """Return the turns of the operator's organization, or of a visitor's address, in which long work is done."""
        if self.signed_in is None:
            return self.ctx.turns.of_visitor(address_of(self.request))
        return self.ctx.turns.of_operator(self.operator.org_id, self.operator.operator_id)

    async def read(self, function: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, org_id, *args)` in a turn of the organization, on a consistent snapshot."""
        return await self.turns.read(function, self.operator.org_id, *args, **kwargs)

    async def write(self, action: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `action(tx, org_id, *args)` in a write transaction."""
        return await self.ctx.database.write(action, self.operator.org_id, *args, **kwargs)

    async def write_once(
        self, id_name: str, action: Callable[Concatenate[Tx, str, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> str:
        """Run `action(tx, org_id, *args)` for a form with a field `once`, and return the id of what it created, by the
        name of its attribute. Sent twice the form does its work once; gone back to and changed, anew.
        """
        org_id, form = self.operator.org_id, hashlib.sha256(json.dumps(self.form, sort_keys=True).encode())
        key = IdempotencyKey(org_id, self.request.url.path, form.hexdigest(), form.digest())
        return await self.ctx.database.write(idempotency.create_once, key, id_name, action, org_id, *args, **kwargs)

    async def render(self, name: str, /, status: int = 200, **values: Any) -> Response:
        """Render a page of `templates/console/` in a turn of the organization."""
        return await self.turns.run(self.page, name, status, **values)

    def page(self, name: str, /, status: int = 200, **values: Any) -> Response:
        """Render a page of `templates/console/` at once: one that is short, or while it is the organization's turn."""
        flash = self.request.query_params.get("flash", "")
        language = self.language
        response = self.ctx.pages.render(
            f"console/{name}.html",
            status,
            call=self,
            wire=times.wire_or_none,
            trouble_text=partial(trouble_text, language),
            flash=language.gettext(FLASHES[flash]) if flash in FLASHES else "",
            flash_class="warn" if flash.startswith("warning_") else "good",
            **language.for_pages(),
            **values,
        )
        # With no-referrer a form's POST says “Origin: null”, and could come from anywhere.
        response.headers["referrer-policy"] = "same-origin"
        return response

    def redirect(self, path: str, flash: str = "") -> Response:
        """Redirect to a path below /console (303, RFC 9110 section 15.4.4); `flash`: of what was done, in FLASHES."""
        assert not flash or flash in FLASHES
        query = f"{'&' if '?' in path else '?'}flash={quote(flash)}" if flash else ""
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
    max_form_bytes: int = MAX_FORM,
    *,
    is_limited: bool = True,
) -> ConsoleRoute:
    """Make a route of /console; a form has at most `max_form_bytes`, 0 where what comes is none, and only whom `may`
    names comes in. Requests of operators count towards their limits where the route `is_limited`.
    """

    async def respond(call: ConsoleCall) -> Response:
        if call.signed_in is not None and is_limited:
            call.ctx.rate_limiter.count_page(call.request, call.operator.operator_id, call.operator.org_id)
        if call.signed_in is None and may != "anyone":
            return await _to_sign_in(call)
        if may == "owner" and call.operator.role != "owner":
            raise AccessDenied(N_("Only an owner of the organization may do that."))
        if method == "POST":
            await _check_form(call, max_form_bytes)
        return await handler(call)

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        call = await _read_call(request)
        try:
            response = await respond(call)
        except Problem as problem:
            response = await _refused(call, problem)
        if not cookies.find(call.ctx, request, cookies.VISITOR) and call.signed_in is None:
            cookies.put(call.ctx, response, cookies.VISITOR, call.token, None)
        return response

    route_ = ConsoleRoute(f"/console{path}", endpoint, methods=[method])
    route_.may = may
    return route_


async def _read_call(request: Request) -> ConsoleCall:
    ctx = context_of(request)
    token = cookies.find_session(ctx, request)
    signed_in = await ctx.database.read(operators.signed_in, token) if token else None
    if signed_in:
        ctx.session_use.note(token, signed_in)
    else:
        token = cookies.find(ctx, request, cookies.VISITOR) or operators.new_token()
    return ConsoleCall(request, ctx, signed_in, token, _csrf(ctx, token))


def _csrf(ctx: Context, token: str) -> str:
    """Return the token that a form must bring back: proof that its page was Rundun's own and shown to this browser."""
    return Signer(ctx.links.key, salt="csrf").get_signature(token).decode()


async def _check_form(call: ConsoleCall, max_form_bytes: int) -> None:
    """Refuse a POST that another site has made, and read its form; what no form sends has its token in a header."""
    request = call.request
    refuse_cross_site(request)
    csrf_token = request.headers.get("x-csrf-token", "")
    if _is_form(request) and max_form_bytes:
        body = await read_bytes(request, max_form_bytes)
        # A table of two megabytes takes half a second.
        call.form = read_fields(body) if len(body) <= MAX_FORM else await call.turns.run(read_fields, body)
        csrf_token = call.form.pop("csrf", csrf_token)
    if not hmac.compare_digest(csrf_token.encode(), call.csrf.encode()):
        raise StaleForm(N_("This form has been open for too long, or is not ours. Go back, reload, and try again."))
    if _is_form(request) and not max_form_bytes:
        raise Problem("unsupported_media_type", "This takes no form.")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


def read_fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form's body; raises `bad_request`."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise Problem("bad_request", "The form can't be read.") from None


async def ask_to_sign_in(
    call: ConsoleCall,
    status: int = 200,
    *,
    email: str = "",
    next_path: str = "",
    then: str = "",
    wait: int = 0,
    wrong: str = "",
) -> Response:
    """Render the sign-in form. It leads on to `next_path`, with `then` as a form for there; `wait` is seconds, `wrong`
    what was wrong.
    """
    only = await call.ctx.database.read(organizations.find_only)
    branding = only and branding_of(only, call.ctx.pages.assets, call.ctx.links)  # else it is told whom it serves
    shown = {"email": email, "next": next_path, "then": then, "wait": wait, "wrong": wrong, "branding": branding}
    return await call.render("sign_in/sign_in", status, **shown)


async def resume(call: ConsoleCall, status: int, path: str, form: dict[str, str]) -> Response:
    """Render a page that sends `form` once more, to `path` below /console."""
    return await call.render("sign_in/resume", status, action=f"/console{path}", fields=form)


def _may_resume(call: ConsoleCall) -> bool:
    """Tell whether the form can be sent once more: passwords and codes are not shown again."""
    return bool(call.form) and not call.form.keys() & SECRET_FIELDS


async def _to_sign_in(call: ConsoleCall) -> Response:
    """Lead on to signing in. A form that was sent comes along, so that nothing that was written is lost."""
    path = call.request.url.path.removeprefix("/console")
    if call.request.method == "POST" and _is_form(call.request):
        refuse_cross_site(call.request)
        call.form = read_fields(await read_bytes(call.request, MAX_FORM))
        call.form.pop("csrf", "")
        if _may_resume(call):
            return await ask_to_sign_in(call, 403, next_path=path, then=urlencode(call.form))
    if call.request.url.query:
        path += f"?{call.request.url.query}"
    query = f"?next={quote(path)}" if call.request.method == "GET" and path not in ("", "/") else ""
    return call.redirect(f"/sign-in{query}")


async def _refused(call: ConsoleCall, problem: Problem) -> Response:
    """Render a refusal as a page; a script gets the problem as JSON from the outermost handler."""
    if "text/html" not in call.request.headers.get("accept", "text/html"):
        problem.detail = refusals.exact_reason(call.language, problem)
        raise problem
    if isinstance(problem, StaleForm) and call.signed_in and _may_resume(call):
        return await resume(call, 403, call.request.url.path.removeprefix("/console"), call.form)
    text = refusals.reason(call.language, problem)
    if isinstance(problem, AccessDenied):
        text = call.language.gettext(problem.detail)
    call.request.scope["rundun.code"] = problem.code
    title = refusals.title(call.language, problem)
    response = call.page("problem", PROBLEMS[problem.code].status, title=title, text=text)  # no turn may be left
    if problem.retry_after is not None:
        response.headers["retry-after"] = str(problem.retry_after)
    return response


def rebind_csrf(call: ConsoleCall, token: str) -> None:
    """Bind the forms of the page that answers to the session that has just begun."""
    call.token, call.csrf = token, _csrf(call.ctx, token)
