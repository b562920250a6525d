"""`runs dispatch --table`: a run for each row, all or none, without a service and beside a running one."""

import csv
import io
import json

import pytest

from tests.helpers.cli import FIRST
from tests.helpers.console.office import Office
from tests.helpers.processes.service_process import looking, rows
from tests.helpers.service import BOOLEAN
from tests.helpers.xlsx import number, text, workbook

UNIT = {"id": "f-unit", "label": "Unit", "kind": "text"}
DOOR = {"id": "f-door", "label": "Door", "kind": "secret"}
CHECK = {"name": "Flat check", "fields": [UNIT, DOOR], "steps": [BOOLEAN]}
LINES = ["Title;Unit;Due;Door", "Flat 1;0012;2036-01-31 15:00;canary-4711", "=1+1;x;2036-01-31;"]


def test_a_run_for_each_row_and_the_table_with_their_links(office: Office) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    file = office.folder / "jobs.csv"
    file.write_text("\n".join(LINES), "utf-16")
    dispatch = ("runs", "dispatch", "Flat check", "--table", str(file))
    heading, *lines = csv.reader(io.StringIO(office.run(*dispatch).stdout))
    assert heading == ["title", "due", "Unit", "link"]
    assert [line[:3] for line in lines] == [["Flat 1", "2036-01-31 15:00", "0012"], ["'=1+1", "2036-01-31 23:59", "x"]]
    shown = office.json("runs", "show", lines[0][3].rpartition("/")[2])
    assert (shown["title"], shown["fields"]) == ("Flat 1", {"f-unit": "0012", "f-door": "canary-4711"})
    assert "was sent on" in (refused := office.refused(*dispatch)) and "Say --again" in refused
    again = office.json(*dispatch, "--again")
    assert [each["title"] for each in again["runs"]] == ["Flat 1", "=1+1"]
    if office.service:
        office.service.wait_for('command="runs accept-table"')  # small steps for the service, whose log may be late
        office.service.wait_for('command="runs make-table"')
    with looking(office.folder) as db:
        assert rows(db, "SELECT count(*), (SELECT count(*) FROM table_parts) FROM runs") == [(4, 0)]


@pytest.mark.parametrize("office", ["alone"], indirect=True)
def test_a_spreadsheet_is_a_table_and_a_wrong_cell_leaves_all_undone(office: Office) -> None:
    office("templates", "import", office.file(CHECK), "--org", FIRST)
    file = office.folder / "jobs.xlsx"
    head = f'<row r="1">{text("A1", "Unit")}{text("B1", "Due")}{text("C1", "x")}</row>'
    file.write_bytes(workbook(head + f'<row r="3">{number("A3", 12.0)}{number("B3", 1, is_time=True)}</row>'))
    dispatch = ("runs", "dispatch", "Flat check", "--table", str(file))
    title, *told = office.refused(*dispatch).splitlines()
    assert (title, len(told)) == ("2 things are wrong:", 2)
    assert told[0] == "  Row 1, x: This checklist has no such column. Rename it or take it out."
    assert told[1].startswith("  Row 3, Due: Is past: it is ")
    file.write_bytes(workbook(head.replace(text("C1", "x"), "") + f'<row r="3">{number("A3", 12.0)}</row>'))
    assert office.json(*dispatch)["runs"][0]["title"] is None
    with looking(office.folder) as db:
        assert [json.loads(row[0]) for row in rows(db, "SELECT fields FROM runs")] == [{"f-unit": "12"}]
    many = office.folder / "many.csv"
    many.write_text("\n".join(["Unit;due", *["1;soon"] * 130]))
    assert office.refused(*dispatch[:-1], str(many)).splitlines()[-1] == "  Below: 30 more cells are wrong."
    assert office.refused(*dispatch[:-1], str(office.folder / "none")).endswith("none: No such file or directory.")
    for also in (("--title", "x"), ("--field", "f-unit=1")):
        assert "stands in the table" in office.run(*dispatch, *also).stderr
    assert "--again is for" in office.run(*dispatch[:-2], "--again").stderr
