"""When a job is due: the times that are offered, and what somebody has chosen of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from babel import dates

from rundun.core.request_bodies import RunPatch
from rundun.core.validation import read
from rundun.web.console.session import ConsoleCall
from rundun.wording.console_words import N_

Offer = tuple[int, time, str]  # days from now, the hour, and what it is called
SENT: Sequence[Offer] = (
    (0, time(15), N_("Today {time}")),
    (1, time(11), N_("Tomorrow {time}")),
    (3, time(11), N_("In 3 days, {time}")),
)
MOVED: Sequence[Offer] = ((0, time(18), N_("Today {time}")), (1, time(18), N_("Tomorrow {time}")))


def due_choices(call: ConsoleCall, offers: Sequence[Offer] = MOVED) -> list[tuple[str, str]]:
    """List the times to come that are offered, as an input `datetime-local` has them, and what they are called."""
    zone, choices = call.zone, []
    for days, hour, words in offers:
        at = datetime.combine(zone.today(call.now) + timedelta(days=days), hour)
        if at > zone.at(call.now).replace(tzinfo=None):
            said = dates.format_time(hour, "HH:mm", locale=zone.locale)
            choices.append((at.isoformat(timespec="minutes"), call.language.gettext(words, time=said)))
    return choices


def read_due(call: ConsoleCall) -> Mapping[str, Any]:
    """Read to when a form moves due times, as a patch of a run: `when` is one that was offered, else `at` says it.
    Raises Invalid.
    """
    written = call.form.get("when") or call.form.get("at", "")
    return read(RunPatch, {"due_at": call.zone.wire_of_local(written)}).changes()
