"""Dispatch: a run for a credit, its link, its warnings, and what is refused."""

import asyncio

import pytest

from rundun.actions.organizations import organizations
from tests.helpers.service import BOOLEAN, Receiver, World


async def test_a_dispatch_answers_with_a_link_that_opens(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    response = await w.acme.post(
        "/v1/runs", json={"template_id": template_id, "executor_ref": "booking_12345", "language": "es"}
    )
    assert response.status_code == 201
    answer = response.json()
    assert answer["link"] == f"http://rundun.test/r/{answer['run_id']}"
    assert answer["expires_at"] == "2026-01-04T00:00:00Z"
    assert answer["assigned_to"] is None
    assert [one["code"] for one in answer["warnings"]] == ["link_not_https"]
    page = await w.browser().get(answer["link"])
    assert page.status_code == 200
    assert "Check" in page.text
    record = (await w.acme.get(f"/v1/runs/{answer['run_id']}")).json()
    assert record["status"] == "pending"
    assert record["executor_ref"] == "booking_12345"
    assert record["language"] == "es"
    assert record["template"]["steps"] == [BOOLEAN]
    assert record["template"]["id"] == template_id
    assert record["progress"] == {"total": 1, "answered": 0, "skipped": 0, "unable": 0}


async def test_a_run_may_never_expire(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), expires_in_hours=None)
    w.clock.forward(hours=100_000)
    assert await w.sweep() == 0
    assert (await w.run(ed))["expires_at"] is None
    assert (await ed.start()).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/template_id", "required"),
        ({"template_id": 3}, "/template_id", "wrong_type"),
        ({"template_id": "t", "expires_in_hours": 0}, "/expires_in_hours", "out_of_range"),
        ({"template_id": "t", "expires_in_hours": 8761}, "/expires_in_hours", "out_of_range"),
        ({"template_id": "t", "expires_in_hours": True}, "/expires_in_hours", "wrong_type"),
        ({"template_id": "t", "executor_ref": "x" * 257}, "/executor_ref", "too_long"),
        ({"template_id": "t", "language": "e"}, "/language", "bad_format"),
        ({"template_id": "t", "colour": "red"}, "/colour", "unknown_field"),
        ({"template_id": "t", "webhook": {}}, "/webhook/url", "required"),
        ({"template_id": "t", "webhook": {"url": "ftp://x"}}, "/webhook/url", "bad_format"),
        ({"template_id": "t", "webhook": {"url": "http://a@x"}}, "/webhook/url", "bad_format"),
        ({"template_id": "t", "webhook": {"url": "http://x", "secret": "short"}}, "/webhook/secret", "too_short"),
        (
            {"template_id": "t", "webhook": {"url": "http://x", "events": ["run.exploded"]}},
            "/webhook/events/0",
            "not_allowed",
        ),
        ([], "", "wrong_type"),
    ],
)
async def test_bad_fields_are_named(w: World, body: object, pointer: str, code: str) -> None:
    response = await w.acme.post("/v1/runs", json=body)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["code"], problem["status"]) == ("invalid", 422)
    assert problem["request_id"] == response.headers["x-request-id"]
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]


async def test_all_bad_fields_are_named_at_once(w: World) -> None:
    response = await w.acme.post("/v1/runs", json={"expires_in_hours": -1, "language": "?", "x": 1})
    pointers = {one["pointer"] for one in response.json()["errors"]}
    assert pointers == {"/template_id", "/expires_in_hours", "/language", "/x"}


async def test_no_credit_is_given_twice(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await w.database.write(organizations.add_credits, w.acme_id, 20)
    answers = await asyncio.gather(*(w.acme.post("/v1/runs", json={"template_id": template_id}) for _ in range(50)))
    statuses = [one.status_code for one in answers]
    assert (statuses.count(201), statuses.count(402)) == (20, 30)
    refused = next(one for one in answers if one.status_code == 402)
    assert refused.json()["code"] == "insufficient_credits"
    assert (await w.acme.get("/v1/organization")).json()["credits"] == 0
    assert len((await w.acme.get("/v1/runs?limit=100")).json()["data"]) == 20


async def test_an_unlimited_organization_stays_unlimited(w: World) -> None:
    await w.dispatch(await w.template(BOOLEAN))
    about = (await w.acme.get("/v1/organization")).json()
    assert about["credits"] is None
    assert about["runs_this_month"] == 1


async def test_an_archived_template_takes_no_new_runs_but_keeps_the_old(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    assert (await w.acme.delete(f"/v1/templates/{template_id}")).status_code == 204
    response = await w.acme.post("/v1/runs", json={"template_id": template_id})
    assert (response.status_code, response.json()["code"]) == (409, "template_archived")
    assert (await ed.start()).status_code == 200
    assert (await ed.answer("s-ok", True)).status_code == 200
    assert (await ed.complete()).status_code == 200


async def test_a_run_keeps_its_snapshot_while_the_template_changes(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    changed = {"name": "Other", "steps": [{"id": "s-other", "type": "text", "label": "Say"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).json()["v"] == 2
    record = await w.run(ed)
    assert record["template_v"] == 1
    assert record["template"]["name"] == "Check"
    await ed.start()
    assert (await ed.answer("s-ok", True)).status_code == 200
    assert (await ed.answer("s-other", "x")).status_code == 404
    assert (await w.run(await w.dispatch(template_id)))["template"]["name"] == "Other"


async def test_a_literal_loopback_address_is_refused_with_the_line_that_allows_it(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    body = {"template_id": template_id, "webhook": {"url": "http://169.254.169.254/latest"}}
    response = await w.acme.post("/v1/runs", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "address_not_allowed")
    assert 'allow = ["169.254.169.254/32"] under [webhooks]' in response.json()["detail"]
    assert response.json()["errors"][0]["pointer"] == "/webhook/url"
    assert (await w.acme.get("/v1/runs")).json()["data"] == []


async def test_an_unknown_name_is_a_warning(w: World) -> None:
    body = {"template_id": await w.template(BOOLEAN), "webhook": {"url": "http://nobody.invalid/"}}
    response = await w.acme.post("/v1/runs", json=body)
    assert response.status_code == 201
    assert "webhook_unresolved" in [one["code"] for one in response.json()["warnings"]]


async def test_the_webhook_comes_back_without_its_secret(w: World, receiver: Receiver) -> None:
    hook = {"url": receiver.url.upper().replace("/HOOK", "/hook"), "secret": "0123456789abcdef"}
    ed = await w.dispatch(await w.template(BOOLEAN), webhook=hook)
    record = await w.run(ed)
    assert record["webhook"]["url"] == receiver.url
    assert record["webhook"]["signed"] is True
    assert record["webhook"]["events"] == [
        "step.completed",
        "step.skipped",
        "run.completed",
        "run.cancelled",
        "run.expired",
    ]
    assert "0123456789abcdef" not in (await w.acme.get(f"/v1/runs/{ed.run_id}")).text
