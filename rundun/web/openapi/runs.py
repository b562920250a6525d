"""/v1/runs in the document."""

from __future__ import annotations

from rundun.web.openapi.answers import Dispatched, RunListed, RunRecord, RunSteered
from rundun.web.openapi.lists import list_of
from rundun.web.openapi.operation import Answer, Operation, Subject
from rundun.web.openapi.samples import DISPATCHED, RUN, RUN_CANCELLED, RUN_EXTENDED, RUN_RELEASED, TEMPLATE_ID
from rundun.web.queries import RunsQuery
from rundun.web.shapes import CancelBody, DispatchBody, EmptyBody, ExtendBody

_OF_RUN = {"run_id": "$response.body#/run_id"}

SUBJECT = Subject(
    "Runs",
    "A run is one execution of one version of a template. It begins when somebody taps Start on its page, never by a "
    "link being opened, and ends completed, cancelled or expired.",
    [
        Operation(
            "POST /v1/runs",
            "dispatchRun",
            "Dispatch a run",
            "Makes a run of a template's current version and its link. One credit of the organization is taken in the "
            "same transaction; what is refused makes nothing and costs nothing.",
            {
                201: Answer(
                    "The run and its link.",
                    Dispatched,
                    DISPATCHED,
                    ("Location",),
                    {
                        "GetRun": ("getRun", _OF_RUN),
                        "CancelRun": ("cancelRun", _OF_RUN),
                        "ExtendRun": ("extendRun", _OF_RUN),
                        "ReleaseRun": ("releaseRun", _OF_RUN),
                        "ListRunDeliveries": ("listRunDeliveries", _OF_RUN),
                        "ListRunEvents": ("listRunEvents", _OF_RUN),
                        "GetState": ("getState", _OF_RUN),
                        "StartRun": ("startRun", _OF_RUN),
                        "CompleteRun": ("completeRun", _OF_RUN),
                        "GiveUpRun": ("giveUpRun", _OF_RUN),
                    },
                )
            },
            body=DispatchBody,
            example={
                "template_id": TEMPLATE_ID,
                "executor_ref": "booking_12345",
                "expires_in_hours": 72,
                "webhook": {"url": "https://hooks.example.com/rundun", "secret": "at least 12 characters"},
            },
            problems=("insufficient_credits", "not_found", "template_archived", "address_not_allowed"),
        ),
        Operation(
            "GET /v1/runs",
            "listRuns",
            "List runs",
            "Without their templates and answers, the newest first.",
            {200: Answer("A page of runs.", list_of(RunListed), headers=("Link",))},
            query=RunsQuery,
        ),
        Operation(
            "GET /v1/runs/{run_id}",
            "getRun",
            "Read a run",
            "The whole record: the template as it was dispatched, all answers, photos, positions, times, and who did "
            "it. It can be read at any moment; reading changes nothing.",
            {
                200: Answer("The record.", RunRecord, RUN, ("ETag",)),
                304: Answer("It is as you have it.", headers=("ETag",)),
            },
            headers=("If-None-Match",),
        ),
        Operation(
            "POST /v1/runs/{run_id}/cancel",
            "cancelRun",
            "Cancel a run",
            "Ends a run that is pending or in progress. Its link says so from then on, and `run.cancelled` is sent.",
            {200: Answer("The run, cancelled.", RunSteered, RUN_CANCELLED)},
            body=CancelBody,
            example={"reason": "The guest has left early."},
            problems=("wrong_status",),
        ),
        Operation(
            "POST /v1/runs/{run_id}/extend",
            "extendRun",
            "Extend a run",
            "Lets a run be open until `expires_in_hours` from now, or without end. It can't be made shorter.",
            {200: Answer("The run with its new `expires_at`.", RunSteered, RUN_EXTENDED)},
            body=ExtendBody,
            example={"expires_in_hours": 96},
            problems=("wrong_status", "would_shorten"),
        ),
        Operation(
            "POST /v1/runs/{run_id}/release",
            "releaseRun",
            "Release a run from its device",
            "Where the template's `scope` is `first_device`, lets the next device that starts the run take it over. "
            "Until then nothing can be added. That start keeps the answers and the first identity, and is no event.",
            {200: Answer("The run.", RunSteered, RUN_RELEASED)},
            body=EmptyBody,
            example={},
            problems=("wrong_status",),
        ),
    ],
)
