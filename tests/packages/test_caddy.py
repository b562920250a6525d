"""Our Caddyfile in Debian's Caddy, with its internal authority, before a real service: HTTPS as visitors have it."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx2
import pytest

from rundun import paths
from rundun.web.console.runs.live import MAX_OF_OPERATOR
from tests.bench.processes import free_port
from tests.helpers.cli import KEY
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.processes.debian import needs
from tests.helpers.processes.service_process import Serving, done, rundun, serving

pytestmark = pytest.mark.packages

STEP = {"id": "s-ok", "type": "boolean", "label": "Clean?", "photo": {"max": 1}}
PHOTO = "ph-00000000-0000-4000-8000-000000000001"
PASSWORD = "correct horse battery"
FAILURES = 5  # a minute and a visitor
OURS = paths.deploy() / "Caddyfile"
# What keeps a Caddy of the tests to itself; all else is as it stands.
GLOBAL = """{{
	admin off
	skip_install_trust
	default_bind 127.0.0.1
	http_port {http}
	https_port {https}
	storage file_system {storage}
}}
import {ours}
"""


class Caddy(Serving):
    """Caddy in a folder of its own."""

    def __init__(self, folder: Path, upstream: int, http: int, https: int, ours: Path = OURS) -> None:
        config = folder / "Caddyfile"
        config.write_text(GLOBAL.format(http=http, https=https, storage=folder / "storage", ours=ours))
        self._start(
            ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "SITE": "localhost",
                "UPSTREAM": f"127.0.0.1:{upstream}",
            },
        )

    def trusted(self, folder: Path, https: int) -> ssl.SSLContext:
        """What trusts its authority, once it serves: it says that it has a certificate a moment before it shows it."""
        self.wait_for("certificate obtained successfully")
        self.wait_for("serving initial configuration")
        trust = ssl.create_default_context(cafile=folder / "storage/pki/authorities/local/root.crt")
        deadline = time.monotonic() + PATIENCE
        while not shows_certificate(trust, https):
            assert time.monotonic() < deadline, self.text
        return trust


def shows_certificate(trust: ssl.SSLContext, https: int) -> bool:
    """Tell whether a TLS connection to a port of this machine can be made."""
    try:
        with (
            socket.create_connection(("127.0.0.1", https), PATIENCE) as plain,
            trust.wrap_socket(plain, server_hostname="localhost"),
        ):
            return True
    except ssl.SSLError:
        return False


@dataclass
class Site:
    """A service behind Caddy, and one key."""

    service: Serving
    url: str
    plain: str  # Caddy without TLS
    direct: str  # the service itself
    trust: ssl.SSLContext
    key: str

    @contextmanager
    def visitor(self, address: str = "127.0.0.1", **headers: str) -> Iterator[httpx2.Client]:
        """Somebody at an address of their own."""
        way = httpx2.HTTPTransport(verify=self.trust, local_address=address)
        with httpx2.Client(transport=way, base_url=self.url, headers=headers, timeout=PATIENCE) as client:
            yield client

    @contextmanager
    def acme(self) -> Iterator[httpx2.Client]:
        with self.visitor(authorization=f"Bearer {self.key}") as client:
            yield client


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs(caddy="caddy")
    folder, (port, http, https) = tmp_path_factory.mktemp("caddy"), (free_port() for _ in range(3))
    (key,) = set(KEY.findall(done(rundun(folder, "init"))))
    done(rundun(folder, "operators", "add", "ann@example.com", typed=f"{PASSWORD}\n"))
    url = f"https://localhost:{https}"
    settings = {"server_public_url": url, "limits_failures_per_minute": str(FAILURES)}
    with serving(folder, "--existing", "--port", str(port), **settings) as service:
        assert service.url == url
        with closing(Caddy(folder, port, http, https)) as caddy:
            trust = caddy.trusted(folder, https)
            yield Site(service, url, f"http://localhost:{http}", f"http://127.0.0.1:{port}", trust, key)
    assert "Traceback" not in service.text


def test_visitors_come_by_https_and_get_what_the_service_says(site: Site) -> None:
    moved = httpx2.get(f"{site.plain}/docs", timeout=PATIENCE)
    assert (moved.status_code, moved.headers["location"]) == (308, "https://localhost/docs")
    for path in ("/", "/docs", "/console/sign-in", "/readyz"):
        with site.visitor() as someone:
            seen = someone.get(path)
        said = httpx2.get(f"{site.direct}{path}", headers={"x-forwarded-proto": "https"}, timeout=PATIENCE)
        assert seen.status_code == said.status_code
        for name in ("strict-transport-security", "content-security-policy", "referrer-policy", "cache-control"):
            assert seen.headers.get(name) == said.headers.get(name), name
        assert "server" not in seen.headers


def test_cookies_are_secure(site: Site) -> None:
    with site.acme() as acme, site.visitor() as ed:
        template = acme.post("/v1/templates", json={"name": "Check", "steps": [STEP]}).json()
        link = acme.post("/v1/runs", json={"template_id": template["id"]}).json()["link"]
        assert link.startswith(f"{site.url}/r/")
        started = ed.post(f"{link}/start", json={})
        assert started.status_code == 200
    with site.visitor() as ann:
        signed_in = sign_in(ann)
    for answer in (started, signed_in):
        cookies = answer.headers.get_list("set-cookie")
        assert cookies and all("; secure" in cookie.lower() for cookie in cookies), cookies


def sign_in(ann: httpx2.Client) -> httpx2.Response:
    form = ann.get("/console/sign-in")
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', form.text)[:1]
    fields = {"csrf": unescape(csrf), "email": "ann@example.com", "password": PASSWORD}
    answer = ann.post("/console/sign-in", data=fields)
    assert answer.status_code == 303, answer.text
    return answer


def test_limits_count_visitors_and_not_the_proxy(site: Site) -> None:
    with site.visitor("127.0.0.2", authorization="Bearer rdk_live_wrong") as eve:
        tries = [eve.get("/v1/organization").status_code for _ in range(FAILURES + 1)]
        assert tries == [401] * FAILURES + [429]
        forged = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "x-real-ip": "203.0.113.9"}
        assert eve.get("/v1/organization", headers=forged).status_code == 429, "nobody says who they are by themselves"
    with site.visitor("127.0.0.3", authorization="Bearer rdk_live_wrong") as olga:
        assert olga.get("/v1/organization").status_code == 401, "her first"


def test_a_photo_of_fifteen_mebibytes_passes(site: Site) -> None:
    photo = images.jpeg()
    photo += bytes(15 * 2**20 - len(photo))
    with site.acme() as acme, site.visitor() as ed:
        template = acme.post("/v1/templates", json={"name": "Check", "steps": [STEP]}).json()
        run = acme.post("/v1/runs", json={"template_id": template["id"]}).json()
        ed.post(f"{run['link']}/start", json={})
        put = ed.put(f"{run['link']}/steps/s-ok/photos/{PHOTO}", content=photo)
        assert (put.status_code, put.json()["bytes"]) == (201, 15 * 2**20)
        kept = acme.get(f"/v1/runs/{run['run_id']}")
        assert kept.status_code == 200
        too_large = ed.put(f"{run['link']}/steps/s-ok/photos/{PHOTO[:-1]}2", content=photo + b"\0")
        assert too_large.status_code == 413, "the service's own answer"
        assert too_large.headers["content-type"] == "application/problem+json"


def test_what_stays_open_is_passed_on_as_it_comes(site: Site) -> None:
    with site.acme() as acme, site.visitor() as ann:
        template = acme.post("/v1/templates", json={"name": "Check", "steps": [STEP]}).json()
        sign_in(ann)
        cursor = acme.get("/v1/events").json()["next_cursor"]
        answers: list[httpx2.Response] = []

        def wait() -> None:
            with site.acme() as other:
                answers.append(other.get("/v1/events", params={"after": cursor, "wait": 30}))

        with ann.stream("GET", "/console/runs/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000", "at once, with the stream still open"
            waiting = threading.Thread(target=wait)
            waiting.start()
            run = acme.post("/v1/runs", json={"template_id": template["id"]}).json()
            assert next(line for line in lines if line) == "event: change"
        with site.visitor() as ed:
            ed.post(f"{run['link']}/start", json={})
            ed.put(f"{run['link']}/steps/s-ok", json={"value": True})
        waiting.join(PATIENCE)
    assert [one.status_code for one in answers] == [200]
    assert answers[0].json()["data"]


def test_a_page_that_is_closed_leaves_its_place(site: Site) -> None:
    with site.visitor() as ann:
        sign_in(ann)
        for _ in range(MAX_OF_OPERATOR + 1):
            deadline = time.monotonic() + PATIENCE
            while not opened(ann):
                assert time.monotonic() < deadline


def opened(ann: httpx2.Client) -> bool:
    """Open a live page, and close it."""
    with ann.stream("GET", "/console/runs/live") as stream:
        return stream.status_code == 200 and next(stream.iter_lines()) == "retry: 2000"


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics?x=1",
        "/metrics/",
        "//metrics",
        "/%6Detrics",
        "/docs/../metrics",
        "/docs/%2e%2e/metrics",
        "/x%2f..%2fmetrics",
        "/./metrics",
        "/METRICS",
    ],
)
def test_the_numbers_are_not_the_worlds(site: Site, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        with (
            socket.create_connection(("127.0.0.1", port_of(site.url)), PATIENCE) as plain,
            site.trust.wrap_socket(plain, server_hostname="localhost") as raw,
        ):  # by a client that does not tidy up a path
            raw.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            assert raw.recv(1024).split()[1] == b"404"
    numbers = httpx2.get(f"{site.direct}/metrics", timeout=PATIENCE)
    assert (numbers.status_code, "rundun_requests_total" in numbers.text) == (200, True)


def port_of(url: str) -> int:
    """The port in an address."""
    return int(url.rpartition(":")[2])


def test_what_the_world_need_not_read_is_hidden_as_the_guide_says(site: Site, tmp_path: Path) -> None:
    guide = (paths.templates() / "docs/health.md").read_text("utf-8")
    (lines,) = re.findall(r"^```text Caddyfile\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    ours, upstream, (http, https) = tmp_path / "ours", port_of(site.direct), (free_port(), free_port())
    ours.write_text(OURS.read_text("utf-8").replace("\treverse_proxy", f"{lines}\treverse_proxy", 1))
    with closing(Caddy(tmp_path, upstream, http, https, ours)) as caddy:
        trust = caddy.trusted(tmp_path, https)
        with httpx2.Client(verify=trust, base_url=f"https://localhost:{https}", timeout=PATIENCE) as visitor:
            seen = {path: visitor.get(path).status_code for path in ("/docs", "/metrics", "/healthz", "/readyz")}
    assert seen == {"/docs": 200, "/metrics": 404, "/healthz": 404, "/readyz": 404}
    assert httpx2.get(f"{site.direct}/metrics", timeout=PATIENCE).status_code == 200
