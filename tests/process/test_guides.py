"""What the guides at /docs show works as it stands: their lines of shell, their settings, what they say of the code."""

import json
import re
import shlex
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest

from rundun import paths
from rundun.cli.main import main
from rundun.config.loader import SETTINGS, load
from rundun.config.settings import MCP_KEY
from rundun.core.templates.condition import MAX_DEPTH, MAX_SHORT_SEARCH, Group
from rundun.core.templates.steps import MAX_SLOTS
from rundun.core.templates.template import MAX_COMPARISONS, MAX_COMPARISONS_OF_STEP, MAX_SEARCH_COST, SEARCH_START
from rundun.web import public
from rundun.web.docs.inserts import README_SITE
from rundun.web.routes import starlette_app
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import ROOT, serving
from tests.helpers.service import World, pages

FOLDER = paths.templates() / "docs"
GUIDES = {file.name: file.read_text("utf-8") for file in sorted(FOLDER.glob("*.md"))}
SAMPLES = {file.name: file.read_text("utf-8") for file in sorted((FOLDER / "samples").iterdir())}
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JOINS = {"&", "&&", "|", ";", ">"}


def snippets(language: str, *guides: str) -> list[str]:
    texts = [GUIDES[name] for name in guides or GUIDES]
    return [code for text in texts for shown, _, code in FENCE.findall(text) if shown == language]


def titled(title: str) -> str:
    """What the quick start shows under that title."""
    (code,) = [code for _, shown, code in FENCE.findall(GUIDES["quick-start.md"]) if shown.strip() == title]
    return code


def prose(name: str) -> str:
    """A guide's words, in one line."""
    return " ".join(FENCE.sub("", GUIDES[name]).split())


# ---- the command line and the settings


def found(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words call, and what is left of them."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def calls() -> Iterator[list[str]]:
    """The words behind each `rundun` in lines of shell, however it is called there."""
    for shell in (*snippets("sh"), *(text for name, text in SAMPLES.items() if name.endswith(".sh"))):
        for line in re.findall(
            r"^(?!make )(?:.*[ /])?rundun(?:-\*\.pyz)? ([a-z].*)$", shell.replace("\\\n", " "), re.MULTILINE
        ):
            words = shlex.split(line, comments=True)
            yield words[: next((number for number, word in enumerate(words) if word in JOINS), None)]


@pytest.mark.parametrize("words", list(calls()), ids=" ".join)
def test_each_command_that_is_shown_is_taken_by_the_command_line(words: list[str]) -> None:
    command, rest = found(words)
    assert not isinstance(command, click.Group), words
    command.make_context(words[0], rest)


@pytest.mark.parametrize("name", GUIDES)
def test_each_command_that_is_named_exists(name: str) -> None:
    for call in re.findall(r"`rundun ([a-z][^`]*)`", prose(name)):
        command, rest = found(call.split())
        assert not isinstance(command, click.Group), call
        options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= options, call
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)(?:\w+=\S+ )?make ([a-z]+)", GUIDES[name], re.MULTILINE)) <= targets


def test_the_settings_that_are_shown_are_settings(tmp_path: Path) -> None:
    shown = snippets("toml")
    assert len(shown) >= 4
    for number, snippet in enumerate(shown):
        for value in re.findall(r'^tls_\w+ = "(.+)"', snippet, re.MULTILINE):
            (tmp_path / Path(value).name).touch()
            snippet = snippet.replace(value, str(tmp_path / Path(value).name))
        for value in re.findall(r'^folder = "(.+)"', snippet, re.MULTILINE):
            snippet = snippet.replace(value, str(tmp_path))
        file = tmp_path / f"{number}.toml"
        file.write_text(snippet)
        assert tomllib.loads(snippet) and load(file, {}) != load(environment={})


@pytest.mark.parametrize("name", GUIDES)
def test_the_settings_that_are_named_are_settings(name: str) -> None:
    known = {one.key for one in SETTINGS}
    sections = {key.partition(".")[0] for key in known}
    named = {one for one in re.findall(r"`([a-z]+\.[a-z_]+)`", prose(name)) if one.partition(".")[0] in sections}
    assert named - known <= {"retention.paused", "database.migrated", "runs.json"}  # lines of the log, a file
    assert set(re.findall(r"\bRUNDUN_[A-Z_]+", GUIDES[name])) <= {one.variable for one in SETTINGS} | {MCP_KEY}
    for variable, value in re.findall(r"^(RUNDUN_\w+)=(\S+) make", GUIDES[name], re.MULTILINE):
        assert load(environment={variable: value}) != load(environment={})


# ---- the API


def routes() -> set[str]:
    listed = starlette_app(pages().assets, None).routes
    return {f"{method} {one.path}" for one in listed for method in getattr(one, "methods", None) or () if method}


async def test_the_api_at_a_glance_is_all_of_it(w: World) -> None:
    page = (await w.browser().get("/docs/api")).text
    shown = re.findall(r'<span class="method \w+">(\w+)</span> <code>([^<]+)</code>', page)
    wanted = {route for route in routes() if " /v1/" in route and not route.startswith("HEAD")}
    assert {" ".join(one) for one in shown} == wanted and len(shown) == len(wanted)


@pytest.mark.parametrize("name", GUIDES)
def test_each_operation_that_is_named_exists(name: str) -> None:
    assert set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]+)[^`]*`", prose(name))) <= routes()
    titles = [title.strip() for _, title, _ in FENCE.findall(GUIDES[name])]
    assert {title for title in titles if re.match(r"[A-Z]+ /", title)} <= routes()


def test_limits_that_are_told_in_words_are_so() -> None:
    language = prose("template-language.md")
    rules = Group.model_fields["rules"].metadata
    assert [one.max_length for one in rules if hasattr(one, "max_length")] == [50]
    assert (MAX_COMPARISONS_OF_STEP, MAX_DEPTH, MAX_COMPARISONS, MAX_SLOTS) == (50, 5, 2000, 10)
    assert (MAX_SEARCH_COST, SEARCH_START, MAX_SHORT_SEARCH) == (25_000_000, 10, 500_000)
    assert "a group of at most 50 `rules` that are comparisons or groups, joined by `and` or `or`, up to 5" in language
    assert "with at most 50 comparisons to a step and 2,000 in the template" in language
    assert "slots`, up to 10" in language
    assert "never as more than 500,000, and all of them together may be 25,000,000" in language
    assert set(re.findall(r"`GET (/[a-z]+)`", prose("health.md"))) == {
        route.path for route in public.ROUTES if route.path != "/" and "{" not in route.path
    }


def test_what_is_said_once_is_not_said_again_elsewhere() -> None:
    said = defaultdict(set)
    for name in GUIDES:
        for sentence in re.split(r"(?<=[.:;])\s", re.sub(r"[\[\]*]|\]\([^)]*\)|\| ", "", prose(name))):
            if len(sentence.split()) >= 8:
                said[sentence].add(name)
    assert {sentence: names for sentence, names in said.items() if len(names) > 1} == {}


# ---- lines of curl, against a service


def test_lines_to_paste_do_what_the_guides_say(tmp_path: Path, shell: Any) -> None:
    with serving(tmp_path) as service:
        key = service.wait_for(r"rdk_live_\w+")[0]

        def paste(lines: str, **known: str) -> Any:
            for name in known:
                lines = re.sub(rf"^{name}=.*$", "", lines, flags=re.MULTILINE)
            values = "".join(f"{name}={value}\n" for name, value in {"KEY": key, **known}.items())
            return shell(values + re.sub("^KEY=.*$", "", lines, flags=re.MULTILINE).replace(README_SITE, service.url))

        templates = paste(titled("Which checklists there are"))["data"]
        assert {one["name"] for one in templates} == {"Vehicle hand-over", "Short-term rental turnover"}
        run = paste(titled("Dispatch"), TEMPLATE=templates[0]["id"])
        assert httpx2.get(run["link"], timeout=PATIENCE).status_code == 200
        record = paste(titled("Read the record"), RUN=run["run_id"])
        assert (record["status"], record["executor_ref"]) == ("pending", "booking_12345")
        assert record["template"]["name"] == templates[0]["name"]

        (again,) = snippets("sh", "requests.md")
        repeated = [paste(again, TEMPLATE=templates[0]["id"])["run_id"] for _ in range(2)]
        assert repeated[0] == repeated[1] != run["run_id"]

        (patch,) = [lines for lines in snippets("sh", "deliveries.md") if "PATCH" in lines]
        assert paste(patch, RUN=run["run_id"])["webhook"]["url"] == json.loads(patch.split("'")[1])["webhook"]["url"]
        (erase,) = [lines for lines in snippets("sh", "keep-and-forget.md") if "curl" in lines]
        listed = paste(erase)
        assert listed["runs"] == [] and listed["digest"]

        made = paste(
            f"curl -s {README_SITE}/v1/templates -H 'Authorization: Bearer '$KEY "
            f"-H 'Content-Type: application/json' -d {shlex.quote(titled('POST /v1/templates'))}"
        )
        assert made["v"] == 1 and made["warnings"] == []
