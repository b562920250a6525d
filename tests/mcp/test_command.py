"""`rundun mcp` itself: where its key comes from, and what it refuses."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mcp import Client

import rundun.mcp.server
from rundun import paths
from rundun.cli.main import main
from rundun.mcp.api_client import ApiClient
from rundun.mcp.tools import INSTRUCTIONS, TOOLS
from rundun.mcp.views import MAX_CHARACTERS

KEY, OTHER = "rdk_live_" + "a" * 32, "rdk_live_" + "b" * 32
URL = "https://checks.example.com"
GUIDE = (paths.templates() / "docs" / "assistants.md").read_text("utf-8")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would be served."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(rundun.mcp.server, "serve", lambda url, key, **how: calls.append((url, key, *how.values())))
    return calls


def run(*arguments: str, key: str | None = None) -> Result:
    others = {name: None for name in os.environ if name.startswith("RUNDUN_")}
    return CliRunner().invoke(main, ["mcp", *arguments], env={**others, "RUNDUN_MCP_KEY": key})


def key_file(folder: Path, content: str = f"{KEY}\n", mode: int = 0o600) -> str:
    (folder / "key").write_text(content)
    (folder / "key").chmod(mode)
    return str(folder / "key")


def test_the_key_is_in_a_file_or_in_the_environment(served: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert run("--url", URL, key=KEY).output == ""
    assert run("--url", f"{URL}/", "--write", "--key-file", key_file(tmp_path), key=OTHER).output == ""
    assert served == [(URL, KEY, False, []), (URL, KEY, True, [])]
    assert run("--url", URL, "--key", KEY).exit_code == 2, "never an argument, which everybody here can read"


def test_what_others_can_read_is_warned_of(served: list[tuple[Any, ...]], tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost"):
        assert run("--url", url, key=KEY).output == ""
    told = run("--url", "http://192.168.0.2:8000", "--key-file", key_file(tmp_path, mode=0o644))
    assert told.stdout == "", "which is the protocol's"
    assert "chmod 600" in told.stderr and "readable on the way" in told.stderr
    assert [len(warnings) for *_, warnings in served] == [0, 0, 0, 2], "which an assistant is told too"


@pytest.mark.parametrize(
    "url", ["ftp://x", "checks.example.com", "https://u:p@x", "https://x/?a=1", "https://x:port", ""]
)
def test_what_is_no_address_is_refused(served: list[tuple[Any, ...]], url: str) -> None:
    told = run("--url", url, key=KEY)
    assert told.exit_code == 2 and "it must be an address" in told.stderr
    assert served == []


def test_without_a_key_nothing_is_served(served: list[tuple[Any, ...]], tmp_path: Path) -> None:
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----"
    for told, said in [
        (run("--url", URL), "There is no API key"),
        (run("--url", URL, key="rdk_live_short"), "RUNDUN_MCP_KEY holds no API key"),
        (run("--url", URL, "--key-file", key_file(tmp_path, secret)), "holds no API key"),
        (run("--url", URL, "--key-file", str(tmp_path / "none")), "cannot be read: No such file"),
    ]:
        assert told.exit_code == 1 and said in told.stderr and secret not in told.stderr
    assert served == []


async def test_an_assistant_is_told_what_is_warned_of() -> None:
    made = rundun.mcp.server.make_server(ApiClient(URL, KEY), may_write=False, warnings=["--url is http."])
    async with Client(made) as client:
        assert (
            client.instructions
            == f"{INSTRUCTIONS}\n\nTell the person you work for, before anything else: --url is http."
        )


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "rundun.mcp.server")
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server.context", None)
    told = run("--url", URL, key=KEY)
    assert told.exit_code == 1 and "pip install '.[mcp]'" in told.stderr


def test_the_guide_says_how_it_is_started(served: list[tuple[Any, ...]], tmp_path: Path) -> None:
    (config,) = re.findall(r"```json [^\n]*\n(.*?)```", GUIDE, re.DOTALL)
    (server,) = json.loads(config)["mcpServers"].values()
    assert server["command"].endswith("/rundun") and server["args"][0] == "mcp"
    given = [key_file(tmp_path) if one == "/path/to/key" else one for one in server["args"][1:]]
    assert run(*given).output == ""
    assert served == [("http://127.0.0.1:8000", KEY, False, [])]


def test_the_guide_has_every_tool() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", GUIDE, re.MULTILINE))
    assert rows == {name: "reads" if tool.effect == "reads" else "writes" for name, tool in TOOLS.items()}
    assert f"{MAX_CHARACTERS:,} characters" in GUIDE
