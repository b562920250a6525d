"""The JSON of a run for the executor's phone."""

from typing import Any

from pydantic_core import from_json

from rundun.actions.runs.state import RunState
from rundun.core import times
from rundun.core.json_types.execution import PicturesJson, RemarkedJson, ShownJobJson, StateJson, WrittenJson
from rundun.core.runs import job_json, record
from rundun.core.runs.run import Run
from rundun.core.templates import pictures
from rundun.core.urls import Urls
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.transaction import TemplateVersion


def state_json(
    state: RunState, organization: Organization, links: Urls, now: int, generation: int, *, in_page: bool = False
) -> StateJson:
    """Return a run's state as JSON, enough to resume on another device; `generation` is the database's. `in_page` is
    the state in the HTML: without secrets, and with untranslated labels of fields.
    """
    language = None if in_page else state.run.language
    job = job_json.job_json(state.run, state.version.template, language, with_secrets=not in_page)
    newest = {signature.step_id: signature for signature in state.evidence.signatures.values()}
    return {
        "run": record.run_state_json(state.run, now),
        "organization": {"name": organization.name, "contact": organization.contact},
        "job": job,
        "template_id": state.run.template_id,
        "template_v": state.run.template_v,
        "template": _template_json(state, job),
        "answers": {
            step_id: record.step_json(step_state, state.evidence, links)
            for step_id, step_state in state.step_states.items()
            if step_state.answer is not None
        },
        "photos": {
            step_id: [record.photo_receipt(photo, links) for photo in photos.values()]
            for step_id, photos in state.evidence.photos.items()
        },
        "remarks": {
            step_id: record.remark_state_json(remark)
            for step_id, remark in state.evidence.remarks.items()
            if not remark.is_empty
        },
        "remark_photos": {
            step_id: [record.photo_receipt(photo, links) for photo in photos.values()]
            for step_id, photos in state.evidence.remark_photos.items()
        },
        "signatures": {step_id: record.signature_receipt(signature, links) for step_id, signature in newest.items()},
        "server_time": times.wire(now),
        "generation": generation,
        **pictures_json(state.run, state.version, links),
    }


def _template_json(state: RunState, job: ShownJobJson) -> dict[str, Any]:
    """Return the template's stored JSON without `fields`, which the `job` has, and translations of hidden ones; before
    Start also without its pictures, since a link may be opened by others than the executor.
    """
    # a third of the time of serializing the models
    template = job_json.remove_hidden_fields(from_json(state.version.body), job)
    if state.version.pictures and state.run.status == "pending":
        for holder in (template, *(template.get("sections") or ())):
            for step in holder.get("steps") or ():
                step.pop("pictures", None)
    return template


def pictures_json(run: Run, version: TemplateVersion, links: Urls) -> PicturesJson:
    """Return the `pictures` of a started run by id, and their ids by step, `step_pictures`; {} before Start."""
    if run.status == "pending":
        return {}
    return {
        "pictures": pictures.shown_json(version.pictures, links),
        "step_pictures": {step.id: step.pictures for step in version.steps if step.pictures},
    }


def remark_written(state: RunState, step_id: str, generation: int) -> RemarkedJson:
    """Return the response to a write of a remark: the remark, empty if taken back, None if there never was one, the run
    in brief, and the `generation` of the database.
    """
    remark = state.evidence.remarks.get(step_id)
    return {
        "run": record.run_brief_json(state.run),
        "remark": None if remark is None else {"step_id": step_id, **record.remark_state_json(remark)},
        "generation": generation,
    }


def step_written(state: RunState, step_id: str, links: Urls, generation: int) -> WrittenJson:
    """Return the response to a write of a step: the step, the run in brief, and the `generation` of the database."""
    step = record.step_json(state.step_states[step_id], state.evidence, links)
    return {"run": record.run_brief_json(state.run), "step": {"step_id": step_id, **step}, "generation": generation}
