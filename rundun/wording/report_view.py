"""The content of a run's report. One for customers is rendered from `RunReport` alone."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rundun.core.json_types.base import PositionJson
from rundun.core.languages import Untranslated
from rundun.core.runs.report import ReportOptions
from rundun.core.templates.steps import StepBase
from rundun.wording.answer_words import answer_line
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_view import FieldView, field_views
from rundun.wording.run_view import FlagView, PhotoView, RunView, SignatureView, StepView, flag_views, page_values

EVERYTHING = ReportOptions(depth="full", positions=True, names=True, signature=True)


@dataclass(frozen=True, slots=True)
class ReportPhoto:
    """A photo with the URL of its picture and its step. `at` is when it was taken, else received, in milliseconds;
    `geo` is None unless positions are shown. `view` has the details that full reports print. It `is_left_out` where
    operators choose photos: shown there, but not on paper.
    """

    view: PhotoView
    url: str
    step: StepBase
    at: int
    geo: PositionJson | None
    is_left_out: bool


@dataclass(frozen=True, slots=True)
class ReportLine:
    """An answered step, the answer in one line, and the remark, "" without one or unless remarks are shown. `geo` is
    None unless positions are shown, `signature` unless signatures are.
    """

    step: StepBase
    answer: str
    remark: str
    geo: PositionJson | None
    signature: SignatureView | None


@dataclass(frozen=True, slots=True)
class ReportFlag:
    """A step that calls for attention, then the answers that follow from it, and the photos of all these."""

    lines: Sequence[ReportLine]
    photos: Sequence[ReportPhoto]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section with its answered steps; without a title in a template without sections."""

    id: str
    title: str | None
    lines: Sequence[ReportLine]


@dataclass(frozen=True, slots=True)
class RunReport:
    """A report. `template_name` is None where it is the heading. `name` is the executor's, None unless names are shown;
    `signature` is the one at the end of the run, None unless signatures are. `progress` has the numbers of answered
    and of all steps, None for a completed run. `photos` are the photos that no flag has. `untranslated` are the ids of
    parts in the author's language, True for all; the other parts are in `language`, None for the page's.
    """

    heading: str
    template_name: str | None
    fields: Sequence[FieldView]
    status: str
    due_at: int | None
    closed_at: int | None
    name: str | None
    progress: tuple[int, int] | None
    flags: Sequence[ReportFlag]
    sections: Sequence[ReportSection]
    photos: Sequence[ReportPhoto]
    signature: SignatureView | None
    untranslated: Untranslated
    language: str | None

    @property
    def all_photos(self) -> Collection[ReportPhoto]:
        """Return the photos of the report, each once, those of its flags first."""
        photos = [*(photo for flag in self.flags for photo in flag.photos), *self.photos]
        return {photo.view.photo.photo_id: photo for photo in photos}.values()


class ReportView:
    """The report of a run with the chosen `options`. If it `keeps_left_out`, photos left out are marked instead."""

    def __init__(self, view: RunView, options: ReportOptions, *, keeps_left_out: bool = False) -> None:
        self._view = view
        self._show = EVERYTHING if options.is_full else options
        self._keeps_left_out = keeps_left_out
        self._say = partial(answer_line, language=view.language, zone=view.zone)

    def report(self) -> RunReport:
        """Return the report."""
        view, state = self._view, self._view.state
        run, template, sections = state.run, state.version.template, view.sections()
        heading = run.job.title or (run.executor_ref if self._show.is_full else None) or template.name
        flags = [self._flag(flag) for flag in flag_views(view, sections)]
        shown = {photo.view.photo.photo_id for flag in flags for photo in flag.photos}
        photos = self._list_photos(step_view for section in sections for step_view in section.steps)
        return RunReport(
            heading,
            None if heading == template.name else template.name,
            [each for each in field_views(run.job, template) if self._is_shown(each)],
            run.status,
            run.job.due_at,
            run.closed_at,
            run.identity.name if self._show.names else None,
            None if run.status == "completed" else (run.progress["answered"], run.progress["total"]),
            flags,
            [ReportSection(each.id, each.title, [*self._lines(each.steps)]) for each in sections],
            [photo for photo in photos if photo.view.photo.photo_id not in shown],
            view.signature() if self._show.signature else None,
            state.version.untranslated,
            texts_language(state.version.languages, view.language),
        )

    def _is_shown(self, each: FieldView) -> bool:
        is_chosen = each.field.show == "start" or each.field.id in self._show.fields
        return not each.is_secret and (is_chosen or self._show.is_full)

    def _flag(self, flag: FlagView) -> ReportFlag:
        step_views = [flag.step, *flag.follow_ups]
        return ReportFlag([self._line(flag.step), *self._lines(flag.follow_ups)], [*self._list_photos(step_views)])

    def _lines(self, step_views: Iterable[StepView]) -> Iterator[ReportLine]:
        """Yield a line for each visible step with an answer or a remark; an instruction that was read has no answer."""
        for step_view in step_views:
            line = self._line(step_view)
            if step_view.is_visible and (line.answer or line.remark):
                yield line

    def _line(self, step_view: StepView) -> ReportLine:
        step, answer, language = step_view.step, step_view.answer, self._view.language
        words = None if step.type == "instruction" else self._say(self._view.state.step_states[step.id])
        listed = sum(one.is_listed for one in step_view.photos)
        if not words and step.type == "photo" and listed and not self._show.photos:
            words = language.ngettext("{n} photo", "{n} photos", listed)
        if not words and answer and answer.signature:
            words = language.gettext("Signed")
        remark = step_view.remark.remark if step_view.remark and self._show.remarks else None
        return ReportLine(
            step,
            words or "",
            remark.text if remark else "",
            answer.geo if answer and self._show.positions else None,
            answer.signature if answer and self._show.signature else None,
        )

    def _list_photos(self, step_views: Iterable[StepView]) -> Iterator[ReportPhoto]:
        """Yield the photos that answers and remarks list, in a full report all others as well, without those left out;
        none if photos are not shown.
        """
        for step_view in step_views if self._show.photos else ():
            of_remark = step_view.remark.photos if step_view.remark and self._show.remarks else ()
            for each in (*step_view.photos, *of_remark):
                is_shown = self._show.is_full or (each.is_listed and step_view.is_visible)
                if is_shown and (self._keeps_left_out or each.photo.photo_id not in self._show.without):
                    yield self._photo(each, step_view)

    def _photo(self, each: PhotoView, step_view: StepView) -> ReportPhoto:
        photo = each.photo
        return ReportPhoto(
            each,
            each.url or each.original_url,
            step_view.step,
            photo.received_at if photo.taken_at is None else photo.taken_at,
            photo.geo if self._show.positions else None,
            photo.photo_id in self._show.without,
        )


def texts_language(languages: Sequence[str], page: ConsoleLanguage) -> str | None:
    """Return the language of a template's translated texts if it is another than the page's, else None."""
    first = languages[0] if languages else ""
    return None if first.split("-")[0] in ("", page.tag.split("-")[0]) else first


def report_values(view: RunView, options: ReportOptions, *, keeps_left_out: bool = False) -> dict[str, Any]:
    """Return the values of a report's page by their names in the template. Those of the run's page are among them only
    for a full report, so that no other can show them.
    """
    report = ReportView(view, options, keeps_left_out=keeps_left_out).report()
    return {
        **(page_values(view) if options.is_full else {}),
        "report": report,
        "full": options.is_full,
        "untranslated": report.untranslated,
        "texts_language": report.language,
    }
