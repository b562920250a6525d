"""Answers in words, in a reader's language."""

from datetime import date
from typing import Any

from rundun.core import times
from rundun.core.runs.flags import option_labels
from rundun.core.runs.progress import StepState
from rundun.core.templates import steps
from rundun.core.templates.steps import StepBase
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.time_zone import Zone


def value_words(step: StepBase, value: Any, language: ConsoleLanguage, zone: Zone) -> str | list[str] | None:
    """Return a step's value in words: the labels of the chosen options for a multi_choice step, None for photos and
    signatures.
    """
    match step:
        case steps.BooleanStep():
            own = step.config.true_label if value else step.config.false_label
            return own or (language.gettext("Yes") if value else language.gettext("No"))
        case steps.ChoiceStep():
            return option_labels(step, [value])[0]
        case steps.MultiChoiceStep():
            return option_labels(step, value)
        case steps.NumberStep():
            number = language.number(value)
            return f"{number} {step.config.unit}" if step.config.unit else number
        case steps.RatingStep():
            config = step.config
            label = {config.min: config.min_label, config.max: config.max_label}.get(value)
            rating = language.gettext("{done} of {total}", done=value, total=config.max)
            return f"{rating} ({label})" if label else rating
        case steps.DatetimeStep() if asks_for_moment(step):
            return zone.short_time(times.parse(value))
        case steps.DatetimeStep():
            return zone.full_day(date.fromisoformat(value))
    if step.type == "instruction":
        return language.gettext("Read")
    return value if isinstance(value, str) else None


def asks_for_moment(step: StepBase) -> bool:
    """Tell whether the step asks for a day and time, not only a day."""
    return isinstance(step, steps.DatetimeStep) and step.config.mode == "datetime"


def answer_line(step_state: StepState, language: ConsoleLanguage, zone: Zone) -> str | None:
    """Return the answer in force in one line, None for one that has no words: photos, a signature, a skipped step."""
    answer = step_state.answer
    if answer is None or answer.skipped:
        return None
    if answer.unable is not None:
        return f"{language.gettext('Could not be done:')} {answer.unable}"
    words = value_words(step_state.step, answer.value, language, zone)
    return words if words is None or isinstance(words, str) else ", ".join(words) or language.gettext("Nothing chosen")
