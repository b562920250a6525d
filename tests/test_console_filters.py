"""Every way into the list of runs: a link shows what it says, and what can't be asked for is said."""

from __future__ import annotations

import re
from html import unescape

from tests.test_console import operator
from tests.test_console_runs import rows
from tests.world import BOOLEAN, World


def link(page: str, before: str) -> str:
    """The query of the link to the list that stands before some words."""
    found = re.findall(rf'href="/console/runs(\?[^"]*)?"[^>]*>(?:(?!</a>).)*{before}', page)
    assert len(found) == 1, (before, found)
    return unescape(found[0])


async def test_a_template_leads_to_its_own_runs(w: World) -> None:
    ann = await operator(w)
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    mine = await w.dispatch(one)
    await w.dispatch(two)
    page = (await ann.get(f"/templates/{one}")).text
    assert await rows(ann, link(page, "Runs of this template")) == [mine.run_id]
