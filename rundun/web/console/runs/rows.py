"""The line of a run in a list: its heading, its most telling time, and the parts that match a search."""

from collections.abc import Iterator
from dataclasses import dataclass

from rundun.actions.runs.runs import ListedRun
from rundun.core.runs import search_text
from rundun.core.runs.run import Run
from rundun.web.console.session import ConsoleCall
from rundun.wording import relative_time
from rundun.wording.console_words import N_
from rundun.wording.job_view import field_views

MAX_PHOTOS = 4  # shown of the flags of a run in a list
MOMENTS = {
    "due": N_("Due {when}"),
    "begun": N_("Begun {when}"),
    "sent": N_("Sent {when}"),
    "expired": N_("Expired {when}"),
}
_AHEAD = 12  # characters before the match in an excerpt


def heading(row: ListedRun) -> str:
    """Return the run's heading: its title, else its reference, else the name of its template."""
    return row.run.job.title or row.run.executor_ref or row.template.name


def executor(run: Run) -> str | None:
    """Return the executor's name, else e-mail address, else phone number, else None."""
    return run.identity.name or run.identity.email or run.identity.phone


def flag_photos(call: ConsoleCall, row: ListedRun) -> list[str]:
    """Return the URLs of the thumbnails of the first `MAX_PHOTOS` photos of a run's flags."""
    photos = [photo for flag in row.flags for photo in flag.photos][:MAX_PHOTOS]
    return [call.ctx.links.media_path(photo.thumbnail, "image/jpeg") for photo in photos]


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """A run of a list and the search that found it."""

    search: str
    row: ListedRun

    def split(self, text: str) -> list[tuple[str, bool]]:
        """Return the parts of a text in their order, each with True if it matches the search."""
        return search_text.split_matches(text, self.search)

    @property
    def outside_line(self) -> tuple[str, str] | None:
        """Return the label and an excerpt of the first matching field that the line does not show, "" as the label of
        the run's number; None without one, or if title, reference or executor, which the line shows, match.
        """
        run = self.row.run
        if not self.search or any(self._has_match(each) for each in (run.job.title, run.executor_ref, executor(run))):
            return None
        return next(
            ((label, self._excerpt(text)) for label, text in self._searched_texts() if self._has_match(text)), None
        )

    def _excerpt(self, text: str) -> str:
        """Return a text, cut at the front to `_AHEAD` characters before the match: a narrow line is cut at its end."""
        before, is_match = self.split(text)[0]
        return text if is_match or len(before) <= _AHEAD else f"…{text[len(before) - _AHEAD :]}"

    def _searched_texts(self) -> Iterator[tuple[str, str]]:
        run = self.row.run
        if run.job.title or run.executor_ref:  # otherwise the line shows the number
            yield "", run.run_id[2:10]
        for view in field_views(run.job, self.row.template):
            if not view.is_secret:
                yield view.field.label, str(view.value)

    def _has_match(self, text: str | None) -> bool:
        return text is not None and any(is_match for _, is_match in self.split(text))


@dataclass(frozen=True, slots=True)
class RunMoment:
    """The most telling time of a run, in milliseconds, and its words."""

    at: int
    words: str


def moment(call: ConsoleCall, run: Run) -> RunMoment:
    """Return the most telling time of a run, and its words: closed, else due, else started, else dispatched."""
    key, at = _telling_time(run)
    when = relative_time.time_text(call.language, call.zone, call.now, at)
    return RunMoment(at, call.language.gettext(MOMENTS[key], when=when) if key else when)


def _telling_time(run: Run) -> tuple[str, int]:
    """Return a key of `MOMENTS`, "" if the run's status suffices, and the time in milliseconds."""
    if run.closed_at is not None:
        return ("expired" if run.is_missed else ""), run.closed_at  # else its status says key was then
    if run.job.due_at is not None:
        return "due", run.job.due_at
    return ("sent", run.created_at) if run.started_at is None else ("begun", run.started_at)
