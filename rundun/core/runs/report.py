"""The options of a run's report, and shares, links to a report for readers without a key."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from rundun.core import times
from rundun.core.json_types.runs import ShareJson
from rundun.core.runs.evidence import PhotoId
from rundun.core.templates.template import MAX_FIELDS, FieldId
from rundun.core.validation import Integer, LanguageTag, StrictModel

MAX_LEFT_OUT = 150  # photos that a report leaves out one by one
DAYS = 30  # after which a share ends, by default


class CustomerOptions(StrictModel):
    """The options of a report for customers."""

    photos: bool = True
    """Whether a report for customers has the photos."""
    remarks: bool = True
    """Whether a report for customers has the executor's remarks."""
    positions: bool = False
    """Whether a report for customers has the positions of answers and photos."""
    names: bool = False
    """Whether a report for customers has the executor's name."""
    signature: bool = False
    """Whether a report for customers has the signatures, with the names typed for them."""
    fields: Annotated[list[FieldId], Field(max_length=MAX_FIELDS)] = []
    """The ids of fields that a report for customers has besides those that the link shows before Start; no secrets."""
    without: Annotated[list[PhotoId], Field(max_length=MAX_LEFT_OUT)] = []
    """The ids of photos that a report for customers leaves out."""


class ReportOptions(CustomerOptions):
    """The options of a run's report. `full` has all that operators see, whatever the other members say."""

    depth: Literal["customer", "full"] = "customer"
    """`customer`: what the run was about and its outcome; `full`: all that operators see, with history and digests."""

    @property
    def is_full(self) -> bool:
        """Tell whether the report has all that operators see."""
        return self.depth == "full"


class ShareBody(CustomerOptions):
    """A share to make: what its report shows, in which language, and for how long."""

    language: LanguageTag | None = None
    """The language of the report (BCP 47); left out: the language of each reader's browser."""
    expires_in_days: Annotated[int, Integer(1, 3650)] | None = DAYS
    """The days until it ends; `null` = once it is revoked."""

    def options(self) -> ReportOptions:
        """Return what the report shows."""
        return ReportOptions(**self.model_dump(exclude={"language", "expires_in_days"}))


@dataclass(frozen=True, slots=True)
class Share:
    """A link to the report of a run for readers without a key, apart from the link's token. It `is_erased` with
    its run. Times are in milliseconds; `expires_at` None = never. `opened` is the smallest possible number of openings,
    `opened_at` the time of the last.
    """

    share_id: str
    run_id: str
    org_id: str
    is_erased: bool
    options: ReportOptions
    language: str | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    opened: int
    opened_at: int | None

    def is_over(self, now: int) -> bool:
        """Tell whether the share was erased or revoked, or has expired at the time `now`."""
        is_expired = self.expires_at is not None and now >= self.expires_at
        return is_expired or self.is_erased or self.revoked_at is not None

    def as_json(self, url: str | None = None) -> ShareJson:
        """Return the share as a dict; its `url` is known only when it is made."""
        return {
            "share_id": self.share_id,
            "url": url,
            "photos": self.options.photos,
            "remarks": self.options.remarks,
            "positions": self.options.positions,
            "names": self.options.names,
            "signature": self.options.signature,
            "fields": self.options.fields,
            "without": self.options.without,
            "language": self.language,
            "created_at": times.wire(self.created_at),
            "expires_at": times.wire_or_none(self.expires_at),
            "revoked_at": times.wire_or_none(self.revoked_at),
            "opened": self.opened,
            "opened_at": times.wire_or_none(self.opened_at),
        }
