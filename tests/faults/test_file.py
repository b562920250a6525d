"""Faults of the file: it is gone, it is another one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.helpers.files.lost_file import LOST, digest, said, served
from tests.helpers.processes.service_process import looking, rows, serving


def test_file_removed(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        acme.path.unlink()
        acme.assert_refuses()
        before = acme.content()
        acme.assert_refuses_people()
        for _ in range(20):
            assert acme.dispatch().status_code == 503
        assert acme.content() == before, "no ghost is written to, and no new file is made"
        gone = (
            f"The running service refuses everything: {acme.path} was moved away. Put the same file back and it goes on"
        )
        assert gone in said(tmp_path, "check")
        assert gone in said(tmp_path, "keys", "create", "--org", "Acme", "--name", "new")
        acme.service.terminate()
        assert acme.service.ended() == 0
        (line,) = acme.errors()
        assert f"{acme.path} was removed under the running service" in line
    with serving(tmp_path) as second:
        assert second.ended() == 1
        assert second.text.startswith("Error: rundun.db is missing, but not ")
        assert "or remove both of these as well" in " ".join(second.text.split())
    assert not acme.path.exists(), "nobody begins anew beside what is left"
    acme.kept.rename(acme.path)
    with looking(tmp_path) as db:
        ((count,),) = rows(db, "SELECT count(*) FROM runs")
        assert count in (1, 2), "what was acknowledged is there once the file is back; the write that missed it may be"
        assert rows(db, "PRAGMA integrity_check") == [("ok",)]


def test_file_replaced(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        reader = sqlite3.connect(acme.path.as_uri() + "?mode=ro", uri=True)
        with closing(reader), closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            reader.backup(copy)
        assert acme.dispatch().status_code == 201
        (tmp_path / "copy.db").replace(acme.path)
        copied = digest(acme.path)
        acme.service.wait_for(LOST)  # nobody has asked for anything
        before = acme.content()  # until it noticed, it may have written to the log of the file before
        assert copied in before
        acme.assert_refuses()
        assert acme.content() == before
        moved = (
            f"The running service refuses everything: {acme.path} was moved away. Put the same file back and it goes on"
        )
        assert moved in said(tmp_path, "check")
        acme.service.terminate()
        assert acme.service.ended() == 0
        (line,) = acme.errors()
        assert f"{acme.path} was replaced under the running service" in line
    with serving(tmp_path) as second:
        assert second.ended() == 1
        assert second.text.startswith("Error: rundun.db was replaced while it was served")
    assert acme.content() == before, "nothing was mixed"
    shutil.copy(acme.path, tmp_path / "copy.db")
    acme.kept.rename(acme.path)
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(2,)], "the file before, with its log"
    with serving(tmp_path) as third:
        assert third.url
        third.terminate()
        assert third.ended() == 0
    (tmp_path / "copy.db").replace(acme.path)
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(1,)], "the copy, put there while nobody serves"
