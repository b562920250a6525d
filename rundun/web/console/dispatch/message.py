"""/console/dispatch/{run_id}: what to send to the executor of an open run, made anew whenever it is asked for."""

from typing import Any
from urllib.parse import quote

from babel import Locale, UnknownLocaleError, dates
from babel.core import get_global
from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.core import languages as translation
from rundun.core.runs.run import Run
from rundun.web.console.qr_code import qr_code
from rundun.web.console.session import ConsoleCall
from rundun.wording import i18n
from rundun.wording.console_words import N_

# No-break spaces of CLDR's times: some phones show a box, and each makes an SMS one of 70 characters.
_PLAIN_SPACES = {ord("\u202f"): " ", ord("\u00a0"): " "}
WHATSAPP, SMS, MAIL = "https://wa.me/?text=", "sms:?&body=", "mailto:?subject={subject}&body="
_UTC = ("UTC", "Etc/UTC")  # the zone of those who have chosen none: nobody's clocks


def languages(call: ConsoleCall, tags: set[str]) -> list[tuple[str, str]]:
    """List tags and names of the languages that the executor's page or a template has."""
    names = call.ctx.pages.words.names
    return [*names.items(), *((tag, tag) for tag in sorted(tags - set(names)))]


async def show(call: ConsoleCall) -> Response:
    """GET /console/dispatch/{run_id}: show the link, its QR code, and a message in `?lang=`; of a run that is closed
    its own page.
    """
    run, version = await call.read(runs.get_with_version, call.path("run_id"))
    if run.is_closed:
        return call.redirect(f"/runs/{run.run_id}")
    source = version.template.model_dump(mode="json", exclude_unset=True)
    offered = languages(call, set(source.get("translations") or ()))
    tag = _tag(call, run, [tag for tag, _ in offered])
    link = call.ctx.links.run(run.run_id)
    message = _message(call, run, link, source, tag)
    mail = MAIL.format(subject=quote(run.job.title or version.template.name, safe=""))
    shares = [(N_("WhatsApp"), WHATSAPP), (N_("SMS"), SMS), (N_("E-mail"), mail)]
    return await call.render(
        "dispatch/message",
        run=run,
        name=version.template.name,
        link=link,
        code=qr_code(link),
        message=message,
        shares=[(word, address, quote(message, safe="")) for word, address in shares],
        is_unresolved="webhook_unresolved" in call.request.query_params.getlist("warned"),
        languages=offered,
        tag=tag,
        direction=i18n.direction(tag),
    )


def _tag(call: ConsoleCall, run: Run, offered: list[str]) -> str:
    """Return the language of the message: the one asked for, the run's, or the operator's, as people write to their own
    neighbours.
    """
    lang = call.request.query_params.get("lang", "")
    if translation.is_tag(lang):
        return lang
    own = (call.language.tag, call.language.tag.partition("-")[0])
    return run.language or next((tag for tag in own if tag in offered), "en")


def _message(call: ConsoleCall, run: Run, link: str, source: dict[str, Any], tag: str) -> str:
    """Return the message to the executor, in their language: whose it is, what about, until when, the link last."""
    words = call.ctx.pages.words.language([tag], list(source.get("translations") or ()))
    name = translation.translate(source, words.texts)["name"]
    lines = [words.say("message_share", organization=call.organization.name, name=name)]
    if run.job.title:
        lines.append(run.job.title)
    word, until = ("open_until", run.expires_at) if run.job.due_at is None else ("message_due", run.job.due_at)
    if until is not None:
        lines.append(f"{words.say(word)}: {_written(call, until, words.tag)}")
    return "\n".join([*lines, link])


def _written(call: ConsoleCall, milliseconds: int, tag: str) -> str:
    """Write a time as people do who speak this language where the organization is."""
    zone = call.zone
    at, locale = zone.at(milliseconds), locale_there(tag, zone.name)
    skeleton = "MMMEd" if at.year == zone.at(call.now).year else "yMMMEd"
    day, hour = dates.format_skeleton(skeleton, at, locale=locale), dates.format_time(at, "short", locale=locale)
    return f"{day}, {hour}{' UTC' if zone.name in _UTC else ''}".translate(_PLAIN_SPACES)


def locale_there(tag: str, zone_name: str) -> Locale:
    """Return how a language is written in the country of a time zone: in English “27 Nov, 15:00” in Madrid, and “Nov
    27, 3:00 PM” in New York.
    """
    locale = Locale.parse(tag, sep="-")
    territory = get_global("zone_territories").get(zone_name)
    if locale.territory or territory is None:
        return locale
    names = [f"{locale.language}_{territory}", *(["en_GB"] if locale.language == "en" else [])]
    for name in names:
        try:
            return Locale.parse(name)
        except UnknownLocaleError:
            continue
    return locale
