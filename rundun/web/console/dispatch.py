"""/console/dispatch: dispatching a run by hand, and what to send to its executor."""

import re
import uuid
from typing import Any
from urllib.parse import quote

from babel import Locale, dates
from markupsafe import Markup
from starlette.responses import Response

from rundun.actions import runs, templates
from rundun.core import event, translation
from rundun.core.run import OPEN_HOURS, Run
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.web.console.session import ConsoleCall
from rundun.web.dispatch_warnings import destination_warnings, link_warnings
from rundun.web.problems import TABLE
from rundun.web.request_bodies import DispatchBody

MAX_TEMPLATES = 500
EVENTS = (*event.EVENTS, *event.ON_REQUEST)
REFUSALS = (
    "not_found",
    "invalid",
    "address_not_allowed",
    "insufficient_credits",
    "quota_exceeded",
    "template_archived",
)
EMPTY = {"expires_in_hours": str(OPEN_HOURS), **{f"event {name}": "on" for name in event.EVENTS}}


async def form(call: ConsoleCall) -> Response:
    """GET /console/dispatch: show the form; `?template_id=` chooses a template."""
    template_id = call.request.query_params.get("template_id", "")[:100]
    return await _form(call, {**EMPTY, "template_id": template_id, "once": str(uuid.uuid4())})


async def _form(call: ConsoleCall, values: dict[str, str], problem: Problem | None = None) -> Response:
    listed = await call.read(templates.dispatch_choices, values.get("template_id", ""), MAX_TEMPLATES)
    choices = [(head.template_id, version.template.name) for head, version in listed]
    choices.sort(key=lambda choice: choice[1].casefold())
    tags = {tag for _, version in listed for tag in version.template.translations}
    wrong: dict[str, str] = {}
    for error in problem.errors if problem else ():
        field = "/events" if error.pointer.startswith("/webhook/events") else error.pointer
        wrong.setdefault(field.rsplit("/", 1)[-1], error.detail)
    status = TABLE[problem.code][0] if problem else 200
    return call.render(
        "dispatch",
        status,
        values=values,
        choices=choices,
        languages=_languages(call, tags),
        events=EVENTS,
        problem=problem,
        wrong=wrong,
    )


def _languages(call: ConsoleCall, tags: set[str]) -> list[tuple[str, str]]:
    """List tags and names of the languages that the page or a template has."""
    names = call.ctx.pages.words.names
    return [*names.items(), *((tag, tag) for tag in sorted(tags - set(names)))]


async def dispatch(call: ConsoleCall) -> Response:
    """POST /console/dispatch: dispatch a run, once for each form that was shown, and lead on to its link."""
    try:
        dispatch_request, destination = read(DispatchBody, _body(call.form)).order()
        warnings = await destination_warnings(call.ctx, destination, call.operator.org_id)
        run_id = await call.write_once(lambda run: run.run_id, runs.dispatch, dispatch_request)
    except Problem as problem:
        if problem.code not in REFUSALS:
            raise
        return await _form(call, call.form, problem)
    return call.redirect(f"/dispatch/{run_id}{'?warned=webhook_unresolved' if warnings else ''}")


def _body(form: dict[str, str]) -> dict[str, Any]:
    """Return the body that an integrator would send for this form; empty fields are left out."""
    hours = form.get("expires_in_hours", "").strip()
    body: dict[str, Any] = {"template_id": form.get("template_id", "")}
    if form.get("never"):
        body["expires_in_hours"] = None
    else:
        body["expires_in_hours"] = float(hours) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", hours) else hours
    body |= {name: form[name] for name in DispatchBody.model_fields if name not in body and form.get(name, "").strip()}
    webhook: dict[str, Any] = {name: form[name] for name in ("url", "secret") if form.get(name)}
    if webhook:
        body["webhook"] = webhook | {"events": [name for name in EVENTS if form.get(f"event {name}")]}
    return body


async def done(call: ConsoleCall) -> Response:
    """GET /console/dispatch/{run_id}: show the link, its QR code, and a message in `?lang=`."""
    run, version = await call.read(runs.get_with_version, call.path("run_id"))
    source = version.template.model_dump(mode="json", exclude_unset=True)
    translated = list(source.get("translations") or ())
    lang = call.request.query_params.get("lang", "")
    tag = lang if translation.is_tag(lang) else run.language or "en"
    link = call.ctx.links.run(run.run_id)
    message = _message(call, run, link, source, tag)
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
        is_unresolved="webhook_unresolved" in call.request.query_params.getlist("warned"),
        languages=_languages(call, set(translated)),
        tag=tag,
    )


def _message(call: ConsoleCall, run: Run, link: str, source: dict[str, Any], tag: str) -> str:
    """Return the message that is sent to the executor, in their language, the link last."""
    words = call.ctx.pages.words.language([tag], list(source.get("translations") or ()))
    name = translation.translate(source, words.texts)["name"]
    lines = [words.say("message_share", organization=call.organization.name, name=name)]
    if run.expires_at is not None:
        at, locale = call.zone.at(run.expires_at), Locale.parse(words.tag, sep="-")
        day, hour = dates.format_date(at, "medium", locale), dates.format_time(at, "short", locale=locale)
        when = f"{day} {hour} {at.isoformat()[-6:]}"
        lines.append(f"{words.say('open_until')}: {when}")
    return "\n".join([*lines, link])


def qr_code(text: str) -> Markup:
    """Draw a QR code as SVG, black on white in every theme since cameras expect it; without inline styles."""
    import segno  # when first needed

    drawing = segno.make(text, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    # Modules of a code: nothing of the text stands in it.
    return Markup(drawing)  # noqa: S704
