"""The job of a run: what it is about, said at its dispatch, beside the checklist that all runs of a template share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RunJob:
    """What a run is about: `due_at` in milliseconds, `fields` the values of the template's fields by their ids, those
    that are `secrets` apart, which are there until the run is closed, and `prefill` values of steps by their ids.
    """

    title: str | None = None
    note: str | None = None
    due_at: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    prefill: Mapping[str, Any] = field(default_factory=dict)


NO_JOB = RunJob()
