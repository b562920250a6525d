"""The example integration, a program of its own beside a service of its own, while things go wrong around them."""

import html
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from rundun.web.http.query_params import event_cursor
from tests.bench.processes import free_port
from tests.helpers.processes.service_process import PATIENCE, Acme, Serving, is_listening, serving, settle_in
from tests.helpers.service import World

EXAMPLE = Path(__file__).resolve().parents[2] / "templates" / "docs" / "samples" / "booking.py"
SECRET = "whsec_of_the_booking_backend"
STEPS = [
    {"id": "s-ok", "type": "boolean", "label": "Clean?"},
    {"id": "s-why", "type": "text", "label": "Remarks", "required": False},
]


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives, once it is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to that"
    return found


class Backend:
    """The booking backend: its process, while there is one, and its database."""

    def __init__(self, folder: Path, service: Serving, acme: Acme) -> None:
        self.file = folder / "bookings.db"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.hook = f"{self.url}/hooks/rundun"
        self.service = service.url
        self.rundun = httpx2.Client(
            base_url=service.url, headers={"authorization": f"Bearer {acme.key}"}, timeout=PATIENCE
        )
        self._environment = os.environ | {
            "RUNDUN_URL": service.url,
            "RUNDUN_KEY": acme.key,
            "TEMPLATE": acme.template_id,
            "OWN_URL": self.url,
            "SECRET": SECRET,
            "DATABASE": str(self.file),
            "PYTHONWARNINGS": "error",
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the context lasts it is there."""
        process = subprocess.Popen([sys.executable, str(EXAMPLE)], env=self._environment)
        try:
            until(lambda: process.poll() is not None or is_listening(self.url))
            assert process.poll() is None
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def book(self, reference: str) -> str:
        """Returns the link for the cleaner."""
        answer = httpx2.post(f"{self.url}/bookings", json={"reference": reference}, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["link"])

    def step_state(self, reference: str) -> Any:
        answer = httpx2.get(f"{self.url}/bookings/{reference}", timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.file)) as db:
            return db.execute(query).fetchall()

    def forget(self, table: str) -> None:
        """A crash at the wrong moment."""
        with closing(sqlite3.connect(self.file)) as db, db:
            db.execute(f"DELETE FROM {table}")

    def deliver(self, event: Any, *, secret: str = SECRET, age: int = 0, sent: Any = None) -> int:
        """A webhook as Rundun would send it, signed by somebody else's library; `sent` is what goes out instead."""
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json"}
        HTTPMessageSigner(
            signature_algorithm=algorithms.HMAC_SHA256,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={"rundun-key": secret.encode()}),
        ).sign(
            SimpleNamespace(method="POST", url=self.hook, headers=headers),
            body=body,
            key_id="rundun-key",
            covered_component_ids=("content-digest", "@method", "@target-uri"),
            created=datetime.now(UTC) - timedelta(seconds=age),
        )
        content = body if sent is None else json.dumps(sent).encode()
        return httpx2.post(self.hook, content=content, headers=headers, timeout=PATIENCE).status_code


def clean(link: str, *, remark: str | None = None, finish: bool = True) -> None:
    """What the cleaner does on the phone."""
    with httpx2.Client(timeout=PATIENCE) as phone:
        assert phone.post(f"{link}/start", json={}).status_code == 200
        for step, value in (("s-ok", False), ("s-why", remark), ("s-ok", True)):
            if value is not None:
                assert phone.put(f"{link}/steps/{step}", json={"value": value}).status_code == 200
        if finish:
            assert phone.post(f"{link}/complete", json={}).status_code == 200


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Serving, Acme]]:
    acme = settle_in(tmp_path, *STEPS)
    with serving(tmp_path, webhooks_allow="127.0.0.0/8", limits_requests_per_minute="0") as one:
        yield one, acme


@pytest.fixture
def backend(tmp_path: Path, service: tuple[Serving, Acme]) -> Iterator[Backend]:
    one = Backend(tmp_path, *service)
    with one.rundun:
        yield one


def test_a_stay_is_booked_cleaned_and_known(backend: Backend) -> None:
    with backend.running():
        link = backend.book("stay-1")
        assert backend.step_state("stay-1") == {"reference": "stay-1", "link": link, "status": "sent", "answers": {}}
        clean(link, remark="one glass broken", finish=False)
        told = until(lambda: (one := backend.step_state("stay-1"))["answers"].get("Clean?") and one)
        assert told["status"] == "under way"
        assert told["answers"] == {"Clean?": True, "Remarks": "one glass broken"}
        assert httpx2.post(f"{link}/complete", json={}, timeout=PATIENCE).status_code == 200
        until(lambda: backend.step_state("stay-1")["status"] == "completed")
        until(lambda: backend.rundun.get("/v1/deliveries?status=pending").json()["data"] == [])
    delivered = backend.rundun.get("/v1/deliveries?status=delivered").json()["data"]
    assert len(delivered) == 4, "by webhook all of them have come as well"
    assert backend.rows("SELECT count(*) FROM events") == [(5,)], "and once each, with run.started from the feed"


def test_a_booking_that_is_repeated_is_one_run(backend: Backend) -> None:
    with backend.running():
        link = backend.book("stay-1")
        assert backend.book("stay-1") == link
        backend.forget("bookings")
        assert backend.book("stay-1") == link, "the answer was lost before it was kept"
        assert backend.book("stay-2") != link
    assert len(backend.rundun.get("/v1/runs").json()["data"]) == 2


def test_what_happened_while_it_was_away_is_caught_up_once(backend: Backend) -> None:
    with backend.running():
        links = [backend.book(f"stay-{i}") for i in range(3)]
        clean(links[0])
        until(lambda: backend.step_state("stay-0")["status"] == "completed")
    clean(links[1])
    clean(links[2], finish=False)
    retried = until(
        lambda: (
            (one := backend.rundun.get("/v1/deliveries?status=pending&limit=100").json()["data"])
            and all(each["attempts"] for each in one)
            and one
        )
    )
    with backend.running():
        until(lambda: backend.step_state("stay-1")["status"] == "completed")
        until(lambda: backend.step_state("stay-2")["answers"] == {"Clean?": True})
        before = backend.rows("SELECT event_id, body FROM events ORDER BY event_id")
        for one in retried:
            answer = backend.rundun.post(f"/v1/deliveries/{one['delivery_id']}/retry", json={})
            assert answer.status_code == 202, answer.text
        until(lambda: backend.rundun.get("/v1/deliveries?status=pending").json()["data"] == [])
        assert backend.rows("SELECT event_id, body FROM events ORDER BY event_id") == before
    seen = [(one["run_id"], one["seq"]) for one in backend.rundun.get("/v1/events?limit=100").json()["data"]]
    assert sorted(seen) == sorted(backend.rows("SELECT run_id, seq FROM events"))


def test_a_cursor_that_leads_nowhere_is_forgotten(backend: Backend) -> None:
    with backend.running():
        link = backend.book("stay-1")
        clean(link, finish=False)
        until(lambda: backend.step_state("stay-1")["answers"] == {"Clean?": True})
    with closing(sqlite3.connect(backend.file)) as db, db:
        db.execute("UPDATE feed SET cursor = ?", (event_cursor(10**6),))
    with backend.running():
        assert httpx2.post(f"{link}/complete", json={}, timeout=PATIENCE).status_code == 200
        until(lambda: backend.step_state("stay-1")["status"] == "completed")
        last = backend.rundun.get("/v1/events?limit=100").json()["next_cursor"]
        until(lambda: backend.rows("SELECT cursor FROM feed") == [(last,)])


def test_out_of_order_and_again_it_is_the_same_story(backend: Backend) -> None:
    with backend.running():
        clean(backend.book("stay-1"), remark="fine")
        expected = until(lambda: (one := backend.step_state("stay-1"))["status"] == "completed" and one)
    events = backend.rundun.get("/v1/events?limit=100").json()
    backend.forget("events")
    with backend.running():
        for event in [*reversed(events["data"]), *events["data"]]:
            assert backend.deliver(event) == 204
        assert backend.step_state("stay-1") == expected
        late = events["data"][0]
        for n, name in enumerate(("run.changed", "run.erased")):
            told = {**late, "event_id": f"evt-{name}", "event": name, "seq": 100 + n}
            assert backend.deliver(told) == backend.deliver({**late, "event_id": f"evt-late-{n}"}) == 204
            if name == "run.changed":
                assert backend.step_state("stay-1") == expected
        gone = {"reference": "stay-1", "link": None, "status": "erased", "answers": {}}
        assert backend.step_state("stay-1") == gone
        assert [event_id for (event_id,) in backend.rows("SELECT event_id FROM events")] == ["evt-run.erased"]


def test_who_has_not_the_secret_is_not_believed(backend: Backend) -> None:
    with backend.running():
        clean(backend.book("stay-1"), finish=False)
        until(lambda: backend.step_state("stay-1")["answers"] == {"Clean?": True})
        event = backend.rundun.get("/v1/events?limit=100").json()["data"][-1]
        forged = {**event, "event_id": "evt-made-up", "seq": 99, "event": "run.completed"}
        before = backend.rows("SELECT * FROM events")
        assert backend.deliver(forged, secret="another secret") == 401
        assert backend.deliver(event, sent=forged) == 401
        assert backend.deliver(forged, age=600) == 401
        assert httpx2.post(backend.hook, json=forged, timeout=PATIENCE).status_code == 401
        assert backend.rows("SELECT * FROM events") == before
        assert backend.deliver(forged) == 204, "with the secret it would have been"


async def test_the_docs_show_this_very_program(w: World) -> None:
    page = (await w.browser().get("/docs/example")).text
    shown = re.sub(r"<[^>]+>", "", page.partition("<pre")[2].partition(">")[2].partition("</pre>")[0])
    assert html.unescape(shown).strip() == EXAMPLE.read_text("utf-8").strip()
