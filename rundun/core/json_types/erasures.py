"""Erasures of a person, as `/v1` answers them."""

from typing import Literal

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import Status


class PersonRunJson(TypedDict):
    """A run of the person."""

    run_id: base.RunId
    """Its id, by which it is read and erased."""
    template_id: base.TemplateId
    """The template that was done."""
    template_name: str
    """Its name, in the version that was done."""
    title: str | None
    """What its executor read first."""
    executor_ref: str | None
    """Your own name for the job."""
    assigned_to: base.UserId | None
    """The executor's id, null before Start."""
    identity: base.IdentityJson
    """Who the executor said to be, as the record has it: two people may have one name."""
    status: Status
    """How far it is, or how it ended."""
    created_at: base.At
    """When it was dispatched."""
    started_at: base.At | None
    """When Start was tapped."""
    closed_at: base.At | None
    """When it ended."""


class KeptCopyJson(TypedDict):
    """A file beside the database that holds an older state of it."""

    name: str
    """The file's name; the administrator knows where it is."""
    kind: Literal["backup", "snapshot", "before_restore"]
    """A backup, a snapshot from before an upgrade, or the database that a restore has put aside."""
    until: base.At
    """When the service deletes it, about: backups, as others are made."""


class ErasureJson(TypedDict):
    """The runs of a person: found, or erased."""

    erased: base.Count
    """How many runs were erased; 0 where no `digest` was sent."""
    digest: base.Sha256
    """Of the list: of the ids of its runs and of how far each is. It changes with any of them. With `run_ids` it is of
    these runs alone."""
    runs: list[PersonRunJson]
    """The person's runs, the oldest first, at most about 2,000; empty once they are erased."""
    has_more: bool
    """Whether the list ends before the last run: once these are erased, ask again."""
    copies: list[KeptCopyJson]
    """All files with older states of the database that the service has made. Each may still hold something of the
    person, also where the list is empty: what a restore has put aside holds runs that came after the backup. From one
    that is restored, what was erased is erased, too, before the first request."""
