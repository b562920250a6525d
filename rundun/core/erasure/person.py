"""The subject of an export or erasure: a person, identified by the whole value of one field of their runs."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from rundun.core import text
from rundun.core.runs.search_text import fold

PersonField = Literal["email", "phone", "name", "executor_ref", "assigned_to"]
PERSON_FIELDS: tuple[PersonField, ...] = get_args(PersonField)
LOCAL_DIGITS = 6  # digits, at least, that the ends of two phone numbers share if they may be the same
_SPACERS = re.compile(r"[ ()./-]+")  # separators inside a phone number, see `validation.PHONE`


@dataclass(frozen=True, slots=True)
class Person:
    """A person, by the normalised value of one field of their runs; make it with `person`."""

    field: PersonField
    value: str

    def is_named_by(self, stored: str | None) -> bool:
        """Tell whether `stored`, a run's value of the person's field, names this person: equal once normalised."""
        return stored is not None and _normalise(self.field, stored) == self.value

    def is_like(self, stored: str | None) -> bool:
        """Tell whether `stored`, a run's value of the person's field, may name this person in another spelling:
        equal but for capital letters, accents, spaces and look-alikes; of two phone numbers, one is the end of the
        other, with at least `LOCAL_DIGITS` digits. False if it names the person, and always for `assigned_to`.
        """
        if stored is None or self.field == "assigned_to" or self.is_named_by(stored):
            return False
        if self.field != "phone":
            return fold(stored) == fold(self.value)
        one, other = (_normalise("phone", each).lstrip("+0") for each in (stored, self.value))
        return min(len(one), len(other)) >= LOCAL_DIGITS and (one.endswith(other) or other.endswith(one))


def person(field: PersonField, value: str) -> Person:
    """Return the person with this `value` in `field`, normalised; raise ValueError if `text.clean` refuses it."""
    return Person(field, _normalise(field, text.clean(value)))


def _normalise(field: PersonField, value: str) -> str:
    """Return a value in the form in which two spellings are equal: an e-mail address in lower case (not case-folded: ß
    differs from ss), a phone number without separators, with + for 00 at its beginning; others unchanged.
    """
    if field == "email":
        return unicodedata.normalize("NFC", value.lower())
    return re.sub("^00", "+", _SPACERS.sub("", value)) if field == "phone" else value


def list_digest(revisions: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 (in hex) of a set of runs, each as (id, revision); it changes with every change of a run."""
    lines = sorted(f"{run_id} {revision}\n" for run_id, revision in revisions)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
