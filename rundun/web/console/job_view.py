"""What a run is about, as the console shows it: the values of its template's fields, and which of them are secrets."""

from dataclasses import dataclass
from typing import Any

from rundun.core import times
from rundun.core.job import RunJob
from rundun.core.template import JobField, Template


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of a template with the value that a run has for it."""

    field: JobField
    value: Any

    @property
    def is_secret(self) -> bool:
        """Tell whether the value is shown to nobody but operators of the open run."""
        return self.field.kind == "secret"


def field_views(job: RunJob, template: Template) -> list[FieldView]:
    """List the fields that a run has a value for, in the template's order, secrets included."""
    values = {**job.fields, **job.secrets}
    return [FieldView(field, values[field.id]) for field in template.fields if field.id in values]


def clock_skew(seconds: int | None) -> tuple[str, int] | None:
    """Return the catalog key and the number of “The phone's clock was 6 days ahead”; None where it was about right."""
    if seconds is None:
        return None
    way, off = "ahead" if seconds > 0 else "behind", abs(seconds) * times.SECOND
    for unit, size in (("days", times.DAY), ("hours", times.HOUR)):
        if off >= size:
            return f"clock_{way}_{unit}", round(off / size)
    return f"clock_{way}_minutes", round(off / (60 * times.SECOND))
