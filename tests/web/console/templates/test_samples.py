"""Samples, of which one is chosen by its picture and a sentence."""

import json
import re
from html import unescape

from rundun.web import samples
from rundun.web.samples import NAMES
from tests.helpers.console.console import operator, shown
from tests.helpers.service import World
from tests.web.console.templates.test_editor import keep, published, typed


async def test_a_sample_is_chosen_and_begun_in_the_language_of_the_console(w: World) -> None:
    ann = await operator(w, "member")
    ann.client.headers["accept-language"] = "de"
    html = unescape(await shown(ann, "/templates"))
    assert re.findall(r"\?sample=(\w+)", html) == [*NAMES]
    for name in NAMES:
        assert all(samples.read(name)["translations"]["de"][""][each] in html for each in ("name", "description"))
        picture = await ann.get(f"/templates/samples/{name}/picture")
        assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")
        text = typed(await shown(ann, f"/templates/new?sample={name}"))
        assert json.loads(text) == samples.read_in(name, "de")
        assert (await published(ann, await keep(ann, text, "publish"))).status_code == 303
    names = {one["name"] for one in (await w.acme.get("/v1/templates")).json()["data"]}
    assert names == {samples.read(name)["translations"]["de"][""]["name"] for name in NAMES}
    for path in ("/templates/samples/none/picture", "/templates/new?sample=none", "/templates/new?sample=../turnover"):
        assert (await ann.get(path)).status_code == 404
