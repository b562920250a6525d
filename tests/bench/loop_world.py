"""The largest of all that limits allow, stored: an organization whose pages, records and lists can not be longer."""

import base64
import hashlib
import http.client
import io
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from rundun.store.sqlite import connection
from tests.bench import console
from tests.bench.processes import Rundun

STEPS, VERSIONS, PERSONS_RUNS, SPARES = 500, 120, 2000, 70
MAXIMUM_TEMPLATE = 512 * 1024
DEAD = "http://127.0.0.1:9/hook"  # nobody listens there
SENTENCE = "Look behind the door, under the sink and on top of the cupboard: “all” of <it> & nothing less. "
EMAIL = "ed@example.com"


@dataclass(frozen=True, slots=True)
class Ids:
    """What the calls need: `full` is an open run with all that fits, `closed` its completed twin, `small` one of very
    many of a person, `pictures` one that takes pictures of each kind, with its phone's cookie, `printable` one whose
    report is almost as large as that of a PDF may be.
    """

    key: str
    session: Mapping[str, str]
    texts: str
    options: str
    versions: str
    full: str
    closed: str
    small: str
    printable: str
    pictures: str
    device: str
    share: str
    draft: str
    picture: str
    media: str


class Client:
    """One kept connection, on which calls must succeed."""

    def __init__(self, service: Rundun) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        self._key = {"authorization": f"Bearer {service.key}"}
        self.cookie = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the JSON of the response."""
        sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes) else {"content-type": "application/json"}
        cookie = {"cookie": self.cookie} if self.cookie else {}
        self._http.request(method, path, sent, {**self._key, **kind, **cookie, **headers})
        response = self._http.getresponse()
        text = response.read()
        assert response.status < 300, (method, path, response.status, text[:500])
        self.cookie = (response.headers.get("set-cookie") or self.cookie).partition(";")[0]
        return json.loads(text) if text else None


def picture(side: int, kind: str = "JPEG") -> bytes:
    """Return a picture of noise: of 3600 pixels a side 12 MB as JPEG, of 830 2 MB as PNG."""
    out = io.BytesIO()
    Image.merge("RGB", [Image.effect_noise((side, side), 120) for _ in "RGB"]).save(out, kind, quality=91)
    return out.getvalue()


@cache
def photo(number: int) -> bytes:
    """Return a photo almost as large as one may be; each number has its own."""
    return picture(3600 + number)


@cache
def signature(number: int) -> bytes:
    """Return a signature as large as one may be; each number has its own."""
    return picture(830 - number, "PNG")


def filled(make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """Return the template of `STEPS` steps whose number of letters, given to `make`, brings it to its largest size."""
    low, high = 1, 20_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(json.dumps(make(middle)).encode()) < MAXIMUM_TEMPLATE else (low, middle)
    return make(low)


@cache
def largest_texts() -> dict[str, Any]:
    """Return the template of long texts of the largest size."""
    return filled(texts)


@cache
def largest_options() -> dict[str, Any]:
    """Return the template of most parts of the largest size."""
    return filled(options)


def spare(number: int) -> str:
    """Return the id of one of `SPARES` open runs with the answers and remarks of the full one."""
    return f"r-{number:08x}-0000-4000-8000-00000000000f"


def texts(letters: int) -> dict[str, Any]:
    """Return a template of long texts."""
    words = (SENTENCE * 20)[:letters]
    steps = [
        {
            "id": f"s-{number}",
            "type": "text",
            "label": f"{number}. {words[:480]}",
            "hint": words[480:2400] or None,
            "photo": {"max": 10},
            "config": {"max_length": 20_000},
        }
        for number in range(STEPS)
    ]
    fields = [{"id": f"f-{number}", "label": f"Field {number}", "kind": "text"} for number in range(30)]
    return {"name": "Texts", "steps": steps, "fields": fields, "execution": {"identity_required": "email"}}


def options(count: int) -> dict[str, Any]:
    """Return a template of many short options."""
    steps = [
        {
            "id": f"s-{number}",
            "type": "multi_choice",
            "label": f"{number}",
            "config": {
                "options": [{"id": f"o-{number:x}-{one:x}", "label": f"{one}"} for one in range(min(count, 200))]
            },
        }
        for number in range(STEPS)
    ]
    return {"name": "Options", "steps": steps}


def version(number: int) -> dict[str, Any]:
    """Return one of many versions, in which half of the ids are new."""
    ids = [f"s-{one}" for one in range(240)] + [f"s-{number}-{one}" for one in range(240)]
    return {"name": "Versions", "steps": [{"id": one, "type": "text", "label": one} for one in ids]}


def build(service: Rundun) -> dict[str, Any]:
    """Make by calls what cannot be copied; returns the ids of `Ids`, without the session."""
    client, made = Client(service), dict[str, Any]()
    made["picture"] = client.call("POST", "/v1/pictures", picture(1000))["picture_id"]
    for name, template in (("texts", largest_texts()), ("options", largest_options()), ("versions", version(0))):
        made[name] = client.call("POST", "/v1/templates", template)["id"]
    for number in range(VERSIONS):
        if number:
            client.call("PUT", f"/v1/templates/{made['versions']}", version(number))
        run = client.call("POST", "/v1/runs", {"template_id": made["versions"]})["run_id"]
        client.call("POST", f"/r/{run}/start", {})
        client.call("PUT", f"/r/{run}/steps/s-{number}-7", {"value": "x"}, cookie="")
    asked = {"identity_required": "email"}
    small = client.call(
        "POST", "/v1/templates", {"name": "Small", "steps": version(0)["steps"][:1], "execution": asked}
    )
    made["small"] = client.call("POST", "/v1/runs", {"template_id": small["id"], "note": "N" * 4000})["run_id"]
    client.call("POST", f"/r/{made['small']}/start", {"email": EMAIL})
    client.cookie = ""
    for name in ("full", "closed"):
        made[name], made["device"] = _answered(service, made["texts"])
    client = Client(service)  # the first one's connection may be over by now
    made["printable"] = _printable(client)
    client.cookie = ""
    kinds = ("photo", "signature", "barcode")
    steps = [{"id": f"s-{kind}", "type": kind, "label": kind} for kind in kinds]
    taking = {"name": "Pictures", "steps": steps, "settings": {"signature_on_complete": True}}
    template_id = client.call("POST", "/v1/templates", taking)["id"]
    made["pictures"] = client.call("POST", "/v1/runs", {"template_id": template_id})["run_id"]
    client.call("POST", f"/r/{made['pictures']}/start", {})
    client.cookie = ""
    made["draft"] = client.call("POST", "/v1/templates/drafts", {**largest_texts(), "wrong": 1})["id"]
    url = client.call("POST", f"/v1/runs/{made['full']}/shares", {})["url"]
    made["share"] = url.rpartition("/")[2]
    record = client.call("GET", f"/v1/runs/{made['full']}")
    made["media"] = re.search(r"/media/([^\"]+)", json.dumps(record["answers"]["s-0"]["photos"]))[1]  # type: ignore[index]
    return made


def _answered(service: Rundun, template_id: str) -> tuple[str, str]:
    """Return a run with 4 MiB of answers and 1 MiB of remarks, and the cookie of its phone."""
    client = Client(service)
    fields = {f"f-{number}": (SENTENCE * 6)[:500] for number in range(30)}
    order = {
        "template_id": template_id,
        "title": "T" * 200,
        "note": (SENTENCE * 60)[:4000],
        "fields": fields,
        "webhook": {"url": DEAD},
    }
    run = client.call("POST", "/v1/runs", order)["run_id"]
    client.call("POST", f"/r/{run}/start", {"email": EMAIL})
    answer, remark = (SENTENCE * 300)[:7900], (SENTENCE * 30)[:1850]
    for number in range(STEPS):
        client.call("PUT", f"/r/{run}/steps/s-{number}", {"value": answer})
        client.call("PUT", f"/r/{run}/steps/s-{number}/remark", {"remark_id": str(uuid.uuid4()), "text": remark})
    data = picture(600)
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
    path = f"/r/{run}/steps/s-0/photos/ph-{uuid.uuid4()}"
    client.call("PUT", path, data, **{"content-digest": digest, "content-type": "image/jpeg"})
    return run, client.cookie


def _printable(client: Client) -> str:
    """Return a run with 360 KB of answers, which are 430 KB of HTML."""
    steps = [
        {"id": f"s-{number}", "type": "text", "label": f"{number}", "config": {"max_length": 20_000}}
        for number in range(18)
    ]
    template_id = client.call("POST", "/v1/templates", {"name": "Printable", "steps": steps})["id"]
    run = str(client.call("POST", "/v1/runs", {"template_id": template_id})["run_id"])
    client.call("POST", f"/r/{run}/start", {})
    for step in steps:
        client.call("PUT", f"/r/{run}/steps/{step['id']}", {"value": (SENTENCE * 220)[:20_000]})
    return run


def copy(path: Path, made: dict[str, Any]) -> Ids:
    """Copy, while no service runs, what there may be many of; returns all ids."""
    session = {"cookie": f"{console.cookies.SESSION}={console.open_session(path, made['texts'])}"}
    db = connection.open_writer(path)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("BEGIN")
        db.execute(
            "CREATE TEMP TABLE numbers AS WITH RECURSIVE n (n) AS"
            " (VALUES (1) UNION ALL SELECT n + 1 FROM n LIMIT 5000) SELECT n FROM n"
        )
        _copy(
            db,
            "photos",
            "number < 3",
            "n < 5000",
            photo_id="printf('ph-%08x-0000-4000-8000-%012x', number, n)",
            step_id="'s-' || (n / 10)",
            number="NULL",
        )
        both = f"id = '{made['options']}'", f"template_id = '{made['options']}'"
        _copy(db, "templates", both[0], "n <= 100", id="'t-' || n", number="NULL")
        _copy(db, "template_versions", both[1], "n <= 100", template_id="'t-' || n")
        _copy(db, "template_versions", both[1], "n BETWEEN 2 AND 100", v="n")
        db.execute("UPDATE templates SET v = 100 WHERE id = ?", (made["options"],))
        _copy(db, "drafts", "template_id IS NULL", "n < 200", id="'d-' || n", number="NULL")
        _copy(db, "shares", "1", "n < 100", id="'sh-' || n", digest="randomblob(32)", number="NULL")
        _copy(db, "keys", "1", "n < 100", id="'k-' || n", digest="randomblob(32)")
        _copy(db, "operators", "1", "n < 500", id="'op-' || n", email="'o' || n || '@example.com'")
        _copy(
            db,
            "runs",
            f"id = '{made['small']}'",
            f"n <= {PERSONS_RUNS}",
            id="printf('r-%08x-0000-4000-8000-000000000000', n)",
            number="NULL",
        )
        spare_id = "printf('r-%08x-0000-4000-8000-00000000000f', n - 1)"
        _copy(db, "runs", f"id = '{made['full']}'", f"n <= {SPARES}", id=spare_id, number="NULL")
        for table in ("answers", "remarks"):
            _copy(db, table, f"run_id = '{made['full']}'", f"n <= {SPARES}", run_id=spare_id, number="NULL")
        db.execute(
            "INSERT INTO sent_tables (number, org_id, template_id, template_v, digest, count, created_at, runs)"
            " SELECT 1, org_id, template_id, template_v, x'00', 1000, created_at, (SELECT json_group_array(number)"
            " FROM (SELECT number FROM runs WHERE id LIKE 'r-%-0000-4000-8000-000000000000' LIMIT 1000))"
            " FROM runs WHERE id = ?",
            (made["small"],),
        )
        db.execute(
            "UPDATE runs SET status = 'completed', closed_at = created_at + 5, expires_at = NULL WHERE id = ?",
            (made["closed"],),
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    console.index(path)
    return Ids(session=session, **made)


def _copy(db: Any, table: str, which: str, often: str, **changed: str) -> None:
    """Insert rows again, once for each number, with expressions for what has to differ."""
    columns = [row["name"] for row in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, f"{table}.{column}") for column in columns)
    db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}, numbers"
        f" WHERE ({which}) AND ({often})"
    )
