"""A service whose database is taken away, and what it may still say."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import Acme, Serving, rundun, serving, settle_in
from tests.helpers.service import BOOLEAN

LOST = r" error rundun\.store .*under the running service"


@dataclass
class Served:
    """A service in a folder, Acme's key to it, and a second name of its file, to see what is written to it."""

    folder: Path
    service: Serving
    acme: Acme
    client: httpx2.Client
    kept: Path

    @property
    def path(self) -> Path:
        return self.folder / "rundun.db"

    def dispatch(self) -> httpx2.Response:
        """The usual write."""
        return self.client.post("/v1/runs", json={"template_id": self.acme.template_id})

    def assert_refuses(self) -> None:
        """Nothing can be read or written, and whoever asks is told so; the process itself lives."""
        wrote, read = self.dispatch(), self.client.get("/v1/runs")
        for refused in (wrote, read, self.client.get("/readyz")):
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"] == "5"
        assert self.client.get("/healthz").status_code == 200

    def assert_refuses_people(self) -> None:
        """Whoever opens a page, at the console or of a run, reads a sentence in their language and no JSON."""
        asking = {"accept": "text/html,*/*;q=0.8", "accept-language": "es", "cookie": f"rundun_session={'s' * 43}"}
        for path, says in (
            ("/console", "No se ha perdido nada. Inténtelo de nuevo en unos minutos."),
            ("/console/runs", "No se ha perdido nada. Inténtelo de nuevo en unos minutos."),
            ("/r/r-00000000-0000-4000-8000-000000000000", "El servidor está ocupado."),
        ):
            page = self.client.get(path, headers=asking)
            assert (page.status_code, page.headers["retry-after"]) == (503, "5")
            assert page.headers["content-type"].startswith("text/html")
            assert says in page.text

    def assert_served(self) -> None:
        """All is as before."""
        assert self.dispatch().status_code == 201
        assert self.client.get("/v1/runs").status_code == 200
        assert self.client.get("/readyz").status_code == 200

    def content(self) -> tuple[str, ...]:
        """Digests of the file that was opened, and of all that lies beside its name."""
        beside = [Path(f"{self.path}{end}") for end in ("", "-wal")]
        return tuple(digest(file) if file.exists() else "none" for file in (self.kept, *beside))

    def errors(self) -> list[str]:
        """Lines of the log at level error."""
        return [line for line in self.service.err if " error " in line]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A service with an acknowledged run, as healthy as can be."""
    acme = settle_in(folder, BOOLEAN)
    kept = folder / "kept"
    with serving(folder) as service, httpx2.Client(base_url=service.url, timeout=PATIENCE) as client:
        client.headers["authorization"] = f"Bearer {acme.key}"
        os.link(folder / "rundun.db", kept)
        one = Served(folder, service, acme, client, kept)
        one.assert_served()
        yield one


def said(folder: Path, *command: str, database: str = "rundun.db") -> str:
    """What a command says that is refused, in one line."""
    refused = rundun(folder, *command, database=database)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    return refused.stderr
