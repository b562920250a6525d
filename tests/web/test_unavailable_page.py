"""What a person sees where a page can't be made by our own fault: here a table of the database is gone."""

import re

import pytest

from tests.helpers.console.console import operator
from tests.helpers.service import BOOLEAN, World

PERSON = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("table", ["runs", "sessions"])
async def test_a_person_gets_a_page_and_a_program_a_problem(w: World, table: str) -> None:
    ed, ann = await w.dispatch(await w.template(BOOLEAN)), await operator(w)
    path = f"/r/{ed.run_id}" if table == "runs" else "/console/runs"
    await w.database.write(lambda tx: tx.db.execute(f"ALTER TABLE {table} RENAME TO gone").close())
    page = await ann.client.get(path, headers={**PERSON, "accept-language": "de"})
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    says = "Der Server ist beschäftigt." if table == "runs" else "Diese Seite kann gerade nicht angezeigt werden"
    assert says in page.text
    problem = await ann.client.get(path, headers={"accept": "application/json"})
    assert (problem.status_code, problem.json()["code"]) == (500, "internal")


NOWHERE = ("/nowhere", "/r", "/r/r-none/nowhere", "/media/x", "/problems/none", "/docs/nowhere")


@pytest.mark.parametrize("path", NOWHERE)
async def test_where_nothing_is_a_visitor_reads_so_in_his_language(shared: World, path: str) -> None:
    ann = await operator(shared)
    for language, says in (("de-AT", "Dieser Link funktioniert nicht"), ("tlh", "This link does not work")):
        page = await ann.client.get(path, headers={**PERSON, "accept-language": language})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert says in page.text
    first = f"/{path.split('/')[1]}"
    home = first if first == "/docs" else "/"
    assert re.findall(r'<a href="([^"]*)"', page.text) == [home]
    assert (await ann.client.get(home)).status_code == 200
    arabic = await ann.client.get(path, headers={**PERSON, "accept-language": "ar"})
    assert '<html lang="ar" dir="rtl">' in arabic.text


@pytest.mark.parametrize("path", [*NOWHERE, "/v1/nowhere"])
async def test_where_nothing_is_a_program_reads_a_problem(shared: World, path: str) -> None:
    for accept in ("*/*", "application/json"):
        problem = await shared.browser().get(path, headers={"accept": accept})
        assert (problem.status_code, problem.json()["code"]) == (404, "not_found")
    api = [("GET", f"{shared.settings.public_url}{way}") for way in ("/v1/nowhere", "/v1", "/v1/", "//v1/x", "//v1")]
    for method, way in (*api, ("POST", path)):
        problem = await shared.browser().request(method, way, headers=PERSON)
        assert problem.headers["content-type"] == "application/problem+json"
