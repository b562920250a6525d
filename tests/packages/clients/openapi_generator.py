"""From a template to the record of a finished run, then every run and event, by a client of openapi-generator."""

import os
import sys
import uuid
from pathlib import Path

from openapi_client import (
    AnswerBody,
    ApiClient,
    ApiException,
    BooleanStepDraft,
    ChoiceConfigDraft,
    ChoiceStepDraft,
    Configuration,
    DispatchBody,
    EventsApi,
    ExecutorApi,
    OptionDraft,
    PhotoStepDraft,
    RunsApi,
    SectionDraftStepsInner,
    StartBody,
    TemplateDraft,
    TemplatesApi,
)

SITE = os.environ["SERVICE"]
rundun = ApiClient(Configuration(host=SITE, access_token=os.environ["KEY"]))
templates, runs, events = TemplatesApi(rundun), RunsApi(rundun), EventsApi(rundun)
phone = ExecutorApi(ApiClient(Configuration(host=SITE)))

empty, full = OptionDraft(id="o-empty", label="Empty"), OptionDraft(id="o-full", label="Full")
steps = [
    BooleanStepDraft(type="boolean", id="s-oven", label="Is the oven clean?"),
    ChoiceStepDraft(
        type="choice", id="s-fridge", label="How is the fridge?", config=ChoiceConfigDraft(options=[empty, full])
    ),
    PhotoStepDraft(type="photo", id="s-kitchen", label="The kitchen as you leave it"),
]
draft = TemplateDraft(name="Kitchen", steps=[SectionDraftStepsInner(step) for step in steps])
assert templates.check_template(draft).valid
template = templates.create_template(draft)
order = DispatchBody(template_id=template.id, executor_ref="booking_12345")
run_id = runs.dispatch_run(order, idempotency_key=str(uuid.uuid4())).run_id

phone.start_run(run_id, StartBody())
receipt = phone.put_photo(run_id, "s-kitchen", f"ph-{uuid.uuid4()}", body=Path(sys.argv[1]).read_bytes())
for step_id, answer in {
    "s-oven": AnswerBody(value=True),
    "s-fridge": AnswerBody(value="o-empty"),
    "s-kitchen": AnswerBody(value=None, photos=[receipt.photo_id]),
}.items():
    assert phone.answer_step(run_id, step_id, answer).step.done
phone.complete_run(run_id, {})

record = runs.get_run(run_id)
print(record.status, record.completed_at)
for step_id, answered in record.answers.items():
    print(step_id, answered.value and answered.value.actual_instance, *(photo.url for photo in answered.photos))
assert runs.get_run_archive(run_id)[:4] == b"PK\3\4"
for run in runs.list_runs(limit=100).data:
    runs.get_run(run.run_id)
print(*sorted({entry.actual_instance.event for entry in events.list_events(limit=100).data}))
try:
    runs.dispatch_run(DispatchBody(template_id="t-nowhere"))
except ApiException as refused:
    print(refused.status, refused.data.code)
