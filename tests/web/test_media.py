"""What is served under /media is a picture and nothing else, whatever is hidden in it."""

import pytest

from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures import images
from tests.helpers.pictures.photos import OF_RUNS, OVERLAY, SIGN, started
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


async def test_an_address_does_not_tell_how_many_pictures_there_are(w: World) -> None:
    numbers = []
    for _ in range(8):
        ed = await started(w, OVERLAY)
        receipt = (await ed.photo("s-ok", images.jpeg())).json()
        numbers += [w.database.env.links.file_number(receipt[name].split("/")[-1]) for name in ("url", "thumbnail_url")]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 2**40, "nothing that was counted, but for one time in 100,000"
    assert numbers != sorted(numbers)


async def test_an_address_of_when_pictures_were_counted_goes_on(w: World) -> None:
    ed = await started(w, OVERLAY)
    await ed.photo("s-ok", images.jpeg())
    await ed.answer("s-ok", True)

    def counted(tx: Tx) -> None:
        tx.db.execute("PRAGMA defer_foreign_keys = ON")
        for number, (drawn,) in enumerate(tx.db.execute(f"SELECT number FROM files {OF_RUNS['files']}").fetchall(), 1):
            tx.db.execute("UPDATE files SET number = ? WHERE number = ?", (number, drawn))
            tx.db.execute("UPDATE chunks SET file = ? WHERE file = ?", (number, drawn))
            for name in ("original", "derived", "thumbnail"):
                tx.db.execute(f"UPDATE photos SET {name} = ? WHERE {name} = ?", (number, drawn))

    await w.database.write(counted)
    photo = (await w.run(ed))["answers"]["s-ok"]["photos"][0]
    assert photo["original"]["url"].startswith("http://rundun.test/media/1.")
    assert (await w.browser().get(photo["original"]["url"])).content == images.jpeg()
    again = await ed.photo("s-ok", images.jpeg(64, 48))
    assert again.status_code == 201
