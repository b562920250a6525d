"""/console/dispatch: a run by hand, and what to send to whoever is to do it."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import Any
from urllib.parse import quote

from babel import Locale, dates
from markupsafe import Markup
from pydantic_core import from_json, to_json
from starlette.responses import Response

from rundun.actions import runs, templates
from rundun.core import event, translation
from rundun.core.run import OPEN_HOURS, Run
from rundun.core.validation import read
from rundun.errors import NotFound, Problem
from rundun.store.idempotency import IdempotencyKey, StoredResponse
from rundun.web.console.session import ConsoleCall, route
from rundun.web.dispatch_warnings import destination_warnings, link_warnings
from rundun.web.problems import TABLE
from rundun.web.request_bodies import DispatchBody

MAX_TEMPLATES = 500
EVENTS = (*event.EVENTS, *event.ON_REQUEST)
WARNINGS = ("webhook_unresolved",)
EMPTY = {"expires_in_hours": str(OPEN_HOURS), **{f"event {name}": "on" for name in event.EVENTS}}


async def form(call: ConsoleCall) -> Response:
    """GET /console/dispatch; `?template_id=` chooses one."""
    given = {**EMPTY, "template_id": call.request.query_params.get("template_id", "")[:100]}
    return await _form(call, {**given, "once": str(uuid.uuid4())})


async def _form(call: ConsoleCall, given: dict[str, str], problem: Problem | None = None) -> Response:
    listed = await call.read(templates.dispatch_choices, given.get("template_id", ""), MAX_TEMPLATES)
    choices = sorted(
        ((head.template_id, version.template.name) for head, version in listed),
        key=lambda one: one[1].casefold(),
    )
    tags = {tag for _, version in listed for tag in version.template.translations}
    wrong: dict[str, str] = {}
    for place in problem.errors if problem else ():
        field = "/events" if place.pointer.startswith("/webhook/events") else place.pointer
        wrong.setdefault(field.rsplit("/", 1)[-1], place.detail)
    status = TABLE[problem.code][0] if problem else 200
    return call.render(
        "dispatch",
        status,
        given=given,
        choices=choices,
        languages=_languages(call, tags),
        events=EVENTS,
        problem=problem,
        wrong=wrong,
    )


def _languages(call: ConsoleCall, tags: set[str]) -> list[tuple[str, str]]:
    """Tags and names of the languages that the page or a template speaks."""
    names = call.ctx.pages.words.names
    return [*names.items(), *((tag, tag) for tag in sorted(tags - set(names)))]


async def dispatch(call: ConsoleCall) -> Response:
    """POST /console/dispatch: a run, once for each form that was shown, and on to its link."""
    try:
        order, destination = read(DispatchBody, _body(call.form)).order()
        warnings = await destination_warnings(call.ctx, destination) if destination else []
        reply = await call.write_once(ticket(call), _dispatched, runs.dispatch, order)
    except NotFound as problem:
        return await _form(call, call.form, problem)
    except Problem as problem:
        if problem.code not in REFUSALS:
            raise
        return await _form(call, call.form, problem)
    warned = "".join(f"&warned={one['code']}" for one in warnings if one["code"] in WARNINGS)
    return call.redirect(f"/dispatch/{from_json(reply.body)['run_id']}{warned.replace('&', '?', 1)}")


REFUSALS = ("invalid", "address_not_allowed", "insufficient_credits", "template_archived")


def _body(form: dict[str, str]) -> dict[str, Any]:
    """What the form means, as an integrator would send it; empty fields are left out."""
    hours = form.get("expires_in_hours", "").strip()
    body: dict[str, Any] = {"template_id": form.get("template_id", "")}
    if form.get("never"):
        body["expires_in_hours"] = None
    else:
        body["expires_in_hours"] = float(hours) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", hours) else hours
    body |= {name: form[name] for name in ("executor_ref", "language") if form.get(name, "").strip()}
    webhook: dict[str, Any] = {name: form[name] for name in ("url", "secret") if form.get(name)}
    if webhook:
        body["webhook"] = webhook | {"events": [name for name in EVENTS if form.get(f"event {name}")]}
    return body


def ticket(call: ConsoleCall) -> IdempotencyKey:
    """Names a form with a field `once` as it was filled in: sent twice it does its work once, gone back to and changed
    it does it anew.
    """
    digest = hashlib.sha256(json.dumps(call.form, sort_keys=True).encode()).digest()
    return IdempotencyKey(call.operator.org_id, call.request.url.path, digest.hex(), digest)


def _dispatched(run: Run) -> StoredResponse:
    return StoredResponse(201, to_json({"run_id": run.run_id}), {})


async def done(call: ConsoleCall) -> Response:
    """GET /console/dispatch/{run_id}: the link, its QR code, and a message in `?lang=`."""
    run, version = await call.read(runs.get_with_version, call.path("run_id"))
    written = version.template.model_dump(mode="json", exclude_unset=True)
    translated = list(written.get("translations") or ())
    asked = call.request.query_params.get("lang", "")
    tag = asked if translation.is_tag(asked) else run.language or "en"
    link = call.ctx.links.run(run.run_id)
    message = _message(call, run, link, written, tag)
    warned = call.request.query_params.getlist("warned")
    return call.render(
        "dispatch_done",
        run=run,
        name=version.template.name,
        link=link,
        code=qr_code(link),
        message=message,
        whatsapp=f"https://wa.me/?text={quote(message, safe='')}",
        sms=f"sms:?&body={quote(message, safe='')}",
        warnings=link_warnings(call.ctx.settings.public_url),
        is_unresolved="webhook_unresolved" in warned,
        languages=_languages(call, set(translated)),
        tag=tag,
    )


def _message(call: ConsoleCall, run: Run, link: str, written: dict[str, Any], tag: str) -> str:
    """What is sent along with the link, in the executor's language, the link last."""
    words = call.ctx.pages.words.language([tag], list(written.get("translations") or ()))
    name = translation.translate(written, words.texts)["name"]
    lines = [words.say("message_share", organization=call.organization.name, name=name)]
    if run.expires_at is not None:
        at, locale = call.zone.at(run.expires_at), Locale.parse(words.tag, sep="-")
        day, hour = dates.format_date(at, "medium", locale), dates.format_time(at, "short", locale=locale)
        when = f"{day} {hour} {at.isoformat()[-6:]}"
        lines.append(f"{words.say('open_until')}: {when}")
    return "\n".join([*lines, link])


def qr_code(link: str) -> Markup:
    """The link as an SVG drawing, black on white in every theme since cameras expect it; without inline styles."""
    import segno  # when first needed

    drawing = segno.make(link, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawing)  # noqa: S704  modules of a code: nothing of the link's text stands in it


ROUTES = [
    route("GET", "/dispatch", form),
    route("POST", "/dispatch", dispatch),
    route("GET", "/dispatch/{run_id}", done),
]
