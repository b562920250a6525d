"""The JSON bodies of integrators as strict models, with methods that return the actions' arguments."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from rundun.core import times
from rundun.core.deliveries.webhook_url import MAX_LENGTH, Destination, normalise
from rundun.core.erasure.person import PERSON_FIELDS, Person, person
from rundun.core.runs import event
from rundun.core.runs.job import NO_JOB, PLAIN_MEMBERS, RunJob
from rundun.core.runs.run import OPEN_HOURS, DispatchRequest, Webhook
from rundun.core.templates.template import MAX_FIELDS, MAX_STEPS
from rundun.core.validation import (
    EMAIL,
    PHONE,
    Constraint,
    LanguageTag,
    Matching,
    Number,
    ParsedFrom,
    StrictModel,
    Text,
    invalid_value,
    read,
)

_ONE_LINE = Matching(r"[^\u0000\u000a-\u000d\u001c-\u001e\u0085\u2028\u2029]*", "must be one line")
_NO_NULL = Matching(r"[^\u0000]*", "must not hold the character U+0000")
MAX_HOURS = 8760


def _hours(value: float) -> float:
    if not 0 < value <= MAX_HOURS:
        raise invalid_value("out_of_range", f"must be above 0 and at most {MAX_HOURS}")
    return value


def _secret(value: str) -> str:
    if not 12 <= len(value) <= 256:
        raise invalid_value("too_short" if len(value) < 12 else "too_long", "must have 12 to 256 characters")
    if not value.isprintable():
        raise invalid_value("bad_format", "must have printable characters only")
    return value


def _time(value: str) -> str:
    if times.parse(value) is None:
        raise invalid_value("bad_format", "must be an RFC 3339 time such as 2026-01-31T09:00:00Z")
    return value


def _whole_second(value: str) -> int | None:
    at = times.parse(value)
    return None if at is None else at // times.SECOND * times.SECOND


def _url(value: Any) -> Destination:
    if not isinstance(value, str):
        raise invalid_value("wrong_type", "must be a string")
    try:
        return normalise(value)
    except ValueError as error:
        raise invalid_value("bad_format", str(error)) from None


def _event(value: str) -> str:
    if value != "*" and value not in _KNOWN_EVENTS:
        raise invalid_value("not_allowed", f"must be “*” or one of {', '.join(_KNOWN_EVENTS)}")
    return value


_KNOWN_EVENTS = (*event.EVENTS, *event.ON_REQUEST)
Hours = Annotated[Number, Constraint(_hours, {"exclusiveMinimum": 0, "maximum": MAX_HOURS})]
Time = Annotated[str, Constraint(_time, {"format": "date-time"})]
_URL_SCHEMA = {"type": "string", "format": "uri", "maxLength": MAX_LENGTH, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}
Url = Annotated[Destination, ParsedFrom(_url, _URL_SCHEMA)]  # normalised once, while the body is read
# Unprintable characters as plain ranges: controls, spaces but U+0020, invisible marks, private use. Characters that
# Unicode has not assigned are refused as well.
_UNPRINTABLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\ue000-\uf8ff\ufeff\ufff9-\ufffb"
)
Secret = Annotated[str, Constraint(_secret, {"minLength": 12, "maxLength": 256, "pattern": f"^[^{_UNPRINTABLE}]*$"})]
EventName = Annotated[str, Constraint(_event, {"enum": ["*", *_KNOWN_EVENTS]})]


class WebhookBody(StrictModel):
    """The webhook of a run: the URL to which its events are sent, and their signing."""

    url: Url
    """http or https. It is normalised once (scheme and host in lower case, no default port, `/` for an empty path); the
    normalised URL is signed, and is on the run. Forbidden addresses are refused."""
    secret: Secret | None = None
    """The HMAC key: printable characters (assigned by Unicode, and no controls, invisible marks, or spaces but U+0020),
    kept until the deliveries are settled, never shown again. Without it requests carry a digest of the body but no
    signature."""
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)] = ["*"]
    """The events to send. `*` stands for the five of a run's course, that is all but `run.started`, `run.changed` and
    `run.erased`."""

    def webhook(self) -> Webhook:
        """Return the webhook, with its URL normalised and its events named; its `destination` is not set yet."""
        return Webhook(self.url.url, self.secret, _all_named(self.events))


def _all_named(events: Sequence[str]) -> tuple[str, ...]:
    """Return the named events in a fixed order, with those of a run's course in place of `*`."""
    named = {*events, *(event.EVENTS if "*" in events else ())}
    return tuple(name for name in _KNOWN_EVENTS if name in named)


_NONE_GIVEN: Any = Field(default_factory=dict)  # pydantic makes a deep copy of a default {} for each body
_STAYS: Any = Field(default_factory=lambda: None)  # an omitted field, which a merge patch leaves unchanged


class WebhookPatch(StrictModel):
    """A merge patch (RFC 7396) of a webhook: omitted fields stay, `null` removes one."""

    url: Url = _STAYS
    """The new URL, normalised and checked as in a dispatch; required for a run without a webhook."""
    secret: Secret | None = _STAYS
    """The HMAC key of all requests from now on, of printable characters as in a dispatch; `null` = unsigned requests.
    """
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)] | None = _STAYS
    """The events to send from now on, among those that wait already as well; `null` = the default of a dispatch."""


class RunPatch(StrictModel):
    """A JSON merge patch (RFC 7396) of a run."""

    webhook: WebhookPatch | None = _STAYS
    """Changes of the webhook; `null` removes it, and deliveries that have not arrived have failed."""
    title: Annotated[str, Text(200), _ONE_LINE] | None = _STAYS
    """The title that the executor reads first, in one line; `null` removes it."""
    note: Annotated[str, Text(4000)] | None = _STAYS
    """The note that the executor reads after Start; `null` removes it."""
    due_at: Time | None = _STAYS
    """When the run should be done; not past. A time after `expires_at` moves the expiry to 24 hours after it. `null`
    removes it, and leaves the expiry."""
    fields: Annotated[dict[str, Any], Field(max_length=MAX_FIELDS)] = _STAYS
    """Values of fields of the run's own template version; others stay, `null` removes one unless it is required."""
    executor_ref: Annotated[str, Text(256, 0), _NO_NULL] | None = _STAYS
    """Your own name for this job; `null` removes it."""

    def destination(self) -> Destination | None:
        """Return the destination of the given webhook URL, to be checked first; None without a URL."""
        webhook = self.webhook
        return webhook.url if webhook and "url" in webhook.model_fields_set else None

    def changes(self) -> Mapping[str, Any]:
        """Return the given fields by name: `due_at` in milliseconds, cut to the second, None for a field to remove, the
        values in `fields` as sent, and as `webhook` its given fields by name, with the URL normalised and events named.
        """
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        if self.due_at is not None:
            changes["due_at"] = _whole_second(self.due_at)
        if self.webhook is None:
            return changes
        fields = {name: getattr(self.webhook, name) for name in self.webhook.model_fields_set}
        if "url" in fields:
            fields["url"] = fields["url"].url
        if "events" in fields:
            fields["events"] = _all_named(fields["events"] or ["*"])
        return {**changes, "webhook": fields}


class DispatchBody(StrictModel):
    """A run to be dispatched."""

    template_id: str
    """The template to be done, in its current version: later edits, or archiving it, never touch this run."""
    webhook: WebhookBody | None = None
    """The webhook for events of this run."""
    expires_in_hours: Hours | None = OPEN_HOURS
    """Hours from now until the run expires unless it was started; `null` = never. Omitted: 72, or until 24 hours after
    `due_at` if that is later."""
    executor_ref: Annotated[str, Text(256, 0), _NO_NULL] | None = None
    """Your own name for this job; it comes back on the run and in every event."""
    language: LanguageTag | None = None
    """The language in which the executor's page opens (BCP 47)."""
    title: Annotated[str, Text(200), _ONE_LINE] | None = None
    """The title that the executor reads first, in one line, such as “Beach house 3 · check-out 11:00”."""
    note: Annotated[str, Text(4000)] | None = None
    """The note that the executor reads after Start; it may have several lines."""
    due_at: Time | None = None
    """When the run should be done (RFC 3339, in whole seconds); closes nothing. Not past, at most ten years from now,
    and not after the run expires."""
    fields: Annotated[dict[str, Any], Field(max_length=MAX_FIELDS)] = _NONE_GIVEN
    """Values of the template's `fields` by their ids; `null` = none."""
    prefill: Annotated[dict[str, Any], Field(max_length=MAX_STEPS)] = _NONE_GIVEN
    """Values by step id, in the form of answers, that the executor confirms or changes; until then they are no answers.
    Photo, signature and instruction steps have none."""

    def job(self) -> RunJob:
        """Return the job of the run, with `due_at` in milliseconds, cut to the second, and values of fields as they
        were sent: secrets are still among its `fields`.
        """
        plain = {name: getattr(self, name) for name in PLAIN_MEMBERS}
        if self.due_at is not None:
            plain["due_at"] = _whole_second(self.due_at)
        job = RunJob(**plain, fields=self.fields, prefill=self.prefill)
        return NO_JOB if job == NO_JOB else job

    def order(self) -> tuple[DispatchRequest, Destination | None]:
        """Return the dispatch request, and the webhook's destination, to be checked first; None without a webhook."""
        webhook, destination = (self.webhook.webhook(), self.webhook.url) if self.webhook else (None, None)
        is_bound = "expires_in_hours" in self.model_fields_set
        request = DispatchRequest(
            self.template_id, webhook, self.expires_in_hours, self.executor_ref, self.language, self.job(), is_bound
        )
        return request, destination


class RepeatBody(RunPatch):
    """The fields of a repeated run; omitted ones are copied from the previous run."""

    webhook: WebhookPatch | None = _STAYS
    """Changes of the copied webhook; `null` = none. Its `secret` is required where it was deleted since."""
    title: Annotated[str, Text(200), _ONE_LINE] | None = _STAYS
    """The title that the executor reads first, in one line; `null` = none."""
    note: Annotated[str, Text(4000)] | None = _STAYS
    """The note that the executor reads after Start; `null` = none."""
    due_at: Time | None = None
    """When the run should be done, as in a dispatch. It is not copied."""
    fields: Annotated[dict[str, Any], Field(max_length=MAX_FIELDS)] = _STAYS
    """Values of fields of the template's current version; others are copied, `null` = none. Fields of kind `secret`
    ended with the previous run: each must be given, with a value or `null`."""
    executor_ref: Annotated[str, Text(256, 0), _NO_NULL] | None = _STAYS
    """Your own name for this job; `null` = none."""
    language: LanguageTag | None = _STAYS
    """The language in which the executor's page opens (BCP 47); `null` = none."""
    expires_in_hours: Hours | None = _STAYS
    """As in a dispatch. It is not copied. Omitted: 72, or until 24 hours after `due_at` if that is later."""
    prefill: Annotated[dict[str, Any], Field(max_length=MAX_STEPS)] = _NONE_GIVEN
    """Values by step id, as in a dispatch. They are not copied."""

    def destination_after(self, before: Webhook | None) -> Destination | None:
        """Return the destination to be checked first, the given one, else that of the copied webhook; None without."""
        is_copied = before is not None and ("webhook" not in self.model_fields_set or self.webhook is not None)
        return self.destination() or (normalise(before.url) if before and is_copied else None)


class CancelBody(StrictModel):
    """The reason for cancelling a run."""

    reason: Annotated[str, Text(2000)] | None = None
    """The reason in words, for readers of the run or the event."""


class HandledBody(StrictModel):
    """The note of an operator who dealt with a run."""

    note: Annotated[str, Text(2000)] | None = None
    """What was done about it."""


class ExtendBody(StrictModel):
    """The new expiry of a run."""

    expires_in_hours: Hours | None
    """Hours from now until the run expires, not before its present expiry; `null` = never."""


class EmptyBody(StrictModel):
    """An empty object: `{}`."""


class PersonBody(StrictModel):
    """A person, by exactly one of these fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    email: Annotated[str, Text(254), EMAIL] = _STAYS
    """The address stated at Start, in upper or lower case."""
    phone: Annotated[str, Text(40), PHONE] = _STAYS
    """The number stated at Start: its digits, with any spacing, and a plus or 00 in front."""
    name: Annotated[str, Text(200)] = _STAYS
    """The name stated at Start, with the same upper and lower case. Others may have the same name."""
    executor_ref: Annotated[str, Text(256), _NO_NULL] = _STAYS
    """Your own name for the job, if it is the same for all jobs of a person."""
    assigned_to: Annotated[str, Matching(r"u-[0-9a-f-]{36}", "must be “u-” and a UUID")] = _STAYS
    """The id that the executor of a run got at Start."""

    @model_validator(mode="after")
    def _is_one(self) -> "PersonBody":
        if len(self.model_fields_set) != 1:
            raise invalid_value("required", f"must have exactly one of {', '.join(PERSON_FIELDS)}")
        return self

    def person(self) -> Person:
        """Return the person named by the one given field."""
        (field,) = (field for field in PERSON_FIELDS if field in self.model_fields_set)
        return person(field, getattr(self, field))


RunIdText = Annotated[str, Matching(r"r-[0-9a-f-]{36}", "must be “r-” and a UUID")]


class PersonQueryBody(StrictModel):
    """The person whose runs are listed."""

    person: PersonBody
    """The person. A part of a name or of an address finds no run."""
    run_ids: Annotated[list[RunIdText], Field(min_length=1, max_length=2500)] | None = None
    """Only these of the person's runs, for example to tell two people with one name apart. Other runs are refused."""


class ErasureBody(PersonQueryBody):
    """The person whose runs are erased."""

    digest: Annotated[str, Matching("[0-9a-f]{64}", "must be a SHA-256 in small hexadecimal digits")] | None = None
    """The `digest` of the last answered list, with the same `run_ids`. Without it nothing is erased."""


def read_person(field: str, value: str) -> Person:
    """Return the person with this value in this field; raises `Invalid`."""
    return read(PersonBody, {field: value}).person()
