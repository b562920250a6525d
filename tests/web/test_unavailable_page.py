"""What a person sees where a page can't be made by our own fault: here a table of the database is gone."""

import pytest

from tests.helpers.console import operator
from tests.helpers.service import BOOLEAN, World

PERSON = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("table", ["runs", "sessions"])
async def test_a_person_gets_a_page_and_a_program_a_problem(w: World, table: str) -> None:
    ed, ann = await w.dispatch(await w.template(BOOLEAN)), await operator(w)
    path = f"/r/{ed.run_id}" if table == "runs" else "/console/runs"
    await w.database.write(lambda tx: tx.db.execute(f"ALTER TABLE {table} RENAME TO gone").close())
    page = await ann.client.get(path, headers={**PERSON, "accept-language": "de"})
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    says = "Der Server ist beschäftigt." if table == "runs" else "This page can’t be shown right now"
    assert says in page.text
    problem = await ann.client.get(path, headers={"accept": "application/json"})
    assert (problem.status_code, problem.json()["code"]) == (500, "internal")
