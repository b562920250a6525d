"""One story told by all examples of the document: a kitchen is checked for booking_12345."""

from __future__ import annotations

from typing import Any

RUN_ID = "r-7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11"
TEMPLATE_ID = "t-3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90"
ORGANIZATION_ID = "org-b2a0e6d4-91c7-4d8e-b0a5-72f1c9d3e480"
USER_ID = "u-5e0d7a31-8a4f-4a4b-9d0c-1f6b2c3d4e5f"
PHOTO_ID = "ph-c0ffee00-1234-4abc-8def-0123456789ab"
_SHA256 = "b41dbaa9353b532d1b87c6808791191924a4703c1f07888d836090d278d30fae"
_SITE = "https://check.example.com"
_MEDIA = "/media/MTI.k2Vw0mJxq3T6uS8a.jpg"
_ORIGINAL = f"{_SITE}/media/MTE.9pLr4sWd2yQ7vB1n.heic"
_THUMBNAIL = "/media/MTM.Zx5cN8bM3hK6gF0d.jpg"

TEMPLATE: dict[str, Any] = {
    "name": "Turnover check",
    "settings": {"allow_skip": True},
    "execution": {"identity_required": "name"},
    "sections": [
        {
            "id": "g-kit1",
            "title": "Kitchen",
            "steps": [
                {
                    "id": "s-kc01",
                    "type": "boolean",
                    "label": "Is the oven clean?",
                    "photo": {"min": 1, "max": 3},
                },
                {
                    "id": "s-kc02",
                    "type": "text",
                    "label": "What is wrong with it?",
                    "condition": {"when": {"step": "s-kc01", "op": "eq", "value": False}},
                },
                {
                    "id": "s-kc03",
                    "type": "number",
                    "label": "Meter reading",
                    "required": False,
                    "config": {"unit": "kWh"},
                },
            ],
        }
    ],
}

TEMPLATE_RECORD = {
    "id": TEMPLATE_ID,
    "v": 3,
    "org_id": ORGANIZATION_ID,
    "created_at": "2026-01-12T08:00:00Z",
    "updated_at": "2026-02-20T16:30:00Z",
    "archived_at": None,
    **TEMPLATE,
}

DISPATCHED: dict[str, Any] = {
    "run_id": RUN_ID,
    "link": f"{_SITE}/r/{RUN_ID}",
    "expires_at": "2026-03-05T08:50:00Z",
    "assigned_to": None,
    "warnings": [],
}

IDENTITY = {"mode": "external", "user_id": USER_ID, "name": "Ed"}
PROGRESS = {"total": 2, "answered": 1, "skipped": 0, "unable": 0}
POSITION = {"lat": 41.38712, "lng": 2.17013, "accuracy": 12}

_PHOTO = {
    "photo_id": PHOTO_ID,
    "photo_index": 0,
    "url": _SITE + _MEDIA,
    "thumbnail_url": _SITE + _THUMBNAIL,
    "content_type": "image/jpeg",
    "width": 1536,
    "height": 2048,
    "original": {"url": _ORIGINAL, "content_type": "image/heic", "bytes": 1843201, "sha256": _SHA256},
    "source": "camera",
    "taken_at": "2026-03-02T09:14:40Z",
    "received_at": "2026-03-02T09:14:58Z",
    "geo": None,
}

ANSWERED = {
    "value": True,
    "at": "2026-03-02T09:15:01Z",
    "answered_at": "2026-03-02T09:15:00Z",
    "by": USER_ID,
    "skipped": False,
    "unable": None,
    "geo": POSITION,
    "photos": [_PHOTO],
}
_ORIGINAL_TOLD = {"content_type": "image/heic", "bytes": 1843201, "sha256": _SHA256}
ANSWERED_TOLD = {**ANSWERED, "photos": [{**_PHOTO, "original": _ORIGINAL_TOLD}]}

RUN_STEERED = {
    "run_id": RUN_ID,
    "status": "in_progress",
    "late": False,
    "revision": 4,
    "template_id": TEMPLATE_ID,
    "template_v": 3,
    "link": f"{_SITE}/r/{RUN_ID}",
    "executor_ref": "booking_12345",
    "assigned_to": USER_ID,
    "language": "en",
    "identity": IDENTITY,
    "created_at": "2026-03-02T08:50:00Z",
    "started_at": "2026-03-02T09:12:30Z",
    "completed_at": None,
    "cancelled_at": None,
    "expired_at": None,
    "expires_at": "2026-03-05T08:50:00Z",
    "duration_seconds": None,
    "progress": PROGRESS,
    "answers": {"s-kc01": ANSWERED},
    "signature": None,
    "cancellation": None,
    "webhook": {
        "url": "https://hooks.example.com/rundun",
        "events": ["step.completed", "step.skipped", "run.completed", "run.cancelled", "run.expired"],
        "signed": True,
    },
}
_BEFORE_TEMPLATE = ("run_id", "status", "late", "revision", "template_id", "template_v")
RUN = {name: RUN_STEERED[name] for name in _BEFORE_TEMPLATE} | {"template": TEMPLATE_RECORD} | RUN_STEERED
RUN_CANCELLED = {
    **RUN_STEERED,
    "status": "cancelled",
    "revision": 5,
    "cancelled_at": "2026-03-02T09:20:00Z",
    "cancellation": {
        "by": "integrator",
        "reason": "The guest has left early.",
        "at": "2026-03-02T09:20:00Z",
        "last_step_id": "s-kc01",
    },
}
RUN_EXTENDED = {**RUN_STEERED, "revision": 5, "expires_at": "2026-03-06T09:20:00Z"}
RUN_RELEASED = {**RUN_STEERED, "revision": 5}

ORGANIZATION = {
    "id": ORGANIZATION_ID,
    "name": "Acme Stays",
    "contact": "Call +34 600 000 000",
    "credits": None,
    "runs_this_month": 41,
    "deliveries_failed": 0,
}

RECEIPT = {
    "photo_id": PHOTO_ID,
    "bytes": 1843201,
    "sha256": _SHA256,
    "received_at": "2026-03-02T09:14:58Z",
    "url": _MEDIA,
    "thumbnail_url": _THUMBNAIL,
    "width": 1536,
    "height": 2048,
}

STATE = {
    "run": {
        "run_id": RUN_ID,
        "late": False,
        "created_at": "2026-03-02T08:50:00Z",
        "started_at": "2026-03-02T09:12:30Z",
        "closed_at": None,
        "language": "en",
        "assigned_to": USER_ID,
        "identity": IDENTITY,
        "status": "in_progress",
        "expires_at": "2026-03-05T08:50:00Z",
        "progress": PROGRESS,
        "revision": 4,
    },
    "organization": {"name": "Acme Stays", "contact": "Call +34 600 000 000"},
    "template_id": TEMPLATE_ID,
    "template_v": 3,
    "template": TEMPLATE,
    "answers": {
        "s-kc01": {
            "answer_id": "2f1e0d9c-8b7a-4655-9443-322110ffeedd",
            "value": True,
            "skipped": False,
            "unable": None,
            "at": "2026-03-02T09:15:01Z",
            "answered_at": "2026-03-02T09:15:00Z",
            "geo": POSITION,
            "photos": [PHOTO_ID],
            "visible": True,
            "done": True,
            "waiting_for": [],
        }
    },
    "photos": {"s-kc01": [RECEIPT]},
    "signatures": {},
    "server_time": "2026-03-02T09:15:02Z",
}


def event(name: str, seq: int, **data: Any) -> dict[str, Any]:
    """An event of that run, as a webhook gets it."""
    return {
        "event_id": "evt-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
        "delivery_attempt": 1,
        "event": name,
        "run_id": RUN_ID,
        "template_id": TEMPLATE_ID,
        "template_v": 3,
        "seq": seq,
        "ts": "2026-03-02T09:15:01Z",
        "identity": IDENTITY,
        "data": {"executor_ref": "booking_12345", **data},
    }


EVENTS = {
    "run.started": event("run.started", 1, progress={**PROGRESS, "answered": 0}),
    "step.completed": event(
        "step.completed",
        2,
        step_id="s-kc01",
        step_label="Is the oven clean?",
        step_type="boolean",
        answer=True,
        photos=[
            {"photo_index": 0, "photo_id": PHOTO_ID, "thumbnail": "/9j/4AAQSkZJRg==", "url": _SITE + _MEDIA}
        ],
        geo=POSITION,
        unable=None,
        progress=PROGRESS,
    ),
    "step.skipped": event(
        "step.skipped",
        3,
        step_id="s-kc03",
        step_label="Meter reading",
        step_type="number",
        progress={**PROGRESS, "skipped": 1},
    ),
    "run.completed": event(
        "run.completed",
        4,
        answers={"s-kc01": ANSWERED_TOLD},
        signature=None,
        progress={**PROGRESS, "skipped": 1},
        late=False,
        started_at="2026-03-02T09:12:30Z",
        completed_at="2026-03-02T09:21:02Z",
        duration_seconds=512,
    ),
    "run.cancelled": event(
        "run.cancelled",
        4,
        answers={"s-kc01": ANSWERED_TOLD},
        last_step_id="s-kc01",
        reason="Nobody opens the door.",
        cancelled_by="executor",
        progress=PROGRESS,
    ),
    "run.expired": event(
        "run.expired",
        4,
        expires_at="2026-03-05T08:50:00Z",
        progress=PROGRESS,
        answers={"s-kc01": ANSWERED_TOLD},
    ),
}

DELIVERY = {
    "delivery_id": "dlv-91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e",
    "run_id": RUN_ID,
    "event_id": "evt-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
    "event": "run.completed",
    "seq": 4,
    "status": "pending",
    "created_at": "2026-03-02T09:21:02Z",
    "next_attempt_at": "2026-03-02T09:21:34Z",
    "attempts": [
        {
            "number": 1,
            "trigger": "automatic",
            "url": "https://hooks.example.com/rundun",
            "started_at": "2026-03-02T09:21:02Z",
            "duration_ms": 83,
            "status": 502,
            "error": "The answer was 502.",
            "response_excerpt": None,
        }
    ],
}

TRIAL = {
    "event_id": "evt-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
    "delivery_attempt": 1,
    "event": "webhook.test",
    "run_id": None,
    "template_id": None,
    "template_v": None,
    "seq": None,
    "ts": "2026-03-02T09:15:01Z",
    "identity": {"mode": "anonymous", "user_id": None},
    "data": {"executor_ref": None},
}

ALERT = {
    "alert": "delivery.failed",
    "delivery_id": "dlv-91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e",
    "organization": {"id": ORGANIZATION_ID, "name": "Acme Stays"},
    "run": "7d9f6c1e",
    "event": "run.completed",
    "event_id": "evt-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
    "destination": "https://hooks.example.com:443",
    "attempts": 5,
    "status": None,
    "error": "The connection failed: Connection refused.",
    "last_attempt_at": "2026-03-02T10:33:34Z",
    "left_out": 0,
}
