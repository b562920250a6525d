"""Searches for a person's runs and erasures of them, as `/v1` returns them."""

from typing import Literal

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import Status


class PersonRunJson(TypedDict):
    """A run of the person."""

    run_id: base.RunId
    """The run's id, by which it is read and erased."""
    template_id: base.TemplateId
    """The run's template."""
    template_name: str
    """The name of the run's template version."""
    title: str | None
    """The title, which its executor reads first."""
    executor_ref: str | None
    """Your own name for the job."""
    assigned_to: base.UserId | None
    """The executor's id, null before Start."""
    identity: base.IdentityJson
    """The identity that the executor stated, as on the record: two people may have the same name."""
    status: Status
    """The status of the run."""
    created_at: base.At
    """When it was dispatched."""
    started_at: base.At | None
    """When Start was tapped."""
    closed_at: base.At | None
    """When it ended."""


class KeptCopyJson(TypedDict):
    """A file beside the database with an older state of it."""

    name: str
    """The file's name; the administrator knows its folder."""
    kind: Literal["backup", "snapshot", "before_restore"]
    """A backup, a snapshot from before an upgrade, or the database that a restore replaced."""
    until: base.At
    """About when the service deletes it; a backup is deleted as later ones are made."""


class ErasureJson(TypedDict):
    """The runs of a person: found, or erased."""

    erased: base.Count
    """The number of erased runs; 0 where no `digest` was sent."""
    digest: base.Sha256
    """The SHA-256 of the listed runs' ids and revisions: it changes with any of these runs. With `run_ids` only those
    runs count."""
    runs: list[PersonRunJson]
    """The person's runs, the oldest first, at most about 2,000; empty once they are erased."""
    has_more: bool
    """Whether there are runs beyond this list: once these are erased, ask again."""
    copies: list[KeptCopyJson]
    """All files with older states of the database that the service has made. Each may still hold data of the person,
    even if `runs` is empty: a database that a restore replaced holds runs that came after the backup. After a restore,
    every erased run is erased again before the first request."""
