"""Links that show the report of a run to whoever has them, until they end."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.actions.runs import runs, shares
from rundun.core import tokens
from rundun.logs import redact
from rundun.store import files
from rundun.store.runs import shares as share_rows
from rundun.web import share as share_page
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.service import BOOLEAN, HOUR, Ed, World, world
from tests.web.archives.test_report import OFFICE, SECRET, TICKED, ids_of, made


async def share(w: World, ed: Ed, **body: Any) -> Any:
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/shares", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def path_of(url: str) -> str:
    path = url.removeprefix("http://testserver") if url.startswith("http://testserver") else "/" + url.split("/", 3)[3]
    assert re.fullmatch(r"/share/[\w-]{43}", path), "256 bits"
    return path


async def opened(w: World, path: str, **headers: str) -> httpx2.Response:
    return await w.browser().get(path, headers=headers)


async def listed(w: World, ed: Ed) -> Any:
    return (await w.acme.get(f"/v1/runs/{ed.run_id}/shares")).json()["data"]


async def test_its_link_is_said_once(w: World) -> None:
    ed, _ = await made(w)
    headers = {"idempotency-key": "one"}
    path = f"/v1/runs/{ed.run_id}/shares"
    first = await w.acme.post(path, json={"language": "es", "fields": ["f-way"]}, headers=headers)
    again = await w.acme.post(path, json={"language": "es", "fields": ["f-way"]}, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    told = first.json()
    assert again.json() == {**told, "url": None} == (await listed(w, ed))[0]
    assert told["fields"] == ["f-way"] and told["expires_at"] == "2026-01-31T00:00:00Z"
    token = told["url"].rpartition("/")[2]
    everything = await w.database.read(lambda tx: "".join(str([*row]) for row in tx.db.execute("SELECT * FROM shares")))
    assert token not in everything and str(tokens.digest(token)) in everything


async def test_it_shows_a_customers_report_and_no_door(w: World) -> None:
    ed, photo_ids = await made(w)
    path = path_of((await share(w, ed, remarks=False))["url"])
    page = await opened(w, path)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex" and "set-cookie" not in page.headers
    for canary in (*TICKED.values(), *OFFICE, SECRET, *photo_ids, *await ids_of(w, ed), "/media/", "/r/", "/v1/"):
        assert canary not in page.text, canary
    pictures = set(re.findall(r'<img src="([^"]+)"', page.text))
    assert len(pictures) == 2 and all(one.startswith(f"{path}/") for one in pictures)
    assert set(re.findall(r'<a href="([^"]+)"><img', page.text)) == pictures, "large at a tap"
    assert "canary-answer" in text_of(page.text)
    for one in pictures:
        picture = await opened(w, one)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        assert picture.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("how", ["revoked", "expired", "erased"])
async def test_it_ends_with_all_its_pictures(w: World, how: str) -> None:
    ed, _ = await made(w)
    told = await share(w, ed, expires_in_days=7)
    other = path_of((await share(w, ed, expires_in_days=None))["url"])
    path = path_of(told["url"])
    (picture, *_) = re.findall(r'<img src="([^"]+)"', (await opened(w, path)).text)
    if how == "revoked":
        for _ in range(2):
            gone = await w.acme.delete(f"/v1/runs/{ed.run_id}/shares/{told['share_id']}")
            assert gone.status_code == 204
    elif how == "expired":
        w.clock.forward(seconds=7 * 24 * HOUR // 1000 - 1)
        assert (await opened(w, path)).status_code == 200
        w.clock.forward(seconds=1)
    else:
        assert (await w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    for address in (path, picture, f"{path}/x.jpg"):
        ended = await opened(w, address, **{"accept-language": "es"})
        assert ended.status_code == 410 and "ya no se comparte" in text_of(ended.text), address
    assert (await w.browser().post(f"{path}/opened")).status_code == 410
    await w.database.write(share_rows.count_opened, told["share_id"], w.clock.now)  # a look that began before
    counted = await w.database.read(lambda tx: tx.number("SELECT count(*) FROM shares WHERE opened > 0"))
    assert counted == (1 if how == "expired" else 0)
    pieces = await w.database.read(files.read_all, int(picture.rpartition("/")[2].partition(".")[0]))
    assert bool(pieces) == (how != "erased"), "nor in a report that is being made"
    assert (await opened(w, other)).status_code == (410 if how == "erased" else 200)
    assert "canary" not in (await opened(w, path)).text


async def test_strangers_find_nothing(w: World) -> None:
    ed, _ = await made(w)
    told = await share(w, ed)
    path = path_of(told["url"])
    (picture, *_) = re.findall(r'<img src="([^"]+)"', (await opened(w, path)).text)
    other = path_of((await share(w, ed))["url"])
    name = picture.rpartition("/")[2]
    for forged in (f"{other}/{name}", f"{path}/1.jpg", f"{path}/{name.replace('.', 'x.', 1)}", f"{path}/{name}x"):
        assert (await opened(w, forged)).status_code == 404, forged
    media = re.findall(r"/media/([^\"']+)", str(await w.run(ed)))
    assert (await opened(w, f"{path}/{media[0]}")).status_code == 404, "another door's key"
    assert (await opened(w, f"/media/{name}")).status_code == 404
    missing = f"/v1/runs/{ed.run_id}/shares"
    assert (await w.globex.get(missing)).status_code == 404
    assert (await w.globex.post(missing, json={})).status_code == 404
    assert (await w.globex.delete(f"{missing}/{told['share_id']}")).status_code == 404
    assert (await w.acme.delete(f"{missing}/shr-00000000-0000-4000-8000-000000000000")).status_code == 404


async def test_who_guesses_is_slowed_down(tmp_path: Path) -> None:
    async with world(tmp_path, limits__failures_per_minute=3) as w:
        ed, _ = await made(w)
        path = path_of((await share(w, ed))["url"])
        codes = [(await opened(w, f"/share/{'x' * 43}")).status_code for _ in range(5)]
        valid = await opened(w, path)  # of another reader behind the same address
    assert codes == [404, 404, 404, 429, 429]
    assert valid.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fields": ["f-door"]}, "/fields/0"),
        ({"fields": ["f-unit", "f-none"]}, "/fields/1"),
        ({"depth": "full"}, "/depth"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"photos": "yes"}, "/photos"),
        ({"without": ["1"]}, "/without/0"),
        ({"without": ["ph-00000000-0000-4000-8000-000000000000"]}, "/without/0"),
    ],
)
async def test_what_it_cannot_show_is_refused(w: World, body: Any, pointer: str) -> None:
    ed, _ = await made(w)
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/shares", json=body)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
    assert await listed(w, ed) == []


async def test_it_counts_who_sees_it_once_a_browser_and_day(w: World) -> None:
    ed, _ = await made(w)
    path = path_of((await share(w, ed))["url"])

    async def visit(reader: httpx2.AsyncClient) -> str:
        page = await reader.get(path)
        assert page.status_code == 200
        w.clock.now += 1000
        (seen,) = re.findall(r'data-opened="([^"]+)"', page.text)
        return str(seen)

    ana, ben = w.browser(), w.browser()
    seen = await visit(ana)
    await w.browser().request("HEAD", path)
    for nothing in (f"{path}/opened", f"{path}/opened?visit=1.x", seen.replace("visit=", "visit=9")):
        assert (await w.browser().post(nothing)).status_code == 204
    other = await ana.post(seen, headers={"sec-fetch-site": "cross-site"})
    assert (other.status_code, other.json()["code"]) == (403, "cross_site")
    assert (await listed(w, ed))[0]["opened"] == 0, "which robots do, too"
    answer = await ana.post(seen)
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = answer.headers["set-cookie"].lower()
    assert f"path={path}".lower() in cookie and "max-age=86400" in cookie and "httponly" in cookie
    assert (await w.browser().post(seen)).status_code == 204, "the same visit without its cookie"
    assert (await ana.post(await visit(ana))).status_code == 204, "the same browser"
    assert (await listed(w, ed))[0]["opened"] == 1
    assert (await ben.post(await visit(ben))).status_code == 204
    (told,) = await listed(w, ed)
    assert (told["opened"], told["opened_at"]) == (2, "2026-01-01T00:00:03Z")
    everything = await w.database.read(lambda tx: str([[*row] for row in tx.db.execute("SELECT * FROM shares")]))
    assert "127.0.0.1" not in everything and "testclient" not in everything


async def test_it_speaks_its_own_language_else_the_readers(w: World) -> None:
    ed, _ = await made(w)
    own = path_of((await share(w, ed, language="de"))["url"])
    readers = path_of((await share(w, ed))["url"])
    assert 'lang="de"' in (await opened(w, own, **{"accept-language": "es"})).text
    assert 'lang="es"' in (await opened(w, readers, **{"accept-language": "es"})).text
    texts = {"he": {"s-ok": {"label": "הכול בסדר?"}}}
    hebrew = await w.dispatch(await w.template(BOOLEAN, translations=texts))
    await hebrew.start()
    await hebrew.answer("s-ok", True)
    for body, header in (({"language": "he"}, "en"), ({}, "he")):
        shown = await opened(w, path_of((await share(w, hebrew, **body))["url"]), **{"accept-language": header})
        assert "הכול בסדר?" in shown.text


def test_logs_do_not_say_its_token() -> None:
    assert redact("GET /share/abcDEF-123_x/7.sig.jpg?x=1") == "GET /share/…?x=1"
    for odd in (" ", "\n", '"', "?", "%20", "%0A"):
        assert "abcDEF" not in redact(f"/share/{odd}abcDEF-123_x"), odd


async def test_all_that_is_answered_there_is_for_no_index_and_no_cache(w: World) -> None:
    ed, _ = await made(w)
    told = await share(w, ed)
    path = path_of(told["url"])
    (picture, *_) = re.findall(r'<img src="([^"]+)"', (await opened(w, path)).text)
    found = [await opened(w, address) for address in (path, picture, f"{path}/x.jpg", f"/share/{'x' * 43}")]
    found += [await opened(w, picture, range="bytes=0-9"), await w.browser().post(f"{path}/opened")]
    await w.acme.delete(f"/v1/runs/{ed.run_id}/shares/{told['share_id']}")
    found += [await opened(w, path), await opened(w, picture), await w.browser().post(path)]
    assert [one.status_code for one in found] == [200, 200, 404, 404, 206, 204, 410, 410, 405]
    for one in found:
        assert one.headers["x-robots-tag"] == "noindex" and one.headers["cache-control"] == "no-store", one.url
        assert one.headers["referrer-policy"] == "no-referrer" and one.headers["x-content-type-options"] == "nosniff"


async def test_a_run_has_no_endless_number_of_them(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MAX_SHARES", 2)
    ed, _ = await made(w)
    for _ in range(2):
        await share(w, ed)
    refused = await w.acme.post(f"/v1/runs/{ed.run_id}/shares", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_an_open_run_is_shown_as_it_is_then(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), title="Flat 3")
    path = path_of((await share(w, ed))["url"])
    before = await ed.state()
    page = await opened(w, path)
    assert "Not started" in text_of(page.text) and ed.run_id not in page.text and "/r/" not in page.text
    assert await ed.state() == before
    await ed.start()
    await ed.answer("s-ok", True)
    assert "All fine? Yes" in text_of((await opened(w, path)).text)


async def test_one_run_at_a_time_is_in_memory_for_all_who_wait(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the largest one 600 readers at once, even if they go away, would take 2.6 GB."""
    ed, _ = await made(w)
    path = path_of((await share(w, ed))["url"])
    held, held_at_once = 0, []
    get_detail, report_page = runs.get_detail, share_page.report_page

    def reading(*args: Any, **kwargs: Any) -> Any:
        nonlocal held
        held += 1
        held_at_once.append(held)
        return get_detail(*args, **kwargs)

    def rendering(*args: Any, **kwargs: Any) -> Any:
        nonlocal held
        held -= 1
        return report_page(*args, **kwargs)

    monkeypatch.setattr(runs, "get_detail", reading)
    monkeypatch.setattr(share_page, "report_page", rendering)
    pages = await asyncio.gather(*(opened(w, path) for _ in range(5)))
    assert [page.status_code for page in pages] == [200] * 5
    assert held_at_once == [1] * 5


async def test_nothing_of_it_outlives_its_run(w: World) -> None:
    ed, photo_ids = await made(w)
    path, headers = f"/v1/runs/{ed.run_id}/shares", {"idempotency-key": "canary-key"}
    sent = {"without": photo_ids[:1], "fields": ["f-way"]}
    assert (await w.acme.post(path, json=sent, headers=headers)).status_code == 201
    assert (await w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    assert (await w.acme.post(path, json=sent, headers=headers)).json()["code"] == "run_erased"
    tables = ("shares", "idempotency_keys")
    left = await w.database.read(
        lambda tx: [str([*row]) for name in tables for row in tx.db.execute(f"SELECT * FROM {name}")]
    )
    assert not any(each in row for row in left for each in (photo_ids[0], "canary-key", "f-way"))


async def test_it_is_made_and_ended_in_the_console(w: World) -> None:
    ed, photo_ids = await made(w)
    ann = await operator(w)
    page = await shown(ann, f"/runs/{ed.run_id}/report")
    assert "/share/" not in page
    form = {"chosen": "1", "photos": "1", "fields f-way": "1", f"without {photo_ids[0]}": "1", "days": "7"}
    done = await ann.post(f"/runs/{ed.run_id}/shares", **form, language="es")
    assert done.status_code == 200 and done.text.count("canary-way") == 1
    for days in ("8", "soon", "0", "9" * 5000):
        assert (await ann.post(f"/runs/{ed.run_id}/shares", **{**form, "days": days})).status_code == 422
    assert (await ann.get(f"/runs/{ed.run_id}/shares")).status_code == 200, "where the browser is now"
    (url,) = set(re.findall(r'value="([^"]+/share/[\w-]+)"', done.text))
    (told,) = await listed(w, ed)
    assert told["without"] == [photo_ids[0]] and told["fields"] == ["f-way"]
    assert (told["language"], told["expires_at"], told["remarks"]) == ("es", "2026-01-08T00:00:00Z", False)
    assert (await opened(w, path_of(url))).text.count("<img src=") == 1
    page = await shown(ann, f"/runs/{ed.run_id}/report?chosen=1&without {photo_ids[0]}=1&days=7")
    assert page.count(f'<input type="hidden" name="without {photo_ids[0]}"') == 1, "which has no box now"
    assert '<option value="7" selected>' in page
    page = await shown(ann, f"/runs/{ed.run_id}/report")
    assert url not in page and "not opened yet" in text_of(page)
    gus = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    await gus.get("/runs")
    assert (await gus.post(f"/runs/{ed.run_id}/shares", **form)).status_code == 404
    assert (await gus.post(f"/runs/{ed.run_id}/shares/{told['share_id']}/revoke")).status_code == 404
    assert (await ann.post(f"/runs/{ed.run_id}/shares/{told['share_id']}/revoke")).status_code == 303
    assert (await opened(w, path_of(url))).status_code == 410
    history = text_of(await shown(ann, f"/runs/{ed.run_id}"))
    assert "Report shared · Ann" in history and "Link to the report revoked · Ann" in history
