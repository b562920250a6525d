"""A job with something in each of its parts, so that what leaves the server shows which."""

from typing import Any

from pydantic_core import to_json

from rundun.core.templates.template import Template
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows
from tests.helpers.service import BOOLEAN, Ed, World

KINDS = {
    "text": "canary-kind-text",
    "number": 771_177_117_711,  # longer than digits that stand together in an id by chance
    "date": "2026-01-09",
    "phone": "+34 951 77 12",
    "email": "canary-mail@example.com",
    "url": "https://canary-url.example.com/a?b=c",
    "address": "Calle Canary 12, Málaga",
}
OPEN = {"id": "f-unit", "label": "Unit", "kind": "text", "show": "start"}
DOOR = {"id": "f-door", "label": "Canary-label-door", "kind": "secret"}
OFFICE = {"id": "f-price", "label": "Canary-label-price", "kind": "text", "show": "office"}
FIELDS: list[dict[str, Any]] = [
    OPEN,
    *({"id": f"f-{kind}", "label": f"Canary-label-{kind}", "kind": kind} for kind in KINDS),
    DOOR,
    OFFICE,
    {"id": "f-empty", "label": "Canary-label-empty", "kind": "text"},
]
SECRET, PRICE = "canary-4711-code", "canary-price-99"
VALUES = {"f-unit": "Flat 12", **{f"f-{kind}": value for kind, value in KINDS.items()}, "f-door": SECRET}
VALUES["f-price"] = PRICE
JOB: dict[str, Any] = {
    "title": "Beach house 3 · check-out 11:00",
    "note": "Canary-note: the key is under the mat.\nSee https://example.com/canary-plan",
    "due_at": "2026-01-01T14:00:00Z",
    "fields": VALUES,
    "prefill": {"s-why": "canary-prefill"},
}
STEPS: list[dict[str, Any]] = [BOOLEAN, {"id": "s-why", "type": "text", "label": "What else?", "required": False}]
# What nobody may read before Start, lower case; the office's price never, and the secret never in HTML.
LATER = ["canary-note", "canary-plan", "canary-prefill", "canary-label", "calle canary", "canary-kind"]
LATER += ["771177117711", "951 77", "canary-mail", "canary-url", "2026-01-09"]
NEVER = [PRICE, "canary-label-price", "canary-label-empty"]


async def with_job(w: World, **more: Any) -> Ed:
    """Dispatch a run of a template that has all kinds of fields, with a value for each."""
    return await w.dispatch(await w.template(*STEPS, fields=FIELDS), **{**JOB, **more})


async def translated(w: World, **texts: Any) -> str:
    """Store a template with fields and `translations` of them; returns its id."""
    written = {"name": "Check", "fields": FIELDS, "steps": STEPS, "translations": texts}

    def add(tx: Tx) -> str:
        template = Template.model_validate(written)
        return template_rows.add(tx, w.acme_id, template, to_json(written)).template_id

    return await w.database.write(add)


async def rewritten(w: World, run: Ed, **changes: Any) -> None:
    """Change what a run is about while it is open, by a merge patch as an operator sends it."""
    response = await w.acme.patch(
        f"/v1/runs/{run.run_id}", content=to_json(changes), headers={"content-type": "application/merge-patch+json"}
    )
    assert response.status_code == 200, response.text


def found_in(text: str, wanted: list[str]) -> set[str]:
    """Tell which of the wanted texts stand in a page, an answer."""
    return {one for one in wanted if one in text.lower()}
