"""Templates: creating, revising into a new version, archiving, duplicating, and reading them with their versions."""

import uuid
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json, to_json

from rundun.actions.organizations import organizations, quotas
from rundun.core import languages, times
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.json_types.templates import TemplateRecordJson, TemplateWarnedJson
from rundun.core.templates import outdated as outdated_rules, rules
from rundun.core.templates.outdated import Outdated
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid, NotFound, Problem, choices_sentence
from rundun.store.organizations import changes as organization_changes
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import TemplateVersion, Tx, VersionText
from rundun.store.templates import outdated as outdated_rows, pictures as picture_rows, templates as template_rows
from rundun.store.templates.templates import TemplateHead

ASSIGNED = ("id", "v", "org_id", "created_at", "updated_at", "archived_at", "warnings")


@dataclass(frozen=True, slots=True)
class SentTemplate:
    """A template as it was sent, read outside of any transaction, since a large one takes time. `assigned` are its
    server-assigned members. `template` and its stored form `body` are None and empty if it is invalid; `errors` are all
    its faults. `made_ids` are the ids made for parts without one, `pictures` pairs of pointer and picture id. It is
    still accepted with errors beside its template if it equals the stored version.
    """

    assigned: Mapping[str, Any]
    template: Template | None
    body: bytes
    errors: tuple[FieldError, ...]
    made_ids: frozenset[str] = frozenset()
    pictures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateSummary:
    """A template in a list: its name for the reader, the number of its steps, its tags, and the languages of its
    translations, of the current version.
    """

    head: TemplateHead
    name: str
    steps: int
    tags: Sequence[str]
    languages: Sequence[str]


def read_sent(data: Any) -> SentTemplate:
    """Return parsed JSON as a `SentTemplate`, which has the errors of an invalid template; raises only `too_large`."""
    fields = data if isinstance(data, dict) else {}
    server_fields = {name: fields[name] for name in ASSIGNED if name in fields}
    written = {key: value for key, value in data.items() if key not in ASSIGNED} if fields else data
    made_ids: list[str] = []

    def make_id(prefix: str) -> str:
        made_ids.append(prefix + uuid.uuid4().hex[:12])
        return made_ids[-1]

    named = tuple(rules.named_pictures(written))
    try:
        template = rules.read_template(written, make_id)
    except Invalid as invalid:
        return SentTemplate(server_fields, None, b"", invalid.errors, pictures=named)
    errors = tuple(rules.search_cost_errors(written, template))
    return SentTemplate(server_fields, template, rules.as_json(template), errors, frozenset(made_ids), named)


def etag(version: VersionText, archived_at: int | None = None) -> str:
    """Return the entity tag of a version (RFC 9110 section 8.8.3): template id and number, and since when the template
    is archived, which its response shows as well.
    """
    since = "" if archived_at is None else f".archived-{archived_at // times.SECOND}"
    return f'"{version.template_id}.{version.v}{since}"'


def assigned_json(version: VersionText, archived_at: int | None = None) -> TemplateRecordJson:
    """Return the server-assigned members of a version's JSON: its ids, number and times."""
    return {
        "id": version.template_id,
        "v": version.v,
        "org_id": version.org_id,
        "created_at": times.wire(version.created_at),
        "updated_at": times.wire(version.updated_at),
        "archived_at": times.wire_or_none(archived_at),
    }


def template_json(version: VersionText, archived_at: int | None = None) -> bytes:
    """Return a version as the bytes of a JSON object: the server-assigned members and the author's."""
    return to_json(assigned_json(version, archived_at))[:-1] + b"," + version.body[1:]


def warnings(template: Template) -> list[TemplateWarnedJson]:
    """Return the warnings about a template, for those dispatching it: one if it has required fields, else none."""
    required = [field.id for field in template.fields if field.required]
    if not required:
        return []
    named = ", ".join(required)
    detail = f"Dispatches without {named} will be refused: the template requires it. Tell everyone who dispatches it."
    return [{"code": "required_fields", "detail": detail}]


def saved_json(version: TemplateVersion) -> bytes:
    """Return a new version as the bytes of a JSON object: server-assigned members, the author's, and `warnings`."""
    return template_json(version)[:-1] + b',"warnings":' + to_json(warnings(version.template)) + b"}"


def create(tx: Tx, org_id: str, sent: SentTemplate, outdated: Outdated | None = None) -> TemplateVersion:
    """Create a sent template and return its version 1, without outdated translations unless they are given; raises
    `Invalid` with all errors, `quota_exceeded`.
    """
    template = _require_new(tx, org_id, sent)
    _require_storable(tx, org_id, sent)
    version = template_rows.add(tx, org_id, template, sent.body)
    outdated_rows.put(tx, version, outdated or {})
    return version


def check(tx: Tx, org_id: str, sent: SentTemplate) -> list[TemplateWarnedJson]:
    """Check a sent template as `create` does, except the quota; return the warnings about it. Raises `Invalid`."""
    template = _require_new(tx, org_id, sent)
    if errors := [*sent.errors, *unknown_pictures(tx, org_id, sent)]:
        raise Invalid(errors)
    return warnings(template)


def _require_new(tx: Tx, org_id: str, sent: SentTemplate) -> Template:
    return _require_template(tx, org_id, sent, _assigned_errors(sent))


def _assigned_errors(sent: SentTemplate) -> list[FieldError]:
    detail = "is assigned by the server; leave it out of a new template"
    return [FieldError(f"/{name}", "read_only", detail) for name in sent.assigned]


def revise(
    tx: Tx,
    org_id: str,
    template_id: str,
    sent: SentTemplate,
    if_match: str | None,
    actor: Actor = ADMINISTRATOR,
    outdated: Outdated | None = None,
) -> TemplateVersion:
    """Revise a template into a new current version, which unarchives it, and return the version. A template equal to
    the current version only unarchives it, and that version is returned; ids it leaves out equal the stored ones. Its
    outdated translations are those given; None confirms the translations that differ from the current version's.
    Raises NotFound, `Invalid`, `quota_exceeded`, and `version_mismatch` unless `if_match`, the value of `If-Match`, has
    the current entity tag or `*`; None is not checked.
    """
    head = template_rows.get(tx, org_id, template_id)
    current = template_rows.get_version(tx, template_id, head.v)
    if if_match is not None and not is_matching(if_match, {etag(current), etag(current, head.archived_at)}):
        raise Problem("version_mismatch", f"The template is at version {head.v} now; get that version and edit it.")
    now: Mapping[str, object] = {**assigned_json(current, head.archived_at), "warnings": warnings(current.template)}
    template = _require_template(
        tx,
        org_id,
        sent,
        [
            FieldError(f"/{name}", "read_only", f"is assigned by the server and is “{now[name]}” now")
            for name, value in sent.assigned.items()
            if value != now[name] or type(value) is not type(now[name])  # true is not 1
        ],
    )
    before, after = from_json(current.body), from_json(sent.body)
    if outdated is None:
        outdated = outdated_rules.after_change(outdated_rows.get(tx, current), before, after)
    if _is_equal(after, before, sent.made_ids):
        unarchive(tx, org_id, template_id, actor)
        outdated_rows.put(tx, current, outdated)
        return current
    _require_storable(tx, org_id, sent)
    if head.archived_at is not None:
        _add_change(tx, head, "template_brought_back", actor)
    version = template_rows.add_version(tx, head, template, sent.body)
    outdated_rows.put(tx, version, outdated)
    return version


def _require_template(tx: Tx, org_id: str, sent: SentTemplate, read_only: list[FieldError]) -> Template:
    if sent.template is None or read_only:
        raise Invalid([*read_only, *sent.errors, *unknown_pictures(tx, org_id, sent)])
    return sent.template


def _require_storable(tx: Tx, org_id: str, sent: SentTemplate) -> None:
    unknown = unknown_pictures(tx, org_id, sent)
    if sent.errors:
        raise Invalid([*sent.errors, *unknown])
    quotas.require_quota_left(tx, org_id)
    if unknown:
        raise Invalid(unknown)


def unknown_pictures(tx: Tx, org_id: str, sent: SentTemplate) -> list[FieldError]:
    """Return an error for each place where a sent template names a picture that the organization does not have."""
    known = picture_rows.list_by_id(tx, org_id, {picture_id for _, picture_id in sent.pictures})
    detail = "there is no such picture in this organization: upload it first (POST /v1/pictures), then name its id"
    return [
        FieldError(pointer, "unknown_reference", detail)
        for pointer, picture_id in sent.pictures
        if picture_id not in known
    ]


def _is_equal(new: Any, old: Any, made_ids: Set[str]) -> bool:
    """Tell whether two templates, as JSON, are equal. An id in `made_ids` equals any id in its place."""
    if isinstance(new, dict) and isinstance(old, dict):
        return new.keys() == old.keys() and all(
            (key == "id" and value in made_ids) or _is_equal(value, old[key], made_ids) for key, value in new.items()
        )
    if isinstance(new, list) and isinstance(old, list):
        return len(new) == len(old) and all(_is_equal(a, b, made_ids) for a, b in zip(new, old, strict=True))
    return bool(new == old)


def is_matching(if_match: str, tags: Set[str]) -> bool:
    """Tell whether a value of `If-Match` is `*` or has one of these entity tags."""
    listed = [tag.strip() for tag in if_match.split(",")]  # strongly compared, so a weak tag never matches
    return "*" in listed or not tags.isdisjoint(listed)


def archive(tx: Tx, org_id: str, template_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Archive a template, so that no runs can be dispatched from it; archiving it again changes nothing."""
    head = template_rows.get(tx, org_id, template_id)
    if head.archived_at is None:
        template_rows.archive(tx, head)
        _add_change(tx, head, "template_archived", actor)


def unarchive(tx: Tx, org_id: str, template_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Take a template out of the archive; if it is not archived, nothing changes."""
    head = template_rows.get(tx, org_id, template_id)
    if head.archived_at is not None:
        template_rows.unarchive(tx, head)
        _add_change(tx, head, "template_brought_back", actor)


def _add_change(
    tx: Tx, head: TemplateHead, change: Literal["template_archived", "template_brought_back"], actor: Actor
) -> None:
    name = template_rows.get_version(tx, head.template_id, head.v).template.name
    organization_changes.add(tx, head.org_id, change, actor, template_id=head.template_id, template=name)


def list_names(tx: Tx, org_id: str, language: str) -> list[tuple[str, str]]:
    """Return (id, name) pairs of an organization's newest 100 templates, including archived ones, in the order of the
    names, which are translated for a reader of `language`.
    """
    listed = page_summaries(tx, org_id, PageRequest(100), True, language).items
    named = [(one.head.template_id, one.name) for one in listed]
    return sorted(named, key=lambda pair: (pair[1].casefold(), pair[0]))


def get_version(
    tx: Tx, org_id: str, template_id: str, v: int | None, language: str | None = None
) -> tuple[TemplateHead, TemplateVersion]:
    """Return an organization's template and one version of it, the current one if `v` is None, translated for a reader
    of `language`; raises NotFound.
    """
    head = template_rows.get(tx, org_id, template_id)
    return head, template_rows.get_version(tx, template_id, head.v if v is None else v, language)


def get_outdated(tx: Tx, org_id: str, template_id: str, v: int | None) -> Outdated:
    """Return the outdated translations of a version of an organization's template, the current one if `v` is None;
    raises NotFound.
    """
    _, version = get_version(tx, org_id, template_id, v)
    return outdated_rows.get(tx, version)


def page_summaries(
    tx: Tx, org_id: str, page_request: PageRequest, include_archived: bool, language: str
) -> Page[TemplateSummary]:
    """Return a page of an organization's templates, newest first, as summaries for a reader of `language`."""
    page = template_rows.page(tx, org_id, page_request, include_archived=include_archived)
    return Page([_summary(tx, head, language) for head in page.items], page.next_before)


def _summary(tx: Tx, head: TemplateHead, language: str) -> TemplateSummary:
    template = from_json(template_rows.get_text(tx, head.template_id, head.v).body)
    translations = template.get("translations") or {}
    name = languages.translate({"name": template["name"], "translations": translations}, language)["name"]
    steps = sum(1 for _ in languages.list_steps(template))
    return TemplateSummary(head, name, steps, template.get("tags") or (), tuple(translations))


def page_versions(
    tx: Tx, org_id: str, template_id: str, page_request: PageRequest
) -> Page[tuple[TemplateHead, VersionText]]:
    """Return a page of all versions of an organization's template, newest first, as (template, version); raises
    NotFound.
    """
    head = template_rows.get(tx, org_id, template_id)
    page = template_rows.page_versions(tx, template_id, page_request)
    return Page([(head, version) for version in page.items], page.next_before)


def list_named(tx: Tx, org: str | None) -> list[tuple[TemplateHead, str]]:
    """Return the templates, also archived ones, newest first, with their names, of the organization `org` (id or name)
    or of all.
    """
    org_id = None if org is None else organizations.get(tx, org).org_id
    return template_rows.list_named(tx, org_id, include_archived=True)


def get(tx: Tx, typed: str, org: str | None = None) -> TemplateHead:
    """Return the template with an id, else the one in use with a name, of the organization given by id or name, None
    for all. Raises NotFound, and `invalid` if several have the name.
    """
    named = list_named(tx, org)
    found = [head for head, _ in named if head.template_id == typed]
    named = [(head, name) for head, name in named if head.archived_at is None]
    found = found or [head for head, name in named if name == typed]
    if not found:
        raise NotFound("template", typed, [f"{name} ({head.template_id})" for head, name in named])
    if len(found) > 1:
        ids = [head.template_id for head in found]
        raise Problem("invalid", f"Several templates have that name; say which by its id. {choices_sentence(ids)}")
    return found[0]


def dispatch_choices(tx: Tx, org_id: str, chosen: str, limit: int, language: str) -> list[TemplateSummary]:
    """Return the newest templates that are not archived, at most `limit`, as summaries for a reader of `language`;
    before them the template `chosen` if it is older, unless it is archived or unknown.
    """
    listed = page_summaries(tx, org_id, PageRequest(limit), False, language).items
    if any(one.head.template_id == chosen for one in listed):
        return listed
    try:
        head = template_rows.get(tx, org_id, chosen)
    except NotFound:
        return listed
    return [_summary(tx, head, language), *listed] if head.archived_at is None else listed


def get_with_versions(
    tx: Tx, org_id: str, template_id: str, v: int | None, page_request: PageRequest
) -> tuple[TemplateHead, TemplateVersion, Page[tuple[TemplateHead, VersionText]]]:
    """Return a template, one version of it (the current one if `v` is None), and a page of all, newest first; raises
    NotFound.
    """
    head, version = get_version(tx, org_id, template_id, v)
    return head, version, page_versions(tx, org_id, template_id, page_request)


def get_two_versions(
    tx: Tx, org_id: str, template_id: str, before: int | None, after: int | None
) -> tuple[TemplateHead, TemplateVersion, TemplateVersion]:
    """Return a template and two versions of it: `before`, by default the one before `after`, or version 1 itself; and
    `after`, by default the current one. Raises NotFound.
    """
    head, later = get_version(tx, org_id, template_id, after)
    return head, get_version(tx, org_id, template_id, before or max(1, later.v - 1))[1], later
