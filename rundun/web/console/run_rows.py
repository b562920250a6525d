"""A run in a list, on the overview or among all runs: which of its times says most, in words."""

from dataclasses import dataclass

from rundun.actions.runs import ListedRun
from rundun.core.run import Run
from rundun.web.console import relative_time
from rundun.web.console.session import ConsoleCall
from rundun.web.console_words import N_

MOMENTS = {"due": N_("Due {when}"), "begun": N_("Begun {when}"), "sent": N_("Sent {when}")}


def heading(row: ListedRun) -> str:
    """Return what people know a run by: its title, else its reference, else what is done."""
    return row.run.job.title or row.run.executor_ref or row.template.name


@dataclass(frozen=True, slots=True)
class RunMoment:
    """The time of a run that says most about it, in milliseconds, and the words for it."""

    at: int
    words: str


def moment(call: ConsoleCall, run: Run) -> RunMoment:
    """Return the time of a run that says most: when it ended or is due, else when it was begun or sent."""
    what, at = _what(run)
    when = relative_time.say(call.language, call.zone, call.now, at)
    return RunMoment(at, call.language.gettext(MOMENTS[what], when=when) if what else when)


def _what(run: Run) -> tuple[str, int]:
    if run.closed_at is not None:
        return "", run.closed_at  # its status says what was then
    if run.job.due_at is not None:
        return "due", run.job.due_at
    return ("sent", run.created_at) if run.started_at is None else ("begun", run.started_at)
