"""The job of a run: its title, note, due time and values, given at dispatch; the checklist is shared by all runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rundun.core.json_types.events import Changed


@dataclass(frozen=True, slots=True)
class RunJob:
    """The job of a run. `due_at` is in milliseconds; `fields` are values of the template's fields by id, without the
    `secrets`, which exist only until the run is closed; `prefill` are proposed values of steps by id.
    """

    title: str | None = None
    note: str | None = None
    due_at: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    prefill: Mapping[str, Any] = field(default_factory=dict)


NO_JOB = RunJob()
PLAIN_MEMBERS: tuple[Changed, ...] = ("title", "note", "due_at")  # a value each, which a patch replaces


def plain_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes of a job's plain members (title, note, due time) by name, without the other `changes`."""
    return {name: changes[name] for name in PLAIN_MEMBERS if name in changes}
