"""/docs says what is so: its samples run, its pages have everything there is, and people can read them."""

import json
import re
import shlex
import urllib.error
import uuid
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest

from rundun import paths
from rundun.config.loader import SETTINGS
from rundun.core.runs import event
from rundun.core.templates import steps, translation_rules
from rundun.core.templates.condition_rules import OPERATORS
from rundun.core.templates.rules import read_template
from rundun.web.docs.inserts import README_SITE
from rundun.web.docs.openapi.document import EXAMPLES, ROUTES, document
from rundun.web.docs.openapi.reference import models, operations
from rundun.web.docs.pages import PAGES
from rundun.wording.problem_codes import PROBLEMS
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.processes.service_process import Serving, done, rundun, serving
from tests.helpers.service import BOOLEAN, World

SAMPLES = paths.templates() / "docs" / "samples"


SITE = "http://rundun.test"


class Reader(HTMLParser):
    """What a page says, where it leads to, and what can be led to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.links, self.ids = "", [], []  # type: ignore[var-annotated]
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.words += " " if tag in ("td", "th", "li", "dd") else ""
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        self.ids += [given["id"]] if given.get("id") else []
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("script", "style") and "src" not in given:
            self.inline.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


async def read(w: World, path: str) -> Reader:
    response = await w.browser().get(path)
    assert response.status_code == 200, path
    return Reader(response.text)


def address(path: str) -> str:
    return f"/docs/{path}" if path else "/docs"


async def test_every_page_is_there_and_every_link_leads_somewhere(w: World) -> None:
    seen = {address(path): await read(w, address(path)) for path in PAGES}
    for where, page in seen.items():
        assert not page.inline, where
        assert len(page.ids) == len(set(page.ids)), where
        for link in page.links:
            target, _, anchor = link.partition("#")
            target = target or where
            if target in seen:
                assert not anchor or anchor in seen[target].ids, f"{where} leads to {link}"
            elif not link.startswith(("https://", "data:")):
                assert (await w.browser().get(target)).status_code == 200, f"{where} leads to {link}"
    assert (await w.browser().get("/docs/nothing")).status_code == 404
    assert "/docs" in (await read(w, "/")).links


async def test_a_guide_is_found_by_the_name_of_its_file_too(w: World) -> None:
    for page in PAGES.values():
        stem, _, kind = page.template.partition(".")
        for path in (stem, page.template) if kind == "md" else ():
            found = await w.browser().get(f"/docs/{path}", follow_redirects=True)
            assert (found.status_code, found.url.path) == (200, address(page.path))


def test_links_between_guides_lead_somewhere_as_files_too() -> None:
    folder = paths.templates() / "docs"
    for guide in folder.glob("*.md"):
        text = re.sub(r"^```.*?^```$", "", guide.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)]+)\)", text):
            target, _, part = link.partition("#")
            if not link.startswith(("https://", "#")):
                assert (folder / target).is_file(), f"{guide.name} leads to {link}"
            if part and target.endswith((".py", ".json")):
                assert re.search(rf"^class {part}\b|\"{part}\":", (folder / target).read_text("utf-8"), re.MULTILINE), (
                    link
                )


async def test_a_guide_has_the_title_of_its_page_and_says_what_it_is_for(w: World) -> None:
    for page in PAGES.values():
        html = (await w.browser().get(address(page.path))).text
        assert [escape(page.title)] == [re.sub("<[^>]+>", "", one) for one in re.findall("<h1.*?</h1>", html)]
        assert html.count('<p class="lead">') == 1, page.path
    assert {page.template for page in PAGES.values()} >= {
        file.name for file in (paths.templates() / "docs").glob("*.md")
    }


async def test_pages_are_kept_until_they_change_and_allow_nothing_from_elsewhere(w: World) -> None:
    client = w.browser(**{"accept-encoding": "gzip"})
    response = await client.get("/docs/concepts")
    assert response.headers["content-encoding"] == "gzip"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    again = await client.get("/docs/concepts", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = await client.get("/docs/concepts", headers={"accept-encoding": "identity"})
    assert plain.text == response.text


async def test_every_code_is_explained(w: World) -> None:
    listed = await read(w, "/docs/errors")
    for code, problem in PROBLEMS.items():
        meaning, remedy = problem.meaning, problem.remedy
        assert meaning.endswith(".") and remedy.endswith(".")
        page = await read(w, f"/problems/{code}")
        assert meaning in page.words and remedy in page.words
        assert f"/problems/{code}" in listed.links and meaning in listed.words
    places = document()["components"]["schemas"]["Place"]["properties"]["code"]["enum"]
    assert all(code in listed.words for code in places)


async def test_every_route_is_in_the_reference_with_a_line_to_paste(w: World) -> None:
    shown = {f"{one.method} {one.path}": one for one in operations(SITE)}
    assert set(shown) == {f"{route.method} {route.path}" for route in ROUTES}
    for call, one in shown.items():
        page = await read(w, f"/docs/reference/{one.subject.lower()}")
        assert one.path in page.words and one.curl in page.words, call
        assert one.name in page.ids
        words = shlex.split(one.curl)
        assert words[0] == "curl"
        assert words[words.index("-X") + 1 if "-X" in words else 0] in (one.method, "curl")
        (url,) = [word for word in words if word.startswith(SITE)]
        assert re.fullmatch(SITE + re.sub(r"\{\w+\}", r"(\\$[A-Z]+|ph-[0-9a-f-]+)", one.path), url)
        if "-d" in words:
            example = EXAMPLES[one.name]["request"]
            body = words[words.index("-d") + 1].replace("$TEMPLATE", example.get("template_id", ""))
            assert json.loads(body) == example
        assert ("Authorization: Bearer $KEY" in words) == one.needs_key
    schemas = await read(w, "/docs/reference/schemas")
    assert set(document()["components"]["schemas"]) <= set(schemas.ids)
    for model in models():
        assert all(row.description or not model.rows for row in model.rows), model.name


async def test_every_event_setting_step_type_and_operator_is_there(w: World) -> None:
    webhooks, sent = await read(w, "/docs/webhooks"), await read(w, "/docs/reference/events-sent")
    for name in (*event.EVENTS, *event.ON_REQUEST, event.TEST):
        assert name in webhooks.words and name in sent.ids
    service = await read(w, "/docs/service")
    for one in SETTINGS:
        assert one.key in service.words and one.variable in service.words
    language = await read(w, "/docs/templates")
    assert "pic- and a SHA-256" in language.words and "pic- and a UUID" not in language.words
    types = {get_args(one.model_fields["type"].annotation)[0] for one in get_args(get_args(steps.Step)[0])}
    assert {f"type-{name}" for name in types} == {one for one in language.ids if one.startswith("type-")}
    for texts in translation_rules.MAX_LENGTHS.values():
        assert all(name in language.words for name in texts)
    for name in (*OPERATORS, "answered", "skipped"):
        assert re.search(rf"\b{name}\b", language.words), name


async def test_the_words_are_explained(w: World) -> None:
    concepts = await read(w, "/docs/concepts")
    wanted = [
        "template",
        "run",
        "executor",
        "step",
        "integrator",
        "organization",
        "event",
        "delivery",
        "attempt",
        "operator",
        "administrator",
    ]
    assert set(wanted) <= set(concepts.ids)


def test_the_templates_it_shows_are_templates() -> None:
    files = sorted(SAMPLES.glob("*.json"))
    assert len(files) >= 6
    for file in files:
        read_template(json.loads(file.read_text("utf-8")), lambda prefix: prefix + uuid.uuid4().hex[:8])


@pytest.fixture
def service(tmp_path: Path) -> Any:
    done(rundun(tmp_path, "orgs", "create", "Acme"))
    with serving(tmp_path) as one:
        assert one.url  # a command beside its start would take the lock first
        yield one


def key_and_template(folder: Path, *steps: dict[str, Any], **more: Any) -> tuple[str, str]:
    file = folder / "check.json"
    file.write_text(json.dumps({"name": "Check", "steps": steps, **more}))
    key = done(rundun(folder, "keys", "create", "--org", "Acme", "--name", "docs"))
    return key, done(rundun(folder, "templates", "import", str(file), "--org", "Acme"))


def filled(name: str, service: Serving, known: dict[str, str]) -> dict[str, Any]:
    """A Python sample once its reader has filled in what is theirs."""
    code = (SAMPLES / name).read_text("utf-8")
    for old, new in known.items():
        assert old in code
        code = code.replace(old, new)
    names: dict[str, Any] = {}
    exec(compile(code.replace(README_SITE, service.url), name, "exec"), names)
    return names


def test_a_front_end_of_ones_own_does_a_run(service: Serving, tmp_path: Path) -> None:
    photographed = {**BOOLEAN, "photo": {"min": 1}}
    key, template_id = key_and_template(tmp_path, photographed, execution={"identity_required": "name"})
    headers = {"authorization": f"Bearer {key}"}
    made = httpx2.post(
        f"{service.url}/v1/runs", json={"template_id": template_id}, headers=headers, timeout=PATIENCE
    ).json()
    names = filled("front_end.py", service, {"http://127.0.0.1:8000/r/r-…": made["link"]})
    assert names["do_everything"](images.jpeg())["status"] == "completed"
    record = httpx2.get(f"{service.url}/v1/runs/{made['run_id']}", headers=headers, timeout=PATIENCE).json()
    assert record["status"] == "completed" and record["identity"]["name"] == "Ed"
    assert len(record["answers"]["s-ok"]["photos"]) == 1


class Enough(Exception):
    """The reader stops."""


def test_the_feed_is_followed_and_nothing_comes_twice(
    service: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key, template_id = key_and_template(tmp_path, BOOLEAN)
    with httpx2.Client(base_url=service.url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE) as client:
        for _ in range(3):
            run_id = client.post("/v1/runs", json={"template_id": template_id}).json()["run_id"]
            client.post(f"/r/{run_id}/start", json={})
        seen: list[str] = []

        def handle(one: dict[str, Any]) -> None:
            if len(seen) == 3:
                raise Enough
            seen.append(one["event"])
            if len(seen) == 3:
                client.post(f"/v1/runs/{one['run_id']}/cancel", json={})

        follow = filled("follow.py", service, {"rdk_live_…": key})["follow"]
        with pytest.raises(Enough):
            follow(handle)
        assert seen == ["run.started"] * 3

        def stop(one: dict[str, Any]) -> None:
            seen.append(one["event"])
            raise Enough

        with pytest.raises(Enough):
            follow(stop)
        assert seen[3:] == ["run.cancelled"], "the cursor was kept, and what was not handled comes again"
    stranger = filled("follow.py", service, {"rdk_live_…": "rdk_live_" + "x" * 32})["follow"]
    with pytest.raises(urllib.error.HTTPError):
        stranger(stop)
