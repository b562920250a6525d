"""Problem details (RFC 9457)."""

from typing import Annotated, NotRequired, get_args

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from rundun.core.json_types.base import At, MissingCode, Status
from rundun.errors import FieldErrorCode, Where

PlaceCode = Annotated[
    FieldErrorCode | MissingCode,
    WithJsonSchema({"type": "string", "enum": [*get_args(FieldErrorCode), *get_args(MissingCode)]}),
]


class PlaceJson(TypedDict):
    """One wrong place, or one that keeps the run from being completed."""

    where: Where
    """What the pointer leads into: the JSON body, or an object of all parameters of the query or the path, or of all
    headers; with `steps_missing` the run, as `GET /v1/runs/{run_id}` answers it."""
    pointer: str
    """RFC 6901; empty = the whole of it."""
    code: PlaceCode
    """A stable word for the kind of mistake, such as `too_long`, or for what a run lacks, such as `missing_photos`."""
    detail: str
    """A sentence."""
    step_id: NotRequired[str]
    """With `steps_missing`: the step; empty = the signature that closes the run."""
    slots: NotRequired[list[str]]
    """With `steps_missing`, of a step with slots: those that have no photo yet."""


class ProblemDetailsJson(TypedDict):
    """RFC 9457."""

    type: str
    """A page of this service, `/problems/<code>`, that says what it means and what to do."""
    title: str
    """The same for all of this type."""
    status: Annotated[int, Field(ge=400, le=599)]
    """As in the status line."""
    detail: str
    """What happened, in a sentence."""
    code: str
    """A stable word for programs."""
    request_id: str
    """As in `X-Request-Id`; quote it when you ask the administrator."""
    errors: NotRequired[list[PlaceJson]]
    """All wrong places at once."""
    run_status: NotRequired[Status]
    """On 410 of a closed run, and on `wrong_status` of a run."""
    closed_at: NotRequired[At]
    """On 410 of a closed run."""
    erased_at: NotRequired[At]
    """On 410 of an erased run."""
    reason: NotRequired[str]
    """On 410 of a cancelled run, where its integrator, operator or executor gave one; for a phone that did it."""
