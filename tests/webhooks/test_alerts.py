"""What the operator is told when a delivery has failed for good, and how often."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rundun.actions.deliveries import alerts as alert_actions
from rundun.actions.deliveries.alerts import TEST
from rundun.config import loader
from rundun.config.loader import ConfigError
from rundun.errors import Problem
from rundun.maintenance import diagnostics
from rundun.store.organizations import quotas as quota_rows
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx
from tests.helpers.alerts import DEAD, Office, office
from tests.helpers.processes.service_process import beside, rundun
from tests.helpers.service import BOOLEAN, Clock, Receiver, World, answering, settings_for, world
from tests.helpers.webhooks import hooked, verify

SECRET = "an alert's secret"


@pytest.fixture
async def operator() -> AsyncIterator[Receiver]:
    async with Receiver().listening() as one:
        yield one


async def test_a_delivery_that_fails_for_good_is_told_once(tmp_path: Path, operator: Receiver) -> None:
    async with (
        office(tmp_path, operator, alerts__secret=SECRET, webhooks__retry_delays_seconds=[30]) as it,
        Receiver(answering("500 Oops")).listening() as receiver,
    ):
        (ed,) = await it.fail(receiver.url + "?token=hidden")
        await it.alerts.tick()
        assert it.told() == [], "it is not over yet"
        it.w.clock.forward(seconds=33)
        await it.w.deliver()
        (delivery,) = await it.w.deliveries(ed)
        await it.alerts.tick()
        about = (await it.w.acme.get("/v1/organization")).json()
        assert it.told() == [
            {
                "alert": "delivery.failed",
                "public_url": it.w.settings.public_url,
                "delivery_id": delivery["delivery_id"],
                "organization": {"id": it.w.acme_id, "name": about["name"]},
                "run": ed.run_id[2:10],
                "event": "run.started",
                "event_id": delivery["event_id"],
                "destination": receiver.url.removesuffix("/hook"),
                "attempts": 2,
                "status": 500,
                "error": "The answer was 500.",
                "last_attempt_at": "2026-01-01T00:00:33Z",
                "left_out": 0,
            }
        ]
        (request,) = operator.received
        verify(operator.url, request, SECRET)
        assert ed.run_id not in request.body.decode(), "while it is open its id is its link"
        for _ in range(3):
            it.w.clock.forward(hours=1)
            await it.alerts.tick()
        assert len(operator.received) == 1


async def test_a_quota_that_is_nearly_used_up_is_told_once_and_again_after_it_was_less(
    tmp_path: Path, operator: Receiver
) -> None:
    clock = Clock()

    async def use(it: Office, share: float) -> None:
        used = (await it.w.database.read(quota_rows.get, acme_id)).used
        await it.w.database.write(quota_rows.put, acme_id, int(used / share))
        await it.alerts.tick()

    async with office(tmp_path, operator, clock, alerts__secret=SECRET) as it:
        acme_id = it.w.acme_id
        await it.w.template(BOOLEAN)
        await use(it, 0.79)
        assert it.told() == []
        await use(it, 0.81)
        about = (await it.w.acme.get("/v1/organization")).json()
        assert it.told() == [
            {
                "alert": "quota.near",
                "public_url": it.w.settings.public_url,
                "organization": {"id": acme_id, "name": about["name"]},
                "bytes_used": about["bytes_used"],
                "bytes_quota": about["bytes_quota"],
            }
        ]
        verify(operator.url, operator.received[0], SECRET)
        await use(it, 1.5)
        assert len(operator.received) == 1, "they know"
        metrics = (await it.w.browser().get("/metrics")).text
        assert "\nrundun_organizations_near_quota 1\n" in metrics
    async with office(tmp_path, operator, clock) as it:
        await it.alerts.tick()
        assert len(operator.received) == 1, "a restart does not forget that"
        await use(it, 0.5)
        content, operator.answer = operator.answer, answering("500 Oops")
        await use(it, 0.9)
        operator.answer = content
        await it.alerts.tick()
        assert len(operator.received) == 2, "a minute of rest"
        clock.forward(seconds=60)
        await it.alerts.tick()
        assert [one["alert"] for one in it.told()] == ["quota.near"] * 3, "until it arrives"
        await it.alerts.tick()
        assert len(operator.received) == 3
        await it.w.database.write(quota_rows.put, acme_id, 0)
        assert "\nrundun_organizations_near_quota 0\n" in (await it.w.browser().get("/metrics")).text


async def test_an_alert_can_be_tried_out(tmp_path: Path, operator: Receiver) -> None:
    async def said(*flags: str) -> str:
        checked = await beside(tmp_path, "check", *flags)
        return "".join(line for line in checked.stdout.splitlines() if "  alert: " in line)

    async with office(tmp_path, operator, alerts__secret=SECRET) as it:
        assert await said() == "" and operator.received == []
        at = f"A test alert arrived at {operator.url.removesuffix('hook')}…, signed with alerts.secret: 204 after "
        assert (await said("--alert")).startswith(f"ok     alert: {at}")
        (request,) = operator.received
        assert request.json == {
            "alert": TEST,
            "public_url": it.w.settings.public_url,
            "sent_at": "2026-01-01T00:00:00Z",
        }
        verify(operator.url, request, SECRET)
        operator.answer = answering("404 Not Found")
        told = f"The test alert to {operator.url.removesuffix('hook')}… did not arrive. The answer was 404."
        assert await said("--alert") == f"WRONG  alert: {told}"
        assert not await it.w.database.read(alert_actions.has_alert), "it is not sent again"
        await it.w.database.write(service_state.put, service_state.HELD_SINCE, it.w.clock())
        told = "WRONG  alert: No test alert was sent. After a restore nothing goes out, "
        assert (await said("--alert")).startswith(told)
        assert len(operator.received) == 2
    environment = {"alerts_url": operator.url, "webhooks_allow": "127.0.0.0/8"}
    for given, told in ((environment, "No test alert was sent: only a running"), ({}, "alerts.url is not set, so")):
        checked = rundun(tmp_path, "check", "--alert", **given)
        assert checked.exit_code == 1 and f"\nWRONG  alert: {told}" in checked.stdout


async def test_attempts_by_hand_are_not_told(tmp_path: Path, operator: Receiver) -> None:
    async with office(tmp_path, operator) as it:
        (ed,) = await it.fail()
        await it.alerts.tick()
        (delivery,) = await it.w.deliveries(ed)
        await it.w.acme.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", json={})
        await it.w.deliver()
        assert len((await it.w.deliveries(ed))[0]["attempts"]) == 2
        await it.alerts.tick()
        assert len(operator.received) == 1
        assert "signature" not in operator.received[0].headers


async def test_what_arrives_is_not_told(tmp_path: Path, operator: Receiver) -> None:
    async with office(tmp_path, operator) as it, Receiver().listening() as receiver:
        await it.fail(receiver.url)
        await it.alerts.tick()
        assert operator.received == []


async def test_many_failures_are_few_alerts(tmp_path: Path, operator: Receiver) -> None:
    async with office(tmp_path, operator) as it:
        await it.fail(count=25)
        await it.alerts.tick()
        assert [one["left_out"] for one in it.told()] == [0] * 9 + [15]
        assert len({one["delivery_id"] for one in it.told()}) == 10
        await it.fail(count=5)
        await it.alerts.tick()
        assert len(operator.received) == 10, "ten a minute"
        it.w.clock.forward(seconds=6)
        await it.alerts.tick()
        assert [one["left_out"] for one in it.told()[10:]] == [4]
        it.w.clock.forward(seconds=60)
        await it.fail(count=3)
        await it.alerts.tick()
        assert [one["left_out"] for one in it.told()[11:]] == [0, 0, 0]


async def test_an_alert_that_does_not_arrive_is_logged_and_tried_again(
    tmp_path: Path, operator: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async with office(tmp_path, operator) as it:
        content, operator.answer = operator.answer, answering("500 Oops")
        await it.fail(count=3)
        for _ in range(5):
            await it.alerts.tick()
            it.w.clock.forward(seconds=10)
        assert len(operator.received) == 1, "and nothing else is tried meanwhile"
        (line,) = [one for one in caplog.records if one.getMessage() == "alert.not_sent"]
        assert (line.fields["status"], line.fields["error"]) == (500, "The answer was 500.")  # type: ignore[attr-defined]
        operator.answer = content
        it.w.clock.forward(seconds=10)
        await it.alerts.tick()
        assert len({one["delivery_id"] for one in it.told()}) == 3
        assert it.told()[0] == it.told()[1], "the same again"
        assert (await it.w.acme.get("/v1/organization")).json()["deliveries_failed"] == 3, "it makes no deliveries"


async def test_an_alert_does_not_rest_until_a_clock_that_was_ahead(tmp_path: Path, operator: Receiver) -> None:
    async with office(tmp_path, operator) as it:
        content, operator.answer = operator.answer, answering("500 Oops")
        await it.fail()
        it.w.clock.forward(hours=365 * 24)
        await it.alerts.tick()
        it.w.clock.forward(hours=-365 * 24)
        operator.answer = content
        await it.alerts.tick()
        assert len(it.told()) == 2


async def test_a_restart_forgets_no_alert(tmp_path: Path, operator: Receiver) -> None:
    clock = Clock()
    async with office(tmp_path, operator, clock) as before:
        await before.fail()
    async with office(tmp_path, operator, clock) as after:
        await after.alerts.tick()
        assert len(operator.received) == 1
        await after.alerts.tick()
        assert len(operator.received) == 1


async def test_an_alert_goes_nowhere_it_must_not(
    tmp_path: Path, operator: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its name has led elsewhere when the service was started."""
    led_to = ["93.184.215.14"]
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", lambda host: led_to)
    async with office(tmp_path, operator) as it:
        await it.fail()
    url = operator.url.replace("127.0.0.1", "office.example")
    async with office(tmp_path, operator, alerts__url=url, webhooks__allow=[]) as it:
        led_to[:] = ["127.0.0.1"]
        await it.alerts.tick()
    assert operator.received == []
    (line,) = [one for one in caplog.records if one.getMessage() == "alert.not_sent"]
    assert "loopback" in line.fields["error"]  # type: ignore[attr-defined]


async def test_without_an_address_nothing_is_kept_to_be_told(w: World) -> None:
    ed = await hooked(w, DEAD, events=["run.started"])

    def wanted(tx: Tx) -> int:
        return int(tx.db.execute("SELECT count(*) FROM deliveries WHERE wants_alert").fetchone()[0])

    for seconds in (0, 33, 132, 660, 3960):
        w.clock.forward(seconds=seconds)
        await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "failed"
    assert await w.database.read(wanted) == 0


async def test_what_waited_to_be_told_may_be_gone_since_somebody_looked(w: World) -> None:
    for for_all in (False, True):
        assert await w.database.read(alert_actions.make_next_alert, for_all=for_all) is None


async def test_what_waits_to_be_told_is_found_by_an_index(w: World) -> None:
    def plan(tx: Tx) -> str:
        query = "EXPLAIN QUERY PLAN SELECT number FROM deliveries WHERE wants_alert ORDER BY number LIMIT 1"
        return " / ".join(step["detail"] for step in tx.db.execute(query).fetchall())

    assert await w.database.read(plan) == "SCAN deliveries USING INDEX deliveries_to_tell"


async def test_an_address_of_no_use_is_refused_at_the_start(tmp_path: Path, operator: Receiver) -> None:
    with pytest.raises(Problem, match=r"^alerts\.url: The URL's port must be"):
        async with world(tmp_path, alerts__url="http://127.0.0.1:99999/"):
            pass


@pytest.mark.parametrize("url", ["ops@example.com", "ftp://example.com/", "https://a b/", "https://me@example.com/"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.url in .* must be `https://…`"):
        loader.load(environment={"RUNDUN_ALERTS_URL": url})


def test_a_secret_of_no_use_is_named_but_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        loader.load(environment={"RUNDUN_ALERTS_SECRET": "hush hush"})
    (problem,) = caught.value.problems
    assert problem.startswith("alerts.secret in the environment (RUNDUN_ALERTS_SECRET) is not usable;")
    assert "hush" not in problem


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("http://127.0.0.1:9/x", 'alerts.url: 127.0.0.1 is a loopback address. To allow it, set allow = ["'),
        ("http://[::ffff:169.254.169.254]/", "alerts.url: 169.254.169.254 is a link-local address, where clouds keep"),
        ("http://office.example/", "alerts.url: office.example leads to a forbidden address: 127.0.0.1 is a loopback"),
    ],
)
async def test_an_address_that_alerts_may_not_go_to_is_refused_at_the_start_and_by_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, detail: str
) -> None:
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", lambda host: ["127.0.0.1"])
    async with world(tmp_path):
        pass
    flags = {"alerts__url": url, "webhooks__allow": []}
    with pytest.raises(Problem) as refused:
        async with world(tmp_path, **flags):
            pass
    assert refused.value.detail.startswith(detail)
    report = diagnostics.report(settings_for(tmp_path, **flags), Clock())
    assert [(one.state, one.text) for one in report.findings if one.name == "alerts"] == [
        ("wrong", refused.value.detail)
    ]


async def test_a_name_that_leads_nowhere_now_does_not_hold_up_the_start(
    tmp_path: Path, operator: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Names are looked up again when there is something to tell."""
    names: dict[str, list[str]] = {}
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", lambda host: names.get(host, []))
    url = operator.url.replace("127.0.0.1", "office.example")
    async with office(tmp_path, operator, alerts__url=url) as it:
        (line,) = [one for one in caplog.records if one.message == "alerts.unresolved"]
        assert line.levelname == "WARNING"
        (found,) = [one for one in diagnostics.report(it.w.settings, it.w.clock).findings if one.name == "alerts"]
        assert (found.state, found.text) == ("note", "alerts.url: no address was found for office.example.")
        names["office.example"] = ["127.0.0.1"]
        it.w.clock.forward(seconds=30)
        await it.fail()
        await it.alerts.tick()
        assert len(it.told()) == 1
        (found,) = [one for one in diagnostics.report(it.w.settings, it.w.clock).findings if one.name == "alerts"]
        assert (found.state, found.text) == (
            "good",
            f"They go to {url.removesuffix('/hook')}/…; rundun check --alert tries it.",
        )
