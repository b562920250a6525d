"""The digest by which a phone tells a page of /r from a portal's, and a whole page from half of one."""

import base64
import hashlib

import pytest

from tests.helpers.service import BOOLEAN, World


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_each_page_says_what_its_text_amounts_to(w: World, coding: str) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    visitor = w.browser()
    visitor.headers["accept-encoding"] = coding
    fresh = await visitor.get(f"/r/{ed.run_id}")
    await ed.start()
    pages = [fresh, await visitor.get(f"/r/{ed.run_id}"), await visitor.get("/r/r-none")]
    assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})).status_code == 200
    pages.append(await visitor.get(f"/r/{ed.run_id}"))
    for page in pages:
        digest = base64.b64encode(hashlib.sha256(page.content).digest()).decode()
        assert page.headers["unencoded-digest"] == f"sha-256=:{digest}:"
        assert page.headers.get("content-encoding", "identity") == coding
    assert [page.status_code for page in pages] == [200, 200, 404, 410]
