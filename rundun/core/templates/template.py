"""The models of a template but its steps (`steps.py`); the rules between fields are in `rules.py`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rundun.core.json_types.base import FieldKind
from rundun.core.templates.steps import Step, StepBase
from rundun.core.validation import COUNTED, Integer, LanguageTag, Matching, StrictModel, Text, clean_field

MAXIMUM_BYTES = 512 * 1024
MAX_COMPARISONS_OF_STEP = 50  # the one writer evaluates each at every answer
MAX_COMPARISONS = 2000
# The greatest cost of all text searches (`contains`) of a template. One costs `max_length` × (characters of the value +
# SEARCH_START), or as much as a linear search. The worst template takes 6 ms at every answer and every read of a run.
MAX_SEARCH_COST, SEARCH_START = 25_000_000, 10
MAX_SECTIONS, MAX_STEPS, MAX_FIELDS = 100, 500, 30
SectionId = Annotated[str, Matching(r"g-[A-Za-z0-9_-]{1,32}", "must be “g-” and 1 to 32 letters, digits, “_” or “-”")]
FieldId = Annotated[str, Matching(r"f-[A-Za-z0-9_-]{1,32}", "must be “f-” and 1 to 32 letters, digits, “_” or “-”")]


class Section(StrictModel):
    """Steps under one title."""

    id: SectionId
    """Unique in the template; made by the server where it is left out."""
    title: Annotated[str, Text(200)]
    """The text that the executor reads."""
    description: Annotated[str, Text(4000)] | None = None
    """Shown below the title."""
    steps: Annotated[list[Step], Field(max_length=MAX_STEPS)]
    """The steps in the order they are asked; at most 500 in the whole template."""


class JobField(StrictModel):
    """A field of the job, with a value in each run of the template: the unit, the guest's name, the door code."""

    id: FieldId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """The text that the executor reads before the value."""
    kind: FieldKind
    """The kind of value: `address` opens the phone's maps, `phone` dials, a `secret` is hidden until it is tapped,
    shown only while the run is open, and erased when it closes."""
    required: bool = False
    """Whether a dispatch without it fails."""
    show: Literal["start", "job", "office"] = "job"
    """`start`: shown to everyone who opens the link; `job`: shown after Start; `office`: never shown on the phone."""


class Settings(StrictModel):
    """The settings of the whole checklist."""

    allow_skip: bool = False
    """Steps that are not required show Skip."""
    signature_on_complete: bool = False
    """A signature closes the run."""
    allow_unable: bool = True
    """A required step may be closed with “I can't do this” and a reason."""
    allow_remarks: bool = True
    """The executor may add a remark to any step, beside its answer, with photos."""
    executor_report: bool = False
    """Phones that took part in a run may fetch the customer's report as a PDF, for 24 hours from its completion."""
    est_minutes: Annotated[int, Integer(1, 10_000)] | None = None
    """The expected duration in minutes, shown on the start screen."""
    voice: bool = False
    """Reserved for reading the steps aloud; it changes nothing yet."""


class Execution(StrictModel):
    """The devices that may do a run, and the identity that its executor states first."""

    scope: Literal["any", "first_device"] = "any"
    """`any`: any device with the link; `first_device`: only the device that started the run."""
    identity_required: Literal["none", "name", "email", "phone"] = "none"
    """The field of their identity that the executor is asked for at Start."""


# The greatest length is that of the text it translates.
Translated = Annotated[str, AfterValidator(clean_field), COUNTED]


class Template(StrictModel):
    """A checklist as its author wrote it; the members that the server assigns (`id`, `v`, …) are stored beside it."""

    name: Annotated[str, Text(200)]
    """The name that the executor and you read."""
    description: Annotated[str, Text(4000)] | None = None
    """Shown on the start screen."""
    tags: Annotated[list[Annotated[str, Text(200)]], Field(max_length=20)] = []
    """Labels for your own use."""
    settings: Settings = Settings()
    """The settings of the whole checklist."""
    execution: Execution = Execution()
    """The devices that may do it, and the identity that is asked for."""
    sections: Annotated[list[Annotated[Section, COUNTED]], Field(max_length=MAX_SECTIONS)] | None = None
    """Steps grouped under titles. Either this or `steps`."""
    steps: Annotated[list[Step], Field(max_length=MAX_STEPS)] | None = None
    """Steps without sections."""
    fields: Annotated[list[Annotated[JobField, COUNTED]], Field(max_length=MAX_FIELDS)] = []
    """The fields of the job, with values in each run."""
    translations: dict[
        Annotated[LanguageTag, COUNTED], Annotated[dict[str, Annotated[dict[str, Translated], COUNTED]], COUNTED]
    ] = {}
    """Texts by language, then by the id of the part they belong to (`""` = the template itself), then by field."""

    def all_steps(self) -> Iterator[StepBase]:
        """Yield all steps, inside sections or not, in the order they are asked."""
        yield from self.steps or ()
        for section in self.sections or ():
            yield from section.steps
