"""The executor's side in the document: what the page under /r uses, and anybody who builds another."""

from __future__ import annotations

from rundun.web.openapi.answers_r import Decoded, Ended, Receipt, SignatureReceipt, Started, State, Written
from rundun.web.openapi.operation import Answer, Bytes, Operation, Subject
from rundun.web.openapi.samples import RECEIPT, STATE
from rundun.web.queries import PhotoQuery, SignatureQuery, StateQuery
from rundun.web.shapes import AnswerBody, CancelBody, EmptyBody, StartBody

_PICTURE = ("image/jpeg", "image/png", "image/webp", "image/heic")
_PHOTO = Bytes(
    _PICTURE, "The picture's bytes as they are, at most 15 MiB and 50 megapixels unless set otherwise."
)
_PNG = Bytes(("image/png",), "A PNG of at most 2 MiB.")
_UNREADABLE = ("digest_mismatch", "unreadable_image")
_OPEN = ("run_closed", "not_started")

SUBJECT = Subject(
    "Executor",
    "What the page of a run uses, under the same address as the page, for anybody who builds a front end of their own. "
    "There is no key: who has the link can do the run. On a closed run every 410 carries `run_status` and `closed_at`, "
    "but what was stored already is answered as before, so that a lost reply never looks like a loss. Writes must come "
    "from this site's own pages or from no browser at all.",
    [
        Operation(
            "GET /r/{run_id}/state",
            "getState",
            "Read where the run stands",
            "The checklist, all answers and receipts: enough to resume on another device.",
            {
                200: Answer("The state.", State, STATE),
                304: Answer("Nothing has happened since that revision."),
            },
            query=StateQuery,
            problems=("run_closed",),
        ),
        Operation(
            "POST /r/{run_id}/start",
            "startRun",
            "Start the run",
            "A human has tapped Start. Again: the same person, whose first name, address or number is kept.",
            {200: Answer("The run is under way.", Started, headers=("Set-Cookie",))},
            body=StartBody,
            example={"name": "Ed", "language": "en"},
            problems=("run_closed",),
        ),
        Operation(
            "PUT /r/{run_id}/steps/{step_id}",
            "answerStep",
            "Answer a step",
            "A value, a skip, or “I can't do this”. The newest to arrive counts; it is accepted while its photos are "
            "still missing. An `answer_id` that was applied before, or the same content, changes nothing.",
            {200: Answer("The step as it stands.", Written)},
            body=AnswerBody,
            example={
                "answer_id": "2f1e0d9c-8b7a-4655-9443-322110ffeedd",
                "value": True,
                "answered_at": "2026-03-02T09:15:00Z",
            },
            problems=(*_OPEN, "skip_not_allowed", "too_many_photos"),
        ),
        Operation(
            "PUT /r/{run_id}/steps/{step_id}/photos/{photo_id}",
            "putPhoto",
            "Upload a photo",
            "The raw bytes under an id that the phone makes. Once the receipt is there the photo is on the disk. The "
            "same bytes again get the same receipt.",
            {
                201: Answer("It is stored.", Receipt, RECEIPT),
                200: Answer("These bytes were stored before.", Receipt, RECEIPT),
            },
            query=PhotoQuery,
            headers=("Content-Digest",),
            body=_PHOTO,
            problems=(*_OPEN, *_UNREADABLE, "photo_conflict", "too_many_photos"),
        ),
        Operation(
            "DELETE /r/{run_id}/steps/{step_id}/photos/{photo_id}",
            "deletePhoto",
            "Delete a photo",
            "Erases it for good, while the run is open. Again: nothing changes.",
            {200: Answer("The step as it stands.", Written)},
            problems=(*_OPEN, "invalid"),
        ),
        Operation(
            "PUT /r/{run_id}/steps/{step_id}/signature",
            "putSignature",
            "Upload a step's signature",
            "Stores the picture only; the step is then answered with `null`.",
            {
                201: Answer("It is stored.", SignatureReceipt),
                200: Answer("This picture was stored before.", SignatureReceipt),
            },
            query=SignatureQuery,
            headers=("Content-Digest",),
            body=_PNG,
            problems=(*_OPEN, *_UNREADABLE),
        ),
        Operation(
            "PUT /r/{run_id}/signature",
            "putClosingSignature",
            "Upload the signature that closes the run",
            "Where the template says `signature_on_complete`.",
            {
                201: Answer("It is stored.", SignatureReceipt),
                200: Answer("This picture was stored before.", SignatureReceipt),
            },
            query=SignatureQuery,
            headers=("Content-Digest",),
            body=_PNG,
            problems=(*_OPEN, *_UNREADABLE),
        ),
        Operation(
            "POST /r/{run_id}/decode",
            "decodeBarcode",
            "Read a barcode from a picture",
            "For phones without a scanner. Of a started run, and of the formats that its barcode steps take.",
            {200: Answer("What it says.", Decoded, {"text": "4006381333931", "format": "ean_13"})},
            headers=("Content-Digest",),
            body=_PHOTO,
            problems=(*_OPEN, *_UNREADABLE),
        ),
        Operation(
            "POST /r/{run_id}/complete",
            "completeRun",
            "Submit the run",
            "All is done. What is still missing is answered all at once. Again on a completed run: the same answer.",
            {200: Answer("The run is completed.", Ended)},
            body=EmptyBody,
            example={},
            problems=(*_OPEN, "steps_missing"),
        ),
        Operation(
            "POST /r/{run_id}/cancel",
            "giveUpRun",
            "Give the run up",
            "The executor stops for good. Again with the same words: the same answer.",
            {200: Answer("The run is cancelled.", Ended)},
            body=CancelBody,
            example={"reason": "Nobody opens the door."},
            problems=("run_closed",),
        ),
    ],
)
