"""Templates and template versions. The JSON of a version never changes."""

import sqlite3
from dataclasses import dataclass, replace

from pydantic import ValidationError
from pydantic_core import from_json

from rundun.core import languages
from rundun.core.runs import progress
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.steps import StepBase, TextStep, photo_limits
from rundun.core.templates.template import Template
from rundun.store.organizations import quotas
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import TemplateVersion, Tx, VersionText
from rundun.store.templates import pictures

LARGE = 256 * 1024  # bytes of the record of a run
STEP_BYTES, PHOTO_BYTES = 2000, 300  # of it, for a step with a remark, and for each of its photos


@dataclass(frozen=True, slots=True)
class TemplateHead:
    """A template with the number `v` of its current version. `archived_at` is None if it is not archived."""

    template_id: str
    org_id: str
    v: int
    created_at: int
    updated_at: int
    archived_at: int | None


def _head(row: sqlite3.Row) -> TemplateHead:
    return TemplateHead(row["id"], row["org_id"], row["v"], row["created_at"], row["updated_at"], row["archived_at"])


def get(tx: Tx, org_id: str, template_id: str) -> TemplateHead:
    """Return the head of an organization's template, archived or not: ids, times, current version; raises NotFound."""
    return _head(tx.get_row("template", "SELECT * FROM templates WHERE id = ? AND org_id = ?", template_id, org_id))


def get_version(tx: Tx, template_id: str, v: int, language: str | None = None) -> TemplateVersion:
    """Return a version of a template, archived or not, of any organization, parsed, and translated as far as it can be
    for a reader of `language` (BCP 47); raises NotFound.
    """
    version = _get_version(tx, template_id, v)
    used = () if language is None else tuple(languages.fallbacks(language, version.template.translations))
    if not used or language is None:
        return version
    translated = tx.versions.find(template_id, v, used)
    if translated is None:
        translated = _translate(version, language, used)
        tx.versions.put(translated)
    return translated


def _translate(version: TemplateVersion, language: str, used: tuple[str, ...]) -> TemplateVersion:
    """Return a version with the texts of `language`; of an older one with texts that are refused by now, as it is."""
    original = from_json(version.body)
    translated = languages.translate(original, language)
    try:
        template = Template.model_validate(translated)
    except ValidationError:
        return replace(version, languages=used)
    return replace(
        version,
        template=template,
        steps=tuple(template.all_steps()),
        languages=used,
        untranslated=languages.untranslated(original, translated, language),
    )


def _get_version(tx: Tx, template_id: str, v: int) -> TemplateVersion:
    known = tx.versions.find(template_id, v)
    if known is not None:
        return known
    text = get_text(tx, template_id, v)
    version = _version(tx, text, Template.model_validate(from_json(text.body)))
    tx.versions.put(version)
    return version


def get_text(tx: Tx, template_id: str, v: int) -> VersionText:
    """Return a version of a template, archived or not, of any organization; raises NotFound."""
    row = tx.get_row(
        "template version",
        "SELECT t.org_id, t.created_at, b.created_at AS updated_at, b.body FROM template_versions AS b "
        "JOIN templates AS t ON t.id = b.template_id WHERE b.template_id = ? AND b.v = ?",
        template_id,
        v,
    )
    return VersionText(template_id, v, row["org_id"], row["created_at"], row["updated_at"], row["body"].encode())


def _version(tx: Tx, text: VersionText, template: Template) -> TemplateVersion:
    steps = tuple(template.all_steps())
    return TemplateVersion(
        text.template_id,
        text.v,
        text.org_id,
        text.created_at,
        text.updated_at,
        text.body,
        template,
        steps,
        untouched=progress.count_progress(progress.evaluate(steps, {}, {})),
        takes_photos=any(photo_limits(step)[1] for step in steps),
        takes_signatures=template.settings.signature_on_complete or any(step.type == "signature" for step in steps),
        is_large=len(text.body) + sum(map(_record_bytes, steps)) > LARGE,
        pictures=pictures.list_by_id(tx, text.org_id, template_pictures.picture_ids(steps)),
    )


def _record_bytes(step: StepBase) -> int:
    """Return about how many bytes of JSON a step can have in the record of a run."""
    text = step.config.max_length if isinstance(step, TextStep) else 0
    return STEP_BYTES + text + PHOTO_BYTES * photo_limits(step)[1]


def _list_heads(tx: Tx, org_id: str, page_request: PageRequest, *, include_archived: bool) -> list[sqlite3.Row]:
    return tx.db.execute(
        "SELECT * FROM templates WHERE org_id = ? AND (? OR archived_at IS NULL) "
        "AND number < ? ORDER BY number DESC LIMIT ?",
        (org_id, include_archived, page_request.before[-1], page_request.limit + 1),
    ).fetchall()


def page(tx: Tx, org_id: str, page_request: PageRequest, *, include_archived: bool) -> Page[TemplateHead]:
    """Return a page of the heads of an organization's templates, newest first."""
    rows = _list_heads(tx, org_id, page_request, include_archived=include_archived)
    return Page.of(rows, page_request, lambda row: (row["number"],), _head)


def page_current(
    tx: Tx, org_id: str, page_request: PageRequest, *, include_archived: bool
) -> Page[tuple[TemplateHead, VersionText]]:
    """Return a page of an organization's templates, newest first, as (head, current version), of at most `MAX_PAGE`
    bytes.
    """

    def item(row: sqlite3.Row) -> tuple[TemplateHead, VersionText]:
        return _head(row), get_text(tx, row["id"], row["v"])

    rows = _list_heads(tx, org_id, page_request, include_archived=include_archived)
    return Page.of(rows, page_request, lambda row: (row["number"],), item, lambda pair: len(pair[1].body))


def page_versions(tx: Tx, template_id: str, page_request: PageRequest) -> Page[VersionText]:
    """Return a page of a template's versions, newest first, of at most `MAX_PAGE` bytes."""
    rows = tx.db.execute(
        "SELECT v FROM template_versions WHERE template_id = ? AND v < ? ORDER BY v DESC LIMIT ?",
        (template_id, page_request.before[-1], page_request.limit + 1),
    ).fetchall()
    return Page.of(
        rows,
        page_request,
        lambda row: (row["v"],),
        lambda row: get_text(tx, template_id, row["v"]),
        lambda version: len(version.body),
    )


def add(tx: Tx, org_id: str, template: Template, body: bytes) -> TemplateVersion:
    """Store a new template with its first version, and return the version; `body` is its stored form."""
    template_id = tx.new_id("t")
    tx.insert("templates", id=template_id, org_id=org_id, v=1, created_at=tx.now, updated_at=tx.now)
    _add_version(tx, org_id, template_id, 1, template, body, tx.now)
    return _version(tx, VersionText(template_id, 1, org_id, tx.now, tx.now, body), template)


def add_version(tx: Tx, head: TemplateHead, template: Template, body: bytes) -> TemplateVersion:
    """Store a template's next version, which becomes current and unarchives it; return the version."""
    now = max(tx.now, head.updated_at)  # a clock may be put back
    tx.db.execute(
        "UPDATE templates SET v = ?, updated_at = ?, archived_at = NULL WHERE id = ?",
        (head.v + 1, now, head.template_id),
    )
    _add_version(tx, head.org_id, head.template_id, head.v + 1, template, body, now)
    text = VersionText(head.template_id, head.v + 1, head.org_id, head.created_at, now, body)
    return _version(tx, text, template)


def _add_version(tx: Tx, org_id: str, template_id: str, v: int, template: Template, body: bytes, at: int) -> None:
    tx.grow(org_id, quotas.VERSION + len(body))
    tx.insert("template_versions", template_id=template_id, v=v, body=body.decode(), created_at=at)
    pictures.remove_expiry(tx, org_id, template_pictures.picture_ids(template.all_steps()))


def archive(tx: Tx, head: TemplateHead) -> None:
    """Archive a template, so that no runs can be dispatched from it. Existing runs continue."""
    tx.db.execute(
        "UPDATE templates SET archived_at = coalesce(archived_at, ?) WHERE id = ?", (tx.now, head.template_id)
    )


def unarchive(tx: Tx, head: TemplateHead) -> None:
    """Take a template out of the archive."""
    tx.db.execute("UPDATE templates SET archived_at = NULL WHERE id = ?", (head.template_id,))


def list_named(tx: Tx, org_id: str | None, *, include_archived: bool) -> list[tuple[TemplateHead, str]]:
    """List (head, name of the current version) of templates, newest first: of one organization, None for all."""
    rows = tx.db.execute(
        "SELECT t.*, json_extract(b.body, '$.name') AS name FROM templates AS t "
        "JOIN template_versions AS b ON b.template_id = t.id AND b.v = t.v "
        "WHERE (:org IS NULL OR t.org_id = :org) AND (:archived OR t.archived_at IS NULL) ORDER BY t.number DESC",
        {"org": org_id, "archived": include_archived},
    )
    return [(_head(row), row["name"]) for row in rows.fetchall()]


def find_owner(tx: Tx, template_id: str) -> str | None:
    """Return the id of a template's organization; None if the template does not exist."""
    row = tx.db.execute("SELECT org_id FROM templates WHERE id = ?", (template_id,)).fetchone()
    return None if row is None else str(row["org_id"])
