"""The list of one person's runs, which an erasure of the person erases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rundun.core.erasure.person import Person, list_digest
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.erasure import person_runs as person_run_rows
from rundun.store.erasure.person_runs import BEGINNING, PersonRun, Place
from rundun.store.sqlite.transaction import Tx

MAX_LISTED = 2000  # runs; a list ends at this length


@dataclass(frozen=True, slots=True)
class PersonList:
    """A list of a person's runs, the oldest first, so far: the search goes on after `after`, None once it is complete.
    `alike` are runs with a similar value, which may be the person's.
    """

    runs: tuple[PersonRun, ...] = ()
    after: Place | None = BEGINNING
    alike: tuple[PersonRun, ...] = ()

    @property
    def is_done(self) -> bool:
        """Tell whether the search is over: at the organization's last run, or with `MAX_LISTED` runs or `alike`."""
        return self.after is None or max(len(self.runs), len(self.alike)) >= MAX_LISTED

    @property
    def has_more(self) -> bool:
        """Tell whether runs of the organization may be left to be searched."""
        return self.after is not None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the ids and revisions of `runs`, without `alike`, in hexadecimal."""
        return list_digest((run.run_id, run.revision) for run in self.runs)

    def select(self, run_ids: Sequence[str]) -> "PersonList":
        """Return this list with only those of `runs` in `run_ids`, and all `alike`; raises `Invalid` for other ids."""
        listed, chosen = {run.run_id for run in self.runs}, set(run_ids)
        if chosen - listed:
            detail = "must be a run of the list"
            places = [place for place, run_id in enumerate(run_ids) if run_id not in listed]
            raise Invalid(FieldError(f"/run_ids/{place}", "unknown_reference", detail) for place in places)
        return replace(self, runs=tuple(run for run in self.runs if run.run_id in chosen))

    def with_alike(self, chosen: Mapping[str, str]) -> "PersonList":
        """Return this list with the `chosen` runs of `alike` added at the end of `runs`; `chosen` maps their ids to the
        revisions that were shown. Raises `erasure_changed` where one is missing or has another revision.
        """
        alike = tuple(run for run in self.alike if chosen.get(run.run_id) == str(run.revision))
        if len(alike) < len(chosen):
            raise Problem("erasure_changed", "One of the runs has changed; nothing was erased. Look again.")
        return replace(self, runs=(*self.runs, *alike))

    def require_digest(self, digest: str) -> None:
        """Raise `erasure_changed` unless the list has the `digest` of the list that was shown."""
        if digest != self.digest:
            runs = "1 run" if len(self.runs) == 1 else f"{len(self.runs)} runs"
            detail = f"The list has changed and now has {runs}; nothing was erased. Look at it again first."
            raise Problem("erasure_changed", detail)


def list_more(tx: Tx, org_id: str, person: Person, so_far: PersonList, *, with_alike: bool = False) -> PersonList:
    """Search an organization's next runs, up to 500, for those of a person, with `with_alike` also for similar values;
    return `so_far` with the found ones and the place where the search goes on, unchanged if it is complete. Begin with
    an empty `PersonList`.
    """
    if so_far.after is None:
        return so_far
    found, alike, after = person_run_rows.page(tx, org_id, person, so_far.after, with_alike=with_alike)
    return PersonList((*so_far.runs, *found), after, (*so_far.alike, *alike))
