"""The details of a run for the console: the values of its template's fields, its language, its phone's clock."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from babel import Locale, UnknownLocaleError

from rundun.core import times
from rundun.core.runs.job import RunJob
from rundun.core.templates.template import JobField, Template
from rundun.wording.console_words import NN_, ConsoleLanguage

_SKEWS = {  # by the size of the unit: ahead, behind
    times.DAY: (
        NN_("The phone’s clock was {n} day ahead.", "The phone’s clock was {n} days ahead."),
        NN_("The phone’s clock was {n} day behind.", "The phone’s clock was {n} days behind."),
    ),
    times.HOUR: (
        NN_("The phone’s clock was {n} hour ahead.", "The phone’s clock was {n} hours ahead."),
        NN_("The phone’s clock was {n} hour behind.", "The phone’s clock was {n} hours behind."),
    ),
    60 * times.SECOND: (
        NN_("The phone’s clock was {n} minute ahead.", "The phone’s clock was {n} minutes ahead."),
        NN_("The phone’s clock was {n} minute behind.", "The phone’s clock was {n} minutes behind."),
    ),
}


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of a template with its value in a run."""

    field: JobField
    value: Any

    @property
    def is_secret(self) -> bool:
        """Tell whether the value is a secret, which only operators see, while the run is open."""
        return self.field.kind == "secret"

    @property
    def day(self) -> date | None:
        """Return the value of a field of kind `date` as a day; None for other kinds."""
        return date.fromisoformat(self.value) if self.field.kind == "date" else None


def field_views(job: RunJob, template: Template) -> list[FieldView]:
    """Return the fields that have a value in a run, each with it, in the template's order; secrets until it closes."""
    values = {**job.fields, **job.secrets}
    return [FieldView(field, values[field.id]) for field in template.fields if field.id in values]


def language_name(tag: str, language: ConsoleLanguage) -> str:
    """Return the name, in `language`, of the language with a BCP 47 tag; the tag if Babel does not know it."""
    try:
        return Locale.parse(tag, sep="-", resolve_likely_subtags=False).get_display_name(language.locale) or tag
    except (UnknownLocaleError, ValueError):
        return tag


def clock_skew(seconds: int | None, language: ConsoleLanguage) -> str | None:
    """Return a sentence such as “The phone’s clock was 6 days ahead.”, in rounded days, hours or minutes; None for
    None. `seconds` are at least five minutes, below 0 for a clock behind.
    """
    if seconds is None:
        return None
    off = abs(seconds) * times.SECOND
    size = next((size for size in (times.DAY, times.HOUR) if off >= size), 60 * times.SECOND)
    ahead, behind = _SKEWS[size]
    return language.ngettext(*(ahead if seconds > 0 else behind), round(off / size))
