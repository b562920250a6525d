"""Tables of jobs: which cell is which part of a job, and every wrong one by its row and column."""

import datetime
from typing import Any

import pytest
from babel import dates
from hypothesis import given, strategies as st

from rundun.core import times
from rundun.core.runs.run import new_run
from rundun.core.runs.search_text import fold
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_tables import sent_table
from rundun.wording.job_tables.dates_and_numbers import possible_days, read_time
from rundun.wording.job_tables.table import COLUMNS, JobTable, column_names, read_jobs
from rundun.wording.time_zone import Zone
from tests.helpers.console.languages import CATALOGS, SPANISH, is_told_in_spanish
from tests.helpers.jobs import FIELDS, KINDS
from tests.helpers.service import BOOLEAN, NOON

MADRID = Zone("Europe/Madrid")


def version(*fields: dict[str, Any], **more: Any) -> TemplateVersion:
    template = read(Template, {"name": "Flat check", "fields": list(fields), "steps": [BOOLEAN], **more})
    return TemplateVersion("t-1", 1, "org-1", 0, 0, b"", template, tuple(template.all_steps()), {})  # type: ignore[typeddict-item]


UNIT = {"id": "f-unit", "label": "Unit", "kind": "text", "required": True}
FLAT = version(UNIT, *FIELDS[1:], translations={"es": {"f-unit": {"label": "Piso"}}})


def table(*lines: str, of: TemplateVersion = FLAT, **more: Any) -> JobTable:
    return read_jobs("\n".join(lines), of, MADRID, NOON, **more)


def due_of(text: str, **more: Any) -> str:
    """The time that a cell of the column *due* says, as on the wire."""
    (one,) = table("unit\tdue", f"1\t{text}", **more).requests
    assert one.job.due_at is not None
    return times.wire(one.job.due_at)


def wrong(*lines: str, of: TemplateVersion = FLAT) -> list[tuple[int, str, str]]:
    read_ = table(*lines, of=of)
    assert not read_.requests
    return [(error.row, error.column, error.detail) for error in read_.errors]


def test_a_row_is_a_dispatch_and_a_column_a_part_of_it() -> None:
    values = {f"f-{kind}": value for kind, value in KINDS.items()}
    heading = [
        "TITLE",
        "Reference",
        "due",
        "Note",
        "Language",
        "unit",
        *(f"Canary-label-{kind}" for kind in KINDS),
        "f-door",
    ]
    cells = ["Flat 3", "b-7", "2026-01-02 15:00", '"one\ntwo"', "es", "0012", *map(str, KINDS.values()), "4711"]
    (one,) = table("\t".join(heading), "\t".join(cells)).requests
    job = one.job
    assert (job.title, job.note, job.due_at) == ("Flat 3", "one\ntwo", NOON + 38 * 3_600_000), "by Madrid's clocks"
    assert (one.template_id, one.executor_ref, one.language) == ("t-1", "b-7", "es")
    assert job.fields == {"f-unit": "0012", **values} and job.secrets == {"f-door": "4711"}
    (other,) = table("Job;Piso;due_at", "x;1;", of=FLAT).requests
    assert (other.job.title, other.job.due_at, other.job.fields) == ("x", None, {"f-unit": "1"})
    (spanish,) = table("título;piso", "x;1", language=SPANISH).requests
    assert spanish.job.title == "x", "in the operator's language, too"


@pytest.mark.parametrize("tag", sorted(CATALOGS.names))
def test_columns_are_known_in_all_languages_of_the_console(tag: str) -> None:
    language = CATALOGS.language([tag])
    heading = [language.pgettext("column", name) for name in ("title", "reference", "due", "note", "language")]
    for names in (heading, [fold(name) for name in heading]):
        (one,) = table("\t".join([*names, "unit"]), "A\tb-7\t2026-01-02\tn\tes\t1").requests
        assert (one.job.title, one.executor_ref, one.job.note, one.language) == ("A", "b-7", "n", "es")
    own = version({**UNIT, "label": heading[3]}) if tag in ("es", "fr") else FLAT
    if own is not FLAT:
        (one,) = table(heading[3], "x", of=own).requests
        assert one.job.fields == {"f-unit": "x"}, "a field of that name comes first"


@pytest.mark.parametrize(
    ("due", "at"),
    [
        ("2026-01-02", "2026-01-02T22:59:00Z"),
        ("2026-01-02T9:05", "2026-01-02T08:05:00Z"),
        ("2026-01-02 09:05:30", "2026-01-02T08:05:30Z"),
        ("2026-01-02T09:05Z", "2026-01-02T09:05:00Z"),
        ("2026-01-02 09:05+03:00", "2026-01-02T06:05:00Z"),
        ("2026-07-02 09:05", "2026-07-02T07:05:00Z"),
        ("2.1.2026 9:05", "2026-01-02T08:05:00Z"),
        ("31/01/2026 09:05:30", "2026-01-31T08:05:30Z"),
        ("31-1-2026", "2026-01-31T22:59:00Z"),
    ],
)
def test_a_due_time_is_by_the_clocks_of_the_organization(due: str, at: str) -> None:
    assert due_of(due) == at


@pytest.mark.parametrize(
    ("tag", "due", "at"),
    [
        ("es", "02/01/2026 9:05", "2026-01-02T08:05:00Z"),
        ("es", "30/11/26", "2026-11-30T22:59:00Z"),
        ("es", "30 nov 2026", "2026-11-30T22:59:00Z"),
        ("es", "lunes, 30 de noviembre de 2026 15:00", "2026-11-30T14:00:00Z"),
        ("es", "30/11/2026 3:00:00 p. m.", "2026-11-30T14:00:00Z"),
        ("fr", "1 févr. 2026, 12:00", "2026-02-01T11:00:00Z"),
        ("de", "Mo., 30. Nov. 2026 15:00", "2026-11-30T14:00:00Z"),
        ("pt", "30 de setembro de 2026", "2026-09-30T21:59:00Z"),
        ("ar", "٣٠ نوفمبر ٢٠٢٦ ١٥:٠٠", "2026-11-30T14:00:00Z"),
        ("ar", "٣٠/١١/٢٠٢٦", "2026-11-30T22:59:00Z"),
        ("en", "Nov 30, 2026 12:30 AM", "2026-11-29T23:30:00Z"),
        ("en", "30 November 2026", "2026-11-30T22:59:00Z"),
        ("en-US", "11/30/2026 3:00 PM", "2026-11-30T14:00:00Z"),
        ("en-US", "01/01/2026 13:00", "2026-01-01T12:00:00Z"),
        ("de", "30 Nov 2026", "2026-11-30T22:59:00Z"),
    ],
)
def test_dates_are_taken_as_people_of_the_language_write_them(tag: str, due: str, at: str) -> None:
    language = ConsoleLanguage(tag)
    assert due_of(due, language=language) == at
    day = due.partition(":")[0].rpartition(" ")[0].rstrip(",") if ":" in due else due
    (other,) = table("unit\tCanary-label-date", f"1\t{day}", language=language).requests
    assert other.job.fields["f-date"] == MADRID.at(times.parse(at)).date().isoformat(), "in a field, too"


@pytest.mark.parametrize(
    ("tag", "due", "at"),
    [
        ("en", "Jan 2nd 3pm", "2026-01-02T14:00:00Z"),
        ("en", "2 Jan 2026 3 PM", "2026-01-02T14:00:00Z"),
        ("es", "2 ene 15:00", "2026-01-02T14:00:00Z"),
        ("de", "2.1. 9:30", "2026-01-02T08:30:00Z"),
        ("fr", "1er févr. 9h30", "2026-02-01T08:30:00Z"),
        ("pt", "2/1 15h", "2026-01-02T14:00:00Z"),
        ("en", "Jan 2 at 3pm", "2026-01-02T14:00:00Z"),
        ("es", "2 de enero a las 15:00", "2026-01-02T14:00:00Z"),
    ],
)
def test_year_and_minutes_may_be_left_out(tag: str, due: str, at: str) -> None:
    assert due_of(due, language=ConsoleLanguage(tag)) == at


def test_a_day_without_its_year_is_the_nearest() -> None:
    assert possible_days("2/1", SPANISH, datetime.date(2026, 11, 29)) == [datetime.date(2027, 1, 2)]
    assert possible_days("31 dic", SPANISH, datetime.date(2026, 1, 1)) == [datetime.date(2025, 12, 31)]
    assert possible_days("1.2.00", SPANISH, datetime.date(2026, 1, 1)) == [datetime.date(2000, 2, 1)]
    assert not possible_days("3.5", SPANISH, datetime.date(2026, 1, 1))
    assert possible_days("29.2.", SPANISH, datetime.date(2027, 6, 1)) == [datetime.date(2028, 2, 29)]


def test_a_date_that_may_be_two_or_none_is_refused() -> None:
    for column, text in (("due", "02/01/2026 9:05"), ("due", "2/1 9:05"), ("Canary-label-date", "2/1/26")):
        (error,) = table(f"unit;{column}", f"1;{text}").errors
        assert (error.value, error.detail) == (text, "May be 2 Jan 2026 or 1 Feb 2026: write the one that is meant.")
    for column, text, detail in (
        ("due", "2 Jan 25:00", "Write the time as 15:00."),
        ("due", "2 Jan 2026Z", "Write the time as 15:00."),
        ("due", "soon", "Write the day as 31 Jan 2026."),
        ("Canary-label-date", "31 Feb", "Write the day as 31 Jan 2026."),
    ):
        assert [each.detail for each in table(f"unit;{column}", f"1;{text}").errors] == [detail]
    nonsense = ("31/02/2026", "1.13.2026", "13/13/2026", "1/2-2026", "0/1/2026", "32/1/2026", "30 ju 2026", "nov 2026")
    nonsense += ("2026-01-02 25:00", "2026-01-02 0:30 PM", "2026-01-02 x", "2026-01-02Z", "30 nov dec 2026", "9:05")
    for language in (ConsoleLanguage("es"), ConsoleLanguage("en-US")):
        assert [len(table("unit;due", f"1;{due}", language=language).errors) for due in nonsense] == [1] * len(nonsense)


@given(
    st.text(st.sampled_from("019 ,./-:nov de٣T\u200f") | st.characters(), max_size=100) | st.just("9 nov " + "9" * 5000)
)
def test_whatever_is_in_a_cell_is_a_date_or_none(text: str) -> None:
    for language in (SPANISH, ConsoleLanguage("en")):
        assert len(possible_days(text, language, datetime.date(2026, 11, 29))) <= 2
        read_time(text)


@given(st.dates(datetime.date(2026, 1, 2), datetime.date(2099, 12, 31)), st.sampled_from(sorted(CATALOGS.names)))
def test_a_date_that_the_language_writes_is_that_date(day: datetime.date, tag: str) -> None:
    for width in ("short", "medium", "long", "full"):
        written = dates.format_date(day, width, locale=tag)
        found = possible_days(written, ConsoleLanguage(tag), datetime.date(2026, 1, 1))
        is_any = tag == "en" and width == "short" and day.day <= 12 and day.day != day.month
        assert day in found and len(found) == (2 if is_any else 1), written


def test_every_wrong_cell_is_named_at_once() -> None:
    assert wrong(
        "Unit;due;Canary-label-number;title;language;Flor",
        "1;02/01/2026;many;A;es;x",
        "",
        ";2025-12-31;1,5;B;?",
        "3;2026-02-30;;" + "t" * 201,
    ) == [
        (1, "Flor", "This checklist has no such column. Rename it or take it out."),
        (2, "due", "May be 2 Jan 2026 or 1 Feb 2026: write the one that is meant."),
        (2, "Canary-label-number", "Must be a number."),
        (4, "language", "Must be a BCP 47 language tag such as “en” or “pt-BR”."),
        (4, "Unit", "Is empty, and each job of this checklist needs it."),
        (4, "due", "Is past: it is 1 Jan 2026, 01:00:00 +01:00."),
        (5, "due", "Write the day as 31 Jan 2026."),
        (5, "title", "Has 201 characters, 200 are allowed."),
    ]


def test_every_wrong_column_is_named_once() -> None:
    assert wrong("title;TITLE;;link", "a;b;c;d", "a;b;c;d") == [
        (1, "TITLE", "There are two columns of this name."),
        (1, "link", "This table has been sent: its jobs have links. To send it again, delete the column."),
        (1, "Unit", "There is no such column, and each job of this checklist needs it."),
        (2, "", "The column of this cell has no name in the first row."),
    ]
    same = version(UNIT, {**UNIT, "id": "f-other"}, {**UNIT, "id": "f-note", "label": "Note", "required": False})
    of_fields = column_names(same.template)[len(COLUMNS) :]
    assert of_fields == ["f-unit", "f-other", "f-note"], "what is not clear goes by its id"
    assert (1, "unit", "Several fields of this checklist have this name: write their ids.") in wrong(
        "unit", "1", of=same
    )


def test_the_first_hundred_wrong_cells_are_named_and_the_others_counted() -> None:
    said = table("due;unit;x", *["soon;;"] * 400, "soon;1;;y", of=FLAT)
    assert (len(said.errors), said.more) == (100, 1 + 800 + 2 - 100)
    assert [error.row for error in said.errors] == [1, *(row for row in range(2, 51) for _ in "ab"), 51]


@pytest.mark.parametrize(
    "label", ["@home", "=1+1", "-2 °C", "＝", "a;=b", "\u200f+34", "'@home", "_-x", "a, -b", "a;  \u00a0=b", 'a;"-b"']
)
def test_a_label_that_looks_like_a_formula_comes_back_as_itself(label: str) -> None:
    odd = version({**UNIT, "label": label})
    heading = sent_table.heading_csv(odd.template).removesuffix("\r\n")
    (one,) = table(heading, f"{',' * len(COLUMNS)}7", of=odd).requests
    assert one.job.fields == {"f-unit": "7"}
    runs = [new_run(one, "r-1", "org-1", 1, NOON, {})]  # type: ignore[typeddict-item]
    lines = sent_table.table_csv(odd.template, runs, MADRID, Urls("https://x.test", b"")).split("\r\n")
    assert table(*(line.rpartition(",")[0] for line in lines), of=odd).requests == [one]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["title"], "no row below"),
        ([""], "There is no table"),
        (["title", *["x"] * 1001], "more than 1,000 rows"),
        (["x" * 2_100_000], "2 MiB"),
        (["Flat 3;2026-01-31 15:00"] * 2, "no name of a column"),
    ],
)
def test_what_is_no_table_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(Problem, match=why) as refusal:
        table(*lines)
    assert is_told_in_spanish(refusal.value)


@given(
    st.text(max_size=300), st.sampled_from(["", "Title;Unit;due;Note;language\n", "unit,Canary-label-number,f-door\n"])
)
def test_any_text_is_read_or_each_wrong_cell_is_named(text: str, heading: str) -> None:
    try:
        said = table(heading + text)
    except Problem as problem:
        assert problem.code == "invalid"
    else:
        assert bool(said.requests) != bool(said.errors)
        assert all(error.row >= 1 and error.detail for error in said.errors)


def test_the_same_jobs_have_the_same_digest_however_they_were_saved() -> None:
    one = table("unit;title;f-door", "1;A;4711", "2;B;4712").digest
    assert one == table("title,Unit,due,f-door", 'A,"1 ",,9999', "", "B,2,,").digest, "door codes aside"
    assert one != table("unit;title", "1;A", "2;C").digest
    assert one != table("unit;title", "2;B", "1;A").digest


def test_a_table_comes_back_with_links_and_calculates_nothing() -> None:
    template = FLAT.template
    text = 'title;unit;f-door;due;note\n=1+1;0012;4711;2026-07-02 09:05;"a\nb"\nB;-2;;;'
    requests = read_jobs(text, FLAT, MADRID, NOON).requests
    runs = [new_run(each, f"r-{number}", "org-1", 1, NOON, {}) for number, each in enumerate(requests)]  # type: ignore[typeddict-item]
    links = Urls("https://x.test", b"")
    assert sent_table.table_csv(template, runs, MADRID, links) == (
        "title,due,note,Unit,link\r\n"
        '\'=1+1,2026-07-02 09:05,"a\nb",0012,https://x.test/r/r-0\r\n'
        "B,,,'-2,https://x.test/r/r-1\r\n"
    )
    again = sent_table.table_csv(template, runs, MADRID, links).replace(",link\r\n", ",\r\n")
    lines = [line.rpartition(",")[0] if "/r/" in line else line for line in again.split("\r\n")]
    assert [each.job.title for each in table(*lines).requests] == ["=1+1", "B"], "and is the same when it is sent again"
    assert table("unit;title", "'+34;'x").requests[0].job.title == "'x"
