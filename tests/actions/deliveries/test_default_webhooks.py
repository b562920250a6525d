"""Default webhooks: what people dispatch has one where nothing else is said, what an integrator dispatches never."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from rundun.actions.deliveries import default_webhooks
from rundun.actions.runs import runs
from rundun.core.actor import Actor
from rundun.core.runs import event
from rundun.core.runs.run import DispatchRequest, Webhook
from rundun.errors import Invalid, NotFound, Problem
from rundun.scheduler import delete_secrets
from rundun.store.organizations import changes as organization_changes
from rundun.store.sqlite.pagination import PageRequest
from tests.helpers.files.storage import used
from tests.helpers.service import BOOLEAN, Ed, Receiver, World
from tests.helpers.webhooks import SECRET, verify

ANN = Actor("operator", "Ann", "u-ann")
OWN = Webhook("http://127.0.0.1:9/own", "the run's own secret", ("run.completed",))


def hook(name: str, **more: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:9/{name}", "secret": f"the secret of {name}", **more}


async def put(w: World, template_id: str | None, **changes: Any) -> Webhook:
    return await w.database.write(default_webhooks.put, w.acme_id, template_id, changes, ANN)


async def dispatched(w: World, order: DispatchRequest) -> Webhook | None:
    return (await w.database.write(runs.dispatch, w.acme_id, order)).webhook


async def test_the_nearest_one_is_copied_and_only_by_a_person_who_has_not_said_where(w: World) -> None:
    """All of: an organization's, a template's, one of the run's own, and who dispatches."""
    choices: Any = itertools.product((False, True), (False, True), (None, OWN), ("request", "default"))
    for has_organization, has_template, own, webhook_from in choices:
        template_id, other = await w.template(BOOLEAN), await w.template(BOOLEAN)
        await put(w, other, **hook("other"))
        for name, has, at in (("org", has_organization, None), ("template", has_template, template_id)):
            await (put(w, at, **hook(name)) if has else w.database.write(default_webhooks.remove, w.acme_id, at, ANN))
        got = await dispatched(w, DispatchRequest(template_id, webhook=own, webhook_from=webhook_from))
        expected: Webhook | None = own
        if own is None and webhook_from == "default" and (has_template or has_organization):
            name = "template" if has_template else "org"
            expected = Webhook(**hook(name), events=event.EVENTS)
        key = f"{w.acme_id} http://127.0.0.1:9"
        assert got == (expected and replace(expected, destination=key)), (has_organization, has_template, webhook_from)
    answer = await w.acme.post("/v1/runs", json={"template_id": template_id})
    assert (await w.run(Ed(w, answer.json()["run_id"])))["webhook"] is None, "an integrator says so"


async def test_what_is_left_out_stays_and_runs_keep_what_they_got(w: World, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN)
    await put(w, None, url=receiver.url, secret=SECRET, events=("run.started", "run.completed"))
    run = await w.database.write(runs.dispatch, w.acme_id, DispatchRequest(template_id, webhook_from="default"))
    assert await put(w, None, url="http://127.0.0.1:9/new") == Webhook(
        "http://127.0.0.1:9/new", SECRET, ("run.started", "run.completed")
    )
    assert (await put(w, None, secret=None)).secret is None
    await w.database.write(default_webhooks.remove, w.acme_id, None, ANN)
    ed = Ed(w, run.run_id)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    assert receiver.events() == ["run.started", "run.completed"]
    verify(receiver.url, receiver.received[1])
    assert await used(w)


async def test_the_history_tells_who_has_changed_what_but_no_path_and_no_secret(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await put(w, template_id, **hook("a-path-with-a-token"))
    for _ in range(2):  # again: nothing changes
        await put(w, None, **hook("a-path-with-a-token", events=("run.completed",)))
    await put(w, None, url="http://other.example/x", secret=None)
    for _ in range(2):
        await w.database.write(default_webhooks.remove, w.acme_id, template_id, ANN)
    rows = (await w.database.read(organization_changes.page, w.acme_id, PageRequest(10))).items[::-1]
    rows = [one for one in rows if "webhook" in one.what]
    assert {one.actor for one in rows} == {ANN}
    of_template = {"template_id": template_id, "template": "Check"}
    first = {"host": "127.0.0.1", "fields": ["url", "secret", "events"]}
    assert [(one.what.removeprefix("default_webhook_"), one.details) for one in rows] == [
        ("changed", {**first, **of_template}),
        ("changed", first),
        ("changed", {"host": "other.example", "fields": ["url", "secret"]}),
        ("removed", {"host": "127.0.0.1", **of_template}),
    ]
    assert await used(w)


async def test_nobody_reads_or_changes_that_of_another_organization(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await put(w, template_id, **hook("acme"))
    await put(w, None, **hook("acme"))
    globex_id = (await w.globex.get("/v1/organization")).json()["id"]
    assert await w.database.read(default_webhooks.find, globex_id, template_id) is None
    with pytest.raises(NotFound):
        await w.database.read(default_webhooks.find_own, globex_id, template_id)
    with pytest.raises(NotFound):
        await w.database.write(default_webhooks.put, globex_id, template_id, hook("globex"), ANN)
    with pytest.raises(NotFound):
        await w.database.write(default_webhooks.remove, globex_id, template_id, ANN)
    assert (await w.database.read(default_webhooks.find, w.acme_id, template_id) or OWN).secret == "the secret of acme"


async def test_a_repeat_by_hand_has_that_of_the_run_before_if_it_is_chosen(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await put(w, None, **hook("default"))
    ed = await w.dispatch(template_id, webhook=hook("before", events=["run.started"]))
    order = DispatchRequest(template_id, webhook_from="previous", previous_run_id=ed.run_id)
    with pytest.raises(Problem, match="once it is closed"):
        await dispatched(w, order)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    expected = {"previous": "before", "default": "default", "request": None}
    for webhook_from, name in expected.items():
        got = await dispatched(w, replace(order, webhook_from=webhook_from))  # type: ignore[arg-type]
        assert (got and got.secret) == (name and f"the secret of {name}")
    w.clock.forward(hours=24 * 31)
    await delete_secrets(w.database, 30)
    with pytest.raises(Invalid) as refused:
        await dispatched(w, order)
    assert [one.pointer for one in refused.value.errors] == ["/webhook/secret"]
    globex_id = (await w.globex.get("/v1/organization")).json()["id"]
    other = (await w.globex.post("/v1/templates", json={"name": "Check", "steps": [BOOLEAN]})).json()["id"]
    with pytest.raises(NotFound):
        await w.database.write(runs.dispatch, globex_id, replace(order, template_id=other))


async def test_a_first_one_has_a_url(w: World) -> None:
    with pytest.raises(Invalid) as refused:
        await put(w, None, secret=SECRET)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [("/url", "required")]
