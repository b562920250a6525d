"""Problem details (RFC 9457)."""

from typing import Annotated, Any, NotRequired, get_args

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from rundun.core.json_types.base import At, Count, MissingCode, Status
from rundun.errors import FieldErrorCode, Where

PlaceCode = Annotated[
    FieldErrorCode | MissingCode,
    WithJsonSchema({"type": "string", "enum": [*get_args(FieldErrorCode), *get_args(MissingCode)]}),
]


class PlaceJson(TypedDict):
    """One wrong place in the request, or one step that keeps the run from being completed."""

    where: Where
    """The document that `pointer` leads into: the JSON body, or an object of all parameters of the query or the path,
    or of all headers; with `steps_missing` the run, as `GET /v1/runs/{run_id}` returns it."""
    pointer: str
    """A JSON pointer (RFC 6901); empty = the whole document."""
    code: PlaceCode
    """A stable word for the kind of mistake, such as `too_long`, or for the missing part, such as `missing_photos`."""
    detail: str
    """The mistake, in a sentence."""
    step_id: NotRequired[str]
    """With `steps_missing`: the step; empty = the signature that closes the run."""
    slots: NotRequired[list[str]]
    """With `steps_missing`, of a step with slots: the ids of slots without a photo."""


class ProblemDetailsJson(TypedDict):
    """Problem details (RFC 9457)."""

    type: str
    """A page of this service, `/problems/<code>`, that explains the problem and its remedy."""
    title: str
    """The name of the problem, the same for all of this type."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The status, as in the status line."""
    detail: str
    """The reason, in a sentence."""
    code: str
    """A stable word for programs."""
    request_id: str
    """The id of the request, as in `X-Request-Id`; quote it when you ask the administrator."""
    errors: NotRequired[list[PlaceJson]]
    """All wrong places at once."""
    draft_id: NotRequired[str]
    """The draft that the template has; with `draft_exists`."""
    draft: NotRequired[dict[str, Any]]
    """The draft as it is now, as `GET /v1/templates/drafts/{draft_id}` returns it; with `version_mismatch` of one."""
    run_status: NotRequired[Status]
    """The run's status; on 410 of a closed run, and on `wrong_status` of a run."""
    closed_at: NotRequired[At]
    """When the run ended; on 410 of a closed run."""
    erased_at: NotRequired[At]
    """When the run was erased; on 410 of an erased run."""
    generation: NotRequired[Count]
    """The generation of the database, as in receipts; below `/r`, on 410 of a closed run and with `other_device`."""
    reason: NotRequired[str]
    """The reason for which a run was cancelled, if one was given; on 410, and only for a phone that did the run."""
