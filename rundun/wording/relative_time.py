"""Times relative to now: “12 min ago”, “today 15:00”, “Mon 15:00”. Pages show the exact time beside it."""

from babel import dates

from rundun.core import times
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.time_zone import Zone

MINUTE = 60 * times.SECOND
WEEK_DAYS = 6  # within which a weekday's name is unambiguous


def time_text(language: ConsoleLanguage, zone: Zone, now: int, at: int) -> str:
    """Return a time, in milliseconds, as text relative to `now`, such as “5 min ago” or “today 14:03”, by the clocks of
    the zone; beyond `WEEK_DAYS` only the day, such as “25 Nov”, with its year unless it is this one.
    """
    passed = now - at
    if 0 <= passed < MINUTE:
        return language.gettext("just now")
    if 0 <= passed < times.HOUR:
        return language.gettext("{n} min ago", n=passed // MINUTE)
    moment = zone.at(at)
    clock = zone.clock(at)
    days = (moment.date() - zone.today(now)).days
    if days in (-1, 0, 1):
        words = {
            -1: language.gettext("yesterday {clock}", clock=clock),
            0: language.gettext("today {clock}", clock=clock),
            1: language.gettext("tomorrow {clock}", clock=clock),
        }
        return words[days]
    if abs(days) <= WEEK_DAYS:
        return f"{dates.format_date(moment, 'EEE', locale=zone.locale)} {clock}"
    skeleton = "MMMd" if moment.year == zone.at(now).year else "yMMMd"
    return dates.format_skeleton(skeleton, moment, locale=zone.locale)
