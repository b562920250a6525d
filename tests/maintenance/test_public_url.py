"""What `check` finds out by asking for its own public address, as phones would."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rundun.config.loader import load
from rundun.maintenance import reachability
from rundun.maintenance.diagnostics import Finding
from tests.helpers.network import certificate_authority
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import done, rundun, serving
from tests.helpers.service import settings_for

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MOVED = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"


@contextmanager
def answering(answer: bytes | None, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen on a port, and give one client this answer, or one that never ends; yields the port and what was asked."""
    asked: list[bytes] = []
    let_go = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_one() -> None:
        try:
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE)
            with context.wrap_socket(plain, server_side=True) if context else plain as wire:
                asked.append(wire.recv(65536))
                wire.sendall(answer or b"HTTP/1.1 200 OK\r\nx: ")
                for _ in range(0 if answer else 500):
                    wire.sendall(b"x")
                    if let_go.wait(0.01):
                        break
        except OSError:  # who does not trust the certificate goes away
            pass

    thread = threading.Thread(target=answer_one)
    thread.start()
    with closing(listener):
        try:
            yield listener.getsockname()[1], asked
        finally:
            let_go.set()
            thread.join(PATIENCE)


def found(folder: Path, url: str, *, is_served: bool = True, **flags: Any) -> tuple[str, str]:
    settings = settings_for(folder, server__public_url=url, **flags)
    (one,) = reachability._public_url(settings, is_served=is_served)
    assert one.name == "public_url"
    return one.state, one.text


def test_a_name_without_an_address_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str) -> list[str]:
        if host == "gone.example":
            raise socket.gaierror
        return ["192.0.2.1"]

    monkeypatch.setattr("rundun.webhook_addresses.system_resolver", resolve)
    done(rundun(tmp_path, "init"))
    told = rundun(tmp_path, "check", server_public_url="https://gone.example")
    assert told.exit_code == 1
    assert "WRONG  public_url: No address was found for gone.example, with which links begin." in told.stdout
    told = rundun(tmp_path, "check", server_public_url="https://here.example")
    assert (told.exit_code, "public_url: " in told.stdout) == (0, False), "without a service nobody has to answer"


def test_the_answer_is_told_and_no_redirect_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(OK) as (port, asked):
        url = f"http://127.0.0.1:{port}"
        assert found(tmp_path, url) == ("good", f"{url} answers.")
        assert asked[0].startswith(b"GET /r/sw.js HTTP/1.1\r\n")
    refused = f"GET {url}/r/sw.js is refused: nothing listens there. {reachability.OTHERWISE}"
    assert found(tmp_path, url) == ("wrong", refused)
    with answering(MOVED) as (port, _):
        url = f"http://127.0.0.1:{port}"
        told = f"GET {url}/r/sw.js answers 302 instead of 200. {reachability.OTHERWISE}"
        assert found(tmp_path, url) == ("wrong", told)
    with answering(b"SSH-2.0\r\n") as (port, _):
        state, text = found(tmp_path, f"http://127.0.0.1:{port}")
        assert state == "wrong" and "/r/sw.js does not answer in HTTP. " in text
    monkeypatch.setattr(reachability, "SECONDS", 0.3)
    with answering(None) as (port, _):
        state, text = found(tmp_path, f"http://127.0.0.1:{port}")
        assert state == "note" and ("does not answer within 0.3 seconds" in text or "timed out" in text)


def test_its_certificate_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = certificate_authority.made_in(tmp_path)
    context = authority.context("127.0.0.1")
    with answering(OK, context) as (port, asked):
        state, text = found(tmp_path, f"https://127.0.0.1:{port}")
    assert (state, asked) == ("note", [])
    assert "/r/sw.js has a certificate that is not trusted: unable to get local issuer certificate" in text
    with answering(OK, context) as (port, _):
        state, text = found(tmp_path, f"https://127.0.0.1:{port}", webhooks__ca_file=str(authority.ca_file))
    assert (state, " answers; its certificate ends 20" in text) == ("note", True)
    monkeypatch.setattr(reachability, "ENDS_SOON", 0)
    with answering(OK, context) as (port, _):
        assert found(tmp_path, f"https://127.0.0.1:{port}", webhooks__ca_file=str(authority.ca_file))[0] == "good"


def test_its_certificate_is_judged_as_browsers_do(tmp_path: Path) -> None:
    """Python asks for more from 3.13 on: that each names the key that has signed it."""
    authority = certificate_authority.made_in(tmp_path, identifies_keys=False)
    with answering(OK, authority.context("127.0.0.1")) as (port, _):
        text = found(tmp_path, f"https://127.0.0.1:{port}", webhooks__ca_file=str(authority.ca_file))[1]
    assert " answers; its certificate ends 20" in text


def test_an_address_that_nobody_has_set_is_not_asked() -> None:
    assert list(reachability._public_url(load(environment={}), is_served=True)) == []


def test_a_second_service_with_the_same_settings_is_told_that_there_is_one(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        host, port = service.url.removeprefix("http://").split(":")
        assert f" listens={host}:{port} " in service.text
        again = rundun(tmp_path, "serve", "--port", port)
        assert (again.exit_code, again.stderr) == (1, f"Error: Another process is serving {tmp_path}/rundun.db.\n")
        again = rundun(tmp_path, "serve", "--port", port, database="other.db")
        assert "is taken by another program" in again.stderr
        assert Finding("service", "good", f"Process {service.process.pid} serves this database.") in [
            *reachability.examine(settings_for(tmp_path), [])
        ]
        service.kill()
    assert rundun(tmp_path, "check").stdout.count("note   service: No service serves this database.") == 1
