"""Retention periods in days, set by organizations and their templates."""

from rundun.core.erasure.retention import Retention, TemplateRetention
from rundun.store.sqlite.transaction import Tx


def get(tx: Tx, org_id: str) -> Retention:
    """Return an organization's retention periods, in days, None for ever, and whether executors read them; raises
    NotFound.
    """
    query = (
        "SELECT keep_photos_days, keep_runs_days, keep_attempts_days, tells_retention FROM organizations WHERE id = ?"
    )
    photos, runs, attempts, tells = tx.get_row("organization", query, org_id)
    return Retention(photos, runs, attempts, bool(tells))


def put(tx: Tx, org_id: str, retention: Retention) -> None:
    """Store an organization's retention periods, in days."""
    tx.db.execute(
        "UPDATE organizations SET keep_photos_days = ?, keep_runs_days = ?, keep_attempts_days = ?, "
        "tells_retention = ? WHERE id = ?",
        (retention.photos_days, retention.runs_days, retention.attempts_days, retention.tells, org_id),
    )


def get_of_template(tx: Tx, template_id: str) -> TemplateRetention:
    """Return a template's own retention periods, in days, 0 for ever, None for the organization's; raises NotFound."""
    query = "SELECT keep_photos_days, keep_runs_days FROM templates WHERE id = ?"
    return TemplateRetention(*tx.get_row("template", query, template_id))


def put_of_template(tx: Tx, template_id: str, retention: TemplateRetention) -> None:
    """Store a template's own retention periods, in days."""
    days = (retention.photos_days, retention.runs_days)
    tx.db.execute("UPDATE templates SET keep_photos_days = ?, keep_runs_days = ? WHERE id = ?", (*days, template_id))


def list_template_ids(tx: Tx, org_id: str) -> list[str]:
    """List the ids of all templates of an organization, the oldest first."""
    rows = tx.db.execute("SELECT id FROM templates WHERE org_id = ? ORDER BY number", (org_id,)).fetchall()
    return [row["id"] for row in rows]
