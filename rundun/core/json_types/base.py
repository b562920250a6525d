"""What many answers and events consist of: ids, times, words, and small objects."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

_HEX = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def component(name: str) -> WithJsonSchema:
    """For `Annotated[dict[str, Any], …]`: a schema of the document that no TypedDict stands for."""
    return WithJsonSchema({"$component": name})


def identifier(prefix: str, example: str = "7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11") -> WithJsonSchema:
    """For `Annotated[str, …]`: an id as the server makes them."""
    return WithJsonSchema({"type": "string", "pattern": f"^{prefix}-{_HEX}$", "examples": [f"{prefix}-{example}"]})


RunId = Annotated[str, identifier("r")]
TemplateId = Annotated[str, identifier("t", "3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90")]
OrganizationId = Annotated[str, identifier("org", "b2a0e6d4-91c7-4d8e-b0a5-72f1c9d3e480")]
UserId = Annotated[str, identifier("u", "5e0d7a31-8a4f-4a4b-9d0c-1f6b2c3d4e5f")]
EventId = Annotated[str, identifier("evt", "0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d")]
DeliveryId = Annotated[str, identifier("dlv", "91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e")]
PhotoId = Annotated[str, identifier("ph", "c0ffee00-1234-4abc-8def-0123456789ab")]
PictureId = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^pic-[0-9a-f]{64}$", "examples": [f"pic-{'0c' * 32}"]})
]
StepId = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^s-[A-Za-z0-9_-]{1,32}$", "examples": ["s-kc01"]})
]
# What the wire's words are. Kept here, since those who write JSON and those who describe it both need them.
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
    """What the integrator knows a run by; on the run and in each of its events."""

    executor_ref: str | None
    """Your own name for the run."""


class ProgressJson(TypedDict):
    """Visible steps, each done one counted once."""

    total: Count
    """Visible steps."""
    answered: Count
    """Of them answered."""
    skipped: Count
    """Of them skipped."""
    unable: Count
    """Of them closed with “I can't do this”."""


class PositionJson(TypedDict):
    """Degrees WGS 84 and metres."""

    lat: float
    """Latitude."""
    lng: float
    """Longitude."""
    accuracy: float | None
    """Radius of the circle it lies in."""


class UnableJson(TypedDict):
    """“I can't do this.”"""

    reason: str
    """Why, in the executor's words."""


class IdentityJson(TypedDict):
    """Who did it: `external` with the one field that the template asked, `member` for a signed-in operator."""

    mode: Literal["anonymous", "external", "member"]
    """Who they say they are."""
    user_id: UserId | None
    """The executor's, the same for all of a run and null before Start; with `member` the operator's."""
    name: NotRequired[str]
    """Where it was asked."""
    email: NotRequired[str]
    """Where it was asked."""
    phone: NotRequired[str]
    """Where it was asked."""
