"""Faults around what is kept: the database is an older copy, the erasure journal can't be written."""

from pathlib import Path
from typing import Any

import httpx2

from rundun.store.erasure import journal as erasure_journal, journal_file
from rundun.store.sqlite.transaction import JournalEntry
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import Acme, Serving, done, rundun, serving, settle_in
from tests.helpers.service import BOOLEAN
from tests.process.test_booking import until

DEAD = "http://127.0.0.1:1/hook"
SETTINGS = {"webhooks_allow": "127.0.0.0/8"}


def call(service: Serving, acme: Acme, method: str, path: str, body: Any = None) -> httpx2.Response:
    headers = {"authorization": f"Bearer {acme.key}"}
    return httpx2.request(method, f"{service.url}{path}", json=body, headers=headers, timeout=PATIENCE)


def dispatch(service: Serving, acme: Acme) -> str:
    body = {"template_id": acme.template_id, "webhook": {"url": DEAD, "events": ["run.cancelled"]}}
    answer = call(service, acme, "POST", "/v1/runs", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


def test_restored(tmp_path: Path) -> None:
    acme = settle_in(tmp_path, BOOLEAN)
    with serving(tmp_path, **SETTINGS) as service:
        kept = dispatch(service, acme)
        cursor = call(service, acme, "GET", "/v1/events").json()["next_cursor"]
        done(rundun(tmp_path, "backup", str(tmp_path / "backup.db")))
        lost = dispatch(service, acme)
        service.kill()
    done(rundun(tmp_path, "restore", str(tmp_path / "backup.db")))
    with serving(tmp_path, **SETTINGS) as service:
        assert service.wait_for(r"service\.held since=(\S+)")
        assert call(service, acme, "GET", f"/v1/runs/{kept}").status_code == 200
        assert call(service, acme, "GET", f"/v1/runs/{lost}").status_code == 404
        assert call(service, acme, "POST", f"/v1/runs/{kept}/cancel", {}).status_code == 200
        (event,) = call(service, acme, "GET", f"/v1/events?after={cursor}").json()["data"]
        assert event["event"] == "run.cancelled"
        assert call(service, acme, "POST", "/v1/webhooks/test", {"url": DEAD}).json()["code"] == "held"
        assert "rundun_held 1\n" in call(service, acme, "GET", "/metrics").text
        assert "1 wait; “rundun live”" in rundun(tmp_path, "check", **SETTINGS).output
        assert "1 delivery goes out" in done(rundun(tmp_path, "live"))
        service.wait_for(r" delivery event=run.cancelled .*outcome=pending")
        assert "rundun_held 0\n" in call(service, acme, "GET", "/metrics").text


def test_journal_not_written(tmp_path: Path) -> None:
    settle_in(tmp_path, BOOLEAN)
    key_id = done(rundun(tmp_path, "keys", "list")).split()[0]
    journal = erasure_journal.journal_path(tmp_path / "rundun.db")
    with serving(tmp_path) as service:
        assert service.url
        journal.mkdir()  # nothing can be appended to it
        refused = rundun(tmp_path, "keys", "revoke", key_id)
        assert refused.exit_code == 1 and "try again" in refused.output
        assert "revoked" in done(rundun(tmp_path, "keys", "list")), "it is done all the same"
        service.wait_for("the erasure journal can't be written")
        journal.rmdir()
        done(rundun(tmp_path, "keys", "revoke", key_id))
        assert {entry.id for entry in journal_file.read(journal)} == {key_id}
        service.kill()
    journal.unlink()
    (folder := tmp_path / "backups").mkdir()
    with serving(tmp_path, backup_folder=str(folder)) as service:
        assert service.url
        assert [entry.id for entry in journal_file.read(journal)] == [key_id], "a lost one grows again"
        until(lambda: [entry.id for entry in journal_file.read(folder / journal.name)] == [key_id])
        service.kill()
    journal.unlink()
    (folder / journal.name).unlink()
    assert "erasures and revocations are copied to" in rundun(tmp_path, "check", backup_folder=str(folder)).stdout
    journal_file.append(journal, [JournalEntry("key", key_id, 1)], tmp_path)
    told = rundun(tmp_path, "check", backup_folder=str(folder)).stdout
    assert "WRONG  journal: Of 1 erasures and revocations 1 are not in " in told
