"""Certificates of receivers."""

from pathlib import Path

import pytest

from rundun.webhooks.client import WebhookClient
from tests.helpers.network.certificate_authority import Authority, made_in
from tests.helpers.network.webhook_line import Clock, Line, letter, receiver, verify, webhook_client


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return made_in(tmp_path)


async def test_tls_with_an_authority_of_ones_own(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file), "resolver": lambda host: ["127.0.0.1"]}
    async with receiver(tls=authority.context("ed.example")) as ed, webhook_client(**settings) as it:
        result = await it.post(letter(f"https://ed.example:{ed.port}/a"))
        assert (result.ok, result.error, result.excerpt) == (True, None, "OK")
        assert authority.seen == ["ed.example"]
        verify(ed.requests[0])


async def test_tls_to_an_address(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file)}
    async with receiver(tls=authority.context("127.0.0.1")) as ed, webhook_client(**settings) as it:
        assert (await it.post(letter(ed.url))).ok


async def test_tls_with_a_certificate_for_another_name(authority: Authority) -> None:
    settings = {"ca_file": str(authority.ca_file), "resolver": lambda host: ["127.0.0.1"]}
    async with receiver(tls=authority.context("globex.example")) as ed, webhook_client(**settings) as it:
        result = await it.post(letter(f"https://ed.example:{ed.port}/a"))
        assert ed.requests == []
    assert (result.ok, result.unreachable) == (False, True)
    assert result.error is not None
    assert result.error.startswith("The certificate was not accepted: Hostname mismatch")


async def test_tls_with_an_authority_nobody_knows(authority: Authority) -> None:
    async with receiver(tls=authority.context("127.0.0.1")) as ed, webhook_client() as it:
        result = await it.post(letter(ed.url))
        assert ed.requests == []
    assert result.error is not None
    assert result.error.startswith("The certificate was not accepted: ")


async def test_https_to_a_plain_http_server() -> None:
    async def refuse(line: Line) -> None:
        await line.reader.read(1)
        line.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with receiver(speak=refuse) as ed, webhook_client() as it:
        result = await it.post(letter(f"https://127.0.0.1:{ed.port}/"))
    assert (result.ok, result.status, result.unreachable) == (False, None, True)
    assert result.error == "TLS failed: WRONG_VERSION_NUMBER."


def test_a_ca_file_of_no_use(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ValueError, match=r"webhooks\.ca_file"):
            WebhookClient(clock=Clock(), ca_file=str(file))
