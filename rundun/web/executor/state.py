"""What the phone gets of a run, as JSON."""

from __future__ import annotations

from rundun.actions.run_state import RunState
from rundun.core import run_json, times
from rundun.core.json_types.execution import StateJson, WrittenJson
from rundun.core.urls import Urls
from rundun.store.organizations import Organization


def state_json(state: RunState, organization: Organization, links: Urls, now: int) -> StateJson:
    """Enough to resume on another device."""
    newest = {one.step_id: one for one in state.evidence.signatures.values()}
    return {
        "run": run_json.run_state(state.run, now),
        "organization": {"name": organization.name, "contact": organization.contact},
        "template_id": state.run.template_id,
        "template_v": state.run.template_v,
        "template": state.version.template.model_dump(mode="json", exclude_unset=True),
        "answers": {
            step_id: run_json.step_json(step_state, state.evidence, links)
            for step_id, step_state in state.step_states.items()
            if step_state.answer is not None
        },
        "photos": {
            step_id: [run_json.receipt(photo, links) for photo in photos.values()]
            for step_id, photos in state.evidence.photos.items()
        },
        "signatures": {step_id: run_json.signature_receipt(one, links) for step_id, one in newest.items()},
        "server_time": times.wire(now),
    }


def step_written(state: RunState, step_id: str, links: Urls) -> WrittenJson:
    """What a write on a step answers."""
    step = run_json.step_json(state.step_states[step_id], state.evidence, links)
    return {"run": run_json.run_brief(state.run), "step": {"step_id": step_id, **step}}
