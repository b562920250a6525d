"""When a run is due, moved: the evenings that are offered, and what somebody has chosen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rundun.core.validation import read
from rundun.web.console.session import ConsoleCall
from rundun.web.console_words import N_
from rundun.web.request_bodies import RunPatch

EVENING = "18:00"  # by which a day's work is mostly to be done
DAYS = {"today": (0, N_("Today {time}")), "tomorrow": (1, N_("Tomorrow {time}"))}


def due_choices(call: ConsoleCall) -> list[tuple[str, str]]:
    """List the evenings that are offered, each with its words: today's until it has begun."""
    is_evening = call.zone.local(call.now).partition("T")[2] >= EVENING
    words = {when: call.language.gettext(text, time=EVENING) for when, (_, text) in DAYS.items()}
    return [(when, text) for when, text in words.items() if when != "today" or not is_evening]


def read_due(call: ConsoleCall) -> Mapping[str, Any]:
    """Read to when the form moves due times, as a patch: `when` names an evening, else `at` says it by the clocks of
    the organization. Raises Invalid.
    """
    day, written = DAYS.get(call.form.get("when", "")), call.form.get("at", "")
    if day is not None:
        written = f"{call.zone.today(call.now) + timedelta(days=day[0])}T{EVENING}"
    return read(RunPatch, {"due_at": call.zone.wire_of_local(written)}).changes()
