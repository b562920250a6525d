"""The report of a run for archives: one HTML page, which refers only to the photos and signatures beside it."""

from dataclasses import dataclass, replace

from rundun.actions.runs.runs import RunDetail
from rundun.core import times
from rundun.store.organizations.organizations import Organization
from rundun.web.pages.pages import Pages
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.file_names import FileNames
from rundun.wording.run_view import RunView, page_values
from rundun.wording.time_zone import Zone


@dataclass(frozen=True, slots=True)
class _ReportCall:
    """The part of a console call that templates need; a report has no request."""

    zone: Zone


@dataclass(frozen=True, slots=True)
class ReportWriter:
    """A writer of reports of an organization's runs, in a language. If it `is_given_out`, it omits the webhook."""

    pages: Pages
    organization: Organization
    language: ConsoleLanguage
    is_given_out: bool = False

    def write(self, detail: RunDetail, names: FileNames) -> bytes:
        """Return the report of a run as the bytes of an HTML page, which refers to pictures by their `names`."""
        zone = Zone(self.organization.time_zone, self.language.locale)
        if self.is_given_out:
            state = detail.state
            detail = replace(detail, state=replace(state, run=replace(state.run, webhook=None)))
        view = RunView(detail, self.language, zone, names.archive_path, detail.replaced)
        response = self.pages.render(
            "console/runs/report.html",
            call=_ReportCall(zone),
            wire=times.wire_or_none,
            flash="",
            deadline=None,
            organization=self.organization,
            **self.language.page_names(),
            **page_values(view),
        )
        return bytes(response.body)
