"""The template language: what a checklist may say; its steps are in `steps.py`, rules between fields in
`rules.py`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rundun.core.json_types.base import FieldKind
from rundun.core.templates.steps import Step, StepBase
from rundun.core.validation import Integer, LanguageTag, Matching, StrictModel, Text, clean_field

MAXIMUM_BYTES = 512 * 1024
MAX_COMPARISONS_OF_STEP = 50  # each is made anew at every answer, by the one writer
MAX_COMPARISONS = 2000
# What searching texts (`contains`) may cost together: of each, `max_length` × (characters of the value + SEARCH_START),
# or what a linear search costs. At the worst that are 6 ms at every answer and every look at a run.
MAX_SEARCH_COST, SEARCH_START = 25_000_000, 10
MAX_SECTIONS, MAX_STEPS, MAX_FIELDS = 100, 500, 30
SectionId = Annotated[str, Matching(r"g-[A-Za-z0-9_-]{1,32}", "must be “g-” and 1 to 32 letters, digits, “_” or “-”")]
FieldId = Annotated[str, Matching(r"f-[A-Za-z0-9_-]{1,32}", "must be “f-” and 1 to 32 letters, digits, “_” or “-”")]


class Section(StrictModel):
    """Steps under one title."""

    id: SectionId
    """Unique in the template; made by the server where it is left out."""
    title: Annotated[str, Text(200)]
    """What the executor reads."""
    description: Annotated[str, Text(4000)] | None = None
    """Shown below the title."""
    steps: Annotated[list[Step], Field(max_length=MAX_STEPS)]
    """In the order they are asked; at most 500 in the whole template."""


class JobField(StrictModel):
    """Something that each run of the template can say of its job: the unit, the guest's name, the door code."""

    id: FieldId
    """Unique in the template; made by the server where it is left out."""
    label: Annotated[str, Text(200)]
    """What the executor reads before the value."""
    kind: FieldKind
    """What it is: `address` opens the phone's maps, `phone` dials, a `secret` is hidden until it is tapped, is shown
    only while the run is open, and erased when it closes."""
    required: bool = False
    """Whether a dispatch without it fails."""
    show: Literal["start", "job", "office"] = "job"
    """To whom: `start` to whoever opens the link, `job` to who has tapped Start, `office` never on the phone."""


class Settings(StrictModel):
    """How the whole checklist behaves."""

    allow_skip: bool = False
    """Steps that are not required show Skip."""
    signature_on_complete: bool = False
    """A signature closes the run."""
    allow_unable: bool = True
    """A required step may be closed with “I can't do this” and a reason."""
    allow_remarks: bool = True
    """The executor may note something on any step, beside its answer, with photos."""
    est_minutes: Annotated[int, Integer(1, 10_000)] | None = None
    """How long it takes, shown on the start screen."""
    voice: bool = False
    """Reserved for reading the steps aloud; it changes nothing yet."""


class Execution(StrictModel):
    """Who may do it, and what they say of themselves first."""

    scope: Literal["any", "first_device"] = "any"
    """`any`: whoever holds the link, on any device; `first_device`: only the one that started."""
    identity_required: Literal["none", "name", "email", "phone"] = "none"
    """What the executor is asked at Start."""


Translated = Annotated[str, AfterValidator(clean_field)]  # how long it may be depends on what it translates


class Template(StrictModel):
    """A checklist as its author wrote it; what the server assigns (`id`, `v`, …) is kept beside it."""

    name: Annotated[str, Text(200)]
    """What the executor and you read."""
    description: Annotated[str, Text(4000)] | None = None
    """Shown on the start screen."""
    tags: Annotated[list[Annotated[str, Text(200)]], Field(max_length=20)] = []
    """For your own order."""
    settings: Settings = Settings()
    """How the whole checklist behaves."""
    execution: Execution = Execution()
    """Who may do it."""
    sections: Annotated[list[Section], Field(max_length=MAX_SECTIONS)] | None = None
    """Steps under titles. Either this or `steps`."""
    steps: Annotated[list[Step], Field(max_length=MAX_STEPS)] | None = None
    """Steps without sections."""
    fields: Annotated[list[JobField], Field(max_length=MAX_FIELDS)] = []
    """What each run says of its job."""
    translations: dict[LanguageTag, dict[str, dict[str, Translated]]] = {}
    """Texts by language, then by the id of what they belong to (`""` = the template itself), then by field."""

    def all_steps(self) -> Iterator[StepBase]:
        """List every step, in the order a person meets them."""
        yield from self.steps or ()
        for section in self.sections or ():
            yield from section.steps
