"""Which fields of a job are for whom."""

from dataclasses import replace

import pytest

from rundun.core.runs.job import RunJob
from rundun.core.runs.job_json import job_json
from rundun.core.runs.run import DispatchRequest, Run, new_run
from rundun.core.templates.template import Template
from tests.helpers.service import BOOLEAN

SHOWN = ("start", "job", "office")
FIELDS = [
    {"id": f"f-{kind}-{show}", "label": "A", "kind": kind, "show": show}
    for kind in ("text", "secret")
    for show in SHOWN
]
TEMPLATE = Template.model_validate({"name": "Check", "steps": [BOOLEAN], "fields": FIELDS})
JOB = RunJob(
    fields={f"f-text-{show}": show for show in SHOWN}, secrets={f"f-secret-{show}": show for show in SHOWN}
)  # fmt: skip


def run(*, is_started: bool) -> Run:
    progress = {"total": 1, "answered": 0, "skipped": 0, "unable": 0}
    made = new_run(DispatchRequest("t-1", job=JOB), "r-1", "org-1", 1, 0, progress)  # type: ignore[arg-type]
    return replace(made, status="in_progress") if is_started else made


@pytest.mark.parametrize("with_secrets", [False, True])
def test_a_secret_is_for_nobody_before_start_whatever_its_template_says(with_secrets: bool) -> None:
    job = job_json(run(is_started=False), TEMPLATE, with_secrets=with_secrets)
    assert [field["id"] for field in job["fields"]] == ["f-text-start"]
    assert "note" not in job and "prefill" not in job


def test_after_start_it_is_all_but_what_is_for_the_office_and_secrets_are_named() -> None:
    shown = {
        with_secrets: {
            field["id"]: field["value"]
            for field in job_json(run(is_started=True), TEMPLATE, with_secrets=with_secrets)["fields"]
        }
        for with_secrets in (False, True)
    }
    text = {"f-text-start": "start", "f-text-job": "job"}
    assert shown[True] == {**text, "f-secret-start": "start", "f-secret-job": "job"}
    assert shown[False] == {**text, "f-secret-start": None, "f-secret-job": None}
