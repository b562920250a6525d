"""From a template to the record of a finished run, by a client that openapi-python-client has made.

SERVICE=http://127.0.0.1:8000 KEY=rdk_live_… python client.py kitchen.jpg
"""

import os
import sys
import uuid
from pathlib import Path
from typing import TypeVar

from rundun_client import AuthenticatedClient, Client
from rundun_client.api.executor import answer_step, complete_run, put_photo, start_run
from rundun_client.api.runs import dispatch_run, get_run
from rundun_client.api.templates import check_template, create_template
from rundun_client.models import (
    AnswerBody,
    BooleanStepDraft,
    ChoiceConfigDraft,
    ChoiceStepDraft,
    DispatchBody,
    EmptyBody,
    OptionDraft,
    PhotoStepDraft,
    ProblemDetails,
    StartBody,
    TemplateDraft,
)
from rundun_client.types import File

T = TypeVar("T")
SITE = os.environ["SERVICE"]
rundun = AuthenticatedClient(base_url=SITE, token=os.environ["KEY"])
phone = Client(base_url=SITE)  # the executor has no key: the run's id is the right to do it


def ok(answer: T | ProblemDetails | None) -> T:
    """Return what was answered; whatever was refused ends the program with all that is wrong."""
    if answer is None or isinstance(answer, ProblemDetails):
        sys.exit(f"refused: {answer.to_dict() if answer else 'an answer that is not in the document'}")
    return answer


draft = TemplateDraft(
    name="Kitchen",
    steps=[
        BooleanStepDraft("boolean", "Is the oven clean?", id="s-oven"),
        ChoiceStepDraft(
            "choice",
            "How is the fridge?",
            ChoiceConfigDraft([OptionDraft("Empty", id="o-empty"), OptionDraft("Full", id="o-full")]),
            id="s-fridge",
        ),
        PhotoStepDraft("photo", "The kitchen as you leave it", id="s-kitchen"),
    ],
)
for warning in ok(check_template.sync(client=rundun, body=draft)).warnings:
    print("warning:", warning.detail)
template = ok(create_template.sync(client=rundun, body=draft))
order = DispatchBody(template.id, executor_ref="booking_12345")
run_id = ok(dispatch_run.sync(client=rundun, body=order, idempotency_key=str(uuid.uuid4()))).run_id

ok(start_run.sync(run_id, client=phone, body=StartBody()))
photo_id = f"ph-{uuid.uuid4()}"
with Path(sys.argv[1]).open("rb") as picture:
    receipt = ok(put_photo.sync(run_id, "s-kitchen", photo_id, client=phone, body=File(picture)))
for step_id, answer in {
    "s-oven": AnswerBody(value=True),
    "s-fridge": AnswerBody(value="o-empty"),
    "s-kitchen": AnswerBody(value=None, photos=[receipt.photo_id]),
}.items():
    assert ok(answer_step.sync(run_id, step_id, client=phone, body=answer)).step.done
ok(complete_run.sync(run_id, client=phone, body=EmptyBody()))

record = ok(get_run.sync(run_id, client=rundun))
print(record.status, record.completed_at)
for step_id, answered in record.answers.additional_properties.items():
    print(step_id, answered.value, *(photo.url for photo in answered.photos))
