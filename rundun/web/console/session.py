"""The frame of every console route: session, role check, CSRF token, and `ConsoleCall`, the handlers' argument."""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import quote, unquote_to_bytes, urlencode

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
from rundun.store.organizations import organizations as organization_rows
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
from rundun.web.origin import require_same_site
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
_STEP = 256 * 1024  # bytes
MAX_FORM = 64 * 1024  # bytes, the default of `route`

Access = Literal["anyone", "member", "owner"]


class AccessDenied(Problem):
    """A refusal because of the operator's role, or because a form lacks the right CSRF token. `detail` is marked by
    `N_` and shown in the operator's language.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("cross_site", detail)


class StaleForm(AccessDenied):
    """A refusal of a form whose CSRF token belongs to another session, usually an earlier one of the same browser."""


@dataclass(slots=True)
class ConsoleCall:
    """A request to the console. `form` has the fields of a POST, `signed_in` the operator or None, `token` the
    session's or visitor's token to which `csrf` is bound.
    """

    request: Request
    ctx: Context
    signed_in: SignedIn | None
    token: str
    csrf: str
    form: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """Return the operator who is signed in. Only handlers of routes for "anyone" may lack one."""
        assert self.signed_in is not None
        return self.signed_in.operator

    @property
    def actor(self) -> Actor:
        """Return the signed-in operator as the `Actor` of history entries."""
        return operators.actor_of(self.operator)

    @property
    def organization(self) -> Organization:
        """Return the organization of the signed-in operator."""
        assert self.signed_in is not None
        return self.signed_in.organization

    @property
    def zone(self) -> Zone:
        """Return the time zone for displayed times: the organization's, UTC before signing in."""
        return Zone(self.organization.time_zone if self.signed_in else "UTC", self.language.locale)

    @property
    def now(self) -> int:
        """Return the current time in milliseconds."""
        return self.ctx.now()

    def path(self, name: str) -> str:
        """Return the path parameter `name`."""
        return str(self.request.path_params[name])

    @property
    def language(self) -> ConsoleLanguage:
        """Return the language of the page: the operator's choice, else the first available one of `Accept-Language`,
        else English.
        """
        chosen = self.signed_in and self.signed_in.operator.language
        preferred = languages.accepted_tags(self.request.headers.get("accept-language", ""))
        return self.ctx.pages.console_words.language([chosen, *preferred] if chosen else preferred)

    def reason(self, problem: Problem) -> str:
        """Return the reason of a refusal, in the language of the page."""
        return refusals.reason(self.language, problem)

    def page_request(self, limit: int) -> PageRequest:
        """Return the request for the list page behind the cursor `?before=`, without a valid one for the first page."""
        match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", self.request.query_params.get("before", ""), re.ASCII)
        return PageRequest(limit, (int(match[1]), int(match[2])) if match else (END, END))

    @property
    def turns(self) -> Turns:
        """Return the fair queue for long work: that of the organization's operators, with this one's own limit; before
        signing in, that of the visitor's network address. It raises `rate_limited` when full.
        """
        if self.signed_in is None:
            return self.ctx.turns.of_visitor(address_of(self.request))
        return self.ctx.turns.of_operator(self.operator.org_id, self.operator.operator_id)

    async def read(self, function: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(tx, org_id, *args)`, run on a consistent snapshot that cannot write, in the queue `turns`;
        raises `rate_limited` if that is full. Needs a signed-in operator, like `write`.
        """
        return await self.turns.read(function, self.operator.org_id, *args, **kwargs)

    async def read_and(
        self,
        make: Callable[[T], Response],
        function: Callable[Concatenate[Tx, str, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Response:
        """Return `make(function(tx, org_id, *args))`, both in one turn: beside long work of others each turn waits."""
        return await self.turns.read_and(make, function, self.operator.org_id, *args, **kwargs)

    async def write(self, action: Callable[Concatenate[Tx, str, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `action(tx, org_id, *args)`, run in a write transaction."""
        return await self.ctx.database.write(action, self.operator.org_id, *args, **kwargs)

    async def write_once(
        self, id_name: str, action: Callable[Concatenate[Tx, str, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> str:
        """Run `action(tx, org_id, *args)` once for each form content; return the attribute `id_name` of its result as
        text. The form has a unique field `once`: sent twice within a day it returns the stored id, sent changed it
        runs the action again.
        """
        org_id, form = self.operator.org_id, hashlib.sha256(json.dumps(self.form, sort_keys=True).encode())
        key = IdempotencyKey(org_id, self.request.url.path, form.hexdigest(), form.digest())
        return await self.ctx.database.write(idempotency.create_once, key, id_name, action, org_id, *args, **kwargs)

    async def render(self, name: str, /, status: int = 200, **values: Any) -> Response:
        """Return the page `name` of `templates/console/`, rendered with `values` in the queue `turns`; raises
        `rate_limited` if that is full.
        """
        return await self.turns.run(self.page, name, status, **values)

    def page(self, name: str, /, status: int = 200, **values: Any) -> Response:
        """Return the page `name` of `templates/console/`, rendered with `values` at once: it is short, or the caller is
        queued work.
        """
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
            **language.page_names(),
            **values,
        )
        # With no-referrer a form’s POST would send “Origin: null”, which `require_same_site` refuses.
        response.headers["referrer-policy"] = "same-origin"
        return response

    def redirect(self, path: str, flash: str = "") -> Response:
        """Return a redirect to `path` below /console (303, RFC 9110 section 15.4.4). `flash` is the key in FLASHES of
        the message that the next page shows.
        """
        assert not flash or flash in FLASHES
        query = f"{'&' if '?' in path else '?'}flash={quote(flash)}" if flash else ""
        return RedirectResponse(f"/console{path}{query}", 303, headers={"cache-control": "no-store"})


Handler = Callable[[ConsoleCall], Awaitable[Response]]


class ConsoleRoute(Route):
    """A route of the console; `access` says which role it needs."""

    access: Access


def route(
    method: Literal["GET", "POST"],
    path: str,
    handler: Handler,
    access: Access = "member",
    max_form_bytes: int = MAX_FORM,
    *,
    is_limited: bool = True,
) -> ConsoleRoute:
    """Return a route of /console that runs `handler` for those with `access`. A form may have `max_form_bytes`, 0 for a
    route that takes no form. `is_limited` counts operators' requests towards their rate limit.
    """

    async def respond(call: ConsoleCall) -> Response:
        if call.signed_in is not None and is_limited:
            call.ctx.rate_limiter.count_page(call.request, call.operator.operator_id, call.operator.org_id)
        if call.signed_in is None and access != "anyone":
            return await _redirect_to_sign_in(call)
        if access == "owner" and call.operator.role != "owner":
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
            response = await _render_problem(call, problem)
        if not cookies.find(call.ctx, request, cookies.VISITOR) and call.signed_in is None:
            cookies.put(call.ctx, response, cookies.VISITOR, call.token, None)
        return response

    route_ = ConsoleRoute(f"/console{path}", endpoint, methods=[method])
    route_.access = access
    return route_


async def _read_call(request: Request) -> ConsoleCall:
    ctx = context_of(request)
    token = cookies.find_session(ctx, request)
    signed_in = await ctx.database.read(operators.find_signed_in, token) if token else None
    if signed_in:
        ctx.session_use.note(token, signed_in)
    else:
        token = cookies.find(ctx, request, cookies.VISITOR) or operators.new_token()
    return ConsoleCall(request, ctx, signed_in, token, _csrf_token(ctx, token))


def _csrf_token(ctx: Context, token: str) -> str:
    """Return the CSRF token of a session or visitor token: proof that Rundun rendered the form for this browser."""
    return Signer(ctx.links.key, salt="csrf").get_signature(token).decode()


async def _check_form(call: ConsoleCall, max_form_bytes: int) -> None:
    """Raise unless a POST comes from this site with the right CSRF token, and read its form. Requests of scripts carry
    the token in the header `x-csrf-token`.
    """
    request = call.request
    require_same_site(request)
    csrf_token = request.headers.get("x-csrf-token", "")
    if _is_form(request) and max_form_bytes:
        body = await read_bytes(request, max_form_bytes)
        # Parsing a table of two megabytes takes half a second.
        call.form = read_fields(body) if len(body) <= MAX_FORM else await call.turns.run(read_fields, body)
        csrf_token = call.form.pop("csrf", csrf_token)
    if not hmac.compare_digest(csrf_token.encode(), call.csrf.encode()):
        raise StaleForm(N_("This form has been open for too long, or is not ours. Go back, reload, and try again."))
    if _is_form(request) and not max_form_bytes:
        raise Problem("unsupported_media_type", "This address accepts no forms.")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


def read_fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form's body, of a repeated one the last value; raises `bad_request` for more than
    `MAX_FIELDS`, or if they are not UTF-8.
    """
    if body.count(b"&") >= MAX_FIELDS:
        raise Problem("bad_request", "The form can't be read.")
    pairs = (pair.partition(b"=") for pair in body.split(b"&") if pair)
    try:
        return {_unquote(name): _unquote(value) for name, _, value in pairs}
    except ValueError:
        raise Problem("bad_request", "The form can't be read.") from None


def _unquote(text: bytes) -> str:
    """Return a name or value of a form (WHATWG URL 5.1), read in steps between which other threads run; raises
    ValueError where it is not UTF-8.
    """
    parts, start = [], 0
    while start < len(text):
        end = start + _STEP
        escape = text.find(b"%", end - 2, end)  # which the end would cut
        end = end if escape < 0 else escape
        parts.append(unquote_to_bytes(text[start:end].replace(b"+", b" ")))
        start = end
    return b"".join(parts).decode()


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
    """Render the sign-in form. After signing in, the browser goes to `next_path`, where the form `then` is sent if
    there is one. `wait` is the seconds until the next attempt is allowed, `wrong` an error message.
    """
    only = await call.ctx.database.read(organization_rows.find_only)
    # With several organizations, the organization's look would tell strangers who they are.
    branding = only and branding_of(only, call.ctx.pages.assets, call.ctx.links)
    shown = {"email": email, "next": next_path, "then": then, "wait": wait, "wrong": wrong, "branding": branding}
    return await call.render("sign_in/sign_in", status, **shown)


async def resubmit(call: ConsoleCall, status: int, path: str, form: dict[str, str]) -> Response:
    """Render a page with `form` and a button that sends it to `path` below /console."""
    return await call.render("sign_in/resume", status, action=f"/console{path}", fields=form)


def _can_resubmit(call: ConsoleCall) -> bool:
    """Tell whether the form may be put into a page to be sent again: it has fields, but no passwords or codes."""
    return bool(call.form) and not call.form.keys() & SECRET_FIELDS


async def _redirect_to_sign_in(call: ConsoleCall) -> Response:
    """Redirect to the sign-in form, which leads back to the address of a GET. For a form without passwords or codes,
    render it (403) with that form, to be sent after signing in.
    """
    path = call.request.url.path.removeprefix("/console")
    if call.request.method == "POST" and _is_form(call.request):
        require_same_site(call.request)
        call.form = read_fields(await read_bytes(call.request, MAX_FORM))
        call.form.pop("csrf", "")
        if _can_resubmit(call):
            return await ask_to_sign_in(call, 403, next_path=path, then=urlencode(call.form))
    if call.request.url.query:
        path += f"?{call.request.url.query}"
    query = f"?next={quote(path)}" if call.request.method == "GET" and path not in ("", "/") else ""
    return call.redirect(f"/sign-in{query}")


async def _render_problem(call: ConsoleCall, problem: Problem) -> Response:
    """Render a refusal as a page; for an operator's `StaleForm` without passwords or codes, one that sends it again.
    For scripts, raise the refusal again: the outermost handler answers with JSON.
    """
    if "text/html" not in call.request.headers.get("accept", "text/html"):
        problem.detail = refusals.exact_reason(call.language, problem)
        raise problem
    if isinstance(problem, StaleForm) and call.signed_in and _can_resubmit(call):
        return await resubmit(call, 403, call.request.url.path.removeprefix("/console"), call.form)
    text = refusals.reason(call.language, problem)
    if isinstance(problem, AccessDenied):
        text = call.language.gettext(problem.detail)
    call.request.scope["rundun.code"] = problem.code
    title = refusals.title(call.language, problem)
    # Not queued: the refusal may be that the queue is full.
    response = call.page("problem", PROBLEMS[problem.code].status, title=title, text=text)
    if problem.retry_after is not None:
        response.headers["retry-after"] = str(problem.retry_after)
    return response


def rebind_csrf(call: ConsoleCall, token: str) -> None:
    """Bind the forms of the response's page to the new session `token`."""
    call.token, call.csrf = token, _csrf_token(call.ctx, token)
