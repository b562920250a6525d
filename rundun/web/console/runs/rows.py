"""A run in a list, on the overview or among all runs: which of its times says most, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from rundun.actions.runs.runs import ListedRun
from rundun.core.runs import search_text
from rundun.core.runs.run import Run
from rundun.web.console.session import ConsoleCall
from rundun.wording import relative_time
from rundun.wording.console_words import N_
from rundun.wording.job_view import field_views

MOMENTS = {
    "due": N_("Due {when}"),
    "begun": N_("Begun {when}"),
    "sent": N_("Sent {when}"),
    "expired": N_("Expired {when}"),
}
_AHEAD = 12  # characters that an excerpt shows before the match


def heading(row: ListedRun) -> str:
    """Return what people know a run by: its title, else its reference, else what is done."""
    return row.run.job.title or row.run.executor_ref or row.template.name


def executor(run: Run) -> str | None:
    """Return what the person who does a run is known by."""
    return run.identity.name or run.identity.email or run.identity.phone


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found in a run that a list shows."""

    search: str
    row: ListedRun

    def marked(self, text: str) -> list[tuple[str, bool]]:
        """Split a text of the line: each part, and whether it was searched for."""
        return search_text.split_matches(text, self.search)

    @property
    def elsewhere(self) -> tuple[str, str] | None:
        """Return the label and the value of the first field that has what was searched for, where the line itself has
        it nowhere; without a label the run's number.
        """
        run = self.row.run
        if not self.search or any(self._is_in(each) for each in (run.job.title, run.executor_ref, executor(run))):
            return None
        return next(((label, self._excerpt(text)) for label, text in self._said() if self._is_in(text)), None)

    def _excerpt(self, text: str) -> str:
        """Return a value, cut at the front so that the match comes early: a narrow line is cut at its end."""
        before, is_match = self.marked(text)[0]
        return text if is_match or len(before) <= _AHEAD else f"…{text[len(before) - _AHEAD :]}"

    def _said(self) -> Iterator[tuple[str, str]]:
        run = self.row.run
        if run.job.title or run.executor_ref:  # else the line has the number
            yield "", run.run_id[2:10]
        for view in field_views(run.job, self.row.template):
            if not view.is_secret:
                yield view.field.label, str(view.value)

    def _is_in(self, text: str | None) -> bool:
        return text is not None and any(is_match for _, is_match in self.marked(text))


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
        return ("expired" if run.is_missed else ""), run.closed_at  # else its status says what was then
    if run.job.due_at is not None:
        return "due", run.job.due_at
    return ("sent", run.created_at) if run.started_at is None else ("begun", run.started_at)
