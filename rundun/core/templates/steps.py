"""The steps of a checklist: a model of each type, with its `config`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from rundun.core.json_types.base import BarcodeFormat
from rundun.core.templates.condition import Condition, OwnCondition
from rundun.core.validation import COUNTED, Integer, Matching, Number, StrictModel, Text

MAX_OPTIONS = 200
MAX_PICTURES = 4
MAX_SLOTS = 10
BARCODE_FORMATS: tuple[BarcodeFormat, ...] = get_args(BarcodeFormat)

StepId = Annotated[str, Matching(r"s-[A-Za-z0-9_-]{1,32}", "must be “s-” and 1 to 32 letters, digits, “_” or “-”")]
OptionId = Annotated[str, Matching(r"o-[A-Za-z0-9_-]{1,32}", "must be “o-” and 1 to 32 letters, digits, “_” or “-”")]
PictureId = Annotated[str, Matching(r"pic-[0-9a-f]{64}", "must be “pic-” and 64 hex digits, as the upload answered it")]

SlotId = Annotated[str, Matching(r"p-[A-Za-z0-9_-]{1,32}", "must be “p-” and 1 to 32 letters, digits, “_” or “-”")]


class Option(StrictModel):
    """One option of a choice."""

    id: OptionId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """The text that the executor reads."""


class PhotoRule(StrictModel):
    """The photos that a step of any type asks for beside its answer."""

    min: Annotated[int, Integer(0, 10)] = 0
    """The least number of photos for the step to be done."""
    max: Annotated[int, Integer(1, 10)] = 10
    """The greatest number of photos."""
    annotate: bool = False
    """Whether the executor may draw on them; the photo without the drawing is kept as well."""


class BooleanConfig(StrictModel):
    """The labels of yes and no."""

    true_label: Annotated[str, Text(200)] | None = None
    """Instead of “Yes”."""
    false_label: Annotated[str, Text(200)] | None = None
    """Instead of “No”."""


class ChoiceConfig(StrictModel):
    """One of several options."""

    options: Annotated[list[Annotated[Option, COUNTED]], Field(min_length=1, max_length=MAX_OPTIONS)]
    """The options to choose from."""


class MultiChoiceConfig(ChoiceConfig):
    """Some of several options."""

    min_selected: Annotated[int, Integer(0, 200)] = 0
    """The least number of options."""
    max_selected: Annotated[int, Integer(1, 200)] | None = None
    """The greatest number of options; `null` = all."""


class TextConfig(StrictModel):
    """Free text of at most `max_length` code points."""

    multiline: bool = False
    """Whether the field has several lines."""
    max_length: Annotated[int, Integer(1, 20_000)] = 2000
    """The greatest length, in code points."""
    placeholder: Annotated[str, Text(200)] | None = None
    """Shown while the field is empty."""
    case: Literal["any", "upper"] = "any"
    """`upper`: the answer is stored in capital letters, however it was typed."""


class NumberConfig(StrictModel):
    """A number in a range, with at most `decimals` digits after the point."""

    min: Number | None = None
    """The least number accepted."""
    max: Number | None = None
    """The greatest number accepted."""
    decimals: Annotated[int, Integer(0, 6)] | None = None
    """The greatest number of digits after the point; `null` = any."""
    unit: Annotated[str, Text(40)] | None = None
    """The unit, shown behind the field."""


class RatingConfig(StrictModel):
    """A whole number from `min` to `max`."""

    min: Annotated[int, Integer(0, 9)] = 1
    """The lowest grade."""
    max: Annotated[int, Integer(1, 10)] = 5
    """The highest grade, above `min`."""
    min_label: Annotated[str, Text(200)] | None = None
    """The meaning of the lowest grade."""
    max_label: Annotated[str, Text(200)] | None = None
    """The meaning of the highest grade."""


class PhotoSlot(StrictModel):
    """One named shot of a photo step."""

    id: SlotId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """The thing to photograph."""


class PhotoConfig(PhotoRule):
    """The photos that answer a photo step."""

    min: Annotated[int, Integer(1, 10)] = 1
    """The least number of photos."""
    allow_gallery: bool = True
    """Whether the executor may choose pictures taken earlier."""
    slots: Annotated[list[PhotoSlot], Field(min_length=1, max_length=MAX_SLOTS)] | None = None
    """The shots by name, one photo each, all needed; instead of `min` and `max`."""


class InstructionConfig(StrictModel):
    """A text to read and acknowledge."""

    body: Annotated[str, Text(20_000)]
    """Plain text; links can be tapped."""


class BarcodeConfig(StrictModel):
    """A barcode to scan, of any format unless `formats` names some."""

    formats: Annotated[list[BarcodeFormat], Field(min_length=1, max_length=7)] = list(BARCODE_FORMATS)
    """The formats that are accepted."""


class DatetimeConfig(StrictModel):
    """A day, or a point in time."""

    mode: Literal["date", "datetime"] = "date"
    """`date` answers `YYYY-MM-DD`, `datetime` an RFC 3339 time in UTC."""


class NoConfig(StrictModel):
    """The empty `config` of a type without settings."""


def _photo_tag(value: Any) -> str:
    return "none" if value is False else "rule"


class Flag(StrictModel):
    """The rule by which an answer calls for attention, and a text for the executor in that case."""

    when: OwnCondition
    """A comparison with the step's own answer, without `step`, or several joined by `and` or `or`."""
    tell: Annotated[str, Text(500)] | None = None
    """The text that the executor reads on the step while its answer is flagged."""


class StepBase(StrictModel):
    """The members that steps of all types share."""

    id: StepId
    """Unique in the template; made by the server where it is left out."""
    type: str
    """The kind of answer it takes."""
    label: Annotated[str, Text(500)]
    """The question or task."""
    hint: Annotated[str, Text(2000)] | None = None
    """Further explanation, in smaller letters."""
    required: bool = True
    """Whether the run can be completed without it."""
    photo: Annotated[
        Annotated[PhotoRule, Tag("rule")] | Annotated[Literal[False], Tag("none")], Discriminator(_photo_tag)
    ] = False
    """The photos beside the answer; `false`, the default, for none. A photo step has this in `config`."""
    geo: bool = False
    """Sample the position when the step is completed; an unknown position never blocks it."""
    condition: Condition | None = None
    """The condition under which the step is shown; without one, always."""
    pictures: Annotated[list[PictureId], Field(max_length=MAX_PICTURES)] = []
    """Up to four different pictures that you have uploaded, as examples of the right result, shown beside the question.
    """
    flag: Flag | None = None
    """The answers that call for attention."""


class BooleanStep(StepBase):
    """A step answered with yes or no."""

    type: Literal["boolean"]
    config: BooleanConfig = BooleanConfig()


class ChoiceStep(StepBase):
    """A step answered with one option."""

    type: Literal["choice"]
    config: ChoiceConfig


class MultiChoiceStep(StepBase):
    """A step answered with several options."""

    type: Literal["multi_choice"]
    config: MultiChoiceConfig


class TextStep(StepBase):
    """A step answered with a text."""

    type: Literal["text"]
    config: TextConfig = TextConfig()


class NumberStep(StepBase):
    """A step answered with a number."""

    type: Literal["number"]
    config: NumberConfig = NumberConfig()


class RatingStep(StepBase):
    """A step answered with a grade."""

    type: Literal["rating"]
    config: RatingConfig = RatingConfig()


class PhotoStep(StepBase):
    """A step answered with photos."""

    type: Literal["photo"]
    config: PhotoConfig = PhotoConfig()


class SignatureStep(StepBase):
    """A step answered with a signature, drawn or typed."""

    type: Literal["signature"]
    config: NoConfig = NoConfig()


class InstructionStep(StepBase):
    """A step that shows a text to acknowledge."""

    type: Literal["instruction"]
    config: InstructionConfig


class BarcodeStep(StepBase):
    """A step answered with the content of a barcode."""

    type: Literal["barcode"]
    config: BarcodeConfig = BarcodeConfig()


class DatetimeStep(StepBase):
    """A step answered with a day or a point in time."""

    type: Literal["datetime"]
    config: DatetimeConfig = DatetimeConfig()


Step = Annotated[
    BooleanStep
    | ChoiceStep
    | MultiChoiceStep
    | TextStep
    | NumberStep
    | RatingStep
    | PhotoStep
    | SignatureStep
    | InstructionStep
    | BarcodeStep
    | DatetimeStep,
    Discriminator("type"),
    COUNTED,
]


def photo_slots(step: StepBase) -> list[PhotoSlot]:
    """Return the slots of a photo step; an empty list if it has none, or the step has another type."""
    return step.config.slots or [] if isinstance(step, PhotoStep) else []


def is_drawable(step: StepBase) -> bool:
    """Tell whether the executor may draw on the photos of a step."""
    if isinstance(step, PhotoStep):
        return step.config.annotate
    return step.photo is not False and step.photo.annotate


def photo_limits(step: StepBase) -> tuple[int, int]:
    """Return the (least, greatest) number of photos of a step: both that of its slots, if any; (0, 0) for none."""
    if isinstance(step, PhotoStep):
        count = len(step.config.slots or ())
        return (count, count) if count else (step.config.min, step.config.max)
    return (0, 0) if step.photo is False else (step.photo.min, step.photo.max)
