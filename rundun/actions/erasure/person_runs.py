"""The list of one person's runs, which is what an erasure of a person is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rundun.core.erasure.person import Person, list_digest
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.erasure import person_runs
from rundun.store.erasure.person_runs import BEGINNING, PersonRun, Place
from rundun.store.sqlite.transaction import Tx

MAX_LISTED = 2000  # runs; a list that has got so long ends there


@dataclass(frozen=True, slots=True)
class PersonList:
    """A list of a person's runs, the oldest first. It goes on behind `after`; None: all there are have been found.
    `alike` are those that may be the person's, which is written otherwise there.
    """

    runs: tuple[PersonRun, ...] = ()
    after: Place | None = BEGINNING
    alike: tuple[PersonRun, ...] = ()

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more is looked for."""
        return self.after is None or max(len(self.runs), len(self.alike)) >= MAX_LISTED

    @property
    def has_more(self) -> bool:
        """Tell whether the list ends before the last run of the organization."""
        return self.after is not None

    @property
    def digest(self) -> str:
        """Return what names exactly this list, in hexadecimal."""
        return list_digest((run.run_id, run.revision) for run in self.runs)

    def only(self, run_ids: Sequence[str]) -> "PersonList":
        """Return the list with these runs alone; raises `Invalid` for what is not in it."""
        listed, chosen = {run.run_id for run in self.runs}, set(run_ids)
        if chosen - listed:
            detail = "must be a run of the list"
            places = [place for place, run_id in enumerate(run_ids) if run_id not in listed]
            raise Invalid(FieldError(f"/run_ids/{place}", "unknown_reference", detail) for place in places)
        return replace(self, runs=tuple(run for run in self.runs if run.run_id in chosen))

    def with_alike(self, chosen: Mapping[str, str]) -> "PersonList":
        """Return the list with some of `alike` besides, by their ids with the revisions that were looked at; raises
        `erasure_changed` where one is there no more, or in another revision.
        """
        alike = tuple(run for run in self.alike if chosen.get(run.run_id) == str(run.revision))
        if len(alike) < len(chosen):
            raise Problem("erasure_changed", "One of the runs has changed or is gone; nothing was erased. Look again.")
        return replace(self, runs=(*self.runs, *alike))

    def require(self, digest: str) -> None:
        """Refuse to erase another list than the one that was looked at, with `erasure_changed`."""
        if digest != self.digest:
            runs = "1 run" if len(self.runs) == 1 else f"{len(self.runs)} runs"
            detail = f"The list is another one by now, with {runs}; nothing was erased. Look at it again first."
            raise Problem("erasure_changed", detail)


def look_on(tx: Tx, org_id: str, person: Person, so_far: PersonList, *, with_alike: bool = False) -> PersonList:
    """Look through the next of an organization's runs for those of a person, and `with_alike` for those that may be;
    begin with an empty `PersonList`.
    """
    if so_far.after is None:
        return so_far
    found, alike, after = person_runs.look_on(tx, org_id, person, so_far.after, with_alike=with_alike)
    return PersonList((*so_far.runs, *found), after, (*so_far.alike, *alike))
