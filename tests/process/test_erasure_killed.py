"""An erasure of a person that is killed in the middle: what was not erased is whole, and can be listed and erased."""

import json
import threading
from contextlib import closing
from pathlib import Path

import httpx2

from rundun.core.urls import Urls
from rundun.store.batches import write_once
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Env, wall_clock
from tests.helpers.patience import PATIENCE
from tests.helpers.persons import BY_EMAIL, EMAIL, make_runs
from tests.helpers.processes.service_process import Serving, done, looking, rows, rundun, serving
from tests.helpers.service import TEXT

RUNS = 300
ERASED = "SELECT count(*) FROM runs WHERE erased_at IS NOT NULL"


def settled(folder: Path) -> str:
    """Many runs of one person; the key that may erase them."""
    file = folder / "check.json"
    file.write_text(json.dumps({"name": "Check", "steps": [TEXT], "execution": BY_EMAIL}))
    org_id = done(rundun(folder, "orgs", "create", "Acme"))
    key = done(rundun(folder, "keys", "create", "--org", "Acme", "--name", "killed", "--may-erase"))
    template_id = done(rundun(folder, "templates", "import", str(file), "--org", "Acme"))
    with closing(connection.open_writer(folder / "rundun.db")) as db:
        write_once(db, Env(wall_clock, Urls("", b""), 0), make_runs, org_id, template_id, EMAIL, RUNS)
    return key


def client_of(service: Serving, key: str) -> httpx2.Client:
    return httpx2.Client(base_url=service.url, timeout=PATIENCE, headers={"authorization": f"Bearer {key}"})


def test_a_killed_erasure_goes_on_with_what_is_left(tmp_path: Path) -> None:
    key, person = settled(tmp_path), {"person": {"email": EMAIL}}
    refused = threading.Event()
    with serving(tmp_path) as service, client_of(service, key) as client, looking(tmp_path) as db:
        listed = client.post("/v1/erasures", json=person).json()
        body = {**person, "digest": listed["digest"]}

        def erase() -> None:
            try:
                client.post("/v1/erasures", json=body)
            except httpx2.TransportError:
                refused.set()

        asking = threading.Thread(target=erase)
        asking.start()
        while asking.is_alive() and rows(db, ERASED) == [(0,)]:
            pass
        service.kill()
        asking.join(PATIENCE)
    assert refused.is_set(), "nobody was told that they are erased"
    with serving(tmp_path) as service, client_of(service, key) as client, looking(tmp_path) as db:
        ((gone,),) = rows(db, ERASED)
        assert 0 < gone < RUNS, "it was in the middle"
        assert client.post("/v1/erasures", json=body).json()["code"] == "erasure_changed"
        left = client.post("/v1/erasures", json=person).json()
        assert {run["run_id"] for run in left["runs"]} < {run["run_id"] for run in listed["runs"]}
        assert len(left["runs"]) == RUNS - gone
        again = client.post("/v1/erasures", json={**person, "digest": left["digest"]}).json()
        assert again["erased"] == RUNS - gone
        assert rows(db, ERASED) == [(RUNS,)]
        assert rows(db, "SELECT count(*) FROM runs WHERE identity IS NOT NULL") == [(0,)]
