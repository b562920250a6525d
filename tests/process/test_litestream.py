"""Litestream beside the service, set up as the docs say: what was acknowledged before a kill -9 is in its replica."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rundun.store.sqlite.connection import open_reader
from tests.helpers.files.database import MIB
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import ROOT, Acme, call, done, rundun, serving, settle_in
from tests.helpers.service import BOOLEAN, new_photo_id
from tests.process.test_booking import until
from tests.process.test_crash import large_jpeg

LITESTREAM = shutil.which("litestream", path=Path(sys.executable).parent)
PHOTO = {"id": "s-pic", "type": "photo", "label": "The meter"}
EXTERNAL = {"database_external_checkpoints": "true"}


def documented() -> str:
    """The configuration that the docs show."""
    page = (ROOT / "templates" / "docs" / "keep-and-forget.md").read_text("utf-8")
    (shown,) = re.findall(r"^```yaml litestream\.yml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(shown)


@contextmanager
def replicating(folder: Path) -> Iterator[None]:
    """Litestream, until the context ends: it sends what is left and stops."""
    config = folder / "litestream.yml"
    text = documented().replace("/var/lib/rundun/", f"{folder}/").replace("/mnt/replica/", f"{folder}/replica/")
    config.write_text(text)
    with (folder / "litestream.log").open("w") as log:
        command = [LITESTREAM, "replicate", "-config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, umask=0o077)
        try:
            yield
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of Rundun's."""
    with closing(open_reader(path)) as db:
        query = r"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\_litestream%' ESCAPE '\'"
        tables = [row[0] for row in db.execute(query).fetchall()]
        return {name: sorted(map(tuple, db.execute(f"SELECT * FROM {name}").fetchall()), key=repr) for name in tables}


async def use(acme: Acme, folder: Path) -> str:
    """Dispatch a run and take a photo, a large one, and kill the service; returns the run's id."""
    with serving(folder, **EXTERNAL) as service:
        async with acme.client(service) as client:
            run_id = (await call(client, "POST", "/v1/runs", 201, {"template_id": acme.template_id}))["run_id"]
            await call(client, "POST", f"/r/{run_id}/start", 200, {})
            photo = f"/r/{run_id}/steps/s-pic/photos/{new_photo_id()}"
            assert (await client.put(photo, content=large_jpeg(9, 0))).status_code == 201
            await call(client, "PUT", f"/r/{run_id}/steps/s-ok", 200, {"value": True})
        service.kill()
    return str(run_id)


@pytest.mark.skipif(LITESTREAM is None, reason="there is no Litestream for this machine")
async def test_what_was_acknowledged_before_a_kill_is_in_the_replica(tmp_path: Path) -> None:
    acme = settle_in(tmp_path, PHOTO, BOOLEAN)
    path, restored = tmp_path / "rundun.db", tmp_path / "restored.db"
    before = path.stat().st_size
    with replicating(tmp_path):
        run_id = await use(acme, tmp_path)
        done(rundun(tmp_path, "keys", "create", "--org", "Acme", "--name", "beside", **EXTERNAL))
        # Litestream makes checkpoints, also while the service is away.
        until(lambda: path.stat().st_size > before + 8 * MIB)
    command = [LITESTREAM, "restore", "-config", str(tmp_path / "litestream.yml"), "-o", str(restored), str(path)]
    subprocess.run(command, check=True, umask=0o077)
    assert content(restored) == content(path)
    assert rundun(tmp_path, "restore", str(restored)).exit_code == 0
    with serving(tmp_path) as service:
        async with acme.client(service) as client:
            assert len((await call(client, "GET", f"/r/{run_id}/state", 200, None))["photos"]["s-pic"]) == 1
