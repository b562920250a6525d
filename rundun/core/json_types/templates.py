"""Templates and their pictures, as `/v1` answers them."""

from typing import Literal

from typing_extensions import TypedDict

from rundun.core.json_types import base


class TemplateRecordJson(TypedDict):  # beside these members stand the author's own, see core/templates/template.py
    """A version of a template as its author wrote it (what was left out stays out), with what the server says of it."""

    id: base.TemplateId
    """The same for all versions."""
    v: base.Positive
    """1, 2, 3 …"""
    org_id: base.OrganizationId
    """Whose it is."""
    created_at: base.At
    """The first version."""
    updated_at: base.At
    """This version."""
    archived_at: base.At | None
    """Since when no runs can be dispatched from it."""


class PictureJson(TypedDict):
    """A picture that steps of templates can show."""

    picture_id: base.PictureId
    """`pic-` and the SHA-256 of what was sent, for `pictures` of a step."""
    url: base.Url
    """The JPEG that is shown, of at most 1280 px; what was sent is not kept."""
    thumbnail_url: base.Url
    """A JPEG of at most 320 px."""
    width: base.Positive
    """Of the JPEG."""
    height: base.Positive
    """Of the JPEG."""
    bytes: base.Positive
    """Of the JPEG."""
    expires_at: base.At | None
    """When it is deleted unless a template names it by then; null once one does."""


class TemplateWarnedJson(TypedDict):
    """Something that integrators will run into."""

    code: Literal["required_fields"]
    """Dispatches without these fields will be refused."""
    detail: str
    """A sentence."""


class TemplateSavedJson(TemplateRecordJson):
    """The version that was made, or that was equal."""

    warnings: list[TemplateWarnedJson]
    """What to know before it is used."""


class TemplateCheckedJson(TypedDict):
    """That a draft can become a template as it is."""

    valid: base.Yes
    """What is not valid is answered as `POST /v1/templates` answers it."""
    warnings: list[TemplateWarnedJson]
    """What to know before it is used."""
