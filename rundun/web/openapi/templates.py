"""/v1/templates in the document."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rundun.core.template import Template
from rundun.web.openapi.answers import TemplateRecord
from rundun.web.openapi.lists import list_of
from rundun.web.openapi.operation import Answer, Operation, Subject
from rundun.web.openapi.samples import TEMPLATE, TEMPLATE_RECORD
from rundun.web.openapi.told import At, OrganizationId, TemplateId
from rundun.web.queries import ListQuery, TemplateQuery, TemplatesQuery


class TemplateRevision(Template):
    """A template as it is to be from now on. What the server assigned may be sent back unchanged."""

    id: TemplateId = None  # type: ignore[assignment]
    """As it was answered."""
    v: Annotated[int, Field(ge=1)] = None  # type: ignore[assignment]
    """As it was answered."""
    org_id: OrganizationId = None  # type: ignore[assignment]
    """As it was answered."""
    created_at: At = None  # type: ignore[assignment]
    """As it was answered."""
    updated_at: At = None  # type: ignore[assignment]
    """As it was answered."""
    archived_at: At | None = None
    """As it was answered."""


SENT_AS = {
    "Template": "TemplateDraft",
    "TemplateRevision": "TemplateRevisionDraft",
}  # ids may be left out there
_OF_TEMPLATE = {"template_id": "$response.body#/id"}

SUBJECT = Subject(
    "Templates",
    "A template is a checklist, kept in versions. Runs under way keep the version they were dispatched with.",
    [
        Operation(
            "POST /v1/templates",
            "createTemplate",
            "Make a template",
            "Either `sections` or `steps`, with at least one step. Ids of sections, steps and options may be left out. "
            "Whatever is wrong is answered at once, each place with its pointer. At most 512 KiB.",
            {
                201: Answer(
                    "The template as it is kept.",
                    TemplateRecord,
                    TEMPLATE_RECORD,
                    ("ETag", "Location"),
                    {
                        "GetTemplate": ("getTemplate", _OF_TEMPLATE),
                        "ReviseTemplate": ("reviseTemplate", _OF_TEMPLATE),
                        "ArchiveTemplate": ("archiveTemplate", _OF_TEMPLATE),
                        "ListTemplateVersions": ("listTemplateVersions", _OF_TEMPLATE),
                    },
                )
            },
            body=Template,
            example=TEMPLATE,
        ),
        Operation(
            "GET /v1/templates",
            "listTemplates",
            "List templates",
            "Each in its current version, the newest template first.",
            {200: Answer("A page of templates.", list_of(TemplateRecord), headers=("Link",))},
            query=TemplatesQuery,
        ),
        Operation(
            "GET /v1/templates/{template_id}",
            "getTemplate",
            "Read a template",
            "As it is now, or as it was in version `v`.",
            {
                200: Answer("The template.", TemplateRecord, TEMPLATE_RECORD, ("ETag",)),
                304: Answer("It is as you have it.", headers=("ETag",)),
            },
            query=TemplateQuery,
            headers=("If-None-Match",),
        ),
        Operation(
            "PUT /v1/templates/{template_id}",
            "reviseTemplate",
            "Revise a template",
            "Makes the next version, for runs dispatched from now on; an archived template comes back. The same "
            "content again makes none, and keeps the ids of what is sent without. Get it, edit it, and put it back "
            "with `If-Match`, and nobody's change is lost.",
            {200: Answer("The template as it is kept.", TemplateRecord, TEMPLATE_RECORD, ("ETag",))},
            headers=("If-Match",),
            body=TemplateRevision,
            example=TEMPLATE,
            problems=("version_mismatch",),
        ),
        Operation(
            "DELETE /v1/templates/{template_id}",
            "archiveTemplate",
            "Archive a template",
            "No more runs are dispatched from it. It can still be read, and a `PUT` brings it back.",
            {204: Answer("It is archived.")},
        ),
        Operation(
            "GET /v1/templates/{template_id}/versions",
            "listTemplateVersions",
            "List a template's versions",
            "All of them, the newest first.",
            {200: Answer("A page of versions.", list_of(TemplateRecord), headers=("Link",))},
            query=ListQuery,
        ),
    ],
)
