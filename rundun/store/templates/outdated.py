"""Which translations of a template version are outdated."""

from pydantic_core import from_json, to_json

from rundun.core.templates.outdated import Outdated
from rundun.store.sqlite.transaction import TemplateVersion, Tx


def stored_form(outdated: Outdated) -> str | None:
    """Return outdated translations as they are stored: JSON, None without any."""
    return to_json(outdated).decode() if outdated else None


def read_stored(stored: str | None) -> Outdated:
    """Return the outdated translations of a `stored_form`."""
    found: Outdated = from_json(stored) if stored else {}
    return found


def get(tx: Tx, version: TemplateVersion) -> Outdated:
    """Return the outdated translations of a version."""
    return read_stored(_read_raw(tx, version))


def put(tx: Tx, version: TemplateVersion, outdated: Outdated) -> None:
    """Store the outdated translations of a version."""
    before, after = _read_raw(tx, version), stored_form(outdated)
    if before == after:
        return
    tx.grow(version.org_id, len((after or "").encode()) - len((before or "").encode()))
    query = "UPDATE template_versions SET outdated = ? WHERE template_id = ? AND v = ?"
    tx.db.execute(query, (after, version.template_id, version.v))


def _read_raw(tx: Tx, version: TemplateVersion) -> str | None:
    query = "SELECT outdated FROM template_versions WHERE template_id = ? AND v = ?"
    found: str | None = tx.get_row("template version", query, version.template_id, version.v)[0]
    return found
