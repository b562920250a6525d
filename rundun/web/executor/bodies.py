"""The JSON bodies that an executor's phone sends: strict models, converted to the inputs of actions."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from rundun.actions.runs.execution import AnswerInput, StartInput
from rundun.actions.runs.remarks import RemarkInput
from rundun.core import times
from rundun.core.actor import Identity
from rundun.core.json_types.base import PositionJson
from rundun.core.request_bodies import Time
from rundun.core.runs.evidence import UUID, PhotoId
from rundun.core.runs.remark import MAX_PHOTOS, MAX_TEXT
from rundun.core.validation import (
    EMAIL,
    PHONE,
    Constraint,
    Integer,
    LanguageTag,
    Matching,
    Number,
    StrictModel,
    Text,
    invalid_value,
)
from rundun.errors import FieldError, Invalid

ClockSkew = Annotated[int, Integer(-4_000_000_000, 4_000_000_000)]  # a clock that was never set is in 1970


def _number_in(minimum: float, maximum: float) -> Constraint:
    def check(value: float) -> float:
        if not minimum <= value <= maximum:
            raise invalid_value("out_of_range", f"must be from {minimum:g} to {maximum:g}")
        return value

    return Constraint(check, {"minimum": minimum, "maximum": maximum})


class StartBody(StrictModel):
    """The identity given on the start screen."""

    name: Annotated[str, Text(200)] | None = None
    """Required when the template's `identity_required` is `name`."""
    email: Annotated[str, Text(254), EMAIL] | None = None
    """Required when it is `email`."""
    phone: Annotated[str, Text(40), PHONE] | None = None
    """Required when it is `phone`."""
    language: LanguageTag | None = None
    """The language of the page."""
    client_time: Time | None = None
    """The phone's time at the tap."""
    clock_skew_seconds: ClockSkew | None = None
    """The seconds by which the phone's clock is ahead of the server's, as in an answer."""

    def start(self) -> StartInput:
        """Return the input of the start: identity, language and clock skew."""
        return StartInput(Identity(self.name, self.email, self.phone), self.language, self.clock_skew_seconds)


class GeoBody(StrictModel):
    """A position: degrees WGS 84 and metres."""

    lat: Annotated[Number, _number_in(-90, 90)]
    """Latitude."""
    lng: Annotated[Number, _number_in(-180, 180)]
    """Longitude."""
    accuracy: Annotated[Number, _number_in(0, 1e8)] | None = None
    """Radius of the circle around it, in metres."""

    def position(self) -> PositionJson:
        """Return the position as it is stored: `lat` and `lng` in degrees, `accuracy` in metres or None."""
        return {"lat": self.lat, "lng": self.lng, "accuracy": self.accuracy}


class UnableBody(StrictModel):
    """The reason why a step can't be done."""

    reason: Annotated[str, Text(2000)]
    """In words."""


class AnswerBody(StrictModel):
    """One answer: a `value`, or `skipped`, or `unable`."""

    answer_id: Annotated[str, Matching(UUID, "must be a UUID")] | None = None
    """Made by the phone. An id that was applied before changes nothing, even after a newer answer: it may be
    repeated."""
    replaces: Annotated[str, Matching(UUID, "must be a UUID")] | None = None
    """The `answer_id` of the answer that its author has seen, `null` for none. If the present answer is another one
    with other content, it is `answer_changed`, and nothing changes. Left out: the present answer is replaced in any
    case."""
    value: Any = None
    """A value of the step's type; `null` for photo, signature and instruction steps."""
    skipped: bool = False
    """Only if the step is not required and the template allows it."""
    unable: UnableBody | None = None
    """“I can't do this”, if the template allows it."""
    photos: Annotated[list[PhotoId], Field(max_length=100)] | None = None
    """The photos of this answer in order, including those not uploaded yet. Left out: those that have arrived."""
    seen_photos: Annotated[list[PhotoId], Field(max_length=1000)] | None = None
    """The other photos of this step that its author knew of, including deleted ones. Photos in neither list, which
    another phone has listed or sent meanwhile, then count as well; photos named only here are left out. A skip whose
    author did not know of all photos changes nothing. Left out: `photos` are all that count."""
    missing_photos: Annotated[list[PhotoId], Field(max_length=1000)] = []
    """Beside `seen_photos`: listed photos that its author saw had not arrived, and went on without. They are no longer
    waited for, and count if they have arrived after all."""
    geo: GeoBody | None = None
    """The position of the phone."""
    answered_at: Time | None = None
    """The time of the answer, by the phone's clock, which the page corrects by the server's."""
    clock_skew_seconds: ClockSkew | None = None
    """The seconds by which the phone's clock is ahead of the server's (negative: behind), by the header `Date` of a
    live response. The run keeps the largest that was sent, from 300 on."""

    def answer_input(self) -> AnswerInput:
        """Return the input of the answer, its ids in small letters and its time in milliseconds; raises `Invalid` with
        the errors of `_contradictions`.
        """
        if errors := list(self._contradictions()):
            raise Invalid(errors)
        return AnswerInput(
            answer_id=self.answer_id and self.answer_id.lower(),
            replaces=(self.replaces or "").lower() if "replaces" in self.model_fields_set else None,
            value=self.value,
            skipped=self.skipped,
            unable=None if self.unable is None else self.unable.reason,
            photos=None if self.photos is None else tuple(self.photos),
            seen_photos=None if self.seen_photos is None else (*self.seen_photos, *self.missing_photos),
            missing_photos=frozenset(self.missing_photos),
            geo=None if self.geo is None else self.geo.position(),
            answered_at=None if self.answered_at is None else times.parse(self.answered_at),
            clock_skew_seconds=self.clock_skew_seconds,
        )

    def _contradictions(self) -> Iterator[FieldError]:
        """Yield an error for each field that contradicts another, for each photo listed twice, and for a missing value
        without skip or “I can’t”.
        """
        if "value" not in self.model_fields_set and not self.skipped and self.unable is None:
            yield FieldError("/value", "required", "is required, or skipped, or unable")
        if self.skipped and self.unable is not None:
            yield FieldError("/unable", "not_allowed", "can't stand beside skipped")
        if self.value is not None and (self.skipped or self.unable is not None):
            yield FieldError("/value", "not_allowed", "can't stand beside skipped or unable")
        if self.skipped and self.photos:
            yield FieldError("/photos", "not_allowed", "can't stand beside skipped")
        if self.skipped and self.geo:
            yield FieldError("/geo", "not_allowed", "can't stand beside skipped")
        yield from _duplicates(self.photos or ())


def _duplicates(photos: Sequence[str]) -> Iterator[FieldError]:
    for index, photo_id in enumerate(photos):
        if photo_id in photos[:index]:
            yield FieldError(f"/photos/{index}", "duplicate", "is there twice")


class RemarkBody(StrictModel):
    """A remark on a step; one without text and photos takes the present remark back."""

    remark_id: Annotated[str, Matching(UUID, "must be a UUID")]
    """Made by the phone. An id that was applied before changes nothing, even after a newer remark: it may be
    repeated."""
    replaces: Annotated[str, Matching(UUID, "must be a UUID")] | None = None
    """The `remark_id` of the remark that its author has seen, `null` for none. If the present remark has other words,
    it is `answer_changed`, and nothing changes. Left out: the present remark is replaced in any case."""
    text: Annotated[str, Text(MAX_TEXT, 0)] = ""
    """The words."""
    photos: Annotated[list[PhotoId], Field(max_length=MAX_PHOTOS)] = []
    """The photos of this remark in order, including those not uploaded yet; they are uploaded with `?remark=1`."""
    seen_photos: Annotated[list[PhotoId], Field(max_length=1000)] | None = None
    """As in an answer: the other photos of this remark that its author knew of. Photos in neither list then stay. Left
    out: `photos` are all that count."""

    def remark_input(self) -> RemarkInput:
        """Return the input of the remark, its id in small letters; raises `Invalid` for a photo listed twice."""
        if errors := list(_duplicates(self.photos)):
            raise Invalid(errors)
        seen = None if self.seen_photos is None else tuple(self.seen_photos)
        replaces = (self.replaces or "").lower() if "replaces" in self.model_fields_set else None
        return RemarkInput(self.remark_id.lower(), self.text, tuple(self.photos), seen, replaces)


class PhotoBody(StrictModel):
    """The parameters in the path of an upload, read as strictly as a body."""

    photo_id: PhotoId
