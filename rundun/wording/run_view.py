"""A run in words, for its page, for paper and for the report of its archive."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rundun.actions.runs.runs import RunDetail
from rundun.core import times
from rundun.core.json_types.base import PositionJson
from rundun.core.runs import progress
from rundun.core.runs.answer import Answer
from rundun.core.runs.evidence import Photo, Signature, answer_photos, order_photos, remark_photos, undrawn_ids
from rundun.core.runs.flags import list_flags
from rundun.core.runs.progress import StepState
from rundun.core.runs.remark import Remark
from rundun.core.runs.run import Run
from rundun.core.templates import steps
from rundun.core.templates.steps import StepBase
from rundun.wording import answer_words
from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.file_names import file_names, shot_label
from rundun.wording.job_view import clock_skew, field_views, language_name
from rundun.wording.run_history import history
from rundun.wording.time_zone import Zone

MAX_REPLACED = 20  # replaced answers shown of a step, unless all are requested
HIDDEN = N_("Hidden")

FileUrl = Callable[[int, str], str]  # returns the URL of a file by its number and content type


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo with its URLs. It `is_listed` if the answer names it; otherwise it was replaced or never belonged to an
    answer, or it `is_undrawn`: the photo before it was drawn on. `saved_as` is the file name of the original, `shot`
    the label of its shot, if the step names shots.
    """

    photo: Photo
    number: int
    thumbnail_url: str
    url: str
    original_url: str
    saved_as: str
    is_listed: bool
    is_undrawn: bool
    shot: str | None


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A signature with the URL of its picture."""

    signature: Signature
    url: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer in words. `kind` is answered, skipped or unable; `items` are the chosen labels of a multi_choice step;
    `moment` is the time of a datetime step, in milliseconds.
    """

    kind: str
    text: str | None
    items: Sequence[str] | None
    moment: int | None
    reason: str | None
    at: int
    answered_at: int | None
    geo: PositionJson | None
    signature: SignatureView | None


@dataclass(frozen=True, slots=True)
class RemarkView:
    """The remark in force, or None, with its photos and those of former remarks. `awaited_photos` have not arrived,
    `removed_photos` were removed by retention.
    """

    remark: Remark | None
    photos: Sequence[PhotoView]
    awaited_photos: int
    removed_photos: int


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A value that the dispatch proposed for a step, in words; it `is_kept` if it is the answer in force."""

    text: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """A step with its answer, the replaced answers, and its photos; `awaited_photos` have not arrived, `removed_photos`
    were removed by retention. `missing_shots` are labels of shots still missing in a step with an answer or photos.
    `flags` are pairs of a message and a CSS class. The step `needs_attention` if its answer is flagged or it could not
    be done; `tell` is the message that the executor then got. It `is_noted` if it is visible and has a remark.
    """

    number: int
    step: StepBase
    answer: AnswerView | None
    proposal: ProposalView | None
    flags: Sequence[tuple[str, str]]
    photos: Sequence[PhotoView]
    awaited_photos: int
    removed_photos: int
    missing_shots: Sequence[str]
    replaced: Sequence[AnswerView]
    more_replaced: int
    remark: RemarkView | None
    is_visible: bool
    needs_attention: bool
    tell: str | None
    is_noted: bool


@dataclass(frozen=True, slots=True)
class FlagView:
    """A step that calls for attention, the answered steps whose condition names it, and the photos that all of these
    list, each with its step's label.
    """

    step: StepView
    follow_ups: Sequence[StepView]
    photos: Sequence[tuple[PhotoView, str]]


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section with its steps; a template without sections has one section without id and title."""

    id: str
    title: str | None
    description: str | None
    steps: Sequence[StepView]

    @property
    def asked(self) -> list[StepView]:
        """Return the steps that are visible or have an answer."""
        return [step for step in self.steps if step.is_visible or step.answer]

    @property
    def not_asked(self) -> list[StepView]:
        """Return the hidden steps without an answer."""
        return [step for step in self.steps if not step.is_visible and not step.answer]


class RunView:
    """A run's steps, answers and signature in words. `unabridged` are ids of steps with all replaced answers shown."""

    def __init__(
        self, detail: RunDetail, language: ConsoleLanguage, zone: Zone, file_url: FileUrl, unabridged: Container[str]
    ) -> None:
        self.detail = detail
        self.state = detail.state
        self.language = language
        self.zone = zone
        self._file_url = file_url
        self._unabridged = unabridged
        self._names = file_names(detail)

    def sections(self) -> list[SectionView]:
        """Return the sections of the run's template version that have steps, with all of them; for a template without
        sections one without a title.
        """
        shown = self.state.version.template
        numbers = {step.id: number for number, step in enumerate(self.state.version.steps, 1)}
        sections: list[tuple[str, str | None, str | None, Sequence[StepBase]]] = [("", None, None, shown.steps or ())]
        sections += [(each.id, each.title, each.description, each.steps) for each in shown.sections or ()]
        return [
            SectionView(section_id, title, description, [self._step_view(numbers[step.id], step) for step in steps])
            for section_id, title, description, steps in sections
            if steps
        ]

    def signature(self) -> SignatureView | None:
        """Return the signature at the end of the run, None if it has none."""
        return self._signature_view(self.state.run.signature)

    def _signature_view(self, number: int | None) -> SignatureView | None:
        signature = None if number is None else self.state.evidence.signatures.get(number)
        return None if signature is None else SignatureView(signature, self._file_url(signature.file, "image/png"))

    def _step_view(self, number: int, step: StepBase) -> StepView:
        step_state = self.state.step_states[step.id]
        answer = step_state.answer
        past = self.detail.replaced.get(step.id, ())
        remark = self._remark_view(step)
        max_replaced = len(past) if step.id in self._unabridged else MAX_REPLACED
        return StepView(
            number,
            step,
            None if answer is None else self._answer_view(step, answer),
            self._proposal_view(step, answer),
            list(_step_flags(self.state.run, step_state)),
            self._photo_views(
                step, answer_photos(step_state, self.state.evidence), self.state.evidence.photos.get(step.id, {})
            ),
            len([awaited for awaited in step_state.waiting_for if awaited != "signature"]),
            self.state.evidence.count_removed(step.id, step_state.photos),
            _missing_shots(step_state),
            [self._answer_view(step, replaced) for replaced in past[:max_replaced]],
            max(0, len(past) - max_replaced),
            remark,
            step_state.visible,
            step_state.calls_for_attention,
            _tell_text(step_state),
            step_state.visible and remark is not None and remark.remark is not None,
        )

    def _proposal_view(self, step: StepBase, answer: Answer | None) -> ProposalView | None:
        proposed = self.state.run.job.prefill.get(step.id)
        if proposed is None:
            return None
        words = answer_words.value_words(step, proposed, self.language, self.zone)
        text = words if isinstance(words, str) else ", ".join(words or ()) or self.language.gettext("Nothing chosen")
        is_kept = answer is not None and progress.answer_kind(answer) == "answered" and answer.value == proposed
        return ProposalView(text, is_kept)

    def _remark_view(self, step: StepBase) -> RemarkView | None:
        evidence, step_id = self.state.evidence, step.id
        remark, stored = evidence.remarks.get(step_id), evidence.remark_photos.get(step_id, {})
        if remark is not None and remark.is_empty:
            remark = None
        if remark is None and not stored:
            return None
        photos = self._photo_views(step, remark_photos(step_id, evidence), stored)
        removed = 0 if remark is None else evidence.count_removed(step_id, remark.photos)
        awaited = 0 if remark is None else len(set(remark.photos) - set(stored)) - removed
        return RemarkView(remark, photos, awaited, removed)

    def _photo_views(self, step: StepBase, listed: Sequence[Photo], stored: Mapping[str, Photo]) -> list[PhotoView]:
        ids, undrawn = {photo.photo_id for photo in listed}, undrawn_ids(stored)
        return [
            PhotoView(
                photo,
                number,
                self._file_url(photo.thumbnail, "image/jpeg"),
                self._file_url(photo.derived, "image/jpeg"),
                self._file_url(photo.original, photo.content_type),
                self._names.download_name(photo.original, self.state.run),
                photo.photo_id in ids,
                photo.photo_id in undrawn - ids,
                shot_label(step, photo),
            )
            for number, photo in enumerate(order_photos(listed, stored), 1)
        ]

    def _answer_view(self, step: StepBase, answer: Answer) -> AnswerView:
        kind = progress.answer_kind(answer)
        value = answer_words.value_words(step, answer.value, self.language, self.zone) if kind == "answered" else None
        return AnswerView(
            kind,
            value if isinstance(value, str) else None,
            value if isinstance(value, list) else None,
            times.parse(answer.value) if kind == "answered" and answer_words.asks_for_moment(step) else None,
            answer.unable,
            answer.at,
            answer.answered_at,
            answer.geo,
            self._signature_view(answer.signature),
        )


def _missing_shots(step_state: StepState) -> list[str]:
    is_begun = step_state.answer is not None or bool(step_state.photos)
    if step_state.done or not step_state.visible or not is_begun:
        return []
    return [slot.label for slot in steps.photo_slots(step_state.step) if slot.id in step_state.empty_slots]


def _tell_text(step_state: StepState) -> str | None:
    flag = step_state.step.flag
    return flag.tell if flag and step_state.flagged else None


def _step_flags(run: Run, step_state: StepState) -> Iterator[tuple[str, str]]:
    answer = step_state.answer
    if step_state.flagged:
        yield N_("Flagged"), "attention"
    if not step_state.visible:
        yield HIDDEN, ""
    if answer is None:
        if step_state.visible:
            yield N_("Not answered") if step_state.step.required else N_("Optional, not answered"), ""
        return
    kind = progress.answer_kind(answer)
    if kind != "answered":
        yield N_("Skipped") if kind == "skipped" else N_("Could not be done"), "cancelled"
    if run.late_after is not None and run.started_at is not None and answer.at >= run.late_after:
        yield N_("Late"), "late"
    if step_state.visible and not step_state.done:
        yield N_("Not done yet"), "late"


def page_values(view: RunView) -> dict[str, Any]:
    """Return the values of a run's page or report, by their names in the templates."""
    detail: RunDetail = view.detail
    run, template, sections = detail.state.run, detail.state.version.template, view.sections()
    attention = flag_views(view, sections)
    flagged = {photo.photo.photo_id for flag in attention for photo, _ in flag.photos}
    photos = _listed_photos(step_view for section in sections for step_view in section.steps)
    return {
        "run": run,
        "template": template,
        "heading": run.job.title or run.executor_ref or template.name,
        "untranslated": detail.state.version.untranslated,
        "texts_language": None,
        "fields": field_views(run.job, template),
        "erased": [field for field in template.fields if field.kind == "secret" and run.is_closed],
        "attention": attention,
        "noted": [step for section in sections for step in section.steps if step.is_noted],
        "clock": clock_skew(run.clock_skew_seconds, view.language),
        "language_name": run.language and language_name(run.language, view.language),
        "now": detail.now,
        "repeated_by": detail.repeats,
        "labels": {step.id: step.label for step in detail.state.version.steps},
        "sections": sections,
        "strip_photos": [each for each in photos if each[0].photo.photo_id not in flagged],
        "signature": view.signature(),
        "history": history(detail),
        "deliveries": detail.deliveries.items,
        "has_more_deliveries": detail.deliveries.next_before is not None,
    }


def flag_views(view: RunView, sections: Sequence[SectionView]) -> list[FlagView]:
    """Return the steps of a run that call for attention, with those that follow from them."""
    step_views = {step_view.step.id: step_view for section in sections for step_view in section.steps}
    views = []
    for flag in list_flags(view.state.step_states, view.state.evidence):
        step_view = step_views[flag.step_state.step.id]
        follow_ups = [step_views[one.step.id] for one in flag.follow_ups]
        views.append(FlagView(step_view, follow_ups, [*_listed_photos([step_view, *follow_ups])]))
    return views


def _listed_photos(step_views: Iterable[StepView]) -> Iterator[tuple[PhotoView, str]]:
    """Yield the photos that answers and remarks list, each with its step's label."""
    for step_view in step_views:
        of_remark = step_view.remark.photos if step_view.remark else ()
        for photo in (*step_view.photos, *of_remark):
            if photo.is_listed:
                yield photo, step_view.step.label
