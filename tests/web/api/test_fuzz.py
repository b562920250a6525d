"""schemathesis sends what the document allows, and what it does not: never a 5xx, an answer that is not documented, or
one that is not as documented. Webhooks lead to a receiver on 127.0.0.1 alone.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import ROOT, Serving, done, looking, rows, rundun, serving

STEPS = [
    {"id": "s-ok", "type": "boolean", "label": "Fine?", "required": False, "photo": {"max": 3}},
    {"id": "s-text", "type": "text", "label": "What is it?", "required": False},
    {"id": "s-sign", "type": "signature", "label": "Sign", "required": False},
    {"id": "s-code", "type": "barcode", "label": "Scan", "required": False},
    {"id": "s-photo", "type": "photo", "label": "Show", "required": False},
]
LIMITLESS = {"limits_requests_per_minute": "0", "limits_failures_per_minute": "0"}
ONLY_HERE = {"webhooks_allow_private": "false", "webhooks_allow": "127.0.0.0/8"}


class Hook(BaseHTTPRequestHandler):
    """A receiver that is content with everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiver() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def settled(folder: Path) -> tuple[str, str]:
    """A key, and the ids of three templates."""
    file = folder / "check.json"
    done(rundun(folder, "orgs", "create", "Acme"))
    key = done(rundun(folder, "keys", "create", "--org", "Acme", "--name", "fuzz"))
    templates = []
    for name, signed in (("Check", False), ("Signed", True), ("Third", False)):
        settings = {"allow_skip": True, "signature_on_complete": signed}
        file.write_text(json.dumps({"name": name, "settings": settings, "steps": STEPS}))
        templates.append(done(rundun(folder, "templates", "import", str(file), "--org", "Acme")))
    return key, ",".join(templates)


def tried(folder: Path, *arguments: str, patience: float = 4 * PATIENCE) -> tuple[str, int, str]:
    """What schemathesis said, how many requests it made, and what the service did."""
    key, templates = settled(folder)
    with receiver() as hook, serving(folder, **LIMITLESS, **ONLY_HERE) as service:
        about = {
            "SCHEMATHESIS_HOOKS": "tests.web.api.fuzz.hooks",
            "FUZZ_SERVICE": service.url,
            "FUZZ_RECEIVER": hook,
            "FUZZ_KEY": key,
            "FUZZ_TEMPLATES": templates,
        }
        schemathesis = Path(sys.executable).with_name("schemathesis")
        ended = subprocess.run(
            [
                str(schemathesis),
                *("--config-file", str(ROOT / "tests" / "web" / "api" / "fuzz" / "schemathesis.toml")),
                *("run", f"{service.url}/v1/openapi.json", "-H", f"Authorization: Bearer {key}"),
                *arguments,
            ],
            cwd=folder,
            env={**os.environ, **about, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
        )
        said = ended.stdout + ended.stderr
        assert " status=404 " in service.text, "this is not where it logs"
        assert ended.returncode == 0, said
        assert "errored" not in said, said
        with looking(folder) as db:
            asked = rows(db, "SELECT DISTINCT webhook_url FROM runs WHERE webhook_url IS NOT NULL")
            sent = rows(db, "SELECT DISTINCT url FROM attempts")
        assert {url for (url,) in [*asked, *sent]} == {hook}, "nothing leads anywhere else"
        return said, int(re.search(r"(\d+) generated", said)[1]), failures(service)  # type: ignore[index]


def failures(service: Serving) -> str:
    """The lines of its log that tell of a mistake of ours."""
    mistake = re.compile(r"^\S+ error |Traceback| status=5\d\d ")
    return "\n".join(line for line in service.text.splitlines() if mistake.search(line))


@pytest.mark.long
def test_what_the_document_allows_and_what_it_does_not(tmp_path: Path) -> None:
    without_pdf = ("--exclude-path", "/v1/runs/{run_id}/report.pdf")  # each takes half a second; the long run has them
    phases = ("--phases", "examples,fuzzing,stateful", "-n", "4", "--seed", "1")
    said, requests, mistakes = tried(tmp_path, *phases, *without_pdf)
    assert requests > 100, said
    assert re.search(r"Tested: 5\d", said), said
    assert mistakes == ""


@pytest.mark.soak
def test_the_same_for_long(tmp_path: Path) -> None:
    said, requests, mistakes = tried(tmp_path, "-n", "100", "--max-time", "900", patience=1200)
    print(said)
    assert requests > 10_000
    assert mistakes == ""
