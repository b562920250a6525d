"""What the README shows works as it stands."""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path

import pytest
from http_message_signatures import InvalidSignature

from rundun.config import load
from rundun.core.signature import sign

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")


def snippets(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_receivers_snippet_takes_what_rundun_signs_and_nothing_else():
    (code,) = snippets("python")
    receiver = {}
    exec(compile(code, "README.md", "exec"), receiver)
    secret, url, receive = receiver["SECRET"], receiver["URL"], receiver["receive"]
    body = json.dumps({"event": "run.completed", "seq": 9}).encode()
    now = int(time.time())

    assert receive(sign(secret, url, body, now), body) == {"event": "run.completed", "seq": 9}
    forgeries = [
        (sign("another secret", url, body, now), body),
        (sign(secret, url + "/elsewhere", body, now), body),
        (sign(secret, url, body, now), body + b" "),
        (sign(secret, url, body, now - 600), body),
        (sign(None, url, body, now), body),
        ({}, body),
    ]
    for headers, content in forgeries:
        with pytest.raises(InvalidSignature):
            receive(headers, content)


def test_the_settings_it_shows_are_settings(tmp_path):
    for number, snippet in enumerate(snippets("toml")):
        shown = tomllib.loads(snippet)["server"]
        for name in ("tls_certificate", "tls_key"):
            if name in shown:
                pem = tmp_path / Path(shown[name]).name
                pem.touch()
                snippet = snippet.replace(shown[name], str(pem))
        file = tmp_path / f"{number}.toml"
        file.write_text(snippet)
        assert load(file, {}).public_url == "https://check.example.com"
    for variable, value in re.findall(r"`(RUNDUN_\w+)=([^`]+)`", TEXT):
        assert load(environment={variable: value}) != load(environment={})


def test_what_it_links_to_in_this_folder_exists():
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert targets and all((ROOT / target).exists() for target in targets)


def test_the_make_targets_it_names_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", TEXT, re.MULTILINE)) <= targets
