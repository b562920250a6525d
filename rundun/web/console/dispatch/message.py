"""/console/dispatch/{run_id}: the link of an open run, its QR code, and a message to the executor."""

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

# CLDR's times have no-break spaces: some phones show a box, and one of them limits an SMS to 70 characters.
_PLAIN_SPACES = {ord("\u202f"): " ", ord("\u00a0"): " "}
WHATSAPP, SMS, MAIL = "https://wa.me/?text=", "sms:?&body=", "mailto:?subject={subject}&body="
_UTC = ("UTC", "Etc/UTC")  # the default zone: “UTC” is written after times, as no local clock shows them


def language_choices(call: ConsoleCall, tags: set[str]) -> list[tuple[str, str]]:
    """Return pairs of tag and name for the languages of the executor's page, then pairs of tag and tag for the others
    of the template's `tags`.
    """
    names = call.ctx.pages.words.names
    return [*names.items(), *((tag, tag) for tag in sorted(tags - set(names)))]


async def show(call: ConsoleCall) -> Response:
    """GET /console/dispatch/{run_id}: show link, QR code, and the message in the language `?lang=`. A closed run
    redirects to its own page.
    """
    run, version = await call.read(runs.get_with_version, call.path("run_id"))
    if run.is_closed:
        return call.redirect(f"/runs/{run.run_id}")
    source = version.template.model_dump(mode="json", exclude_unset=True)
    offered = language_choices(call, set(source.get("translations") or ()))
    tag = _message_tag(call, run, [tag for tag, _ in offered])
    link = call.ctx.links.run(run.run_id)
    message = _message_text(call, run, link, source, tag)
    mail = MAIL.format(subject=quote(run.job.title or version.template.name, safe=""))
    shares = [(N_("WhatsApp"), WHATSAPP), (N_("SMS"), SMS), (N_("E-mail"), mail)]
    return await call.render(
        "dispatch/message",
        run=run,
        name=translation.translate(source, call.language.tag)["name"],
        link=link,
        code=qr_code(link),
        message=message,
        shares=[(word, address, quote(message, safe="")) for word, address in shares],
        is_unresolved="webhook_unresolved" in call.request.query_params.getlist("warned"),
        languages=offered,
        tag=tag,
        direction=i18n.direction(tag),
    )


def _message_tag(call: ConsoleCall, run: Run, offered: list[str]) -> str:
    """Return the language tag of the message: `?lang=` if it is any valid tag, else the run's, else the page's, or that
    without its country, if `offered`, else `en`.
    """
    lang = call.request.query_params.get("lang", "")
    if translation.is_tag(lang):
        return lang
    own = (call.language.tag, call.language.tag.partition("-")[0])
    return run.language or next((tag for tag in own if tag in offered), "en")


def _message_text(call: ConsoleCall, run: Run, link: str, source: dict[str, Any], tag: str) -> str:
    """Return the message to the executor, in lines: organization and checklist, the title if any, the due time, else
    the expiry time if any, and the link.
    """
    words = call.ctx.pages.words.language([tag], list(source.get("translations") or ()))
    name = translation.translate(source, words.texts)["name"]
    lines = [words.say("message_share", organization=call.organization.name, name=name)]
    if run.job.title:
        lines.append(run.job.title)
    word, until = ("open_until", run.expires_at) if run.job.due_at is None else ("message_due", run.job.due_at)
    if until is not None:
        lines.append(f"{words.say(word)}: {_format_time(call, until, words.tag)}")
    return "\n".join([*lines, link])


def _format_time(call: ConsoleCall, milliseconds: int, tag: str) -> str:
    """Return a time in the organization's zone as text in the language `tag`, as written in the country of `tag`, else
    of the zone: weekday, day, the year unless it is this one, and time, with “UTC” in that zone.
    """
    zone = call.zone
    at, locale = zone.at(milliseconds), locale_in_zone(tag, zone.name)
    skeleton = "MMMEd" if at.year == zone.at(call.now).year else "yMMMEd"
    day, hour = dates.format_skeleton(skeleton, at, locale=locale), dates.format_time(at, "short", locale=locale)
    return f"{day}, {hour}{' UTC' if zone.name in _UTC else ''}".translate(_PLAIN_SPACES)


def locale_in_zone(tag: str, zone_name: str) -> Locale:
    """Return the locale of `tag` with its own country, else the time zone's: English gives “27 Nov, 15:00” in Madrid,
    and “Nov 27, 3:00 PM” in New York. Without such a locale it is `en_GB` for English, else that of the language alone,
    as in a zone without a country (UTC).
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
