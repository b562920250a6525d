"""What many operations share: parameters, headers, examples of problems, and the document's introduction."""

from __future__ import annotations

from typing import Any

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

INTRODUCTION = """\
Rundun sends a checklist as a link. Whoever opens the link on a phone answers, takes photos and signs, with no app and
no account; the system that sent it gets an event for every step and reads the full record.

Everything under `/v1` is for integrators and takes an API key; everything under `/r/{run_id}` is the executor's side,
where possession of the link is the right to do the run. Bodies are JSON in UTF-8, times RFC 3339 in UTC with whole
seconds, ids a prefix and a UUID. Text is normalised (Unicode NFC) and trimmed of white space at both ends before its
length is counted, in code points. An unknown field or query parameter is an error that names it. Answers may get more
members with time; clients ignore those they do not know.

Errors are problem details (RFC 9457) with a stable `code`; the `type` is a page of this service. Beside what each
operation lists, an address that does not exist is answered with 404 `not_found`, a method that an address does not
have with 405 `method_not_allowed` and `Allow`. What cannot be read as an HTTP request at all is answered before any of
this, with 400 or 431 (its head is too large), the `type` `about:blank` and no `code`. `HEAD` is answered wherever `GET`
is.
"""


TAGS = {
    "Runs": (
        "A run is one execution of one version of a template. It begins when somebody taps Start on its page, "
        "never by a link being opened, and ends completed, cancelled or expired."
    ),
    "Templates": (
        "A template is a checklist, kept in versions. Runs under way keep the version they were dispatched with."
    ),
    "Deliveries": ("A delivery is one event on its way to one webhook, an attempt one HTTP request of it."),
    "Events": (
        "The same events that webhooks receive, to be fetched: for systems that can't be reached from here, and to"
        " catch up with what was missed."
    ),
    "Organization": (
        "An organization owns templates, runs, keys and credits. A key sees its own organization only."
    ),
    "Executor": (
        "What the page of a run uses, under the same address as the page, for anybody who builds a front end of "
        "their own. There is no key: who has the link can do the run. On a closed run every 410 carries "
        "`run_status` and `closed_at`, but what was stored already is answered as before, so that a lost reply "
        "never looks like a loss. Writes must come from this site's own pages or from no browser at all."
    ),
}


def _path(name: str, pattern: str, example: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


PATH_PARAMETERS: dict[str, Any] = {
    one["name"]: one
    for one in (
        _path("run_id", f"r-{_UUID}", "r-7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11", "The run."),
        _path("template_id", f"t-{_UUID}", "t-3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90", "The template."),
        _path("delivery_id", f"dlv-{_UUID}", "dlv-91f0e2d3-c4b5-4a69-8788-796a5b4c3d2e", "The delivery."),
        _path("step_id", "s-[A-Za-z0-9_-]{1,32}", "s-kc01", "The step of the run's template."),
        _path(
            "photo_id",
            "ph-" + _UUID.replace("a-f", "a-fA-F"),
            "ph-c0ffee00-1234-4abc-8def-0123456789ab",
            "The photo: `ph-` and a UUID that the phone makes.",
        ),
    )
}

QUERY_PARAMETERS = {
    "limit": "How many at most.",
    "cursor": "Where to go on: `next_cursor` of the page before.",
    "status": "Only those with this status.",
    "template_id": "Only those of this template.",
    "run_id": "Only those of this run.",
    "executor_ref": "Only those with exactly this `executor_ref`.",
    "created_after": "Only those made after this time, in whole seconds.",
    "created_before": "Only those made before this time.",
    "include_archived": "Archived ones too.",
    "v": "A version other than the current one.",
    "after": "The cursor of the last event you have. Left out: from the oldest that is kept.",
    "wait": "Seconds to wait for an event when there is none.",
    "since": "The revision you have; 304 while it is the current one.",
    "source": "Where the picture comes from.",
    "taken_at": "When it was taken, by the phone's clock.",
    "lat": "Latitude in degrees, without an exponent; comes together with `lng`.",
    "lng": "Longitude in degrees, without an exponent; comes together with `lat`.",
    "accuracy": "Radius in metres, without an exponent; with `lat` and `lng` only.",
    "typed_name": "The name, if it was typed rather than drawn.",
}


def _sent(name: str, description: str, schema: dict[str, Any], example: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": schema,
        "example": example,
        **more,
    }


_TEXT = {"type": "string"}
_SIGNED = "Where the webhook has a secret."
_STANDARD = "Where the secret is `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks)."
_ETAG = '"t-3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90.3"'

REQUEST_HEADERS: dict[str, Any] = {
    one["name"]: one
    for one in (
        _sent(
            "Idempotency-Key",
            "1 to 255 printable ASCII characters of your choice, quoted or bare. Sent again with the same body within "
            "24 hours, the request is answered as the first time and changes nothing.",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~][ -~]*$"},
            "booking_12345-dispatch",
        ),
        _sent(
            "If-Match",
            "Only if the template's `ETag` is still this; else 412. A list, or `*`.",
            _TEXT,
            _ETAG,
        ),
        _sent("If-None-Match", "304 if the `ETag` is still this. A list, or `*`.", _TEXT, _ETAG),
        _sent(
            "X-Request-Id",
            "Your name for the request, which is logged and echoed; another form than this is replaced by one of ours.",
            _TEXT,
            "a1b2c3",
        ),
        _sent(
            "Content-Digest",
            "SHA-256 of the body (RFC 9530). An upload without it must have a `Content-Length`.",
            _TEXT,
            "sha-256=:tB26qTBUu0xbh8aAeRMeZSSkHD8eBgjjmNCJNeMA+uw=:",
        ),
        _sent(
            "Signature-Input",
            f"RFC 9421. {_SIGNED}",
            _TEXT,
            'sig1=("content-digest" "@method" "@target-uri");created=1767225600;keyid="rundun-key"',
        ),
        _sent(
            "Signature",
            f"HMAC-SHA256 (RFC 9421). {_SIGNED}",
            _TEXT,
            "sig1=:cVZAXPwwwtc5OZuQpLcAbmGxUuGGt0nNbg18HWFoX6Y=:",
        ),
        _sent(
            "webhook-id", f"The `event_id`. {_STANDARD}", _TEXT, "evt-0a6b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d"
        ),
        _sent("webhook-timestamp", f"Unix seconds. {_STANDARD}", _TEXT, "1767225600"),
        _sent(
            "webhook-signature",
            f"`v1,` and base64. {_STANDARD}",
            _TEXT,
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ),
    )
}


def _answered(description: str, example: str, *, always: bool = False, schema: Any = None) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": schema or _TEXT, "example": example}


ANSWER_HEADERS: dict[str, Any] = {
    "X-Request-Id": _answered(
        "Names this request in the log.", "5d3c1f0e9b8a47d6a1b2c3d4e5f60718", always=True
    ),
    "RateLimit-Policy": _answered(
        "How many requests in how many seconds (draft-ietf-httpapi-ratelimit-headers).",
        '"default";q=600;w=60',
    ),
    "RateLimit": _answered(
        "How many are left (`r`), and in how many seconds all of them are there again (`t`).",
        '"default";r=599;t=1',
    ),
    "Location": _answered(
        "Where the new thing is.", "/v1/runs/r-7d9f6c1e-2b0a-4c55-9a3e-0f8f5b1f2c11", always=True
    ),
    "ETag": _answered("Names this state of it.", _ETAG, always=True),
    "Link": _answered(
        'The next page (RFC 8288), `rel="next"`, if there is one.', '</v1/runs?cursor=MTI>; rel="next"'
    ),
    "Idempotent-Replayed": _answered(
        "This is the answer of the first time, and nothing was changed.", "true", schema={"const": "true"}
    ),
    "Set-Cookie": _answered(
        "A signed cookie that names the device, good for this run only.",
        "rundun_device=…; Path=/r/…; HttpOnly",
        always=True,
    ),
    "WWW-Authenticate": _answered("RFC 6750.", "Bearer", always=True, schema={"const": "Bearer"}),
    "Retry-After": _answered("Seconds to wait.", "1", schema={"type": "string", "pattern": "^[0-9]+$"}),
    "Retry-After-Always": _answered(
        "Seconds to wait.", "5", always=True, schema={"type": "string", "pattern": "^[0-9]+$"}
    ),
}

_PLACE = {
    "pointer": "/expires_in_hours",
    "code": "out_of_range",
    "detail": "must be above 0 and at most 8760",
}
PROBLEM_EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "invalid": ("/expires_in_hours: must be above 0 and at most 8760", {"errors": [_PLACE]}),
    "run_closed": (
        "This run is completed; nothing more can be added.",
        {"run_status": "completed", "closed_at": "2026-03-02T09:41:07Z"},
    ),
    "steps_missing": (
        "1 thing(s) are still missing.",
        {
            "errors": [
                {
                    "step_id": "s-kc01",
                    "code": "missing_answer",
                    "detail": "“Is the oven clean?” is not answered yet.",
                }
            ]
        },
    ),
    "not_found": ("There is no such run.", {}),
    "rate_limited": ("More than 600 in 60 seconds; try again in 3 s.", {}),
}
