"""Query parameters as strict models: all unknown and wrong ones are reported at once, as for fields of a body."""

import base64
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import field_validator
from starlette.requests import Request

from rundun.core import times
from rundun.core.runs.evidence import PhotoId
from rundun.core.runs.report import ReportOptions
from rundun.core.runs.run import STATUSES
from rundun.core.runs.search_text import MAX_LENGTH
from rundun.core.templates.steps import SlotId
from rundun.core.validation import LanguageTag, ParsedFrom, StrictModel, Text, invalid_value, read
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import END, Page, PageRequest
from rundun.web.http.problems import Json

Q = TypeVar("Q", bound=StrictModel)


def query(model: type[Q], request: Request) -> Q:
    """Return the query of `request` as `model`; raises `Invalid` with every wrong parameter. Parameters in
    `model.repeated` may occur several times; of others the last occurrence counts.
    """
    given = request.query_params
    repeated = {name: given.getlist(name) for name in getattr(model, "repeated", ()) if name in given}
    return read(model, {**given, **repeated}, "query")


def _integer_in(minimum: int, maximum: int) -> ParsedFrom:
    def check(value: str) -> int:
        if not re.fullmatch(r"\d{1,16}", value, re.ASCII) or not minimum <= int(value) <= maximum:
            raise invalid_value("out_of_range", f"must be a whole number from {minimum} to {maximum}")
        return int(value)

    return ParsedFrom(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _second(value: str) -> int:
    at = times.parse(value)
    if at is None:
        raise invalid_value("bad_format", "must be an RFC 3339 time such as 2026-01-31T09:00:00Z")
    return at // times.SECOND * times.SECOND


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise invalid_value("not_allowed", "must be true or false")
    return bool(value == "true")


def _decimal(value: str) -> float:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,18})?", value, re.ASCII):
        raise invalid_value("wrong_type", "must be a decimal number")
    return float(value)


# Cursors are base64url of `<number>.<number>` and of `evt <number>`. The patterns say so in the OpenAPI document, in
# the alphabet of base64: three digits are four characters, each from a small set, and the point stands in the first,
# second or third place of its three. They allow all numbers of up to 15 digits, and only what is taken.
_DIGITS = 17
_FIRST, _SECOND, _THIRD = "(?:[MN][DTjz]|O[DT])", "[AEIMQUYcgk]", "[w-z0-5]"
_THREE = f"{_FIRST}{_SECOND}{_THIRD}"
_LESS = f"(?:[MN][AQgw]|O[AQ]|{_FIRST}{_SECOND})"  # one digit or two, at the end
_MORE = f"(?:{_THREE}){{0,4}}{_LESS}?"
CURSOR_PATTERN = (
    f"^(?:(?:{_THREE}){{1,5}}Lj{_SECOND}(?:{_THIRD}{_MORE})?"
    f"|(?:{_THREE}){{0,5}}(?:(?:[MN][CSiy]|O[CS])4{_THIRD}{_MORE}"
    f"|{_FIRST}{_SECOND}u(?:(?:{_THREE}){{1,5}}{_LESS}?|{_LESS})))$"
)
EVENT_CURSOR_PATTERN = f"^ZXZ0ID{_SECOND}(?:{_THIRD}{_MORE})?$"


def list_cursor(first: int, second: int) -> str:
    """Return the opaque cursor of a list entry with these two sort keys."""
    return _encode(f"{first}.{second}")


def event_cursor(number: int) -> str:
    """Return the opaque cursor of the event with this number."""
    return _encode(f"evt {number}")


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    """Return the text of a cursor; an empty text unless `cursor` is exactly what `_encode` makes of it."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        return ""
    return text if _encode(text) == cursor else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def _list_position(value: str) -> tuple[int, ...]:
    first, _, second = _decode(value).partition(".")
    if not (_is_number(first) and _is_number(second)):
        raise invalid_value("bad_format", "is not a cursor of this list")
    return int(first), int(second)


def _event_number(value: str) -> int:
    kind, _, number = _decode(value).partition(" ")
    if kind != "evt" or not _is_number(number):
        raise invalid_value("bad_format", "is not a cursor of events")
    return int(number)


def _statuses(values: Sequence[str]) -> tuple[str, ...] | None:
    if any(value not in STATUSES for value in values):
        raise invalid_value("not_allowed", f"must be one of {', '.join(STATUSES)}, and may be given several times")
    chosen = tuple(status for status in STATUSES if status in values)
    return None if chosen == STATUSES else chosen


Statuses = Annotated[
    tuple[str, ...] | None,
    ParsedFrom(_statuses, {"type": "array", "items": {"type": "string", "enum": list(STATUSES)}, "minItems": 1}),
]
Time = Annotated[int, ParsedFrom(_second, {"type": "string", "format": "date-time"})]
Boolean = Annotated[bool, ParsedFrom(_boolean, {"type": "boolean"})]
Cursor = Annotated[tuple[int, ...], ParsedFrom(_list_position, {"type": "string", "pattern": CURSOR_PATTERN})]
EventCursor = Annotated[int, ParsedFrom(_event_number, {"type": "string", "pattern": EVENT_CURSOR_PATTERN})]


def _decimal_in(minimum: float, maximum: float) -> ParsedFrom:
    """Return the check of a decimal number's syntax. The range is for the document; `GeoBody` checks it."""
    return ParsedFrom(_decimal, {"type": "number", "minimum": minimum, "maximum": maximum})


class ListQuery(StrictModel):
    """The parameters of every list."""

    limit: Annotated[int, _integer_in(1, 100)] = 25
    """The maximum number of entries."""
    cursor: Cursor = (END, END)
    """`next_cursor` of the previous page. Left out: the first page."""

    def page_request(self) -> PageRequest:
        """Return the request for a page of the list: at most `limit` entries behind the `cursor`."""
        return PageRequest(self.limit, self.cursor)


class RunFilterQuery(StrictModel):
    """The filter of runs. Times are compared in whole seconds, as they are shown."""

    repeated: ClassVar[tuple[str, ...]] = ("status",)

    status: Statuses = None
    """Only runs with this status. May be given several times: runs with any of these."""
    template_id: str | None = None
    """Only runs of this template."""
    executor_ref: Annotated[str, Text(256, 0)] | None = None
    """Only runs with exactly this `executor_ref`."""
    created_after: Time | None = None
    """Only runs made after this time, in whole seconds."""
    created_before: Time | None = None
    """Only runs made before this time."""
    updated_after: Time | None = None
    """Only runs changed after this time, in whole seconds, the last changed first."""
    due_before: Time | None = None
    """Only runs due before this time, the last due first."""
    late: Boolean = False
    """Only open runs that are late, the most recently due first."""
    missed: Boolean = False
    """Only runs that expired before they were done, started or not."""
    flagged: Boolean = False
    """Only runs with a step that calls for attention."""
    q: Annotated[str, Text(MAX_LENGTH)] | None = None
    """Only runs with this text in the title, reference, fields, or the executor's name, e-mail address or phone number,
    or with this as the receipt's number. Case and accents do not matter. A text under three characters matches the
    beginnings of words."""

    def filter(self, now: int) -> RunFilter:
        """Return the filter of runs at `now`; its times are in milliseconds, the lower bounds at the end of their
        second.
        """
        after, updated_after = (
            None if second is None else second + times.SECOND - 1 for second in (self.created_after, self.updated_after)
        )
        return RunFilter(
            self.status[0] if self.status and len(self.status) == 1 else self.status,
            self.template_id,
            self.executor_ref,
            after,
            self.created_before,
            late_at=now if self.late else None,
            due_before=self.due_before,
            updated_after=updated_after,
            is_missed=self.missed,
            is_flagged=self.flagged,
            q=self.q,
        )


class RunsQuery(RunFilterQuery, ListQuery):
    """The query of GET /v1/runs."""


class AnswersQuery(RunFilterQuery):
    """The query of GET /v1/answers."""

    template_id: str
    """The id of the template; its runs are the rows."""
    format: Literal["csv", "jsonl"] = "csv"
    """`csv`: a row a run, a column a step; `jsonl`: a line of JSON a run, its record without the template."""
    headings: Literal["ids", "labels"] = "ids"
    """The headings of CSV: the ids of fields and steps, or their labels."""
    language: LanguageTag | None = None
    """The language of labels and options (BCP 47), as far as they are translated; left out: the author's."""
    remarks: Boolean = False
    """A column more for each step, with the remark, in CSV."""
    flags: Boolean = False
    """A column more for each step, which says whether it calls for attention, in CSV."""
    times: Boolean = False
    """A column more for each step, with the time of its answer, in CSV."""
    positions: Boolean = False
    """A column more for each step, with the position of its answer, in CSV."""


class TemplatesQuery(ListQuery):
    """The query of GET /v1/templates."""

    include_archived: Boolean = False
    """Also list archived templates."""


class TemplateQuery(StrictModel):
    """The query of GET /v1/templates/{template_id}."""

    v: Annotated[int, _integer_in(1, 10**9)] | None = None
    """A version other than the current one."""


class ReportQuery(ReportOptions):
    """The options of a run's report, and its language. `fields` and `without` may be given several times."""

    repeated: ClassVar[tuple[str, ...]] = ("fields", "without")
    _parse_ticks = field_validator("photos", "remarks", "positions", "names", "signature", mode="before")(_boolean)

    language: LanguageTag = "en"
    """The language of the report (BCP 47), and of the checklist as far as it is translated."""


class EventsQuery(StrictModel):
    """The query of GET /v1/events and GET /v1/runs/{run_id}/events."""

    after: EventCursor = 0
    """The cursor of the last event you have. Left out: events from the oldest kept one on."""
    wait: Annotated[int, _integer_in(0, 30)] = 0
    """Seconds to wait for an event when there is none."""
    limit: Annotated[int, _integer_in(1, 100)] = 25
    """The maximum number of events."""


class StateQuery(StrictModel):
    """The query of GET /r/{run_id}/state."""

    since: Annotated[int, _integer_in(0, 10**15 - 1)] | None = None
    """The revision you have. The response is 304 while it is the current one."""
    generation: Annotated[int, _integer_in(0, 2**53 - 1)] | None = None
    """The generation of the database that `since` is from. The response is 304 only while it is the current one, too;
    left out, it is not compared."""


class PhotoQuery(StrictModel):
    """The query of PUT …/photos/{photo_id}: the photo's properties given by the phone."""

    source: Literal["camera", "gallery"] | None = None
    """The source of the picture."""
    taken_at: Time | None = None
    """The time at which the photo was taken. Left out: the time in the EXIF data, by its offset or in GPS time."""
    taken_at_from: Literal["camera", "exif", "exif_local"] | None = None
    """The source of `taken_at`: the clock of the phone that took the photo, its EXIF data, or a local time in these,
    read in the phone's time zone. A time in the future or before 1990 from one of these is ignored. Left out: `camera`
    if `source` is. Has no effect without `taken_at`."""
    annotated_from: PhotoId | None = None
    """The photo of this step that was drawn on to make this one, stored or still to come; it must not be made from this
    one. It is kept beside this photo and no longer counts for `max`. Its source, time and place replace those given
    for this photo."""
    lat: Annotated[float, _decimal_in(-90, 90)] | None = None
    """Latitude in degrees, without an exponent; comes together with `lng`."""
    lng: Annotated[float, _decimal_in(-180, 180)] | None = None
    """Longitude in degrees, without an exponent; comes together with `lat`."""
    accuracy: Annotated[float, _decimal_in(0, 1e8)] | None = None
    """Radius in metres, without an exponent; with `lat` and `lng` only."""
    remark: Literal["1"] | None = None
    """The photo belongs to the step's remark, not to its answer."""
    slot: SlotId | None = None
    """The step's slot that the photo was taken for; required if the step has slots."""


class SignatureQuery(StrictModel):
    """The query of PUT …/signature."""

    typed_name: Annotated[str, Text(200)] | None = None
    """The name, if it was typed rather than drawn."""


def next_cursor(page: Page[Any]) -> str | None:
    """Return the cursor of the next page, None after the last."""
    if page.next_before is None:
        return None
    first, second = (0, *page.next_before)[-2:]
    return list_cursor(first, second)


def list_json(request: Request, page: Page[Any], data: list[bytes]) -> Json:
    """Return the response of a list; `data` are its entries as JSON. `Link: rel="next"` (RFC 8288) leads to more."""
    cursor = next_cursor(page)
    headers = next_link(request, cursor=cursor) if cursor else {}
    more, token = (b"true", f'"{cursor}"'.encode()) if cursor else (b"false", b"null")
    content = b'{"data":[' + b",".join(data) + b'],"has_more":' + more + b',"next_cursor":' + token + b"}"
    return Json(content, headers=headers)


def next_link(request: Request, **changed: str) -> dict[str, str]:
    """Return a dict with the `Link` header to the next page: this path and query, with `changed` in the query."""
    following = request.url.include_query_params(**changed)
    return {"link": f'<{following.path}?{following.query}>; rel="next"'}


def is_current(request: Request, tag: str) -> bool:
    """Tell whether `If-None-Match` names the entity tag `tag` (RFC 9110 section 13.1.2: weakly compared, a list, *)."""
    tags = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return "*" in tags or tag in tags
