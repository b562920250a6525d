"""Faults of the disk: it is full, or it cannot be written."""

import asyncio
import os
import re
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.files.lost_file import said
from tests.helpers.files.mounts import may_mount, mounted, needs_mounts, read_only
from tests.helpers.metrics import samples
from tests.helpers.processes.service_process import BALANCE, done, looking, rows, rundun, serving, settle_in
from tests.helpers.service import BOOLEAN

Change = Callable[[], None]


@contextmanager
def limited_files(pid: int, database: Path) -> Iterator[tuple[Change, Change]]:
    """Ways to let the process write no further than its WAL reaches, and to let it again."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def fill() -> None:
        reached = database.with_name(f"{database.name}-wal").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (reached, before[1]))

    yield fill, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(pid: int, database: Path) -> Iterator[tuple[Change, Change]]:
    """Ways to fill the file system on which the database lies, and to make room again."""
    filler = database.with_name("filler")

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    yield fill, filler.unlink


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for the database: a small file system of its own where it is to be filled."""
    with mounted(tmp_path) if request.node.callspec.params["way"] is small_disk else nullcontext():
        yield tmp_path


@pytest.mark.parametrize("way", [limited_files, pytest.param(small_disk, marks=needs_mounts)])
async def test_disk_full(disk: Path, way: Any) -> None:
    people = settle_in(disk, BOOLEAN)
    with serving(disk) as service:
        async with people.client(service) as acme:
            body = {"template_id": people.template_id, "executor_ref": "x" * 250}
            acknowledged: list[str] = []

            async def wave(size: int = 40) -> Counter[int]:
                answers = await asyncio.gather(*(acme.post("/v1/runs", json=body) for _ in range(size)))
                for answer in answers:
                    if answer.status_code == 201:
                        acknowledged.append(answer.json()["run_id"])
                    else:
                        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                        assert answer.headers["retry-after"] == "5"
                return Counter(answer.status_code for answer in answers)

            assert await wave() == {201: 40}
            with way(service.process.pid, disk / "rundun.db") as (fill, free):
                fill()
                while not (await wave())[503]:
                    assert len(acknowledged) < 20_000, "the disk never filled"
                assert await wave() == {503: 40}, "full is full"
                assert (await acme.get("/healthz")).status_code == 200
                assert (await acme.get("/readyz")).status_code == 503
                about = (await acme.get("/v1/organization")).json()
                assert about["credits"] == BALANCE - len(acknowledged), "reading goes on"
                told = samples((await acme.get("/metrics")).text)
                assert told["rundun_commits_failed_total", None] >= 2
                if way is small_disk:
                    assert told["rundun_disk_free_bytes", None] < 8192
                    assert "WRONG  disk: " in rundun(disk, "check").stdout
                free()
            assert await wave() == {201: 40}, "without a restart"
            assert (await acme.get("/readyz")).status_code == 200
        service.terminate()
        assert service.ended() == 0
        assert "request.failed" not in service.text
    with looking(disk) as db:
        assert {row["id"] for row in db.execute("SELECT id FROM runs")} == set(acknowledged)
        assert rows(db, "SELECT credits FROM organizations") == [(BALANCE - len(acknowledged),)]
        assert rows(db, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(os.geteuid() == 0 and not may_mount(), reason="nothing stops root that may not mount")
def test_read_only(tmp_path: Path) -> None:
    people = settle_in(tmp_path, BOOLEAN)
    done(rundun(tmp_path, "orgs", "contact", "Acme", "Ed"))  # what only writes leaves no log, which could be read
    refused = r"can't be opened: (Read-only file system|Permission denied)\.\n"
    with read_only(tmp_path):
        with serving(tmp_path) as service:
            assert service.ended() == 1
        assert re.fullmatch(rf"Error: rundun\.db {refused}", service.text)
        assert re.fullmatch(rf"Error: .*rundun\.db {refused}", said(tmp_path, "orgs", "create", "Globex"))
        why = "unable to open database file|attempt to write a readonly database"  # SQLite's, of a mount and of rights
        assert re.fullmatch(rf"Error: .*rundun\.db can't be opened: ({why})\.\n", said(tmp_path, "check"))
    with serving(tmp_path) as service:
        assert service.url, "a start is all it takes"
    with looking(tmp_path) as db:
        assert rows(db, "SELECT id FROM templates WHERE id = '" + people.template_id + "'")
