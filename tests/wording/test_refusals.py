"""What is refused is told in the operator's language, whoever asks: a page, or a page's script."""

from html import unescape

from rundun.errors import Problem
from rundun.wording.delivery_text import trouble_text
from rundun.wording.refusals import exact_reason, reason
from tests.helpers.console.console import operator, shown
from tests.helpers.console.languages import SPANISH
from tests.helpers.service import BOOLEAN, World


async def test_a_table_is_refused_in_the_operators_language(w: World) -> None:
    ana, template_id = await operator(w), await w.template(BOOLEAN)
    ana.client.headers["accept-language"] = "es"
    await shown(ana, f"/dispatch/table?template_id={template_id}")
    for table, english in {
        "Flat 3\t2026-01-31 15:00\nFlat 4\t": "The first row has no name of a column. Put the names above the rows, as "
        "listed here.",
        "title\tlanguage\nFlat 3\tcastellano": "That is not written as it must be.",
        "title\nFlat 3\ntitle\n" + "x" * 201: "That is too long.",
    }.items():
        refused = await ana.post("/dispatch/table", template_id=template_id, table=table)
        said = unescape(refused.text)
        assert (refused.status_code, SPANISH.gettext(english) in said, english in said) == (422, True, False)
        assert "BCP 47" not in said and "characters" not in said


async def test_a_table_without_a_checklist_is_refused_so_too(w: World) -> None:
    await w.template(BOOLEAN)
    ana = await operator(w)
    ana.client.headers["accept-language"] = "es"
    await shown(ana, "/dispatch/table")
    refused = unescape((await ana.post("/dispatch/table", table="title\nFlat 3")).text)
    assert refused.count(SPANISH.gettext("Choose a checklist.")) == 2, "above the form, and at its place"


async def test_a_script_is_told_it_in_the_operators_language(w: World) -> None:
    ana = await operator(w)
    await shown(ana, "/dispatch/table")
    broken = "The file can't be read: it is no spreadsheet, or a damaged or huge one. Save it as CSV, and try that."
    headers = {"accept": "application/json", "x-csrf-token": ana.csrf, "content-type": "application/octet-stream"}
    for language, said in (("en", broken), ("es", SPANISH.gettext(broken))):
        path, spoken = "/console/dispatch/table/text", {**headers, "accept-language": language}
        refused = await ana.client.post(path, content=b"PK\x03\x04", headers=spoken)
        assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (422, "invalid", said)
    assert SPANISH.gettext(broken) != broken


async def test_a_form_is_refused_in_the_operators_language(w: World) -> None:
    ana, template_id = await operator(w), await w.template(BOOLEAN)
    ana.client.headers["accept-language"] = "es"
    await shown(ana, "/dispatch")
    refused = await ana.post("/dispatch", template_id=template_id, title="x" * 201)
    assert refused.status_code == 422 and SPANISH.gettext("That is too long.") in unescape(refused.text)
    assert "200 are allowed" not in refused.text


def test_what_somebody_typed_is_no_message_to_be_filled() -> None:
    typed = Problem("invalid", "There is no “{n}”.")
    assert exact_reason(SPANISH, typed) == reason(SPANISH, typed)


def test_what_stood_in_the_way_of_a_delivery_is_told_as_far_as_there_are_words() -> None:
    for error, said in {
        "The answer was 302. Redirects are not followed.": "La respuesta fue 302. Las redirecciones no se siguen.",
        "HTTP 410": "La respuesta fue 410.",
        "There was no complete answer within 2.5 s.": "No hubo una respuesta completa en 2,5 s.",
        "The connection failed: Connection refused.": "En esa dirección nadie acepta conexiones.",
        "The connection failed: No route to host.": "En esa dirección nadie responde.",
        "The connection failed: Exec format error.": "The connection failed: Exec format error.",
        "The name hooks.example was not found (Name or service not known).": "No se encontró el nombre hooks.example.",
        "TLS failed: WRONG_VERSION_NUMBER.": "Falló la conexión segura (TLS): WRONG_VERSION_NUMBER.",
    }.items():
        assert trouble_text(SPANISH, error) == said
