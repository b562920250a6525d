"""What else can be taken away from under a service, and what commands say of it."""

import asyncio
from pathlib import Path

import pytest

from tests.helpers.files.lost_file import LOST, said, served
from tests.helpers.processes.service_process import call, looking, rows, rundun, serving, settle_in
from tests.helpers.service import BOOLEAN, Received, Receiver


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_log_that_is_removed_is_missed_and_an_orderly_end_saves_what_was_in_it(tmp_path: Path, end: str) -> None:
    with served(tmp_path) as acme:
        Path(f"{acme.path}{end}").unlink()
        acme.service.wait_for(LOST)
        acme.assert_refuses()
        for command in (["check"], ["orgs", "list"], ["orgs", "create", "Globex"]):
            assert "was moved or deleted while the service was running" in said(tmp_path, *command)
        acme.service.terminate()
        assert acme.service.ended() == 0
        (line,) = acme.errors()
        assert f"{acme.path}{end} was removed" in line
    assert "WRONG" not in rundun(tmp_path, "check").stdout
    with serving(tmp_path) as second:
        assert second.url
    with looking(tmp_path) as db:
        assert rows(db, "SELECT count(*) FROM runs") == [(1,)]


def test_commands_tell_a_file_that_was_taken_from_one_that_never_was(tmp_path: Path) -> None:
    with served(tmp_path) as acme:
        for end in ("", "-wal", "-shm"):
            Path(f"{acme.path}{end}").unlink()
        acme.assert_refuses()
        said = rundun(tmp_path, "check").stderr
        assert said.startswith(f"Error: The running service refuses everything: {acme.path} was moved away.")
        assert "control.failed" not in acme.service.text, "who only looks whether it listens is worth no line"
    said = rundun(tmp_path, "check").stderr
    assert said == f"Error: There is no database {acme.path} any more: it was removed while it was served.\n"
    said = rundun(tmp_path, "check", database="other.db").stderr
    assert said.startswith(f"Error: There is no database {tmp_path}/other.db yet. Run this in the service's folder")


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
