"""What the README shows works as it stands."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import click
import httpx2
import pytest
from http_message_signatures import InvalidSignature

from rundun.cli.main import main
from rundun.config.loader import SETTINGS, load
from rundun.core.condition import MAX_DEPTH, MAX_SHORT_SEARCH, Group
from rundun.core.template import MAX_COMPARISONS, MAX_COMPARISONS_OF_STEP, MAX_SEARCH_COST, SEARCH_START
from rundun.core.webhook_signature import sign
from rundun.web import public
from rundun.web.routes import starlette_app
from tests.helpers.patience import PATIENCE
from tests.helpers.service import pages

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (ROOT / "templates/docs/commands.md").read_text("utf-8")


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
        shown = tomllib.loads(snippet).get("server", {})
        for name in ("tls_certificate", "tls_key"):
            if name in shown:
                pem = tmp_path / Path(shown[name]).name
                pem.touch()
                snippet = snippet.replace(shown[name], str(pem))
        file = tmp_path / f"{number}.toml"
        file.write_text(snippet)
        loaded = load(file, {})
        assert loaded.public_url == "https://check.example.com" if shown else loaded != load(environment={})
    for variable, value in re.findall(r"`(RUNDUN_\w+)=([^`]+)`", TEXT):
        assert load(environment={variable: value}) != load(environment={})


def test_what_it_links_to_in_this_folder_exists():
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert targets and all((ROOT / target).exists() for target in targets)


def test_the_make_targets_it_names_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", TEXT, re.MULTILINE)) <= targets


def test_the_routes_it_names_are_all_there_are():
    shown = set(re.findall(r"^\| `([A-Z]+ /v1/[^`]*)` \|", TEXT, re.MULTILINE))
    routes = [route for route in starlette_app(pages().assets, None).routes if route.path.startswith("/v1/")]
    assert shown == {f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"}}


def test_what_it_says_beside_the_routes_is_so():
    """Limits and answers that are told in words, against the code that has them."""
    rules = Group.model_fields["rules"].metadata
    assert [one.max_length for one in rules if hasattr(one, "max_length")] == [50]
    assert (MAX_COMPARISONS_OF_STEP, MAX_DEPTH) == (50, 5)
    assert (MAX_COMPARISONS, MAX_SEARCH_COST, SEARCH_START, MAX_SHORT_SEARCH) == (2000, 25_000_000, 10, 500_000)
    assert "of at most 50 `rules` that are comparisons or groups, up to 5 deep, with at most 50" in TEXT
    assert set(re.findall(r"`GET (/[a-z]+)`", TEXT)) == {
        route.path for route in public.ROUTES if route.path != "/" and "{" not in route.path
    }
    (counted,) = [one.help for one in SETTINGS if one.key == "webhooks.per_destination"]
    assert "for each organization" in counted
    assert "All but `serve` and `restore` also work beside a running service" in COMMANDS


def test_the_commands_of_the_docs_are_all_there_are():
    shown = {}
    for cell in re.findall(r"^\| (`[a-z].*?`) \|", COMMANDS, re.MULTILINE):
        words = cell.replace("`", " ").replace("[", " ").replace("]", " ").split()
        path = tuple(word for word in words[:2] if re.fullmatch("[a-z]+(-[a-z]+)*", word))
        if path:
            shown[path] = {word for word in words if word.startswith("--")}
    assert shown == {
        path: {
            option for one in command.params for option in [*one.opts, *one.secondary_opts] if option.startswith("--")
        }
        - {"--config", "--database"}
        for path, command in leaves(main)
    }


def leaves(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


# ---- the first start, as a person has it


@pytest.fixture
def service(tmp_path):
    """A first start in an empty folder: where it listens, and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rundun", "serve", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        printed = ""
        while "link it answers with" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        yield printed
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_the_line_a_first_start_prints_works_pasted_as_it_is(service, shell):
    pasted = service[service.index("curl ") : service.index("and open the link")]
    run = shell(pasted)
    page = httpx2.get(run["link"], timeout=PATIENCE)
    assert page.status_code == 200 and "Short-term rental turnover" in page.text


def test_the_first_dispatch_works_with_the_lines_of_the_readme(service, shell):
    listing, dispatch, reading = [lines for lines in snippets("sh") if "curl" in lines]
    key = re.search(r"rdk_live_\w+", service)[0]
    where = re.search(r"http://127.0.0.1:\d+", service)[0]

    def ask(lines, **known):
        for name, value in known.items():
            lines = re.sub(rf"^{name}=.*$", "", lines, flags=re.MULTILINE)
            lines = f"{name}={value}\n{lines}"
        return shell(lines.replace("http://127.0.0.1:8000", where))

    templates = ask(listing, KEY=key)["data"]
    assert {one["name"] for one in templates} == {"Vehicle hand-over", "Short-term rental turnover"}
    run = ask(dispatch, KEY=key, TEMPLATE=templates[0]["id"])
    record = ask(reading, KEY=key, RUN=run["run_id"])
    assert (record["status"], record["executor_ref"]) == ("pending", "booking_12345")
    assert record["template"]["name"] == templates[0]["name"]


def test_a_copy_made_while_it_serves_is_whole(service, tmp_path):
    (command,) = re.findall(r"run `rundun (backup copy\.db)`", TEXT)
    copy = tmp_path / "copy.db"
    subprocess.run([sys.executable, "-m", "rundun", *command.split()], cwd=tmp_path, check=True, timeout=PATIENCE)
    listed = subprocess.run(
        [sys.executable, "-m", "rundun", "orgs", "list", "--database", str(copy)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "My organization" in listed.stdout, listed.stderr
