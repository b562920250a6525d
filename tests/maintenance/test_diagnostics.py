"""`python -m rundun check`, and the console's page of health: what is in force, and what has to be mended."""

import json
import re
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from rundun.core import times
from rundun.core.text import size
from rundun.maintenance import diagnostics
from rundun.maintenance.https_health import certificate_ends_at
from rundun.store.organizations import quotas as quota_rows
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator
from tests.helpers.files.database import make_empty
from tests.helpers.processes.service_process import done, rundun, serving
from tests.helpers.service import BOOLEAN, NOON, Clock, Receiver, World, answering, settings_for

GEO = {"id": "s-here", "type": "text", "label": "Where?", "geo": True}
CODE = {"id": "s-code", "type": "barcode", "label": "Code"}
NASTY = "<script>alert(1)</script>\"'"
Usage = namedtuple("Usage", "total used free")


def check(folder: Path, **settings: str) -> tuple[int, dict[str, str], list[str]]:
    """Exit code, settings, and the lines of the findings."""
    result = rundun(folder, "check", **settings)
    assert result.stderr == "", result.stderr
    first, _, second = result.stdout.partition("\n\n")
    given = dict(line.split(" = ", 1) for line in first.splitlines()[1:])
    return result.exit_code, given, second.splitlines()


def about(lines: list[str], name: str) -> str:
    """The one line about something."""
    (found,) = [line for line in lines if f" {name}: " in line]
    return found


@pytest.fixture(autouse=True)
def names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", lambda host: ["93.184.216.34"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_empty(tmp_path / "rundun.db")
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    return tmp_path


def change(folder: Path, sql: str) -> None:
    db = connection.open_writer(folder / "rundun.db")
    db.execute(sql)
    db.close()


def test_all_is_well_and_secrets_are_starred(folder: Path) -> None:
    code, given, lines = check(
        folder,
        alerts_secret="never seen anywhere",
        alerts_url="https://alerts.example.com/hooks/T0KEN",
        webhooks_allow="127.0.0.0/8",
        server_public_url="https://check.example.com",
    )
    assert code == 0, lines
    assert given["alerts.secret"] == "********"
    assert given["alerts.url"] == '"https://alerts.example.com/…"'
    assert given["webhooks.allow"] == '["127.0.0.0/8"]'
    assert given["webhooks.allow_private"] == "true"
    assert given["server.tls_key"] == "not set"
    assert len(given) == len(diagnostics.SETTINGS)
    assert "T0KEN" not in "".join([*given.values(), *lines])
    assert "never seen" not in "".join([*given.values(), *lines])
    assert all(line.startswith(("ok ", "note ")) for line in lines)
    assert "journal mode wal" in about(lines, "database")
    assert "no damage" in about(lines, "integrity")
    assert "0 pending, 0 failed." in about(lines, "deliveries")
    assert about(lines, "service").startswith("note   service: No service serves this database.")
    assert about(lines, "keys") == "note   keys: No API key works; make one with rundun keys create."
    document = json.loads(rundun(folder, "check", "--json", webhooks_allow="127.0.0.0/8,10.0.0.1").stdout)
    allowed = {"value": ["127.0.0.0/8", "10.0.0.1/32"], "source": "environment"}
    assert document["settings"]["webhooks.allow"] == allowed


def test_it_works_beside_a_running_service_and_without_a_database(tmp_path: Path) -> None:
    result = rundun(tmp_path, "check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no database" in result.stderr
    with serving(tmp_path) as service:
        assert service.url
        code, _, lines = check(tmp_path)
        assert code == 0, lines
        assert "only this machine can open" in about(lines, "address")
        assert about(lines, "service") == f"ok     service: Process {service.process.pid} serves this database."
        assert not any(" keys: " in line for line in lines)


def test_a_damaged_file_is_told(folder: Path) -> None:
    db = connection.open_writer(folder / "rundun.db")
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'deliveries_next'").fetchone()[0]
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    with (folder / "rundun.db").open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xff" * 8192)
    code, _, lines = check(folder)
    assert code == 1
    assert about(lines, "integrity").startswith("WRONG")
    assert not any(" keys: " in line for line in lines), "of a damaged file nothing else is known"


def test_a_file_that_others_may_read_is_told_and_kept_to_its_owner_when_served(folder: Path) -> None:
    path = folder / "rundun.db"
    files = [path, folder / "rundun.db-wal", folder / "rundun.db-shm"]
    assert about(check(folder)[2], "access") == "ok     access: Only its owner can read it."
    with serving(folder) as killed:
        assert killed.url
        killed.kill()
    for file in files:
        file.chmod(0o644)
    code, _, lines = check(folder)
    names = ", ".join(file.name for file in files)
    assert (code, about(lines, "access")) == (
        1,
        f"WRONG  access: Other users can read {names} with all its secrets: chmod 600.",
    )
    with serving(folder) as service:
        assert service.url
        (line,) = [line for line in service.err if "other users could read" in line]
        assert " warning " in line and ", ".join(map(str, files)) in line
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        code, _, lines = check(folder)
        assert (code, about(lines, "access").split()[0]) == (0, "ok")
    with serving(folder) as service:
        assert service.url
        assert "others" not in service.text, "once is enough"


def test_a_clock_that_was_set_back_is_told(folder: Path) -> None:
    change(folder, "UPDATE organizations SET created_at = 4102444800000")
    code, _, lines = check(folder)
    assert code == 1
    assert about(lines, "clock").startswith("WRONG")
    assert "the newest time in the file is 2100-01-01T00:00:00Z" in about(lines, "clock")


@pytest.mark.parametrize(("free", "state", "code"), [(63 << 20, "WRONG", 1), (64 << 20, "note", 0), (2 << 30, "ok", 0)])
def test_little_room_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str, code: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free))
    found = check(folder)
    assert (found[0], about(found[2], "disk").split()[0]) == (code, state)


def test_steps_that_plain_http_breaks_are_named(folder: Path) -> None:
    file = folder / "check.json"
    file.write_text(json.dumps({"name": "Rooms", "steps": [BOOLEAN, GEO, CODE]}))
    plain = "http://192.168.7.7:8000"
    done(rundun(folder, "templates", "import", str(file), "--org", "Acme"))
    for number in range(11):
        file.write_text(json.dumps({"name": f"Door {number}", "steps": [CODE]}))
        done(rundun(folder, "templates", "import", str(file), "--org", "Acme"))
    code, _, lines = check(folder, server_public_url=plain)
    assert code == 0
    named = ", ".join(f"Door {number}" for number in range(10, 0, -1))
    assert about(lines, "address").endswith(
        f"on plain HTTP, phones give no position and do not scan live. Asked for in {named} and 2 more."
    ), "one line, since there is one cause"
    _, _, lines = check(folder, server_public_url="https://check.example.com")
    assert not any("Door" in line for line in lines)


# ---- certificates


def pem(ends: datetime, *, named: int = 1) -> str:
    """A certificate that ends then, with so many names."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, "a" * 60) for _ in range(named)]
    builder = x509.CertificateBuilder(x509.Name(names), x509.Name(names)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(datetime(1990, 1, 1, tzinfo=UTC))
    made = builder.not_valid_after(ends.replace(tzinfo=None)).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    "ends",
    [
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("named", [1, 5])
def test_the_end_of_a_certificate_is_read(ends: datetime, named: int) -> None:
    at = int(ends.timestamp()) * 1000
    text = pem(ends, named=named)
    assert certificate_ends_at(text.encode()) == at
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    assert certificate_ends_at(f"{key}{text}{pem(datetime(2030, 1, 1, tzinfo=UTC))}".encode()) == at, (
        "the first one counts"
    )


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_what_is_no_certificate_is_refused(cut: int) -> None:
    lines = pem(datetime(2030, 1, 1, tzinfo=UTC)).splitlines()
    body = "".join(lines[1:-1])[:cut]
    with pytest.raises(ValueError, match="certificate"):
        certificate_ends_at(f"{lines[0]}\n{body}\n{lines[-1]}\n".encode())


@pytest.mark.parametrize(
    ("days", "state", "code", "said"), [(-1, "WRONG", 1, "ended"), (13, "note", 0, "ends"), (90, "ok", 0, "ends")]
)
def test_when_the_certificate_ends_is_told(folder: Path, days: int, state: str, code: int, said: str) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    (folder / "chain.pem").write_text(pem(ends))
    found = check(folder, server_tls_certificate=str(folder / "chain.pem"))
    line = about(found[2], "certificate")
    assert (found[0], line.split()[0]) == (code, state)
    assert line.endswith(f"{said} {ends.replace(tzinfo=None).isoformat()}Z.")
    (folder / "chain.pem").write_text("Dear Ed")
    assert check(folder, server_tls_certificate=str(folder / "chain.pem"))[0] == 1


# ---- deliveries


async def test_deliveries_that_nobody_sends_are_told(w: World, receiver: Receiver, tmp_path: Path) -> None:
    receiver.answer = answering("410 Gone")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", True)
    await w.deliver()
    await ed.complete()
    w.clock.forward(seconds=600)

    def lines(**flags: Any) -> dict[str, diagnostics.Finding]:
        report = diagnostics.report(settings_for(tmp_path, **flags), w.clock)
        return {one.name: one for one in report.findings}

    assert lines()["deliveries"].state == "note"
    w.clock.forward(seconds=1)
    late = lines()["deliveries"]
    assert late.state == "wrong"
    assert late.text == (
        "1 pending, 1 failed. The oldest has been due since 2026-01-01T00:00:00Z. "
        "Either the service is not running, or a receiver does not answer."
    )


@pytest.mark.parametrize(
    ("sound", "is_external", "state"),
    [((99,), False, "good"), ((99,), True, "note"), ((3,), False, "good"), ((3,), True, "good")],
)
async def test_an_old_sqlite_is_a_note_where_another_program_checkpoints(
    w: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound: tuple[int], is_external: bool, state: str
) -> None:
    monkeypatch.setattr("rundun.store.housekeeping.SQLITE_SOUND", sound)
    report = diagnostics.report(settings_for(tmp_path, database__external_checkpoints=is_external), w.clock)
    (found,) = [one for one in report.findings if one.name == "sqlite"]
    assert (found.state, "checkpoint at once" in found.text) == (state, sound == (99,))


async def test_each_look_at_the_outbox_takes_the_index_meant_for_it(w: World) -> None:
    seen: list[str] = []

    def look(tx: Tx) -> list[str]:
        from rundun.actions import health

        tx.db.set_trace_callback(seen.append)
        health.read_health(tx, w.acme_id, 0)
        tx.db.set_trace_callback(None)
        asked = [one for one in seen if one.lstrip().startswith("SELECT") and "organizations" not in one]
        plans = [tx.db.execute(f"EXPLAIN QUERY PLAN {one}").fetchall() for one in asked]
        return [step["detail"] for plan in plans for step in plan]

    steps = await w.database.read(look)
    assert len(steps) > 5
    assert [one for one in steps if one.startswith("SCAN") and "CONSTANT" not in one and "proof" not in one] == []


async def test_who_may_fill_the_disk_and_who_nearly_has_is_told(w: World, tmp_path: Path) -> None:
    await w.template(BOOLEAN)
    bob = await operator(w, "member")
    use = (await w.database.read(quota_rows.get, w.acme_id)).used

    def told(**flags: Any) -> list[tuple[str, str]]:
        report = diagnostics.report(settings_for(tmp_path, **flags), w.clock)
        return [(one.state, one.text) for one in report.findings if one.name == "quota"]

    assert [state for state, _ in told()] == ["note"]
    assert told()[0][1].startswith("3 of 3 organizations may fill the disk for all")
    assert told(limits__organization_mebibytes=1) == []
    await w.database.write(quota_rows.put, w.acme_id, use)
    (several, full) = told()
    assert several[1].startswith("2 of 3 ")
    used = rf"has used {size(use)} of {size(use)}: new runs are refused\."
    assert re.fullmatch(rf"Acme \w+ \({w.acme_id}\) {used}", full[1])
    page = (await bob.get("/settings/health")).text
    assert re.search(f"This organization {used}", page)
    assert "may fill the disk" not in page, "which is none of their business"
    await w.database.write(quota_rows.put, w.acme_id, use // 2)
    assert told()[1][1].endswith(": new runs are refused, and phones as well.")


async def test_a_look_that_takes_too_long_is_given_up(tmp_path: Path, w: World) -> None:
    def fill(tx: Tx) -> None:
        tx.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
            "INSERT INTO secrets SELECT 'filler ' || i, zeroblob(40) FROM n"
        )

    await w.database.write(fill)
    report = diagnostics.report(w.settings, Clock(NOON), seconds=1e-9)
    (found,) = [one for one in report.findings if one.name == "integrity"]
    assert found.state == "note" and "too large" in found.text
    assert times.wire(NOON) in next(one.text for one in report.findings if one.name == "clock")
