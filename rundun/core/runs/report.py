"""The choice of what a report of a run shows."""

from typing import Annotated, Literal

from pydantic import Field

from rundun.core.runs.evidence import PhotoId
from rundun.core.templates.template import MAX_FIELDS, FieldId
from rundun.core.validation import StrictModel

MAX_LEFT_OUT = 500  # photos that a report leaves out one by one


class ReportOptions(StrictModel):
    """What a report of a run shows. `full` has all that operators see, whatever the other members say."""

    depth: Literal["customer", "full"] = "customer"
    """`customer`: what the run was about and its outcome; `full`: all that operators see, with history and digests."""
    photos: bool = True
    """Whether a report for customers has the photos."""
    remarks: bool = True
    """Whether a report for customers has the executor's remarks."""
    positions: bool = False
    """Whether a report for customers has the positions of answers and photos."""
    names: bool = False
    """Whether a report for customers has the executor's name, and the name typed as a signature."""
    signature: bool = False
    """Whether a report for customers has the signatures."""
    fields: Annotated[list[FieldId], Field(max_length=MAX_FIELDS)] = []
    """The ids of fields that a report for customers has besides those that the link shows before Start. Secrets are in
    no report."""
    without: Annotated[list[PhotoId], Field(max_length=MAX_LEFT_OUT)] = []
    """The ids of photos that the report leaves out."""

    @property
    def is_full(self) -> bool:
        """Tell whether the report has all that operators see."""
        return self.depth == "full"
