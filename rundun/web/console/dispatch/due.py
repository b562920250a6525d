"""Due times: the offered choices, and reading the chosen one from a form."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from babel import dates

from rundun.core.request_bodies import RunPatch
from rundun.core.validation import read
from rundun.web.console.session import ConsoleCall
from rundun.wording.console_words import N_

Offer = tuple[int, time, str]  # days from now, the time of day, and the label
SENT: Sequence[Offer] = (
    (0, time(15), N_("Today {time}")),
    (1, time(11), N_("Tomorrow {time}")),
    (3, time(11), N_("In 3 days, {time}")),
)
MOVED: Sequence[Offer] = ((0, time(18), N_("Today {time}")), (1, time(18), N_("Tomorrow {time}")))


def due_choices(call: ConsoleCall, offers: Sequence[Offer] = MOVED) -> list[tuple[str, str]]:
    """Return the offered times that are still to come: pairs of a `datetime-local` value and its label."""
    zone, choices = call.zone, []
    for days, hour, words in offers:
        at = datetime.combine(zone.today(call.now) + timedelta(days=days), hour)
        if at > zone.at(call.now).replace(tzinfo=None):
            said = dates.format_time(hour, "HH:mm", locale=zone.locale)
            choices.append((at.isoformat(timespec="minutes"), call.language.gettext(words, time=said)))
    return choices


def read_due(call: ConsoleCall) -> Mapping[str, Any]:
    """Return the new due time, `when`, else the typed `at`, as changes: `due_at` in milliseconds. Raises Invalid if it
    is no time or none was typed.
    """
    written = call.form.get("when") or call.form.get("at", "")
    return read(RunPatch, {"due_at": call.zone.parse_local(written)}).changes()
