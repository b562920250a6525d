"""Nothing that is typed in the settings is markup."""

import pytest

from rundun.actions.organizations import operators
from tests.helpers.console.console import operator
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import World


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    assert is_text_only((await ann.post("/settings/keys", name=nasty)).text, nasty)
    assert is_text_only((await ann.get("/settings/keys")).text, nasty)
    assert is_text_only((await ann.post("/settings/keys", name=nasty + "x" * 200)).text, nasty)
    await w.database.write(operators.add, w.acme_id, "eve@example.com", nasty, "member", "")
    assert is_text_only((await ann.get("/settings/people")).text, nasty)
    refused = await ann.post("/settings/people/invitations", email=nasty, role=nasty)
    assert refused.status_code == 422 and is_text_only(refused.text, nasty)
