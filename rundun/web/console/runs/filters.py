"""The filter of the list of runs, read from the query: tab, search and narrowing fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from rundun.core import text
from rundun.core.runs.run import STATUSES
from rundun.store.runs.lists import RunFilter
from rundun.web.console.session import ConsoleCall
from rundun.wording.time_zone import Zone

ALL = "all"
BY_DUE = ("open", "late")  # tabs ordered by due time, unless `sort` is `newest`
DAYS = ("created", "closed")  # the times that `from` and `to` apply to
MATCHES = ("begins", "exact")
SORTS = ("due", "newest")
FIELDS = ("tab", "q", "sort", "status", "template", "day", "from", "to", "ref", "match", "due", "flagged")
NARROWING = ("status", "flagged", "template", "from", "to", "due", "ref")  # each shown as a chip if set


def tab_filters(now: int) -> Mapping[str, dict[str, Any]]:
    """Return the arguments of `RunFilter` by tab, in display order. `now` is in milliseconds."""
    return {
        "open": {"status": "open"},
        "late": {"late_at": now},
        "missed": {"is_missed": True, "is_to_handle": True},
        "flagged": {"is_flagged": True, "is_to_handle": True},
        "done": {"status": "completed", "closed_after": 0},
        ALL: {},
    }


def tab_query(tab: str, search: str = "") -> str:
    """Return the query of a tab and a search, with its question mark; "" for the tab of all without a search."""
    query = urlencode({name: value for name, value in {"tab": tab, "q": search}.items() if value not in ("", ALL)})
    return f"?{query}" if query else ""


def list_path(call: ConsoleCall) -> str:
    """Return the path, below /console, of the form's page: "" for the overview, else the list with its query."""
    if call.form.get("to") == "overview":
        return ""
    query = urlencode(parse_qsl(call.form.get("query", "")[:2000]))
    return f"/runs?{query}" if query else "/runs"


@dataclass(frozen=True, slots=True)
class RunFilterForm:
    """The filter form: the `values` of its fields, put in order by `read_filter_form`; the `filter` made of them and
    the tab; and `wrong`, the names of the unreadable fields.
    """

    values: dict[str, str]
    filter: RunFilter
    wrong: set[str]

    @property
    def narrowing(self) -> list[str]:
        """Return the names of the fields, except the search, that narrow the tab."""
        return [name for name in NARROWING if self.values[name] and name not in self.wrong]

    @property
    def is_narrowed(self) -> bool:
        """Tell whether a field or the search narrows the tab."""
        return bool(self.narrowing or self.values["q"])

    def query(self, *without: str, **changed: str) -> str:
        """Return the filter as a URL query, without `?`, with `changed`, but without `without`, unreadable fields, and
        default values.
        """
        fields = {**{name: value for name, value in self.values.items() if name not in self.wrong}, **changed}
        fields = {name: value for name, value in fields.items() if value and name not in without}
        if fields["tab"] == ALL:
            del fields["tab"]
        if fields.get("sort") == SORTS[0]:
            del fields["sort"]
        if "ref" not in fields or fields["match"] == MATCHES[0]:
            del fields["match"]
        if not fields.keys() & {"from", "to"} or fields["day"] == DAYS[0]:
            del fields["day"]
        return urlencode(fields)

    def kept(self, *without: str, **changed: str) -> list[tuple[str, str]]:
        """Return what `query` returns as pairs of name and value, for a form that keeps the filter."""
        return parse_qsl(self.query(*without, **changed))


def read_filter_form(call: ConsoleCall, **changed: str) -> RunFilterForm:
    """Return the filter form of the query, with the `changed` values: its values, cut to 300 characters, with the
    default for an unknown tab, `day`, `match` or `sort`, `yes` for any `flagged`, and "" for a value that the tab
    excludes; the filter made of them and the tab, in days of the organization's zone; and the names of unreadable
    fields (`from`, `to`, `due`, `status`), which keep their text and filter nothing.
    """
    params = {**call.request.query_params, **changed}
    values = {name: params.get(name, "")[:300] for name in FIELDS}
    values["match"] = values["match"] if values["match"] in MATCHES else MATCHES[0]
    values["day"] = values["day"] if values["day"] in DAYS else DAYS[0]
    values["q"] = values["q"].strip()
    _choose_tab(values, tab_filters(0))
    wrong = {name for name in ("from", "to", "due") if values[name] and _day(values[name]) is None}
    if values["status"] not in ("", *STATUSES):
        wrong.add("status")
    status = None if "status" in wrong else values["status"] or None
    day, reference_field = values["day"], "executor_ref" if values["match"] == "exact" else "executor_ref_prefix"
    chosen: dict[str, Any] = {
        "status": status,
        "is_flagged": values["flagged"] == "yes",
        **tab_filters(call.now)[values["tab"]],
        "q": values["q"] or None,
        "template_id": values["template"] or None,
        "due_before": _day_start(call.zone, _day(values["due"], 1), 0),
        reference_field: _reference(values["ref"]) or None,
    }
    chosen["is_by_due"] = values["sort"] == SORTS[0]
    starts = {
        "after": _day_start(call.zone, _day(values["from"]), -1),
        "before": _day_start(call.zone, _day(values["to"], 1), 0),
    }
    chosen |= {f"{day}_{name}": at for name, at in starts.items() if at is not None}
    return RunFilterForm(values, RunFilter(**chosen), wrong)


def _choose_tab(values: dict[str, str], tabs: Mapping[str, Any]) -> None:
    """Set the tab, and the status, flag and order that go with it. Older addresses name the tab as a status."""
    values["status"] = "expired" if values["status"] == "missed" else values["status"]
    if values["tab"] not in tabs:
        values["tab"] = values["status"] if values["status"] in BY_DUE else ALL
    if values["tab"] != ALL:
        values["status"] = ""
    values["flagged"] = "yes" if values["flagged"] and values["tab"] != "flagged" else ""
    can_sort = values["tab"] in BY_DUE and not values["q"] and (values["match"] == "exact" or not values["ref"])
    values["sort"] = (values["sort"] if values["sort"] in SORTS else SORTS[0]) if can_sort else ""


def _reference(value: str) -> str:
    """Return a reference in its stored form, or unchanged if it cannot be stored: then it matches no run."""
    try:
        return text.clean(value)
    except ValueError:
        return value


def _day(value: str, later: int = 0) -> date | None:
    """Return the day `value` (YYYY-MM-DD) plus `later` days; None if it is unreadable or not from 1901 to 9998."""
    try:
        day = date.fromisoformat(value) + timedelta(days=later) if len(value) == 10 else None
    except (ValueError, OverflowError):
        return None
    return day if day and 1900 < day.year < 9999 else None


def _day_start(zone: Zone, day: date | None, offset: int) -> int | None:
    return None if day is None else zone.day_begins(day) + offset
