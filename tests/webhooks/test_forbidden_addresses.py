"""Where nothing is sent, through the whole service: at the dispatch, at a test, and when it is dialled. Names are
looked up by a resolver of the test's own; no story leaves this machine.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.network import certificate_authority
from tests.helpers.network.addresses import NEVER, PRIVATE, own_address
from tests.helpers.service import BOOLEAN, Receiver, World, answering, world
from tests.helpers.webhooks import hooked
from tests.webhooks import test_client

ODD = """
    127.1 127.0.1 2130706433 0x7f000001 017700000001 0x7f.1 0177.0.0.1 127.0.0.1. 0251.0376.0251.0376 2852039166
    0xa9fea9fe 169.254.43518 １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1 [::ffff:7f00:1] [0:0:0:0:0:ffff:169.254.169.254]
    [::FFFF:127.0.0.1] [64:FF9B::a9fe:a9fe] 0 00.0x0.0
""".split()  # noqa: SIM905 - a table is read, a list of strings is not

Resolve = Callable[[str], list[str]]


def nobody(host: str) -> list[str]:
    raise AssertionError(f"{host} is looked up")


@asynccontextmanager
async def guarded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, resolve: Resolve = nobody, **flags: Any
) -> AsyncIterator[World]:
    """A Rundun that sends nothing to this machine, and asks `resolve` about names."""
    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", resolve)
    async with world(folder, **{"webhooks__allow": [], **flags}) as w:
        yield w


async def refused(w: World, template_id: str, url: str) -> str:
    """The sentence with which a dispatch and a test both refuse `url`."""
    dispatch = await w.acme.post("/v1/runs", json={"template_id": template_id, "webhook": {"url": url}})
    trial = await w.acme.post("/v1/webhooks/test", json={"url": url})
    w.clock.forward(seconds=6)  # ten tests a minute
    for answer, pointer in ((dispatch, "/webhook/url"), (trial, "/url")):
        assert (answer.status_code, answer.json()["code"]) == (422, "address_not_allowed"), (url, answer.text)
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert dispatch.json()["detail"] == trial.json()["detail"]
    return str(dispatch.json()["detail"])


async def test_no_forbidden_address_is_dispatched_to_or_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with guarded(tmp_path, monkeypatch, webhooks__allow_private=False) as w:
        template_id = await w.template(BOOLEAN)
        for address in [*NEVER, *PRIVATE]:
            if "%" not in address:
                host = f"[{address}]" if ":" in address else address
                assert 'set allow = ["' in await refused(w, template_id, f"http://{host}:8080/hook")
        for host in ODD:
            assert 'set allow = ["' in await refused(w, template_id, f"http://{host}/hook")
        zoned = {"template_id": template_id, "webhook": {"url": "http://[fe80::1%25eth0]/"}}
        assert (await w.acme.post("/v1/runs", json=zoned)).json()["errors"][0]["code"] == "bad_format"
        assert (await w.acme.get("/v1/runs")).json()["data"] == []


async def test_no_address_of_this_machine_is_dispatched_to_or_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rundun's own port among them, were it bound to all; unless the administrator has named it."""
    address = own_address()
    host = f"[{address}]" if ":" in address else address
    async with guarded(tmp_path, monkeypatch, lambda name: [address]) as w:
        template_id = await w.template(BOOLEAN)
        for name in (host, "self.example"):
            detail = await refused(w, template_id, f"http://{name}:8000/metrics")
            assert f"{address} is an address of this machine. To allow it, set allow = [" in detail
    async with world(tmp_path, webhooks__allow=[address]) as w:
        ed = await hooked(w, f"http://{host}:9/", events=["run.started"])
        await w.deliver()
        (attempt,) = (await w.deliveries(ed))[0]["attempts"]
        assert attempt["error"] == "The connection failed: Connection refused."


async def test_a_name_is_refused_for_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "inside.example": ["127.0.0.1"],
        "metadata.example": ["169.254.169.254", "fd00:ec2::254"],
        "translated.example": ["64:ff9b::7f00:1"],
        "scoped.example": ["fe80::1%eth0"],
    }
    async with guarded(tmp_path, monkeypatch, names.__getitem__) as w:
        template_id = await w.template(BOOLEAN)
        for name in names:
            assert (await refused(w, template_id, f"https://{name}/")).startswith(
                f"{name} leads to a forbidden address: {names[name][0].partition('%')[0]} is "
            )
        assert (await w.acme.get("/v1/runs")).json()["data"] == []


async def test_a_dead_name_is_a_warning_and_one_that_hangs_waits_two_seconds_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()

    def resolve(host: str) -> list[str]:
        if host == "hangs.example":
            let_go.wait()
        raise OSError(-2, "Name or service not known")

    async with guarded(tmp_path, monkeypatch, resolve) as w:
        template_id = await w.template(BOOLEAN)
        loop = asyncio.get_running_loop()
        for host, words in (("dead.example", "was not found"), ("hangs.example", "not resolved within 2 s")):
            began = loop.time()
            body = {"template_id": template_id, "webhook": {"url": f"http://{host}/"}}
            answer = await w.acme.post("/v1/runs", json=body)
            assert answer.status_code == 201
            (warning,) = [one for one in answer.json()["warnings"] if one["code"] == "webhook_unresolved"]
            assert words in warning["detail"]
            assert loop.time() - began < 3
        let_go.set()
        trial = (await w.acme.post("/v1/webhooks/test", json={"url": "http://dead.example/"})).json()
        assert (trial["ok"], trial["status"]) == (False, None)
        assert "was not found" in trial["error"]


async def test_a_name_that_is_bound_anew_after_the_dispatch_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is judged, this machine when it is dialled, at each attempt."""
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    async with Receiver().listening() as receiver, guarded(tmp_path, monkeypatch, resolve) as w:
        url = receiver.url.replace("127.0.0.1", "rebound.example")
        ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": url, "events": ["run.started"]})
        w.clock.forward(seconds=10)  # so long a name is known
        await ed.start()
        await w.deliver()
        for delay in (30, 120):
            w.clock.forward(seconds=delay * 1.1)
            await w.deliver()
        (delivery,) = await w.deliveries(ed)
        assert len(delivery["attempts"]) == 3
        for attempt in delivery["attempts"]:
            assert attempt["error"] == (
                "rebound.example leads to a forbidden address: 127.0.0.1 is a loopback address. "
                'To allow it, set allow = ["127.0.0.1/32"] under [webhooks] in rundun.toml, then restart.'
            )
            assert (attempt["status"], attempt["response_excerpt"]) == (None, None)
        assert len(asked) == 4
        assert receiver.received == []


async def test_a_redirect_to_a_forbidden_address_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver may be sent to, where it points to may not; neither a delivery nor a test goes on."""
    async with Receiver().listening() as inside, Receiver().listening() as receiver:
        inside_url = inside.url.replace("127.0.0.1", "127.0.0.2")
        for status in ("301 Moved", "302 Found", "303 Look", "307 Same", "308 Same"):
            receiver.answer = answering(status, f"Location: {inside_url}")
            folder = tmp_path / status[:3]
            folder.mkdir()
            async with guarded(folder, monkeypatch, webhooks__allow=["127.0.0.1/32"]) as w:
                ed = await hooked(w, receiver.url, events=["run.started"])
                await w.deliver()
                (attempt,) = (await w.deliveries(ed))[0]["attempts"]
                trial = (await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})).json()
            assert (attempt["status"], trial["status"]) == (int(status[:3]),) * 2
            assert attempt["error"] == trial["error"] == (f"The answer was {status[:3]}. Redirects are not followed.")
        assert inside.received == []


async def test_a_receiver_of_ones_own_authority_is_trusted_with_its_file_alone(tmp_path: Path) -> None:
    own = certificate_authority.made_in(tmp_path)
    async with test_client.receiver(tls=own.context("127.0.0.1")) as receiver:
        for ca_file in (str(own.ca_file), None):
            folder = tmp_path / ("with" if ca_file else "without")
            folder.mkdir()
            async with world(folder, webhooks__ca_file=ca_file) as w:
                ed = await hooked(w, receiver.url, events=["run.started"])
                await w.deliver()
                trial = (await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})).json()
                (attempt,) = (await w.deliveries(ed))[0]["attempts"]
            assert trial["ok"] == (attempt["error"] is None) == (ca_file is not None)
            if ca_file is None:
                assert attempt["error"].startswith("The certificate was not accepted: ")
        assert len(receiver.requests) == 2
