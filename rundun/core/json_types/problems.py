"""Problem details (RFC 9457)."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from rundun.core.json_types.base import At
from rundun.core.progress import MissingCode
from rundun.errors import FieldErrorCode


class PlaceJson(TypedDict):
    """One wrong place."""

    pointer: str
    """RFC 6901, into the body or the query; empty = the whole of it."""
    code: FieldErrorCode
    """What kind of mistake."""
    detail: str
    """A sentence."""


class MissingJson(TypedDict):
    """One step that keeps the run from being completed."""

    step_id: str
    """The step; empty = the signature that closes the run."""
    code: MissingCode
    """What it lacks."""
    detail: str
    """A sentence."""
    slots: NotRequired[list[str]]
    """Of a step with slots those that have no photo yet."""


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
    errors: NotRequired[list[PlaceJson | MissingJson]]
    """All wrong places at once."""
    run_status: NotRequired[Literal["completed", "cancelled", "expired"]]
    """On 410 of a closed run."""
    closed_at: NotRequired[At]
    """On 410 of a closed run."""
    erased_at: NotRequired[At]
    """On 410 of an erased run."""
    reason: NotRequired[str]
    """On 410 of a cancelled run, where its integrator, operator or executor gave one; for a phone that did it."""
