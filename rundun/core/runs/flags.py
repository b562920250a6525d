"""The steps of a run that call for attention, each with its remark and the answers to the questions that follow it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rundun.core import text
from rundun.core.json_types.runs import FlaggedStepJson
from rundun.core.runs.evidence import Evidence, Photo, answer_photos, remark_photos
from rundun.core.runs.progress import StepState
from rundun.core.templates import steps
from rundun.core.templates.condition import comparisons
from rundun.core.templates.steps import StepBase

MAX_FLAGS = 20  # in the record of a run and in its closing event
MAX_ANSWER = 500  # characters of a flag's answer there


@dataclass(frozen=True, slots=True)
class FlaggedStep:
    """A step that calls for attention, since its answer is flagged or it could not be done. `remark` is the text of its
    remark, "" without one. `follow_ups` are the visible answered steps whose condition names it, and no flag before it,
    without instructions and without those that call for attention themselves. `photos` are those of all these answers
    and their remarks.
    """

    step_state: StepState
    remark: str
    follow_ups: tuple[StepState, ...]
    photos: tuple[Photo, ...]

    def phrases(self, say: Callable[[StepState], str | None]) -> Iterator[str]:
        """Yield the answer, then that of each follow-up, with its label unless it is a text, which says enough. `say`
        returns the text of an answer, None for one that has no words.
        """
        if answer := say(self.step_state):
            yield answer
        for follow_up in self.follow_ups:
            if answer := say(follow_up):
                yield answer if follow_up.step.type == "text" else f"{follow_up.step.label} {answer}"

    def answer_text(self, say: Callable[[StepState], str | None], most: int) -> str:
        """Return the phrases as one text of at most `most` characters, separated by “ · ”."""
        phrases = [text.shorten(phrase, most) for phrase in islice(self.phrases(say), most // 4)]
        return text.shorten(" · ".join(phrases), most)


def list_flags(step_states: Mapping[str, StepState], evidence: Evidence) -> list[FlaggedStep]:
    """List the steps that call for attention: first those that could not be done, then the flagged ones, each in the
    order of the checklist.
    """
    listed = [one for one in step_states.values() if one.calls_for_attention]
    listed.sort(key=lambda one: one.flagged)  # a step that could not be done is never flagged
    flagged = {one.step.id: list[StepState]() for one in listed}
    places = {step_id: place for place, step_id in enumerate(flagged)}
    for one in step_states.values() if listed else ():
        is_answer = one.visible and one.answer is not None and one.step.type != "instruction"
        if is_answer and one.step.condition and not one.calls_for_attention:
            named = {when.step for _, when, _ in comparisons(one.step.condition, "")} & places.keys()
            if named:  # once, although its condition may name many
                flagged[min(named, key=places.__getitem__)].append(one)
    return [_flag(one, flagged[one.step.id], evidence) for one in listed]


def _flag(step_state: StepState, follow_ups: Sequence[StepState], evidence: Evidence) -> FlaggedStep:
    step_id = step_state.step.id
    remark = evidence.remarks.get(step_id)
    photos = [
        photo
        for one in (step_state, *follow_ups)
        for photo in (*answer_photos(one, evidence), *remark_photos(one.step.id, evidence))
    ]
    return FlaggedStep(step_state, remark.text if remark else "", tuple(follow_ups), tuple(photos))


def flags_json(step_states: Mapping[str, StepState], evidence: Evidence) -> list[FlaggedStepJson]:
    """Return the first `MAX_FLAGS` flags of a run as dicts, for its record and its closing event."""
    return [
        {
            "step_id": flag.step_state.step.id,
            "label": flag.step_state.step.label,
            "answer": flag.answer_text(_answer_text, MAX_ANSWER),
            "remark": flag.remark or None,
        }
        for flag in list_flags(step_states, evidence)[:MAX_FLAGS]
    ]


def _answer_text(step_state: StepState) -> str | None:
    """Return an answer in the words of the checklist's author, else in English; None for one without words."""
    answer, step = step_state.answer, step_state.step
    assert answer is not None
    if answer.unable is not None:
        return f"Could not be done: {answer.unable}"
    return None if answer.skipped or answer.value is None else _value_text(step, answer.value)


def _value_text(step: StepBase, value: Any) -> str | None:
    match step:
        case steps.BooleanStep():
            return (step.config.true_label or "Yes") if value else (step.config.false_label or "No")
        case steps.ChoiceStep():
            return option_labels(step, [value])[0]
        case steps.MultiChoiceStep():
            return ", ".join(option_labels(step, value)) or "Nothing chosen"
        case steps.NumberStep():
            return f"{value} {step.config.unit}" if step.config.unit else str(value)
        case steps.RatingStep():
            return f"{value} of {step.config.max}"
    return str(value)


def option_labels(step: steps.ChoiceStep | steps.MultiChoiceStep, chosen: Sequence[str]) -> list[str]:
    """Return the labels of the `chosen` options by their ids; of an option that the step does not have, its id."""
    labels = {option.id: option.label for option in step.config.options}
    return [labels.get(option_id, option_id) for option_id in chosen]
