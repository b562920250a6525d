"""Open runs whose receiver is refused, as `python -m rundun check` and the console's page of health name them."""

from pathlib import Path
from typing import Any

import pytest

from rundun.maintenance import diagnostics
from rundun.maintenance.diagnostics import Finding
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator
from tests.helpers.network.addresses import own_address
from tests.helpers.processes.service_process import beside
from tests.helpers.service import BOOLEAN, Ed, World, settings_for, world

NAMES = {"inside.example": ["127.0.0.1"], "fine.example": ["93.184.215.14"], "mixed.example": ["127.0.0.1", "10.1.1.1"]}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str) -> list[str]:
        if host in NAMES:
            return NAMES[host]
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", resolve)


async def sent_to(w: World, *urls: str) -> list[Ed]:
    template_id = await w.template(BOOLEAN)
    return [await w.dispatch(template_id, webhook={"url": url}) for url in urls]


def receivers(w: World, folder: Path, **more: Any) -> list[Finding]:
    """What is found once nothing is allowed any more, as after an upgrade that refuses more than before."""
    report = diagnostics.report(settings_for(folder, webhooks__allow=[]), w.clock, **more)
    assert report.is_fine, "a tenant may not turn the administrator's check red"
    return [one for one in report.findings if one.name == "receivers"]


async def test_open_runs_whose_receiver_is_refused_are_named(tmp_path: Path) -> None:
    own = own_address()
    host = f"[{own}]" if ":" in own else own
    async with world(tmp_path, webhooks__allow=[own, "127.0.0.0/8"]) as w:
        assert receivers(w, tmp_path) == []
        runs = await sent_to(w, f"http://{host}:9901/hook?token=hidden", "http://fine.example/", "http://10.1.1.1/")
        runs += await sent_to(w, "https://inside.example/", "http://mixed.example/", "http://gone.example/")
        closed, *more = await sent_to(w, *["http://127.0.0.1:1/"] * 8)
        await w.acme.post(f"/v1/runs/{closed.run_id}/cancel", json={})
        short = [ed.run_id[2:10] for ed in (*runs, *more)]
        named = {one.text.partition(" is refused. ")[0].partition(": ")[2]: one for one in receivers(w, tmp_path)}
        length, where = 128 if ":" in own else 32, "under [webhooks] in rundun.toml, then restart."
        assert named[f"http://{own}:9901"].text.startswith("Acme ")
        assert named[f"http://{own}:9901"].text.endswith(
            f"{own} is an address of this machine. "
            f'To allow it, set allow = ["{own}/{length}"] {where} Open runs: {short[0]}.'
        )
        assert named["https://inside.example:443"].text.endswith(
            "inside.example leads to a forbidden address: 127.0.0.1 is a loopback address. "
            f'To allow it, set allow = ["127.0.0.1/32"] {where} Open runs: {short[3]}.'
        )
        assert named["http://127.0.0.1:1"].text.endswith(" and 2 more.")
        assert closed.run_id[2:10] not in named["http://127.0.0.1:1"].text
        assert named[""].text == "No address was found for gone.example."
        assert len(named) == 4
        assert {one.state for one in named.values()} == {"note"}
        assert "hidden" not in str(named)
        assert all(ed.run_id not in str(named) for ed in (*runs, *more))


async def test_where_all_is_well_it_is_said(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await sent_to(w, "http://fine.example/", "http://10.1.1.1/")
        assert receivers(w, tmp_path) == [Finding("receivers", "good", "Those of open runs may be sent to.")]
        (quick,) = receivers(w, tmp_path, seconds=0)
        assert quick.text == "Those of open runs may be sent to. 1 names of them were not looked up."


async def test_the_command_and_the_console_say_it_each_to_whom_it_concerns(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await sent_to(w, "http://127.0.0.1:1/")
        other = await w.globex.post("/v1/templates", json={"name": "Theirs", "steps": [BOOLEAN]})
        body = {"template_id": other.json()["id"], "webhook": {"url": "http://127.0.0.2:2/"}}
        assert (await w.globex.post("/v1/runs", json=body)).status_code == 201
        config = tmp_path / "strict.toml"
        config.write_text("[webhooks]\nallow = []\n")
        said = await beside(tmp_path, "check", "--config", str(config))
        wrong = [line.split()[1] for line in said.stdout.splitlines() if line.startswith("WRONG")]
        assert wrong == ["public_url:"], "nobody knows the name of this world; a refused receiver is a note"
        assert "http://127.0.0.1:1 is refused" in said.stdout and "http://127.0.0.2:2 is refused" in said.stdout
        found = receivers(w, tmp_path, org_id=w.acme_id)
        assert [one.text.partition(" is")[0].partition(": ")[2] for one in found] == ["http://127.0.0.1:1"]
        assert "Those of open runs may be sent to" in (await (await operator(w, "member")).get("/settings/health")).text


async def test_however_many_there_are_the_list_is_short_and_names_hang_for_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    let_go, asked = threading.Event(), []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        let_go.wait()
        return []

    async with world(tmp_path) as w:
        await sent_to(w, *[f"http://127.0.0.1:{port}/" for port in range(1, 31)])
        (named,) = await sent_to(w, "http://127.0.0.1:31/")

        def fill(tx: Tx) -> None:
            columns = "org_id, template_id, template_v, status, revision, seq, created_at, webhook_url, webhook_events"
            tx.db.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                f"INSERT INTO runs (id, {columns}, progress, webhook_destination) SELECT 'r-filler-' || i, {columns}, "
                "progress, org_id || ' http://slow' || i || '.example:80' FROM n, runs WHERE id = ?",
                (named.run_id,),
            )

        await w.database.write(fill)
        monkeypatch.setattr("rundun.webhook_addresses.system_resolver", resolve)
        monkeypatch.setattr(diagnostics, "LOOK_UP_SECONDS", 0.05)
        found = receivers(w, tmp_path)
        let_go.set()
    assert len(asked) == diagnostics.MAX_LOOK_UPS
    assert len(found) == diagnostics.RECEIVERS_NAMED + 2
    assert found[-2].text == "21 more receivers of open runs are refused."
    assert found[-1].text.endswith(" and 90 more.")
