"""What the guide on limits says of templates and dispatches is what the API does: so much, and no more."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.service import BOOLEAN, World
from tests.web.docs.test_limits import values_of

Make = Callable[[int], Any]


def steps(count: int) -> list[Any]:
    """So many steps."""
    return [{"type": "boolean", "label": "?"} for _ in range(count)]


def step(**more: Any) -> dict[str, Any]:
    """A template of one step that is a little more than plain."""
    return {"steps": [{**BOOLEAN, **more}]}


def choice(count: int) -> Any:
    """A template whose step has so many options."""
    return step(type="choice", config={"options": [{"label": str(n)} for n in range(count)]})


def depth(count: int) -> Any:
    """A template with so many groups of conditions, one in the other."""
    condition: Any = {"when": {"step": "s-ok", "op": "eq", "value": True}}
    for _ in range(count):
        condition = {"op": "and", "rules": [condition]}
    return {"steps": [BOOLEAN, {**BOOLEAN, "id": "s-2", "condition": condition}]}


def comparisons(count: int) -> Any:
    """A template whose step is compared so many times."""
    rules = [{"when": {"step": "s-ok", "op": "eq", "value": True}}] * count
    groups = [{"op": "or", "rules": rules[:25]}, {"op": "or", "rules": rules[25:]}]
    return {"steps": [BOOLEAN, {**BOOLEAN, "id": "s-2", "condition": {"op": "or", "rules": groups}}]}


TEMPLATES: dict[str, Make] = {
    "core.templates.template.MAX_SECTIONS": lambda n: {
        "sections": [{"title": "x", "steps": steps(1)} for _ in range(n)]
    },
    "core.templates.template.MAX_STEPS": lambda n: {"steps": steps(n)},
    "core.templates.template.MAX_FIELDS": lambda n: {"fields": [{"label": "x", "kind": "text"} for _ in range(n)]},
    "core.templates.template.Template.tags": lambda n: {"tags": [str(one) for one in range(n)]},
    "core.templates.steps.MAX_OPTIONS": choice,
    "core.templates.steps.MAX_SLOTS": lambda n: step(
        type="photo", config={"slots": [{"label": "x"} for _ in range(n)]}
    ),
    "core.templates.steps.PhotoRule.max": lambda n: step(photo={"max": n}),
    "core.templates.steps.RatingConfig.max": lambda n: step(type="rating", config={"max": n}),
    "core.templates.steps.TextConfig.max_length": lambda n: step(type="text", config={"max_length": n}),
    "core.templates.template.Template.name": lambda n: {"name": "x" * n},
    "core.templates.template.Template.description": lambda n: {"description": "x" * n},
    "core.templates.steps.BooleanStep.label": lambda n: step(label="x" * n),
    "core.templates.steps.BooleanStep.hint": lambda n: step(hint="x" * n),
    "core.templates.steps.InstructionConfig.body": lambda n: step(type="instruction", config={"body": "x" * n}),
    "core.templates.condition.MAX_DEPTH": depth,
    "core.templates.template.MAX_COMPARISONS_OF_STEP": comparisons,
    "core.text.MAX_MARKS": lambda n: {"name": "x" + "\u0316" * n},
}
DISPATCHES: dict[str, Make] = {
    "core.request_bodies.MAX_HOURS": lambda n: {"expires_in_hours": n},
    "core.request_bodies.DispatchBody.executor_ref": lambda n: {"executor_ref": "x" * n},
    "core.request_bodies.DispatchBody.title": lambda n: {"title": "x" * n},
    "core.request_bodies.DispatchBody.note": lambda n: {"note": "x" * n},
    "core.runs.job_values.MAX_VALUE": lambda n: {"fields": {"f-text": "x" * n}},
    "core.runs.job_values.MAX_URL": lambda n: {"fields": {"f-url": "https://example.com/".ljust(n, "x")}},
    "core.deliveries.webhook_url.MAX_LENGTH": lambda n: {"webhook": {"url": "http://10.0.0.1/".ljust(n, "x")}},
    "core.request_bodies.WebhookBody.secret": lambda n: {"webhook": {"url": "http://10.0.0.1/", "secret": "x" * n}},
}


@pytest.mark.parametrize("name", TEMPLATES)
async def test_a_template_may_have_so_much_and_no_more(shared: World, name: str) -> None:
    most = int(values_of(name)[-1])
    for count, status in ((most, 200), (most + 1, 422)):
        draft = {"name": "x", **({} if name == "core.templates.template.MAX_SECTIONS" else {"steps": [BOOLEAN]})}
        response = await shared.acme.post("/v1/templates/check", json={**draft, **TEMPLATES[name](count)})
        assert response.status_code == status, response.text


async def test_a_template_as_a_whole_may_be_so_large(shared: World) -> None:
    most = values_of("core.templates.template.MAXIMUM_BYTES")[0]
    for hint, status in ((800, 200), (1200, 413)):
        draft = {"name": "x", "steps": [{**one, "hint": "x" * hint} for one in steps(500)]}
        assert (len(str(draft)) < most) == (status == 200)
        assert (await shared.acme.post("/v1/templates/check", json=draft)).status_code == status


@pytest.mark.parametrize("name", DISPATCHES)
async def test_a_dispatch_may_have_so_much_and_no_more(shared: World, name: str) -> None:
    fields = [{"id": f"f-{kind}", "label": "x", "kind": kind} for kind in ("text", "url")]
    made = await shared.acme.post("/v1/templates", json={"name": "x", "steps": [BOOLEAN], "fields": fields})
    most = int(values_of(name)[-1])
    for count, status in ((most, 201), (most + 1, 422)):
        body = {"template_id": made.json()["id"], **DISPATCHES[name](count)}
        response = await shared.acme.post("/v1/runs", json=body)
        assert response.status_code == status, response.text
