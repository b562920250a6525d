"""The CSV of a table of jobs: the empty one to fill in, and the sent one with a link for each job."""

from collections.abc import Sequence
from typing import Any

from rundun.core.runs.job import PLAIN_MEMBERS
from rundun.core.runs.job_json import exportable_fields
from rundun.core.runs.run import Run
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_tables.csv_cells import csv_lines
from rundun.wording.job_tables.table import COLUMNS, IN_ENGLISH, LINK, column_names
from rundun.wording.time_zone import Zone


def heading_csv(template: Template, language: ConsoleLanguage = IN_ENGLISH) -> str:
    """Return the names of a template's columns, in a language, as a line of CSV."""
    return csv_lines([column_names(template, language)])


def table_csv(
    template: Template, runs: Sequence[Run], zone: Zone, links: Urls, language: ConsoleLanguage = IN_ENGLISH
) -> str:
    """Return runs as CSV (RFC 4180) with a line of names, the links in the last column, and due times in `zone`,
    without its offset. Columns that no run fills, and secrets, are left out.
    """
    rows = []
    for run in runs:
        fields = exportable_fields(run.job, template)
        members = (_cell(run, name, zone) for name in COLUMNS)
        rows.append([*members, *(fields.get(field.id) for field in template.fields)])
    names = column_names(template, language)
    used = [index for index in range(len(names)) if any(row[index] is not None for row in rows)]
    lines = [[*(row[index] for index in used), links.run(run.run_id)] for run, row in zip(runs, rows, strict=True)]
    return csv_lines([[*(names[index] for index in used), LINK], *lines])


def _cell(run: Run, name: str, zone: Zone) -> Any:
    value = getattr(run.job if name in PLAIN_MEMBERS else run, name)
    is_time = name == "due_at" and value is not None
    return zone.at(value).replace(tzinfo=None).isoformat(" ", "minutes") if is_time else value
