"""Parts of many responses and events: ids, times, words, and small objects."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

_HEX = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def component(name: str) -> WithJsonSchema:
    """Return an annotation that refers to schema `name` of the document, for `Annotated[dict[str, Any], …]`."""
    return WithJsonSchema({"$component": name})


def identifier(prefix: str, example: str = "7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11") -> WithJsonSchema:
    """Return an annotation for ids made by the server, `prefix-UUID`, for `Annotated[str, …]`."""
    return WithJsonSchema({"type": "string", "pattern": f"^{prefix}-{_HEX}$", "examples": [f"{prefix}-{example}"]})


RunId = Annotated[str, identifier("r")]
TemplateId = Annotated[str, identifier("t", "3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90")]
DraftId = Annotated[str, identifier("d", "6b0e2f4d-8a1c-4e3b-9d57-2c4a6e8f0b1d")]
OrganizationId = Annotated[str, identifier("org", "b2a0e6d4-91c7-4d8e-b0a5-72f1c9d3e480")]
UserId = Annotated[str, identifier("u", "5e0d7a31-8a4f-4a4b-9d0c-1f6b2c3d4e5f")]
EventId = Annotated[str, identifier("evt", "0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d")]
DeliveryId = Annotated[str, identifier("dlv", "91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e")]
ShareId = Annotated[str, identifier("shr", "4f6a8b1c-0d2e-4a35-8b7c-9d1e2f3a4b5c")]
PhotoId = Annotated[str, identifier("ph", "c0ffee00-1234-4abc-8def-0123456789ab")]
PictureId = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^pic-[0-9a-f]{64}$", "examples": [f"pic-{'0c' * 32}"]})
]
StepId = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^s-[A-Za-z0-9_-]{1,32}$", "examples": ["s-kc01"]})
]
# The wire's words: the writers of JSON and the OpenAPI document both need them.
Status = Literal["pending", "in_progress", "completed", "cancelled", "expired"]
By = Literal["executor", "integrator", "operator"]
MissingCode = Literal["missing_answer", "missing_photos", "missing_signature"]
BarcodeFormat = Literal["qr_code", "code_128", "code_39", "ean_13", "upc_a", "data_matrix", "pdf417"]
FieldKind = Literal["text", "number", "date", "phone", "email", "url", "address", "secret"]
At = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
            "examples": ["2026-03-02T09:15:00Z"],
        }
    ),
]
Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
Sha256 = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
# One type each: generators of clients take null in a longer list of types for an object.
Value = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {"type": "string"},
                {"type": "number"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "null"},
            ]
        }
    ),
]


# Generators of clients know neither the bare type null nor constants that are no strings: members that are always null,
# true or 1 are described with the type that they could have.
NoText = Annotated[None, WithJsonSchema({"type": ["string", "null"]})]
NoNumber = Annotated[None, WithJsonSchema({"type": ["integer", "null"]})]
Yes = Annotated[Literal[True], WithJsonSchema({"type": "boolean"})]
Once = Annotated[Literal[1], WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1})]


class ReferenceJson(TypedDict):
    """The integrator's reference, on a run and in each of its events."""

    executor_ref: str | None
    """Your own name for the run."""


class ProgressJson(TypedDict):
    """Counts of visible steps; each done step is in one of three counts."""

    total: Count
    """All visible steps."""
    answered: Count
    """Answered steps."""
    skipped: Count
    """Skipped steps."""
    unable: Count
    """Steps closed with “I can't do this”."""


class PositionJson(TypedDict):
    """A position (WGS 84)."""

    lat: float
    """Latitude in degrees."""
    lng: float
    """Longitude in degrees."""
    accuracy: float | None
    """Radius in metres of the circle around the true position; null = unknown."""


class UnableJson(TypedDict):
    """A step closed with “I can't do this”."""

    reason: str
    """The reason, in the executor's words."""


class IdentityJson(TypedDict):
    """The identity that an executor stated, or a signed-in operator."""

    mode: Literal["anonymous", "external", "member"]
    """`external`: an executor with the one field that the template asked for; `member`: a signed-in operator."""
    user_id: UserId | None
    """The executor's id, the same for all of a run and null before Start; with `member` the operator's."""
    name: NotRequired[str]
    """Present where the template asked for it."""
    email: NotRequired[str]
    """Present where the template asked for it."""
    phone: NotRequired[str]
    """Present where the template asked for it."""
