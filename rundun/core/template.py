"""The template language: what a checklist may say. Cross-field rules stand in `rules.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag

from rundun.core.condition import Condition
from rundun.core.shape import Integer, Language, Matching, Number, Shape, Text, normal

MAXIMUM_BYTES = 512 * 1024
MOST_COMPARISONS_OF_STEP = 50  # each is made anew at every answer, by the one writer
MOST_COMPARISONS = 2000
MOST_SECTIONS, MOST_STEPS, MOST_OPTIONS = 100, 500, 200
BarcodeFormat = Literal["qr_code", "code_128", "code_39", "ean_13", "upc_a", "data_matrix", "pdf417"]
BARCODE_FORMATS: tuple[BarcodeFormat, ...] = get_args(BarcodeFormat)

SectionId = Annotated[
    str, Matching(r"g-[A-Za-z0-9_-]{1,32}", "must be “g-” and 1 to 32 letters, digits, “_” or “-”")
]
StepId = Annotated[
    str, Matching(r"s-[A-Za-z0-9_-]{1,32}", "must be “s-” and 1 to 32 letters, digits, “_” or “-”")
]
OptionId = Annotated[
    str, Matching(r"o-[A-Za-z0-9_-]{1,32}", "must be “o-” and 1 to 32 letters, digits, “_” or “-”")
]


class Option(Shape):
    """One thing to choose."""

    id: OptionId
    label: Annotated[str, Text(200)]


class PhotoRule(Shape):
    """Photos asked on a step of any type."""

    min: Annotated[int, Integer(0, 10)] = 0
    max: Annotated[int, Integer(1, 10)] = 10
    annotate: bool = False


class BooleanConfig(Shape):
    """Two words for yes and no."""

    true_label: Annotated[str, Text(200)] | None = None
    false_label: Annotated[str, Text(200)] | None = None


class ChoiceConfig(Shape):
    """One of several options."""

    options: Annotated[list[Option], Field(min_length=1, max_length=MOST_OPTIONS)]


class MultiChoiceConfig(Shape):
    """Some of several options."""

    options: Annotated[list[Option], Field(min_length=1, max_length=MOST_OPTIONS)]
    min_selected: Annotated[int, Integer(0, 200)] = 0
    max_selected: Annotated[int, Integer(1, 200)] | None = None


class TextConfig(Shape):
    """Free text of at most `max_length` code points."""

    multiline: bool = False
    max_length: Annotated[int, Integer(1, 20_000)] = 2000
    placeholder: Annotated[str, Text(200)] | None = None


class NumberConfig(Shape):
    """A number in a range, with at most `decimals` digits after the point."""

    min: Number | None = None
    max: Number | None = None
    decimals: Annotated[int, Integer(0, 6)] | None = None
    unit: Annotated[str, Text(40)] | None = None


class RatingConfig(Shape):
    """A whole number from `min` to `max`."""

    min: Annotated[int, Integer(0, 9)] = 1
    max: Annotated[int, Integer(1, 10)] = 5
    min_label: Annotated[str, Text(200)] | None = None
    max_label: Annotated[str, Text(200)] | None = None


class PhotoConfig(Shape):
    """Photos that are the answer."""

    min: Annotated[int, Integer(1, 10)] = 1
    max: Annotated[int, Integer(1, 10)] = 10
    annotate: bool = False
    allow_gallery: bool = True


class InstructionConfig(Shape):
    """Something to read and acknowledge: plain text."""

    body: Annotated[str, Text(20_000)]


class BarcodeConfig(Shape):
    """A code to scan; all formats unless some are named."""

    formats: Annotated[list[BarcodeFormat], Field(min_length=1, max_length=7)] = list(BARCODE_FORMATS)


class DatetimeConfig(Shape):
    """A day, or a point in time."""

    mode: Literal["date", "datetime"] = "date"


class NoConfig(Shape):
    """A type with nothing to set."""


def _photo_tag(value: Any) -> str:
    return "none" if value is False else "rule"


class StepBase(Shape):
    """What steps of all types have."""

    id: StepId
    type: str
    label: Annotated[str, Text(500)]
    hint: Annotated[str, Text(2000)] | None = None
    required: bool = True
    photo: Annotated[
        Annotated[PhotoRule, Tag("rule")] | Annotated[Literal[False], Tag("none")], Discriminator(_photo_tag)
    ] = False
    geo: bool = False
    condition: Condition | None = None


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


class Section(Shape):
    """Steps under one title."""

    id: SectionId
    title: Annotated[str, Text(200)]
    description: Annotated[str, Text(4000)] | None = None
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS)]


class Settings(Shape):
    """How the whole checklist behaves."""

    allow_skip: bool = False
    signature_on_complete: bool = False
    allow_unable: bool = True
    est_minutes: Annotated[int, Integer(1, 10_000)] | None = None
    voice: bool = False


class Execution(Shape):
    """Who may do it, and what they say of themselves first."""

    scope: Literal["any", "first_device"] = "any"
    identity_required: Literal["none", "name", "email", "phone"] = "none"


Translated = Annotated[str, AfterValidator(normal)]  # how long it may be depends on what it translates


class Template(Shape):
    """A checklist as its author wrote it; what the server assigns (`id`, `v`, …) is kept beside it."""

    name: Annotated[str, Text(200)]
    description: Annotated[str, Text(4000)] | None = None
    tags: Annotated[list[Annotated[str, Text(200)]], Field(max_length=20)] = []
    settings: Settings = Settings()
    execution: Execution = Execution()
    sections: Annotated[list[Section], Field(max_length=MOST_SECTIONS)] | None = None
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS)] | None = None
    translations: dict[Language, dict[str, dict[str, Translated]]] = {}

    def all_steps(self) -> Iterator[StepBase]:
        """Every step, in the order a person meets them."""
        yield from self.steps or ()
        for section in self.sections or ():
            yield from section.steps


def photo_limits(step: StepBase) -> tuple[int, int]:
    """(least, most) photos `step` takes; (0, 0) where it takes none."""
    if isinstance(step, PhotoStep):
        return step.config.min, step.config.max
    if step.photo is False:
        return 0, 0
    return step.photo.min, step.photo.max
