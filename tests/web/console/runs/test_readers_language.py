"""Checklists in the language of whoever reads the console: in lists, on pages, in CSV and in the report."""

import csv
import io
import re
from typing import Any

from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.service import BOOLEAN, Ed, World
from tests.web.console.runs.test_export import archive, archive_by_api

DOOR, MOST = "s-door", "s-most"
TEMPLATE: dict[str, Any] = {
    "fields": [{"id": "f-unit", "label": "Unit", "kind": "text"}, {"id": "f-host", "label": "Host", "kind": "text"}],
    "translations": {
        "es": {
            "": {"name": "Entrega"},
            "f-unit": {"label": "Piso"},
            DOOR: {"label": "¿Puerta cerrada?", "true_label": "Cerrada", "false_label": "Abierta", "tell": "Ciérrela"},
            MOST: {"label": "¿Qué falta?"},
            "o-soap": {"label": "Jabón"},
        },
        "de": {DOOR: {"label": "Tür zu?"}},
    },
}
STEPS = (
    {
        "id": DOOR,
        "type": "boolean",
        "label": "Door shut?",
        "config": {"true_label": "Shut", "false_label": "Open"},
        "flag": {"when": {"op": "eq", "value": True}, "tell": "Shut it"},
    },
    {
        "id": MOST,
        "type": "choice",
        "label": "What is missing?",
        "condition": {"when": {"step": DOOR, "op": "eq", "value": True}},
        "config": {"options": [{"id": "o-soap", "label": "Soap"}, {"id": "o-oil", "label": "Oil"}]},
    },
    {"id": "s-more", "type": "text", "label": "Anything else?", "required": False},
)


async def answered(w: World) -> Ed:
    ed = await w.dispatch(await w.template(*STEPS, **TEMPLATE), fields={"f-unit": "3", "f-host": "Ann"})
    await ed.start()
    await ed.answer(DOOR, True)
    await ed.answer(MOST, "o-soap")
    return ed


async def test_a_spanish_console_shows_the_checklist_in_spanish(w: World) -> None:
    ed = await answered(w)
    ann = await operator(w)
    ann.client.headers["accept-language"] = "es-MX"
    told = "¿Puerta cerrada? Cerrada · ¿Qué falta? Jabón"
    for path in ("", "/runs"):
        page = text_of(await shown(ann, path))
        assert "Entrega" in page and told in page and "Door" not in page and "Check " not in page, path
    page = await shown(ann, f"/runs/{ed.run_id}")
    words = text_of(page)
    for found in ("Entrega", "Piso 3", "¿Puerta cerrada? Cerrada", "¿Qué falta? Jabón", "Ciérrela", "Host Ann"):
        assert found in words, found
    assert set(re.findall(r'<bdi lang="">(.*?)</bdi>', page)) == {"Host", "Anything else?"}, "nobody translated these"
    assert "sin traducir" in words
    (row,) = csv.DictReader(io.StringIO((await ann.get("/runs.csv")).text.removeprefix("\ufeff")))
    assert (row["template"], row["fields"]) == ("Entrega", "Piso: 3; Host: Ann")
    assert row["flags"] == "¿Puerta cerrada?: Cerrada · ¿Qué falta? Jabón"
    report = text_of((await archive(ann, ed)).read("report.html").decode())
    assert "¿Puerta cerrada?" in report and "Jabón" in report and "Door shut?" not in report
    for path in ("/templates", f"/runs/{ed.run_id}/edit", "/dispatch", "/dispatch/table"):
        assert "Entrega" in text_of(await shown(ann, path)), path
    assert "Piso" in text_of(await shown(ann, f"/runs/{ed.run_id}/edit"))


async def test_what_integrators_read_stays_as_its_author_wrote_it(w: World) -> None:
    ed = await answered(w)
    ann = await operator(w)
    ann.client.headers["accept-language"] = "es"
    await shown(ann, f"/runs/{ed.run_id}")
    record = await w.run(ed)
    assert record["template"]["steps"][0]["label"] == "Door shut?"
    assert [one["label"] for one in record["flags"]] == ["Door shut?"]
    assert "Door shut?" in text_of((await archive_by_api(w, ed)).read("report.html").decode())


async def test_words_that_a_step_has_no_use_for_do_no_harm(w: World) -> None:
    texts = {"": {"name": "Prueba"}, "s-ok": {"label": "¿Bien?", "placeholder": "x", "unit": "m", "tell": "y"}}
    ed = await w.dispatch(await w.template(BOOLEAN, translations={"es": texts}))
    stale = await w.template(BOOLEAN, translations={"es": texts})
    old = await w.dispatch(stale)

    def spoil(tx: Tx) -> None:  # a version that an earlier service has taken
        body = "json_set(body, '$.translations.es.s-ok.label', ' ')"
        tx.db.execute(f"UPDATE template_versions SET body = {body} WHERE template_id = ?", (stale,))

    await w.database.write(spoil)
    w.database.env.versions.clear()
    ann = await operator(w)
    ann.client.headers["accept-language"] = "es"
    for path in ("/runs", "/templates", "/dispatch", "/dispatch/table", f"/runs/{ed.run_id}"):
        assert "Prueba" in text_of(await shown(ann, path)), path
    assert "¿Bien?" in await shown(ann, f"/runs/{ed.run_id}")
    assert "All fine?" in await shown(ann, f"/runs/{old.run_id}"), "as its author wrote it"


async def test_a_language_that_has_little_falls_back_part_by_part(w: World) -> None:
    ed = await answered(w)
    ann = await operator(w)
    ann.client.headers["accept-language"] = "de"
    words = text_of(await shown(ann, f"/runs/{ed.run_id}"))
    assert "Tür zu? Shut" in words and "What is missing? Soap" in words
    ann.client.headers["accept-language"] = "fr"
    page = await shown(ann, f"/runs/{ed.run_id}")
    assert "Door shut? Shut" in text_of(page) and page.count('lang=""') > 5 and "traduit" not in text_of(page)
