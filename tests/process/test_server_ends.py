"""How the HTTP server starts, listens and stops."""

import json
import signal
import socket
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rundun.config.loader import ServiceSettings, load
from rundun.config.settings import ServerSettings
from rundun.errors import Problem
from rundun.server import ConnectionLimits, bind, serve
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.server import QUICK, SLOW, everything, request, seconds_until_closed, until


def test_on_sigterm_long_polls_return_at_once_and_the_rest_is_closed_in_order(service):
    one = service(SLOW)
    with one.connect() as poll, one.connect() as idle:
        idle.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        until(idle, b'"http"]')
        poll.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.next() == {"event": "waiting"}
        one.process.send_signal(signal.SIGTERM)
        assert b" 200 OK" in everything(poll)
        assert everything(idle) == b""
    code, said, err = one.stop()
    assert code == 0 and err == ""
    assert [line["event"] for line in said] == ["told", "closed", "ended"]


def test_what_does_not_end_in_time_is_cut_and_everything_still_closed(service):
    one = service(SLOW)
    with one.connect() as wire:
        wire.sendall(request("/forever"))
        assert one.next() == {"event": "waiting"}
        one.process.send_signal(signal.SIGINT)
        start = time.monotonic()
        code, said, err = (one.process.wait(PATIENCE), [json.loads(line) for line in one.process.stdout], one.stop()[2])
        assert time.monotonic() - start < 5
    assert code == 0 and [line["event"] for line in said] == ["told", "disconnected", "closed", "ended"]
    assert '"shutdown.cut"' in err and "Traceback" not in err


def test_asked_twice_it_stops_at_once_and_still_closes_everything(service):
    one = service(ConnectionLimits(stopping=60))
    with one.connect() as wire:
        wire.sendall(request("/forever"))
        assert one.next() == {"event": "waiting"}
        one.process.send_signal(signal.SIGINT)
        assert one.next() == {"event": "told"}
        one.process.send_signal(signal.SIGINT)
        one.process.wait(PATIENCE)
        code, said, _ = one.stop()
    assert code == 0 and [line["event"] for line in said] == ["disconnected", "closed", "ended"]


def test_a_closed_terminal_stops_it_in_order(service):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a parent that ignores it, as nohup does, passes that on
    try:
        one = service(SLOW)
    finally:
        signal.signal(signal.SIGHUP, before)
    with one.connect() as poll:
        poll.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.next() == {"event": "waiting"}
        one.process.send_signal(signal.SIGHUP)
        assert b" 200 OK" in everything(poll)
    code, said, err = one.stop()
    assert code == 0 and err == ""
    assert [line["event"] for line in said] == ["told", "closed", "ended"]


def test_below_nohup_it_outlives_its_terminal(service):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as children inherit it
    try:
        one = service(SLOW)
    finally:
        signal.signal(signal.SIGHUP, before)
    one.process.send_signal(signal.SIGHUP)
    assert b" 200 OK" in one.ask(request("/who"))
    assert one.stop()[0] == 0


def test_an_application_that_does_not_start_is_told(service):
    one = service(SLOW, broken=True)
    assert one.process.wait(PATIENCE) == 0
    code, said, err = one.stop()
    assert (code, said) == (0, [{"event": "ended", "ok": False}])
    assert "no database" in err


def test_only_trusted_proxies_say_who_the_client_is(service):
    claim = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    assert b'["203.0.113.9", "https"]' in service(SLOW).ask(request("/who", *claim))
    for trusted in ("[]", "10.0.0.0/8"):
        one = service(SLOW, flags={"server.trusted_proxies": trusted})
        assert b'["127.0.0.1", "http"]' in one.ask(request("/who", *claim))


def test_it_serves_https_by_itself(service, certificate):
    chain, key = certificate
    one = service(QUICK, flags={"server.tls_certificate": chain, "server.tls_key": key})
    trust = ssl.create_default_context(cafile=chain)
    with one.connect() as plain, closing(trust.wrap_socket(plain, server_hostname="localhost")) as wire:
        wire.sendall(request("/who"))
        assert everything(wire).endswith(b'["127.0.0.1", "https"]')
    with one.connect() as plain, closing(trust.wrap_socket(plain, server_hostname="localhost")) as wire:
        wire.sendall(b"GET / HT")
        assert 0.3 < seconds_until_closed(wire)[0] < 3


def test_a_certificate_that_is_none_is_told_in_a_sentence(tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    settings = load(environment={}, flags={"server.tls_certificate": str(broken), "server.port": 0})
    sockets = bind("127.0.0.1", 0)
    with pytest.raises(Problem, match="TLS certificate or key cannot be used"):
        serve(None, settings, sockets)


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for localhost, and its key."""
    chain, key = str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(secret, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    Path(chain).write_bytes(made.public_bytes(pem))
    Path(key).write_bytes(secret.private_bytes(pem, form, serialization.NoEncryption()))
    return chain, key


def test_a_taken_port_and_a_foreign_address_are_told_with_what_to_do():
    (taken,) = bind("127.0.0.1", 0)
    with closing(taken):
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {port} on 127.0.0.1 is taken .* --port"):
            bind("127.0.0.1", port)
    for host in ("192.0.2.77", "no.such.host.invalid"):
        with pytest.raises(Problem, match="no address of this machine"):
            bind(host, 0)


def test_all_addresses_means_ipv4_as_well():
    (both,) = bind("::", 0)
    with closing(both), closing(socket.create_connection(("127.0.0.1", both.getsockname()[1]), timeout=PATIENCE)):
        pass


def test_settings_can_be_made_without_any_source():
    assert ServiceSettings(server=ServerSettings(port=8123)).public_url == "http://127.0.0.1:8123"
