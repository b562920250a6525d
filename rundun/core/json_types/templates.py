"""Templates and their pictures, as `/v1` returns them."""

from typing import Any, Literal

from pydantic import ConfigDict
from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.problems import PlaceJson


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


class DraftTextJson(TypedDict, total=False):
    """A template in the making: any JSON object. Members of a template are in their places, see `Template`."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    id: str
    """At the beginning of a draft: the id of the template to revise; left out for a new template."""
    v: int
    """At the beginning of a draft: the template's version that it begins with; left out for the current one."""


class DraftAuthorJson(TypedDict):
    """An author of a draft."""

    by: Literal["operator", "integrator"]
    """Whether it was an operator, in the console, or an API key."""
    name: str | None
    """The name of the operator or the key."""


class DraftRecordJson(TypedDict):
    """A draft without its text."""

    id: base.DraftId
    """The draft's id."""
    template_id: base.TemplateId | None
    """The id of the template to revise; null for a new template."""
    made_from: base.Positive | None
    """The version that the draft began with; null for a new template."""
    revision: base.Positive
    """The number of the text, counted from 1; each changed text has the next."""
    created_at: base.At
    """When it was begun."""
    updated_at: base.At
    """When it was last written."""
    updated_by: DraftAuthorJson
    """Who wrote it last."""
    errors: list[PlaceJson]
    """All that keeps its template from becoming a version, but for members assigned by the server, which are ignored
    here and left out before it is sent; empty: nothing does."""


class DraftJson(DraftRecordJson):
    """A draft of a template."""

    template: dict[str, Any]
    """What was written, as it was sent, mistakes included."""
