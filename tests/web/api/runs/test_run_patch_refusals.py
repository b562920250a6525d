"""PATCH /v1/runs/{run_id}: what is refused, and what is only warned of."""

from typing import Any

import pytest

from tests.helpers.service import BOOLEAN, Receiver, World
from tests.helpers.webhooks import hooked

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"expires_in_hours": 5}, "/expires_in_hours", "unknown_field"),
        ({"webhook": {"url": "http://127.0.0.1/", "headers": {}}}, "/webhook/headers", "unknown_field"),
        ({"webhook": {"url": None}}, "/webhook/url", "wrong_type"),
        ({"webhook": {"url": "gopher://127.0.0.1/"}}, "/webhook/url", "bad_format"),
        ({"webhook": {"secret": "short"}}, "/webhook/secret", "too_short"),
        ({"webhook": {"events": []}}, "/webhook/events", "too_short"),
        ({"webhook": {"events": ["run.exploded"]}}, "/webhook/events/0", "not_allowed"),
        ({"webhook": []}, "/webhook", "wrong_type"),
        ([], "", "wrong_type"),
        (None, "", "wrong_type"),
        ({"webhook": {"url": "http://169.254.169.254/"}}, "/webhook/url", "address_not_allowed"),
    ],
)
async def test_what_is_refused_changes_nothing(
    w: World, receiver: Receiver, body: Any, pointer: str, code: str
) -> None:
    ed = await hooked(w, receiver.url)
    before = await w.run(ed)
    response = await w.acme.patch(
        f"/v1/runs/{ed.run_id}", content=__import__("json").dumps(body), headers={"content-type": MERGE}
    )
    assert response.status_code == 422, response.text
    assert [(one["pointer"], one["code"]) for one in response.json()["errors"]] == [(pointer, code)]
    assert await w.run(ed) == before


async def test_both_media_types_and_no_other(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url)
    for kind, status in ((MERGE, 200), (f"{MERGE}; charset=utf-8", 200), ("application/json", 200),
                         ("application/json-patch+json", 415), ("text/plain", 415), ("", 415)):  # fmt: skip
        headers = {"content-type": kind} if kind else {}
        response = await w.acme.patch(f"/v1/runs/{ed.run_id}", content=b'{"webhook": {}}', headers=headers)
        assert response.status_code == status, (kind, response.text)
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", content=b"{}", headers={"content-type": MERGE})
    assert answer.status_code == 415, "of a patch alone"


async def test_an_empty_patch_answers_the_run(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    before = await w.run(ed)
    answer = await w.acme.patch(f"/v1/runs/{ed.run_id}", json={})
    assert (answer.status_code, answer.json()["revision"]) == (200, before["revision"])


async def test_a_name_that_leads_nowhere_is_a_warning(
    w: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    def resolve(host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(w.service.check_destination.__self__._look_ups, "_resolver", resolve)  # type: ignore[attr-defined]
    ed = await hooked(w, receiver.url)
    body = {"webhook": {"url": "https://later.example/"}}
    told = (await w.acme.patch(f"/v1/runs/{ed.run_id}", json=body)).json()
    assert told["webhook"]["url"] == "https://later.example/"
    assert [one["code"] for one in told["warnings"]] == ["webhook_unresolved"]


async def test_for_a_run_of_somebody_else_nothing_is_looked_up(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(w.service.check_destination.__self__._look_ups, "_resolver", asked.append)  # type: ignore[attr-defined]
    ed = await w.dispatch(await w.template(BOOLEAN))
    body = {"webhook": {"url": "https://later.example/"}}
    assert (await w.globex.patch(f"/v1/runs/{ed.run_id}", json=body)).status_code == 404
    assert asked == []
