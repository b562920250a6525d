"""Templates and their pictures, as `/v1` returns them."""

from typing import Literal

from typing_extensions import TypedDict

from rundun.core.json_types import base


class TemplateRecordJson(TypedDict):  # beside these members stand the author's own, see core/templates/template.py
    """A version of a template as its author wrote it (left-out members are missing), with members of the server's."""

    id: base.TemplateId
    """The template's id, the same for all versions."""
    v: base.Positive
    """The number of the version: 1, 2, 3 …"""
    org_id: base.OrganizationId
    """The organization that owns it."""
    created_at: base.At
    """When the first version was created."""
    updated_at: base.At
    """When this version was created."""
    archived_at: base.At | None
    """When it was archived: since then no run can be dispatched from it."""


class PictureJson(TypedDict):
    """A picture that steps of templates can show."""

    picture_id: base.PictureId
    """`pic-` and the SHA-256 of the upload, for `pictures` of a step."""
    url: base.Url
    """The displayed JPEG, of at most 1280 px; the upload itself is not kept."""
    thumbnail_url: base.Url
    """A JPEG of at most 320 px."""
    width: base.Positive
    """Of the JPEG."""
    height: base.Positive
    """Of the JPEG."""
    bytes: base.Positive
    """Of the JPEG."""
    expires_at: base.At | None
    """When it is deleted unless a template names it by then; null once a template does."""


class TemplateWarnedJson(TypedDict):
    """A warning about a problem that integrators will meet."""

    code: Literal["required_fields"]
    """Dispatches without these fields will be refused."""
    detail: str
    """The warning, in a sentence."""


class TemplateSavedJson(TemplateRecordJson):
    """The new version of a template, or its current one if nothing changed."""

    warnings: list[TemplateWarnedJson]
    """Warnings to heed before it is used."""


class TemplateCheckedJson(TypedDict):
    """The result for a valid draft of a template."""

    valid: base.Yes
    """Always true: an invalid draft is refused in the same way as by `POST /v1/templates`."""
    warnings: list[TemplateWarnedJson]
    """Warnings to heed before it is used."""
