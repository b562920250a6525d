"""The arguments of each tool, as strict models. Assistants read the names and docstrings of their fields."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from rundun.core.json_types.base import Status
from rundun.core.validation import Integer, Matching, ParsedFrom, StrictModel, Text, invalid_value
from rundun.mcp.run_handles import PATTERN
from rundun.mcp.template_language import SHAPE

MAX_ROWS = 25  # of bounded size, so that a page fits into one result

TemplateId = Annotated[str, Matching(r"t-[0-9a-f-]{36}", "must be “t-” and a UUID, as list_templates tells it")]
DraftId = Annotated[str, Matching(r"d-[0-9a-f-]{36}", "must be “d-” and a UUID, as draft_template tells it")]
Run = Annotated[str, Matching(PATTERN, "must be a run as list_runs tells it, such as “r-1a2b3c4d”")]
DeliveryId = Annotated[str, Matching(r"dlv-[0-9a-f-]{36}", "must be “dlv-” and a UUID, as it is listed")]
Time = Annotated[str, Matching(r"[0-9TtZz:.,+-]{1,64}", "must be an RFC 3339 time, such as 2026-01-31T09:00:00Z")]
Cursor = Annotated[str, Matching(r"[A-Za-z0-9_-]{1,200}", "must be the next_cursor of the page before")]


def _parse_document(value: Any) -> Any:
    """Return the JSON value, parsed first if an assistant sent it as text; raises if the text is no JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise invalid_value("wrong_type", "must be a JSON object") from None
        except RecursionError:
            raise invalid_value("not_allowed", "is nested too deeply") from None
    return value


Document = Annotated[dict[str, Any], ParsedFrom(_parse_document, {"type": "object"})]
CheckedDocument = Annotated[dict[str, Any], ParsedFrom(_parse_document, SHAPE)]


class PageArguments(StrictModel):
    """Arguments of every list."""

    limit: Annotated[int, Integer(1, MAX_ROWS)] = 20
    """How many at most."""
    cursor: Cursor | None = None
    """The place to go on from: `next_cursor` of the page before."""


class ListTemplates(PageArguments):
    """Arguments of list_templates."""

    include_archived: bool = False
    """Include archived ones."""


class GetTemplate(StrictModel):
    """Arguments of get_template."""

    template_id: Annotated[str, Matching(r"[td]-[0-9a-f-]{36}", "must be a template_id, or a draft_id, as it is told")]
    """The template, or a draft by its `draft_id`."""
    v: Annotated[int, Integer(1, 10**9)] | None = None
    """A version of the template other than the current one."""
    section: Annotated[str, Text(200)] | None = None
    """Only this section of the template, by its id or title."""


class CheckTemplate(StrictModel):
    """Arguments of check_template."""

    template: CheckedDocument
    """The whole document, in the template language."""


class DraftTemplate(StrictModel):
    """Arguments of draft_template."""

    template: Document
    """The whole document, finished or not. Keep the ids of the parts that stay."""
    template_id: TemplateId | None = None
    """The template of which the document is a draft; left out for a new template, and beside `draft_id`."""
    v: Annotated[int, Integer(1, 10**9)] | None = None
    """The version of the template, from get_template, that you changed; it stands with `template_id`."""
    draft_id: DraftId | None = None
    """The draft that the document replaces."""
    revision: Annotated[int, Integer(1, 10**9)] | None = None
    """The revision of the draft that you changed; refused if there is a newer one. It stands with `draft_id`."""


class CreateTemplate(StrictModel):
    """Arguments of create_template."""

    template: Document
    """The whole document, as check_template found it valid."""


class ReviseTemplate(StrictModel):
    """Arguments of revise_template."""

    template_id: TemplateId
    """The template."""
    v: Annotated[int, Integer(1, 10**9)]
    """The version from get_template that you changed; refused if there is a newer one."""
    template: Document
    """The whole new document: parts you leave out are removed. Keep the ids of the parts that stay."""


class ListRuns(PageArguments):
    """Arguments of list_runs."""

    status: Status | None = None
    """Only those with this status; pending = dispatched and not started."""
    template_id: TemplateId | None = None
    """Only those of this template."""
    executor_ref: Annotated[str, Text(256)] | None = None
    """Only those with exactly this reference."""
    created_after: Time | None = None
    """RFC 3339, such as 2026-01-31T09:00:00Z."""
    created_before: Time | None = None
    """RFC 3339."""
    due_before: Time | None = None
    """Only those due before this time (RFC 3339)."""
    late: bool = False
    """Only open ones that are late."""
    missed: bool = False
    """Only those that expired before they were done, begun or not."""
    flagged: bool = False
    """Only those with an answer that calls for attention."""


class GetRun(StrictModel):
    """Arguments of get_run."""

    run: Run
    """The run."""
    only_flagged: bool = False
    """Only answers that call for attention, or steps that could not be done."""
    first_answer: Annotated[int, Integer(0, 1000)] = 0
    """The number of the first answer to show: `next_first_answer` of the result before."""


class DispatchRun(StrictModel):
    """Arguments of dispatch_run."""

    template_id: TemplateId
    """The template to execute."""
    title: Annotated[str, Text(200)] | None = None
    """What the executor reads first, in one line, such as “Beach house 3 · check-out 11:00”."""
    note: Annotated[str, Text(4000)] | None = None
    """What the executor reads after Start."""
    due_at: Time | None = None
    """When it should be done (RFC 3339, such as 2026-01-31T09:00:00Z); it closes nothing."""
    fields: dict[str, Any] = {}
    """Values of the template's `fields`, by their ids: a number as such, a date as YYYY-MM-DD, all else as text."""
    prefill: dict[str, Any] = {}
    """Answers by step id, as `eq` takes them, to confirm or change; none to a photo, signature or instruction."""
    executor_ref: Annotated[str, Text(256)] | None = None
    """Your own name for this job, to find it by."""
    language: Annotated[str, Text(35)] | None = None
    """The language in which the page opens (BCP 47)."""
    expires_in_hours: Annotated[float, Field(gt=0, le=8760)] | None = None
    """The hours within which it must be started; 72 if left out."""


class CancelRun(StrictModel):
    """Arguments of cancel_run."""

    run: Run
    """The run."""
    reason: Annotated[str, Text(2000)] | None = None
    """The reason in words, shown with the run."""


class ListFailedDeliveries(PageArguments):
    """Arguments of list_failed_deliveries."""

    status: Literal["failed", "pending"] = "failed"
    """failed = given up; pending = still being tried."""


class RetryDelivery(StrictModel):
    """Arguments of retry_delivery."""

    delivery_id: DeliveryId
    """The delivery."""
