"""A person whose runs are looked for, to be given out or erased: named by one field, which is compared whole."""

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
LOCAL_DIGITS = 6  # of a phone number, at least, by which two may be the same one
_SPACERS = re.compile(r"[ ()./-]+")  # what a phone number may be written with, see `validation.PHONE`


@dataclass(frozen=True, slots=True)
class Person:
    """A person by what one field of their runs says; make it with `person`."""

    field: PersonField
    value: str

    def is_named_by(self, stored: str | None) -> bool:
        """Tell whether the field of a run, as it is stored, says this person."""
        return stored is not None and _comparable(self.field, stored) == self.value

    def is_like(self, stored: str | None) -> bool:
        """Tell whether the field of a run may mean this person, written otherwise: with other capital letters, accents
        or spaces, a phone number with or without what stands in front of it abroad. What says the person is not like.
        """
        if stored is None or self.field == "assigned_to" or self.is_named_by(stored):
            return False
        if self.field != "phone":
            return fold(stored) == fold(self.value)
        one, other = (_comparable("phone", each).lstrip("+0") for each in (stored, self.value))
        return min(len(one), len(other)) >= LOCAL_DIGITS and (one.endswith(other) or other.endswith(one))


def person(field: PersonField, value: str) -> Person:
    """Make the person whom `value` names; raises ValueError for what `text.clean` refuses."""
    return Person(field, _comparable(field, text.clean(value)))


def _comparable(field: PersonField, value: str) -> str:
    """Return what two spellings of one value have in common: of an e-mail address its small letters, of a phone number
    its digits, with the plus in front, for which 00 stands, too. An address is not case-folded, which makes one of two
    people's: ß is no ss.
    """
    if field == "email":
        return unicodedata.normalize("NFC", value.lower())
    return re.sub("^00", "+", _SPACERS.sub("", value)) if field == "phone" else value


def list_digest(revisions: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 of a list of runs, each with its id and revision, in whatever order: another one as soon as a
    run has come, has gone, or has changed.
    """
    lines = sorted(f"{run_id} {revision}\n" for run_id, revision in revisions)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
