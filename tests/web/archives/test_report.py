"""The report of a run: customers see what is meant for them, the office everything."""

import re
import uuid

import pytest

from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

FIELDS = [
    {"id": "f-unit", "label": "Unit", "kind": "text", "show": "start"},
    {"id": "f-way", "label": "Way", "kind": "text"},
    {"id": "f-price", "label": "Price", "kind": "text", "show": "office"},
    {"id": "f-door", "label": "Door", "kind": "secret"},
]
IF_OK = {"when": {"step": "s-ok", "op": "eq", "value": True}}
STEPS = (
    {**BOOLEAN, "geo": True, "flag": {"when": {"op": "eq", "value": True}}},
    {"id": "s-why", "type": "text", "label": "Why?", "condition": IF_OK},
    {"id": "s-pic", "type": "photo", "label": "The door"},
    {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "canary-body"}},
    {"id": "s-sign", "type": "signature", "label": "Sign"},
)
PLACE = {"lat": 47.123456, "lng": 8.654321, "accuracy": 5}
# What only its tick shows to a customer, and what a full report shows.
TICKED = {
    "remarks": "canary-remark",
    "positions": "47.123456",
    "names": "canary-name",
    "fields=f-way": "canary-way",
    "fields=f-price": "canary-price",
}
OFFICE = ("canary-ref", "canary-note", "canary-hook", "canary-before", "SHA-256")
SECRET, TYPED = "canary-door", "canary-typed"


async def made(w: World) -> tuple[Ed, list[str]]:
    """A run with a canary in each place, and the ids of its two photos."""
    template_id = await w.template(*STEPS, fields=FIELDS, execution={"identity_required": "name"})
    ed = await w.dispatch(
        template_id,
        title="Flat 3",
        note="canary-note",
        executor_ref="canary-ref",
        fields={f"f-{name}": f"canary-{name}" for name in ("unit", "way", "price", "door")},
        webhook={"url": "http://127.0.0.1:1/canary-hook"},
    )
    await ed.start(name="canary-name")
    await ed.answer("s-ok", True, geo=PLACE)
    for value in ("canary-before", "canary-answer"):
        await ed.answer("s-why", value)
    remark = {"remark_id": str(uuid.uuid4()), "text": "canary-remark", "photos": []}
    assert (await ed.call("PUT", "/steps/s-why/remark", json=remark)).status_code == 200
    ids = [new_photo_id(), new_photo_id()]
    for photo_id in ids:
        assert (await ed.photo("s-pic", images.jpeg(64, 48), photo_id, params={**PLACE})).status_code == 201
    await ed.answer("s-pic", photos=ids)
    await ed.answer("s-read")
    signed = await ed.call(
        "PUT", "/steps/s-sign/signature", content=images.png(), params={"typed_name": "canary-typed"}
    )
    assert signed.status_code == 201
    await ed.answer("s-sign")
    assert (await ed.complete()).status_code == 200
    return ed, ids


async def report(w: World, ed: Ed, query: str = "") -> str:
    answer = await w.acme.get(f"/v1/runs/{ed.run_id}/report?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), answer.text
    assert ed.run_id[2:10] not in str(answer.headers)
    return answer.text


async def ids_of(w: World, ed: Ed) -> list[str]:
    """All that names the run, its parts or its organization inside."""
    record = await w.run(ed)
    organization = (await w.acme.get("/v1/organization")).json()["id"]
    return [ed.run_id, ed.run_id[2:10], record["template_id"], record["assigned_to"], organization, "s-ok", "f-unit"]


async def test_a_customer_sees_what_is_meant_for_customers(w: World) -> None:
    ed, photo_ids = await made(w)
    html = await report(w, ed)
    words = text_of(html)
    for said in ("Flat 3", "Unit canary-unit", "Done 1 Jan 2026", "Flagged (1)", "All fine? Yes", "Why? canary-answer"):
        assert said in words, said
    assert html.count("data:image/jpeg;base64,/9j/") == 2 and "canary-body" not in html
    hidden = [value for name, value in TICKED.items() if name != "remarks"]
    for canary in (*hidden, *OFFICE, SECRET, TYPED, *photo_ids, *await ids_of(w, ed), "/media/", "/r/", "image/png"):
        assert canary not in html, canary
    assert "canary-remark" in words


@pytest.mark.parametrize("name", TICKED)
async def test_each_tick_shows_one_thing_more(w: World, name: str) -> None:
    ed, _ = await made(w)
    query = name if "=" in name else f"{name}=true"
    html = await report(w, ed, f"remarks=false&{query}")
    assert {each for each in TICKED.values() if each in html} == {TICKED[name]}
    assert all(canary not in html for canary in (*OFFICE, SECRET, *await ids_of(w, ed)))


async def test_photos_and_signatures_are_chosen(w: World) -> None:
    ed, photo_ids = await made(w)
    none = await report(w, ed, "photos=false")
    assert "image/jpeg" not in none and "The door 2 photos" in text_of(none)
    one = await report(w, ed, f"without={photo_ids[0]}&signature=true")
    assert (one.count("data:image/jpeg"), one.count("data:image/png")) == (1, 1)
    assert "canary-name" not in one and "Sign Signed" in text_of(one) and one.count("canary-typed") == 1
    assert "canary-typed" not in await report(w, ed, "names=true")
    full = await report(w, ed, f"depth=full&without={photo_ids[0]}")
    assert (full.count("data:image/jpeg"), full.count("canary-typed")) == (2, 2), "and that of the history"


async def test_nothing_hidden_is_in_a_customers_report(w: World) -> None:
    template_id = await w.template(BOOLEAN, {**STEPS[2], "condition": IF_OK}, {**STEPS[3], "label": "canary-read"})
    ed = await w.dispatch(template_id)
    await ed.start()
    await ed.answer("s-ok", True)
    photo_id = new_photo_id()
    assert (await ed.photo("s-pic", images.jpeg(64, 48))).status_code == 201
    assert (await ed.photo("s-read", images.jpeg(64, 48), photo_id, params={"remark": "1"})).status_code == 201
    await ed.answer("s-pic")
    remark = {"remark_id": str(uuid.uuid4()), "text": "canary-remark", "photos": [photo_id]}
    assert (await ed.call("PUT", "/steps/s-read/remark", json=remark)).status_code == 200
    await ed.answer("s-ok", False)
    html = await report(w, ed)
    assert html.count("data:image/jpeg") == 1 and "The door" not in html
    assert "canary-read" in html and "canary-remark" in html, "an instruction with a remark"


async def test_flags_share_no_photo_and_no_follow_up(w: World) -> None:
    many = [{**STEPS[0], "id": f"s-{number}", "geo": False, "label": f"Flag {number}"} for number in range(5)]
    named = [{"when": {"step": step["id"], "op": "eq", "value": True}} for step in many]
    ed = await w.dispatch(await w.template(*many, {**STEPS[2], "condition": {"op": "or", "rules": named}}))
    await ed.start()
    for step in many:
        await ed.answer(str(step["id"]), True)
    await ed.photo("s-pic", images.jpeg(64, 48))
    await ed.answer("s-pic")
    assert (await report(w, ed)).count("data:image/jpeg") == 1


async def test_the_full_report_has_all_but_secrets(w: World) -> None:
    ed, _ = await made(w)
    html = await report(w, ed, "depth=full&photos=false")
    for canary in (*TICKED.values(), *OFFICE, "canary-answer", ed.run_id[2:10]):
        assert canary in html, canary
    assert SECRET not in html and "/media/" not in html
    assert (html.count("data:image/jpeg"), html.count("data:image/png")) == (2, 1), "pictures once, no originals"
    assert html.index("What happened when") < html.index("Fingerprint (SHA-256)"), "digests last"


@pytest.mark.parametrize(
    "query", ["depth=all", "photos=1", "fields=unit", "without=1", "language=", "language=x", "unknown=1"]
)
async def test_wrong_choices_are_told(w: World, query: str) -> None:
    ed, _ = await made(w)
    answer = await w.acme.get(f"/v1/runs/{ed.run_id}/report?{query}")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["where"], error["pointer"].split("/")[1]) == ("query", query.split("=")[0])


async def test_others_get_no_report(w: World) -> None:
    ed, _ = await made(w)
    assert (await w.globex.get(f"/v1/runs/{ed.run_id}/report")).status_code == 404
    await w.acme.delete(f"/v1/runs/{ed.run_id}")
    assert (await w.acme.get(f"/v1/runs/{ed.run_id}/report")).status_code == 410


async def test_the_report_speaks_the_readers_language(w: World) -> None:
    ed, _ = await made(w)
    html = await report(w, ed, "language=ar-EG")
    assert re.search(r'<html lang="ar(-EG)?" dir="rtl">', html)
    assert "Done" not in text_of(html.partition("</style>")[2]) and 'lang=""' in html


async def test_a_translation_to_a_language_that_the_console_lacks_says_which_it_is(w: World) -> None:
    texts = {"he": {"s-ok": {"label": "הכול בסדר?"}}}
    ed = await w.dispatch(await w.template(BOOLEAN, translations=texts))
    await ed.start()
    await ed.answer("s-ok", True)
    html = await report(w, ed, "language=he")
    assert '<html lang="en"' in html and '<bdi lang="he">הכול בסדר?</bdi>' in html


async def test_the_console_shows_it_with_its_choices(w: World) -> None:
    ed, photo_ids = await made(w)
    ann = await operator(w)
    path = f"/runs/{ed.run_id}/report"
    page = await shown(ann, path)
    assert page.count('<img src="/media/') == 2 and "canary-price" not in page and "canary-name" not in page
    for box in re.findall(r'<input type="checkbox"[^>]*>', page):
        assert (" checked" in box) is ('name="photos"' in box or 'name="remarks"' in box), box
    page = await shown(ann, f"{path}?chosen=1&photos=1&names=1&fields f-price=1&without {photo_ids[1]}=1")
    assert page.count('<figure class="left-out">') == 1 and "canary-price" in page and "canary-name" in page
    assert "canary-remark" not in page and page.count(f'name="without {photo_ids[1]}" value="1" checked') == 1
    assert "canary-hook" in await shown(ann, f"{path}?depth=full")
    wrong = await ann.get(f"{path}?chosen=1&fields x=1")
    assert wrong.status_code == 422
    gus = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert (await gus.get(path)).status_code == 404


def test_no_field_of_a_report_is_left_out_of_this() -> None:
    from rundun.core.runs.report import ReportOptions
    from rundun.web.http.query_params import ReportQuery

    asked = {name.partition("=")[0] for name in TICKED} | {"depth", "photos", "signature", "without"}
    assert ReportOptions.model_fields.keys() == asked == ReportQuery.model_fields.keys() - {"language"}


async def test_the_logo_and_the_colour_are_in_it(w: World) -> None:
    ed, _ = await made(w)
    ann = await operator(w)
    await ann.get("/settings/organization")
    headers = {"x-csrf-token": ann.csrf, "accept": "application/json"}
    sent = await ann.client.post("/console/settings/organization/logo", content=images.png(), headers=headers)
    assert sent.status_code == 204
    await w.database.write(lambda tx: tx.db.execute("UPDATE organizations SET colour = '#7a1f5c'"))
    html = await report(w, ed)
    assert html.count('<img class="logo" src="data:image/png;base64,') == 1 and "--accent: #7a1f5c" in html
    page = await shown(ann, f"/runs/{ed.run_id}/report")
    assert '<img class="logo" src="/media/' in page and "/brand/7a1f5c.css" in page
