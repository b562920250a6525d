"""What a run says, made ready to be shown: on its page, on paper and in the report of its archive."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rundun.actions.runs import RunDetail
from rundun.core import progress, run_json, times
from rundun.core.answer import Answer, Position
from rundun.core.progress import StepState
from rundun.core.run import Run
from rundun.core.run_json import Photo, Signature
from rundun.core.template import (
    BooleanStep,
    ChoiceStep,
    DatetimeStep,
    MultiChoiceStep,
    NumberStep,
    RatingStep,
    StepBase,
)
from rundun.web.console.file_names import named
from rundun.web.console.time_zone import Zone
from rundun.web.i18n import Say

MAX_REPLACED = 20  # answers shown of one step, unless all are asked for

Address = Callable[[int, str], str]  # of a file by its number and content type


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo with its addresses; one that the answer does not list was replaced or never belonged to it. `saved_as` is
    the name under which the original is saved.
    """

    photo: Photo
    number: int
    thumbnail: str
    url: str
    original: str
    saved_as: str
    is_listed: bool


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A signature with the address of its picture."""

    signature: Signature
    url: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer in words: `kind` is answered, skipped or unable; `items` what was chosen of several."""

    kind: str
    text: str | None
    items: Sequence[str] | None
    reason: str | None
    at: int
    answered_at: int | None
    geo: Position | None
    signed: SignatureView | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step with its answer, the answers before it, and its photos; `flags` are (word, class) pairs."""

    number: int
    step: StepBase
    said: AnswerView | None
    flags: Sequence[tuple[str, str]]
    pictures: Sequence[PhotoView]
    waiting: int
    replaced: Sequence[AnswerView]
    more_replaced: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section; a template without sections has one without a title."""

    title: str | None
    description: str | None
    lines: Sequence[StepView]


class RunView:
    """Puts one run into words. `address` says where a file is found, `whole` names the steps of which all past answers
    are told.
    """

    def __init__(self, detail: RunDetail, say: Say, zone: Zone, address: Address, whole: Container[str]) -> None:
        self.detail = detail
        self.state = detail.state
        self._say = say
        self._zone = zone
        self._address = address
        self._whole = whole
        self._names = named(detail)

    def parts(self) -> list[SectionView]:
        """All steps in their sections, as the run's version of the template has them."""
        template = self.state.version.template
        numbers = {step.id: number for number, step in enumerate(self.state.version.steps, 1)}
        sections: list[tuple[str | None, str | None, Sequence[StepBase]]] = []
        if template.steps:
            sections.append((None, None, template.steps))
        sections += [(one.title, one.description, one.steps) for one in template.sections or ()]
        return [
            SectionView(title, description, [self._line(numbers[step.id], step) for step in steps])
            for title, description, steps in sections
            if steps
        ]

    def signature(self) -> SignatureView | None:
        """The one that closed the run."""
        return self._signed(self.state.run.signature)

    def _signed(self, number: int | None) -> SignatureView | None:
        found = None if number is None else self.state.evidence.signatures.get(number)
        return None if found is None else SignatureView(found, self._address(found.file, "image/png"))

    def _line(self, number: int, step: StepBase) -> StepView:
        step_state = self.state.step_states[step.id]
        answer = step_state.answer
        past = self.detail.replaced.get(step.id, ())
        most = len(past) if step.id in self._whole else MAX_REPLACED
        return StepView(
            number,
            step,
            None if answer is None else self.said(step, answer),
            list(_flags(self.state.run, step_state)),
            list(self._pictures(step_state)),
            len([one for one in step_state.waiting_for if one != "signature"]),
            [self.said(step, one) for one in past[:most]],
            max(0, len(past) - most),
        )

    def _pictures(self, step_state: StepState) -> Iterator[PhotoView]:
        listed = run_json.photos_of(step_state, self.state.evidence)
        ids = {photo.photo_id for photo in listed}
        stored = self.state.evidence.photos.get(step_state.step.id, {}).values()
        for number, photo in enumerate([*listed, *(one for one in stored if one.photo_id not in ids)], 1):
            yield PhotoView(
                photo,
                number,
                self._address(photo.thumbnail, "image/jpeg"),
                self._address(photo.derived, "image/jpeg"),
                self._address(photo.original, photo.content_type),
                self._names.alone(photo.original, self.state.run),
                photo.photo_id in ids,
            )

    def said(self, step: StepBase, answer: Answer) -> AnswerView:
        """One answer of that step."""
        kind = progress.kind_of(answer)
        value = self._value(step, answer.value) if kind == "answered" else None
        return AnswerView(
            kind,
            value if isinstance(value, str) else None,
            value if isinstance(value, list) else None,
            answer.unable,
            answer.at,
            answer.answered_at,
            answer.geo,
            self._signed(answer.signature),
            _is_late(self.state.run, answer.at),
        )

    def _value(self, step: StepBase, value: Any) -> str | list[str] | None:
        match step:
            case BooleanStep():
                own = step.config.true_label if value else step.config.false_label
                return own or self._say("yes" if value else "no")
            case ChoiceStep() | MultiChoiceStep():
                labels = {option.id: option.label for option in step.config.options}
                if isinstance(step, ChoiceStep):
                    return labels.get(value, str(value))
                return [labels.get(one, one) for one in value]
            case NumberStep():
                return f"{value} {step.config.unit}" if step.config.unit else str(value)
            case RatingStep():
                most = step.config.max
                label = {step.config.min: step.config.min_label, most: step.config.max_label}.get(value)
                grade = self._say("done_of", done=value, total=most)
                return f"{grade} ({label})" if label else grade
            case DatetimeStep() if step.config.mode == "datetime":
                return self._zone.say(times.parse(value))
        if step.type == "instruction":
            return self._say("acknowledged")
        return value if isinstance(value, str) else None


def _is_late(run: Run, at: int) -> bool:
    return run.expires_at is not None and run.started_at is not None and at >= run.expires_at


def _flags(run: Run, step_state: StepState) -> Iterator[tuple[str, str]]:
    answer = step_state.answer
    if not step_state.visible:
        yield "flag_hidden", ""
    if answer is None:
        if step_state.visible:
            yield ("flag_untouched", "") if step_state.step.required else ("flag_optional", "")
        return
    kind = progress.kind_of(answer)
    if kind != "answered":
        yield f"flag_{kind}", "cancelled"
    if _is_late(run, answer.at):
        yield "late", "late"
    if step_state.visible and not step_state.done:
        yield "flag_not_done", "late"
