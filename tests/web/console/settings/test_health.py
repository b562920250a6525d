"""The page of health: what is the organization's own, and what whoever reads it can do something about."""

from tests.helpers.console.console import left_alone, operator, text_of
from tests.helpers.service import World

GEO = {"id": "s-here", "type": "text", "label": "Where?", "geo": True}
NASTY = "<script>alert(1)</script>\"'"


async def test_a_member_sees_the_health_and_only_their_own(w: World) -> None:
    bob = await operator(w, "member")
    await w.template(GEO, name=NASTY)
    other = await w.globex.post("/v1/templates", json={"name": "Secret of Globex", "steps": [GEO]})
    assert other.status_code == 201
    page = (await bob.get("/settings/health")).text
    assert "plain HTTP" not in page and "All is well." in page, "what a member can't change"
    assert "Globex" not in page
    page = (await (await operator(w)).get("/settings/health")).text
    assert "It works. 1 thing is worth knowing." in page and page.count("plain HTTP") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert" not in page
    for owner in (bob, await operator(w)):
        page = text_of((await owner.get("/settings/health")).text)
        for theirs in ("schema", "are free", "SQLite", "Look for damage", "Settings in force", "in the file"):
            assert theirs not in page
        assert "pending" in page
        refused = await owner.post("/settings/health")
        assert (refused.status_code, "the administrator of this server" in refused.text) == (403, True)
        assert "no damage" not in refused.text


async def test_a_member_of_the_only_organization_sees_all(w: World) -> None:
    await left_alone(w)
    bob = await operator(w, "member")
    page = text_of((await bob.get("/settings/health")).text)
    for said in ("schema", "are free", "SQLite", "Look for damage", "webhooks.allow"):
        assert said in page
    assert "no damage" not in page
    closer = await bob.post("/settings/health")
    assert closer.status_code == 200 and "SQLite finds no damage" in closer.text
    codes = [(await bob.post("/settings/health")).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
