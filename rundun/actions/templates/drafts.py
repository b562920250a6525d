"""Drafts of templates: written by several people in turn, each revision over the one that they have seen, then
published as a version, or discarded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json, to_json

from rundun.actions.organizations import quotas
from rundun.actions.templates import templates
from rundun.actions.templates.templates import SentTemplate
from rundun.core import times
from rundun.core.actor import Actor
from rundun.core.json_types.templates import DraftRecordJson
from rundun.core.templates import outdated as outdated_rules
from rundun.core.templates.outdated import Outdated
from rundun.core.templates.pictures import KEPT
from rundun.core.templates.template import MAXIMUM_BYTES
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store.erasure import erased_bytes
from rundun.store.sqlite.transaction import TemplateVersion, Tx
from rundun.store.templates import (
    drafts as draft_rows,
    outdated as outdated_rows,
    pictures as picture_rows,
    templates as template_rows,
)
from rundun.store.templates.drafts import Draft, DraftHead, DraftText
from rundun.store.templates.templates import TemplateHead

MAX_DRAFTS = 200  # of an organization


@dataclass(frozen=True, slots=True)
class SentDraft:
    """A draft as it was sent, read outside of any transaction: its text, the template that it makes so far, and its
    outdated translations; None confirms those that differ from what it replaces.
    """

    text: DraftText
    template: SentTemplate
    outdated: Outdated | None = None

    def outdated_after(self, outdated: Outdated, body: str | bytes) -> Outdated:
        """Return its outdated translations, where it replaces the JSON `body` with those `outdated`."""
        if self.outdated is not None:
            return self.outdated
        return outdated_rules.after_change(outdated, from_json(body), from_json(self.text.body))


def read_sent(text: str, data: Any) -> SentDraft:
    """Return a JSON text, parsed as `data`, as a draft. Raises `invalid` unless it is an object, and `too_large`."""
    if not isinstance(data, dict):
        raise Invalid([FieldError("", "wrong_type", "must be an object")])
    if len(to_json(data)) > MAXIMUM_BYTES:
        raise Problem("too_large", f"A draft may have at most {MAXIMUM_BYTES // 1024} KiB, white space aside.")
    sent, name = templates.read_sent(data), data.get("name")
    name = name.strip()[:200] if isinstance(name, str) else ""
    return SentDraft(DraftText(name, text, frozenset(picture_id for _, picture_id in sent.pictures)), sent)


def etag(head: DraftHead) -> str:
    """Return the entity tag of a draft's revision (RFC 9110 section 8.8.3)."""
    return f'"{head.draft_id}.{head.revision}"'


def record_json(draft: Draft, errors: Sequence[FieldError]) -> DraftRecordJson:
    """Return a draft without its text as a JSON object, with these `errors` of the text."""
    return {
        "id": draft.draft_id,
        "template_id": draft.template_id,
        "made_from": draft.made_from,
        "revision": draft.revision,
        "created_at": times.wire(draft.created_at),
        "updated_at": times.wire(draft.updated_at),
        "updated_by": {"by": draft.updated_by, "name": draft.updated_by_name},
        "errors": [{"where": "body", "pointer": one.pointer, "code": one.code, "detail": one.detail} for one in errors],
    }


def draft_json(draft: Draft, errors: Sequence[FieldError]) -> bytes:
    """Return a draft as the bytes of a JSON object: that of `record_json`, and its text as `template`."""
    return to_json(record_json(draft, errors))[:-1] + b',"template":' + draft.body.encode() + b"}"


def list_errors(tx: Tx, org_id: str, sent: SentTemplate) -> list[FieldError]:
    """List the errors of a draft's text: those that keep it from being published."""
    return [*sent.errors, *templates.unknown_pictures(tx, org_id, sent)]


def create(
    tx: Tx, org_id: str, sent: SentDraft, actor: Actor, template_id: object = None, made_from: object = None
) -> Draft:
    """Store a new draft, of a new template, or of the one with `template_id` from its version `made_from`, by default
    the current one, and return it; that template's draft if it is equal. Raises `draft_exists` if it is not,
    `invalid` for an unknown template and above `MAX_DRAFTS`, `quota_exceeded`.
    """
    head = None if template_id is None else _get_template(tx, org_id, template_id)
    if head is not None and (existing := draft_rows.find_head(tx, org_id, head.template_id)) is not None:
        draft = draft_rows.get(tx, org_id, existing.draft_id)
        if draft.body == sent.text.body and sent.outdated in (None, draft.outdated):
            return draft
        detail = f"The template has the draft {draft.draft_id} already: go on with that one, or discard it."
        raise Problem("draft_exists", detail, extensions={"draft_id": draft.draft_id})
    if draft_rows.count(tx, org_id) >= MAX_DRAFTS:
        raise Problem("invalid", f"There are {MAX_DRAFTS} drafts already: publish or discard some first.")
    quotas.require_quota_left(tx, org_id)
    if head is None:
        return draft_rows.add(tx, org_id, sent.text, sent.outdated or {}, actor, None, None)
    v = made_from if isinstance(made_from, int) and 1 <= made_from < head.v else head.v
    version = template_rows.get_version(tx, head.template_id, v)
    outdated = sent.outdated_after(outdated_rows.get(tx, version), version.body)
    return draft_rows.add(tx, org_id, sent.text, outdated, actor, head.template_id, v)


def _get_template(tx: Tx, org_id: str, template_id: Any) -> TemplateHead:
    try:
        return template_rows.get(tx, org_id, str(template_id))
    except NotFound:
        detail = "there is no such template; leave `id` out for a draft of a new one"
        raise Invalid([FieldError("/id", "unknown_reference", detail)]) from None


def write(
    tx: Tx,
    org_id: str,
    draft_id: str,
    sent: SentDraft,
    if_match: str | None,
    actor: Actor,
    made_from: int | None = None,
) -> Draft:
    """Store the next revision of a draft, and return it; an equal one makes none. `made_from` is a newer version of
    the template whose changes the text contains, None for the one before. Raises NotFound, `quota_exceeded` for a
    longer text, and `version_mismatch` unless `if_match`, the value of `If-Match`, has the current entity tag or `*`;
    None is not checked.
    """
    draft = draft_rows.get(tx, org_id, draft_id)
    if draft.template_id is not None and made_from is not None and made_from > (draft.made_from or 0):
        newest = template_rows.get(tx, org_id, draft.template_id).v
        draft = draft_rows.put_made_from(tx, draft, min(made_from, newest))
    outdated = sent.outdated_after(draft.outdated, draft.body)
    if draft.body == sent.text.body and draft.outdated == outdated:
        return draft
    _require_match(draft, if_match)
    if len(sent.text.body) > len(draft.body):
        quotas.require_quota_left(tx, org_id)
    return draft_rows.put(tx, draft, sent.text, outdated, actor)


def _require_match(draft: Draft, if_match: str | None) -> None:
    if if_match is not None and not templates.is_matching(if_match, {etag(draft)}):
        by = f" by {draft.updated_by_name}" if draft.updated_by_name else ""
        raise Problem("version_mismatch", f"The draft is at revision {draft.revision} now, written{by} meanwhile.")


def discard(tx: Tx, org_id: str, draft_id: str, if_match: str | None = None) -> None:
    """Delete a draft, and have its remains overwritten in the file; the pictures that it names stay for a week. Raises
    NotFound, and `version_mismatch` unless `if_match` is None or has the current entity tag or `*`.
    """
    draft = draft_rows.get(tx, org_id, draft_id)
    _require_match(draft, if_match)
    for picture_id in draft_rows.list_picture_ids(tx, draft):
        picture_rows.put_expiry(tx, org_id, picture_id, tx.now + KEPT)
    draft_rows.remove(tx, draft)
    erased_bytes.put_mark(tx)


def publish(
    tx: Tx, org_id: str, draft_id: str, sent: SentTemplate, if_match: str, made_from: int | None, actor: Actor
) -> TemplateVersion:
    """Make the version that a draft, read as `sent`, is to become, discard the draft, and return the version. Raises
    NotFound, `Invalid`, `quota_exceeded`, and `version_mismatch` unless `if_match` has the draft's entity tag and
    `made_from` is the template's current version.
    """
    draft = draft_rows.get(tx, org_id, draft_id)
    _require_match(draft, if_match)
    written, template_id = replace(sent, assigned={}), draft.template_id
    if template_id is None:
        version = templates.create(tx, org_id, written, draft.outdated)
    else:
        tag = f'"{template_id}.{made_from}"'
        version = templates.revise(tx, org_id, template_id, written, tag, actor, draft.outdated)
    discard(tx, org_id, draft_id)
    return version
