"""What is served under /media is a picture and nothing else, whatever is hidden in it."""

import pytest

from tests.helpers import images
from tests.helpers.photos import OVERLAY, SIGN, started
from tests.helpers.service import World

PAGE = b"<!doctype html><html><script>document.title = document.cookie</script></html>"


def with_comment(jpeg: bytes) -> bytes:
    """A JPEG that starts with a comment made of HTML."""
    return jpeg[:2] + b"\xff\xfe" + (len(PAGE) + 2).to_bytes(2, "big") + PAGE + jpeg[2:]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (with_comment(images.jpeg()), "image/jpeg"),
        (images.jpeg() + PAGE, "image/jpeg"),
        (images.png() + PAGE, "image/png"),
    ],
    ids=["html inside a jpeg", "html behind a jpeg", "html behind a png"],
)
async def test_a_picture_that_is_a_page_as_well_is_shown_as_a_picture(w: World, data: bytes, kind: str) -> None:
    ed = await started(w, OVERLAY)
    sent = await ed.photo("s-ok", data, headers={"content-type": "text/html"})
    assert sent.status_code == 201
    await ed.answer("s-ok", True)
    photo = (await w.run(ed))["answers"]["s-ok"]["photos"][0]
    stranger = w.browser(accept="text/html")
    for url, wanted in (
        (photo["original"]["url"], kind),
        (photo["url"], "image/jpeg"),
        (photo["thumbnail_url"], "image/jpeg"),
    ):
        for headers in ({}, {"range": "bytes=2-900"}):
            shown = await stranger.get(url, headers=headers)
            assert shown.status_code == (206 if headers else 200)
            assert shown.headers["content-type"] == wanted
            assert shown.headers["x-content-type-options"] == "nosniff"
            assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (await stranger.get(photo["original"]["url"])).content == data
    for url in (photo["url"], photo["thumbnail_url"]):
        assert b"<script>" not in (await stranger.get(url)).content


async def test_a_signature_that_is_a_page_as_well_is_shown_as_a_picture(w: World) -> None:
    ed = await started(w, SIGN)
    receipt = (await ed.call("PUT", "/steps/s-sign/signature", content=images.png() + PAGE)).json()
    shown = await w.browser().get(receipt["url"])
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
