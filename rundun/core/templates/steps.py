"""The steps of a checklist: what each type asks, and how it is set up."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from rundun.core.json_types.base import BarcodeFormat
from rundun.core.templates.condition import Condition, OwnCondition
from rundun.core.validation import Integer, Matching, Number, StrictModel, Text

MAX_OPTIONS = 200
MAX_PICTURES = 4
MAX_SLOTS = 10
BARCODE_FORMATS: tuple[BarcodeFormat, ...] = get_args(BarcodeFormat)

StepId = Annotated[str, Matching(r"s-[A-Za-z0-9_-]{1,32}", "must be “s-” and 1 to 32 letters, digits, “_” or “-”")]
OptionId = Annotated[str, Matching(r"o-[A-Za-z0-9_-]{1,32}", "must be “o-” and 1 to 32 letters, digits, “_” or “-”")]
PictureId = Annotated[str, Matching(r"pic-[0-9a-f]{64}", "must be “pic-” and 64 hex digits, as the upload answered it")]

SlotId = Annotated[str, Matching(r"p-[A-Za-z0-9_-]{1,32}", "must be “p-” and 1 to 32 letters, digits, “_” or “-”")]


class Option(StrictModel):
    """One thing to choose."""

    id: OptionId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """What the executor reads."""


class PhotoRule(StrictModel):
    """Photos asked on a step of any type."""

    min: Annotated[int, Integer(0, 10)] = 0
    """How many are needed for the step to be done."""
    max: Annotated[int, Integer(1, 10)] = 10
    """How many are taken."""
    annotate: bool = False
    """Whether the executor may draw on them; what was drawn on is kept beside it."""


class BooleanConfig(StrictModel):
    """Two words for yes and no."""

    true_label: Annotated[str, Text(200)] | None = None
    """Instead of “Yes”."""
    false_label: Annotated[str, Text(200)] | None = None
    """Instead of “No”."""


class ChoiceConfig(StrictModel):
    """One of several options."""

    options: Annotated[list[Option], Field(min_length=1, max_length=MAX_OPTIONS)]
    """What there is to choose from."""


class MultiChoiceConfig(ChoiceConfig):
    """Some of several options."""

    min_selected: Annotated[int, Integer(0, 200)] = 0
    """How many at least."""
    max_selected: Annotated[int, Integer(1, 200)] | None = None
    """How many at most; `null` = all."""


class TextConfig(StrictModel):
    """Free text of at most `max_length` code points."""

    multiline: bool = False
    """A field of several lines."""
    max_length: Annotated[int, Integer(1, 20_000)] = 2000
    """In code points."""
    placeholder: Annotated[str, Text(200)] | None = None
    """Shown while the field is empty."""
    case: Literal["any", "upper"] = "any"
    """`upper`: the answer is kept in capital letters, whatever was typed."""


class NumberConfig(StrictModel):
    """A number in a range, with at most `decimals` digits after the point."""

    min: Number | None = None
    """The least that is taken."""
    max: Number | None = None
    """The most that is taken."""
    decimals: Annotated[int, Integer(0, 6)] | None = None
    """Digits after the point at most; `null` = any."""
    unit: Annotated[str, Text(40)] | None = None
    """Shown behind the field."""


class RatingConfig(StrictModel):
    """A whole number from `min` to `max`."""

    min: Annotated[int, Integer(0, 9)] = 1
    """The lowest grade."""
    max: Annotated[int, Integer(1, 10)] = 5
    """The highest grade, above `min`."""
    min_label: Annotated[str, Text(200)] | None = None
    """What the lowest means."""
    max_label: Annotated[str, Text(200)] | None = None
    """What the highest means."""


class PhotoSlot(StrictModel):
    """One named shot of a photo step."""

    id: SlotId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """What is to be seen on it."""


class PhotoConfig(PhotoRule):
    """Photos that are the answer."""

    min: Annotated[int, Integer(1, 10)] = 1
    """How many are needed."""
    allow_gallery: bool = True
    """Whether pictures taken earlier are welcome."""
    slots: Annotated[list[PhotoSlot], Field(min_length=1, max_length=MAX_SLOTS)] | None = None
    """The shots by name, one photo each, all needed; instead of `min` and `max`."""


class InstructionConfig(StrictModel):
    """Something to read and acknowledge: plain text."""

    body: Annotated[str, Text(20_000)]
    """Plain text; links can be tapped."""


class BarcodeConfig(StrictModel):
    """A code to scan; all formats unless some are named."""

    formats: Annotated[list[BarcodeFormat], Field(min_length=1, max_length=7)] = list(BARCODE_FORMATS)
    """Which codes are taken."""


class DatetimeConfig(StrictModel):
    """A day, or a point in time."""

    mode: Literal["date", "datetime"] = "date"
    """`date` answers `YYYY-MM-DD`, `datetime` an RFC 3339 time in UTC."""


class NoConfig(StrictModel):
    """A type with nothing to set."""


def _photo_tag(value: Any) -> str:
    return "none" if value is False else "rule"


class Flag(StrictModel):
    """Which answers call for attention, and what the executor is then told."""

    when: OwnCondition
    """A comparison with the step's own answer, without `step`, or several joined by `and` or `or`."""
    tell: Annotated[str, Text(500)] | None = None
    """What the executor reads on the step while its answer is flagged."""


class StepBase(StrictModel):
    """What steps of all types have."""

    id: StepId
    """Unique in the template; made by the server where it is left out."""
    type: str
    """What kind of answer it takes."""
    label: Annotated[str, Text(500)]
    """The question or task."""
    hint: Annotated[str, Text(2000)] | None = None
    """More about it, in smaller letters."""
    required: bool = True
    """Whether the run can be completed without it."""
    photo: Annotated[
        Annotated[PhotoRule, Tag("rule")] | Annotated[Literal[False], Tag("none")], Discriminator(_photo_tag)
    ] = False
    """Photos beside the answer: `false`, also where it is left out, or how many. A photo step has this in `config`."""
    geo: bool = False
    """Sample the position when the step is completed; it never blocks."""
    condition: Condition | None = None
    """When the step is shown; without it, always."""
    pictures: Annotated[list[PictureId], Field(max_length=MAX_PICTURES)] = []
    """What right looks like: at most four pictures that you have uploaded, each once, shown beside the question."""
    flag: Flag | None = None
    """Which answers call for attention."""


class BooleanStep(StepBase):
    """Yes or no."""

    type: Literal["boolean"]
    config: BooleanConfig = BooleanConfig()


class ChoiceStep(StepBase):
    """One option."""

    type: Literal["choice"]
    config: ChoiceConfig


class MultiChoiceStep(StepBase):
    """Several options."""

    type: Literal["multi_choice"]
    config: MultiChoiceConfig


class TextStep(StepBase):
    """Words."""

    type: Literal["text"]
    config: TextConfig = TextConfig()


class NumberStep(StepBase):
    """A reading."""

    type: Literal["number"]
    config: NumberConfig = NumberConfig()


class RatingStep(StepBase):
    """A grade."""

    type: Literal["rating"]
    config: RatingConfig = RatingConfig()


class PhotoStep(StepBase):
    """Pictures."""

    type: Literal["photo"]
    config: PhotoConfig = PhotoConfig()


class SignatureStep(StepBase):
    """A name, drawn or typed."""

    type: Literal["signature"]
    config: NoConfig = NoConfig()


class InstructionStep(StepBase):
    """Something to read."""

    type: Literal["instruction"]
    config: InstructionConfig


class BarcodeStep(StepBase):
    """A code on a thing."""

    type: Literal["barcode"]
    config: BarcodeConfig = BarcodeConfig()


class DatetimeStep(StepBase):
    """When."""

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
]


def slots_of(step: StepBase) -> list[PhotoSlot]:
    """Return the named shots of a step; none of a step that takes photos as they come, or takes none."""
    return step.config.slots or [] if isinstance(step, PhotoStep) else []


def is_drawable(step: StepBase) -> bool:
    """Tell whether the photos of a step may be drawn on."""
    if isinstance(step, PhotoStep):
        return step.config.annotate
    return step.photo is not False and step.photo.annotate


def photo_limits(step: StepBase) -> tuple[int, int]:
    """Return the (minimum, maximum) of photos that a step takes; (0, 0) where it takes none."""
    if isinstance(step, PhotoStep):
        count = len(step.config.slots or ())
        return (count, count) if count else (step.config.min, step.config.max)
    return (0, 0) if step.photo is False else (step.photo.min, step.photo.max)
