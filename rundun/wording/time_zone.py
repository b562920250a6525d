"""Times in the organization's zone and the operator's language."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, dates

from rundun.core import times
from rundun.wording.console_words import ENGLISH_LOCALE

_LEFT_TO_RIGHT = "\u200e"  # Unicode's mark, which keeps a sign in front of its number


def list_zones() -> list[str]:
    """List the names of all time zones."""
    return sorted(available_timezones())


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its IANA name, with the locale for the format of times and days."""

    name: str
    locale: str = ENGLISH_LOCALE

    def at(self, milliseconds: int) -> datetime:
        """Return a time, in milliseconds, in this zone; in UTC beyond the calendar's end, as with a phone in 9999."""
        at = datetime.fromtimestamp(milliseconds / times.SECOND, UTC)
        try:
            return at.astimezone(ZoneInfo(self.name))
        except OverflowError:
            return at

    def parse_local(self, text: str) -> str:
        """Return a local time, as an input `datetime-local` sends it, as RFC 3339 in UTC. A time with an offset is
        converted by that, a day alone is its midnight, other text is unchanged. A time that the clocks skip counts as
        before the change.
        """
        try:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.name))
            return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError):
            return text

    def local(self, milliseconds: int | None) -> str:
        """Return a time as an input `datetime-local` takes it, "" for None."""
        return "" if milliseconds is None else f"{self.at(milliseconds):%Y-%m-%dT%H:%M}"

    def exact_time(self, milliseconds: int | None) -> str:
        """Return a time in the form of the locale, such as “25 Nov 2026, 14:03:07 +01:00”, None as a dash."""
        if milliseconds is None:
            return "–"
        offset = self.at(milliseconds).strftime("%z")
        mark = _LEFT_TO_RIGHT if Locale.parse(self.locale).text_direction == "rtl" else ""
        return f"{self._format(milliseconds, ', HH:mm:ss')} {mark}{offset[:3]}:{offset[3:5]}"

    def short_time(self, milliseconds: int | None) -> str:
        """Return a time to the minute as “25 Nov 2026, 14:03”, None as a dash."""
        return "–" if milliseconds is None else self._format(milliseconds, ", HH:mm")

    def weekday_time(self, milliseconds: int | None) -> str:
        """Return a time to the minute as “Wed, 25 Nov 2026, 14:03”, None as ""."""
        return "" if milliseconds is None else self._format(milliseconds, ", HH:mm", "yMMMEd")

    def clock(self, milliseconds: int) -> str:
        """Return the clock of a time as “14:03”."""
        return dates.format_time(self.at(milliseconds), "HH:mm", locale=self.locale)

    def day(self, day: date) -> str:
        """Return a day as “25 Nov”."""
        return dates.format_skeleton("MMMd", day, locale=self.locale)

    def full_day(self, day: date) -> str:
        """Return a day with its year as “25 Nov 2026”."""
        return dates.format_skeleton("yMMMd", day, locale=self.locale)

    def month(self, month: date) -> str:
        """Return a month as “November 2026”."""
        return dates.format_skeleton("yMMMM", month, locale=self.locale)

    def _format(self, milliseconds: int, clock: str, skeleton: str = "yMMMd") -> str:
        at = self.at(milliseconds)
        day = dates.format_skeleton(skeleton, at, locale=self.locale)
        return f"{day}{dates.format_datetime(at, clock, locale=self.locale)}"

    def day_begins(self, day: date) -> int:
        """Return the beginning of a day in this zone, in milliseconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.name)).timestamp()) * times.SECOND

    def today(self, now: int) -> date:
        """Return the current day in this zone."""
        return self.at(now).date()

    def days_back(self, now: int, count: int) -> list[date]:
        """Return the last `count` days, today last."""
        today = self.today(now)
        return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
