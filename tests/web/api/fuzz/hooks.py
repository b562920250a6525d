"""What schemathesis can't know: ids of things that are there, pictures, and that no webhook may lead anywhere but to a
receiver of ours. Loaded by schemathesis, in a process of its own.
"""

import io
import itertools
import os
import re
import zlib
from collections import deque
from typing import Any

import requests
import schemathesis
import segno
from hypothesis import strategies as st
from PIL import Image

from rundun.core.deliveries.webhook_url import normalise
from tests.helpers.patience import PATIENCE

SERVICE = os.environ["FUZZ_SERVICE"]
RECEIVER = os.environ["FUZZ_RECEIVER"]  # a URL on 127.0.0.1
KEY = {"authorization": f"Bearer {os.environ['FUZZ_KEY']}"}
TEMPLATE, SIGNED, SPARE = os.environ["FUZZ_TEMPLATES"].split(",")  # the last one may be revised and archived
WRITES_TEMPLATE = ("PUT /v1/templates/{template_id}", "DELETE /v1/templates/{template_id}")
VALUES = {"s-ok": True, "s-text": "fine", "s-sign": None, "s-code": "4006381333931", "s-photo": None}

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_turn = itertools.count()
_runs: deque[str] = deque(maxlen=20)
_deliveries: deque[str] = deque(maxlen=20)

WAITS = {str(seconds) for seconds in range(2, 31)}  # nobody has that much time here


def picture(kind: str, size: tuple[int, int] = (64, 48), colour: int = 90) -> bytes:
    """A small one."""
    file = io.BytesIO()
    Image.new("RGB", size, (colour, 120, 200)).save(file, kind)
    return file.getvalue()


def code(kind: str) -> bytes:
    """A picture of a barcode."""
    drawn, file = io.BytesIO(), io.BytesIO()
    segno.make("4006381333931").save(drawn, kind="png", scale=4, border=4)
    Image.open(drawn).convert("RGB").save(file, kind)
    return file.getvalue()


def _one_of(kind: str) -> st.SearchStrategy[bytes]:
    good = [picture(kind, colour=colour) for colour in range(3)]
    return st.sampled_from([*good, *good, code(kind), good[0][:40], b"junk", b""])


schemathesis.openapi.media_type("image/jpeg", _one_of("JPEG"))
schemathesis.openapi.media_type("image/png", _one_of("PNG"))
schemathesis.openapi.media_type("image/webp", _one_of("WEBP"))
schemathesis.openapi.media_type("image/heic", st.sampled_from([b"junk", picture("JPEG")]))
schemathesis.openapi.media_type("application/octet-stream", _one_of("PNG"))


def a_run() -> str:
    """A run of ours, fresh every few times, started or not."""
    turn = next(_turn)
    if turn % 5 == 0 or not _runs:
        template_id = SIGNED if turn % 2 else TEMPLATE
        body = {"template_id": template_id, "webhook": {"url": RECEIVER, "events": ["*", "run.started"]}}
        answer = requests.post(f"{SERVICE}/v1/runs", json=body, headers=KEY, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        made = answer.json()["run_id"]
        _runs.append(made)
        if turn % 15:
            requests.post(f"{SERVICE}/r/{made}/start", json={}, timeout=PATIENCE)
        listed = requests.get(f"{SERVICE}/v1/deliveries?limit=5", headers=KEY, timeout=PATIENCE).json()["data"]
        _deliveries.extend(one["delivery_id"] for one in listed)
    return _runs[turn % len(_runs)]


def known(name: str, value: Any) -> Any:
    """Instead of an id that is well formed, but of nothing, mostly one of something."""
    if not isinstance(value, str) or zlib.crc32(value.encode("utf-8", "replace")) % 8 == 0:
        return value
    if name == "run_id" and re.fullmatch(f"r-{_UUID}", value):
        return a_run()
    if name == "template_id" and re.fullmatch(f"t-{_UUID}", value):
        return SPARE
    if name == "delivery_id" and _deliveries and re.fullmatch(f"dlv-{_UUID}", value):
        return _deliveries[0]
    if name == "step_id" and re.fullmatch("s-[A-Za-z0-9_-]{1,32}", value):
        return list(VALUES)[next(_turn) % len(VALUES)]
    return value


def harmless(url: Any) -> Any:
    """The receiver's address instead of any that could be dialled."""
    if not isinstance(url, str):
        return url
    try:
        normalise(url)
    except ValueError:
        return url  # refused before anything is looked up
    return RECEIVER


@schemathesis.hook
def before_call(context: Any, case: Any, **kwargs: Any) -> None:
    """The last moment before a request is sent. What is wrong on purpose stays wrong."""
    label, body, turn = case.operation.label, case.body, next(_turn)
    is_right = case.meta is not None and case.meta.generation.mode.value == "positive"
    is_linked = case.meta is not None and case.meta.phase.name.value == "stateful"
    if isinstance(case.path_parameters, dict) and not is_linked:
        for name, value in dict(case.path_parameters).items():
            case.path_parameters[name] = known(name, value)
    if label in WRITES_TEMPLATE and case.path_parameters.get("template_id") in (TEMPLATE, SIGNED):
        case.path_parameters["template_id"] = SPARE
    if isinstance(body, dict):
        if isinstance(body.get("webhook"), dict) and "url" in body["webhook"]:
            body["webhook"]["url"] = harmless(body["webhook"]["url"])
        if label == "POST /v1/webhooks/test" and "url" in body:
            body["url"] = harmless(body["url"])
        if label == "POST /v1/runs" and isinstance(body.get("template_id"), str) and turn % 4:
            body["template_id"] = TEMPLATE
        if label == "PUT /r/{run_id}/steps/{step_id}" and is_right and turn % 4:
            case.body = {"value": VALUES.get(case.path_parameters.get("step_id"))}
    if isinstance(case.query, dict) and str(case.query.get("wait")) in WAITS:
        case.query["wait"] = 1
    if turn % 4 and is_right and case.headers:
        for name in ("If-Match", "Content-Digest"):
            case.headers.pop(name, None)
