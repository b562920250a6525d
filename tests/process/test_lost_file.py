"""What can be taken away from under a service, and what brings it back."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.store import organizations
from rundun.store.database import Database
from rundun.store.transaction import Tx
from tests.helpers.database import note, noted, opened
from tests.helpers.lost_file import LOST, said, served
from tests.helpers.service import BOOLEAN, Received, Receiver
from tests.helpers.service_process import call, looking, rows, rundun, serving, settle_in


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_log_that_is_removed_is_missed_and_an_orderly_end_saves_what_was_in_it(tmp_path: Path, end: str) -> None:
    with served(tmp_path) as acme:
        Path(f"{acme.path}{end}").unlink()
        acme.service.wait_for(LOST)
        acme.assert_refuses()
        for command in (["check"], ["orgs", "list"], ["orgs", "create", "Globex"]):
            assert "was taken away from under it" in said(tmp_path, *command)
        acme.service.terminate()
        assert acme.service.ended() == 0
        (line,) = acme.errors()
        assert f"{acme.path}{end} was removed" in line
    assert "WRONG" not in rundun(tmp_path, "check").stdout
    with serving(tmp_path) as second:
        assert second.url
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(1,)]


def test_what_comes_back_untouched_is_served_again(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        for _ in range(2):
            acme.path.rename(tmp_path / "away.db")
            acme.assert_refuses()
            (tmp_path / "away.db").rename(acme.path)
            acme.assert_served()
        assert len(acme.errors()) == 2
        assert acme.service.text.count("the database is back") == 2
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(3,)]


def test_what_comes_back_changed_is_left_alone(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        acme.path.rename(tmp_path / "away.db")
        acme.assert_refuses()
        with (tmp_path / "away.db").open("r+b") as file:
            file.write(file.read(16))
        (tmp_path / "away.db").rename(acme.path)
        acme.service.wait_for("somebody wrote to it meanwhile")
        acme.assert_refuses()
        acme.service.terminate()
        assert acme.service.ended() == 0
    with serving(tmp_path) as second:
        assert second.url, "a restart judges it anew"


def test_a_symbolic_link_that_leads_elsewhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "rundun.db").symlink_to("a/one.db")
    with served(tmp_path) as acme:
        acme.path.unlink()
        acme.path.symlink_to("a/two.db")
        acme.assert_refuses()
        assert not (tmp_path / "a" / "two.db").exists()


def test_commands_tell_a_file_that_was_taken_from_one_that_never_was(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        for end in ("", "-wal", "-shm"):
            Path(f"{acme.path}{end}").unlink()
        acme.assert_refuses()
        said = rundun(tmp_path, "check").stderr
        assert said == f"Error: There is no database {acme.path} any more: it was removed while it was served.\n"
    said = rundun(tmp_path, "check", database="other.db").stderr
    assert said == f"Error: There is no database {tmp_path}/other.db yet.\n"


async def test_a_delivery_under_way_is_settled_once_the_file_is_back(tmp_path: Path) -> None:
    """The receiver answers when the file is away: that is no line of its own, and nothing is sent twice."""
    async with Receiver().listening() as receiver:
        acme = settle_in(tmp_path, BOOLEAN)
        path, answer = tmp_path / "rundun.db", receiver.answer

        def take_away(received: Received) -> bytes:
            path.rename(tmp_path / "away.db")
            return answer(received)

        receiver.answer = take_away
        with serving(tmp_path, webhooks_allow="127.0.0.0/8") as service:
            async with acme.client(service) as client:
                hook = {"url": receiver.url, "events": ["run.started"]}
                order = {"template_id": acme.template_id, "webhook": hook}
                run_id = (await call(client, "POST", "/v1/runs", 201, order))["run_id"]
                await client.post(f"/r/{run_id}/start", json={})
                await asyncio.to_thread(service.wait_for, LOST)
                (tmp_path / "away.db").rename(path)
                await asyncio.to_thread(service.wait_for, "info delivery .*outcome=delivered")
                assert (await client.get("/readyz")).status_code == 200
            service.terminate()
            assert await asyncio.to_thread(service.ended) == 0
            assert len([line for line in service.err if " error " in line]) == 1, service.text
            assert "Traceback" not in service.text
        assert receiver.events() == ["run.started"]


async def test_a_write_that_met_its_file_on_the_way_out_is_not_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"

    def remove(tx: Tx) -> None:
        note(tx, "on the way out")
        path.rename(tmp_path / "away.db")

    async with opened(path) as one:
        await one.write(note, "before")
        heard: list[set[str]] = []
        one.subscribe(heard.append)
        with pytest.raises(Problem, match="taken away from under it"):
            await one.write(remove)
        with pytest.raises(Problem, match="taken away from under it"):
            await one.read(organizations.list_all)
        (tmp_path / "away.db").rename(path)
        await one.examine_file()
        assert await one.read(noted) == ["before", "on the way out"], "like a write whose answer was lost"


async def test_a_log_without_its_file_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE songs (title TEXT)")
        path.rename(tmp_path / "away.db")
        for present in (False, True):
            if present:
                path.touch()
            with pytest.raises(Problem, match=r"rundun\.db is gone, but not what belongs to it"):
                await Database.open(path, clock=lambda: 0, public_url="http://rundun.test", grace=0)
            assert path.exists() is present
            assert (tmp_path / "rundun.db-wal").stat().st_size
