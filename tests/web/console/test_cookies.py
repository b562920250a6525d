"""The console's cookies: over HTTPS only this service's own pages can set them, and sessions from before go on."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest

from rundun.actions.organizations import operators
from rundun.core.tokens import digest
from rundun.store.organizations import operators as operator_rows
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser
from tests.helpers.service import BOOLEAN, World, world

ANN = "ann@example.com"


@pytest.fixture
async def https(tmp_path: Path) -> AsyncIterator[World]:
    """A Rundun that is reached over HTTPS, with Ann."""
    async with world(tmp_path, server__public_url="https://rundun.test") as one:
        await one.database.write(operators.add, one.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
        yield one


def set_by(answer: httpx2.Response) -> dict[str, tuple[str, str, str]]:
    """The cookies that an answer sets: path, Secure and Max-Age by name."""
    cookies: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in line and "SameSite=lax" in line and "Domain" not in line
        cookies.load(line)
    return {name: (one["path"], str(one["secure"]), str(one["max-age"])) for name, one in cookies.items()}


async def test_over_https_their_names_have_a_prefix(https: World) -> None:
    browser = Browser(https.browser())
    assert set_by(await browser.get("/sign-in")) == {"__Host-rundun_visitor": ("/", "True", "")}
    entered = await browser.post("/sign-in", email=ANN, password=PASSWORD)
    assert set_by(entered) == {
        "__Host-rundun_session": ("/", "True", str(30 * 86400)),
        "__Host-rundun_visitor": ("/", "True", "0"),
        "__Secure-rundun_known": ("/console", "True", str(365 * 86400)),
    }
    assert (await browser.get("")).status_code == 200
    left = set_by(await browser.post("/sign-out"))
    assert left["__Host-rundun_session"] == ("/", "True", "0")
    assert (await browser.get("")).status_code == 303


async def test_over_http_they_are_as_they_were(w: World) -> None:
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    browser = Browser(w.browser())
    assert set_by(await browser.get("/sign-in")) == {"rundun_visitor": ("/console", "", "")}
    entered = set_by(await browser.post("/sign-in", email=ANN, password=PASSWORD))
    assert {name: path for name, (path, _, _) in entered.items()} == {
        "rundun_session": "/console",
        "rundun_visitor": "/console",
        "rundun_known": "/console",
    }


async def test_sessions_from_before_go_on_and_no_others_without_the_prefix(https: World) -> None:
    ann = await https.database.read(operators.get_by_email, ANN)
    expires_at = https.clock.now + operators.SESSION_TTL_MS
    await https.database.write(operator_rows.add_session, ann.operator_id, digest("from before"), expires_at)
    new = await https.database.write(operators.begin_session, ann.operator_id)
    before, tossed = Browser(https.browser()), Browser(https.browser())
    before.client.cookies.set("rundun_session", "from before", domain="rundun.test", path="/console")
    assert (await before.get("")).status_code == 200
    tossed.client.cookies.set("rundun_session", new, domain="rundun.test", path="/console")
    assert (await tossed.get("")).status_code == 303, "a neighbour of the same domain could have set it"
    tossed.client.cookies.set("__Host-rundun_session", new, domain="rundun.test", path="/")
    assert (await tossed.get("")).status_code == 200
    left = set_by(await before.post("/sign-out"))
    assert left["rundun_session"] == ("/console", "", "0")
    assert (await before.get("")).status_code == 303


async def test_phones_on_open_runs_keep_their_cookie(https: World) -> None:
    ed = await https.dispatch(await https.template(BOOLEAN, execution={"scope": "first_device"}))
    started = await ed.start()
    assert set_by(started) == {"rundun_device": (f"/r/{ed.run_id}", "True", str(365 * 86400))}
    assert (await ed.answer("s-ok", True)).status_code == 200


async def test_no_page_that_opened_one_of_ours_has_a_hand_on_it(https: World) -> None:
    ed = await https.dispatch(await https.template(BOOLEAN))
    for path in ("/console/sign-in", f"/r/{ed.run_id}", "/r/unknown", "/docs", "/", "/problems/invalid"):
        answer = await https.browser().get(path, headers={"accept": "text/html"})
        assert answer.headers["cross-origin-opener-policy"] == "same-origin", path


async def test_over_http_browsers_have_nothing_to_complain_about(w: World) -> None:
    assert "cross-origin-opener-policy" not in (await w.browser().get("/console/sign-in")).headers
