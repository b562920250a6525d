"""Steps that the stories are made of."""

from typing import Any

from tests.helpers.service import World

YES_NO = {"id": "s-ok", "type": "boolean", "label": "All fine?"}
WHY = {
    "id": "s-why",
    "type": "text",
    "label": "What is wrong?",
    "condition": {"when": {"step": "s-ok", "op": "eq", "value": False}},
}
COUNT = {"id": "s-count", "type": "number", "label": "How many?", "config": {"min": 1, "max": 20, "decimals": 1}}
PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 3}}


async def dispatched(w: World, *steps: dict[str, Any], **more: Any) -> str:
    run = await w.dispatch(await w.template(*steps, **more))
    return run.run_id


async def record(w: World, run_id: str) -> Any:
    response = await w.acme.get(f"/v1/runs/{run_id}")
    assert response.status_code == 200
    return response.json()
